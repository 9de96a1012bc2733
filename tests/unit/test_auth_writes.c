/* tests/unit/test_auth_writes.c - what requests write: passwords, last logins, better stored passwords
 *
 * Everything is real: an SQLite file with the tables of the preset claviger, the driver, the threads,
 * the clock. What a manager does meanwhile is done behind our back, by site_sql().
 */
#include "auth/engine.h"
#include "common/clock.h"
#include "common/log.h"
#include "tests/unit/account_site.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Far more than any of this takes, on the slowest machine. */
#define PATIENCE_MS 20000

struct bench {
    struct site *site;
    const char *rehash;
    int64_t revalidate_ms;
    int64_t deadline_ms;                /* 0: five seconds */
    const char *make_scheme;
    struct cache *cache;
    struct auth *auth;
};

static struct account_source_config
config_of(const struct site *site)
{
    struct account_source_config config = site_config(site);

    config.preset = "claviger";
    config.last_login = true;
    config.last_login_every_ms = 1000;
    config.query_timeout_ms = 500;
    return config;
}

static void
make_tables(struct site *site)
{
    struct account_source *source;
    struct account_conn *conn = site_preset(site, "claviger", ACCOUNT_MAKES, &source);
    const struct account_who nobody = { 0 };
    size_t changed;

    assert_code(account_change(conn, ACCOUNT_SCHEMA, &nobody, soon_ms(), &changed, &site->err),
                ERROR_NONE, site);
    site_close(conn, source);
}

static void
add_ada(struct site *site)
{
    make_tables(site);
    site_sql(site, "INSERT INTO accounts (login, password) VALUES ('ada@example.org', '{PLAIN}old')");
}

static void
bench_start_on(struct bench *bench, struct site *site,
               const struct account_source_config *configs, size_t count)
{
    struct auth_config config = {
        .local_case = IDENTITY_LOWER, .deadline_ms = bench->deadline_ms ? bench->deadline_ms : 5000,
        .hash_threads = 2, .queue_max = 100,
        .rehash = bench->rehash,
    };
    struct cache_config cache = { .entries = 1000, .ttl_ms = 3600000, .revalidate_ms = bench->revalidate_ms,
                                  .negative_ttl_ms = 600000 };
    struct account_source *sources[2];

    bench->site = site;
    for (size_t i = 0; i < count; i++)
        sources[i] = site_source(site, &configs[i]);
    password_bounds_default(&config.password);
    assert_code(cache_new(&cache, &bench->cache, &site->err), ERROR_NONE, site);
    assert_code(auth_new(&config, sources, count, span_of("scope"), bench->cache, &clock_system,
                         &bench->auth, &site->err), ERROR_NONE, site);
}

/* One source, and ada, whose password is "old". */
static void
bench_start(struct bench *bench, struct site *site)
{
    struct account_source_config config = config_of(site);

    config.make_scheme = bench->make_scheme;
    add_ada(site);
    bench_start_on(bench, site, &config, 1);
}

static void
bench_end(struct bench *bench)
{
    auth_free(bench->auth);
    cache_free(bench->cache);
}

static const struct auth_listener any_listener = { .name = "test" };

static struct auth_request
request_of(enum auth_action action, const char *password, const char *wanted)
{
    return (struct auth_request){
        .action = action, .login = span_of("ada@example.org"), .password = span_of(password),
        .new_password = span_of(wanted), .service = span_of("imap"),
        .remote = span_of("192.0.2.1"), .listener = &any_listener,
    };
}

static enum verdict_reason
ask_as(struct bench *bench, const struct auth_request *request)
{
    struct verdict verdict;

    auth_ask_and_wait(bench->auth, request, &verdict);
    assert_int_equal(verdict.outcome, verdict_outcome_of(verdict.reason));
    return verdict.reason;
}

static enum verdict_reason
ask(struct bench *bench, enum auth_action action, const char *password, const char *wanted)
{
    struct auth_request request = request_of(action, password, wanted);

    return ask_as(bench, &request);
}

#define assert_reason(got, wanted)                                                          \
    do {                                                                                    \
        enum verdict_reason got_ = (got);                                                   \
        if (got_ != (wanted))                                                               \
            fail_msg("%s, not %s", verdict_reason_word(got_), verdict_reason_word(wanted)); \
    } while (0)

static uint64_t
writes(const struct bench *bench, enum auth_write write)
{
    struct auth_counts counts;

    auth_counts_get(bench->auth, &counts);
    return counts.writes[write];
}

/* Polls; a bound, not a delay. */
static void
wait_for_writes(const struct bench *bench, enum auth_write write, uint64_t wanted)
{
    int64_t end_ms = clock_now_ms(&clock_system) + PATIENCE_MS;

    while (writes(bench, write) < wanted && clock_now_ms(&clock_system) < end_ms)
        nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
    assert_int_equal(writes(bench, write), wanted);
}

static int64_t
stored_like(struct site *site, const char *pattern)
{
    char sql[200];

    snprintf(sql, sizeof(sql), "SELECT count(*) FROM accounts WHERE password LIKE '%s'", pattern);
    return site_number(site, sql);
}

/* --- a password is changed ------------------------------------------------------------------ */

static void
a_changed_password_counts_at_once_and_the_old_one_is_dead(void **state)
{
    struct bench bench = { .revalidate_ms = 600000 };

    bench_start(&bench, *state);
    assert_reason(ask(&bench, AUTH_PASSWORD, "old", ""), REASON_OK);
    assert_reason(ask(&bench, AUTH_PASSWORD, "new", ""), REASON_WRONG_PASSWORD);
    assert_reason(ask(&bench, AUTH_CHANGE, "old", "new"), REASON_OK);
    /* Both were remembered for ten minutes. */
    assert_reason(ask(&bench, AUTH_PASSWORD, "old", ""), REASON_WRONG_PASSWORD);
    assert_reason(ask(&bench, AUTH_PASSWORD, "new", ""), REASON_OK);
    assert_int_equal(stored_like(bench.site, "$6$%"), 1);
    assert_int_equal(writes(&bench, AUTH_WRITE_CHANGED), 1);
    bench_end(&bench);
}

/* A stored password of crypt(3)'s is made of 511 bytes at most; max_length is 1024. */
#define LETTERS_60 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefgh"
#define LETTERS_300 LETTERS_60 LETTERS_60 LETTERS_60 LETTERS_60 LETTERS_60
#define LETTERS_600 LETTERS_300 LETTERS_300

/* What keeps a change from being made, and leaves the row as it was. */
static const struct {
    const char *what;
    const char *row;                    /* how it stands */
    const char *password, *wanted;
    bool by_root;
    enum verdict_reason reason;
} refusals[] = {
    { "a wrong old password", "", "other", "new", false, REASON_WRONG_PASSWORD },
    { "no old password", "", "", "new", false, REASON_EMPTY_PASSWORD },
    { "no new password", "", "old", "", false, REASON_NEW_PASSWORD },
    { "no new password, by root", "", "", "", true, REASON_NEW_PASSWORD },
    { "one over max_length", "", "old", LETTERS_600 LETTERS_600, false, REASON_NEW_PASSWORD },
    { "one too long for crypt(3)", "", "old", LETTERS_600, false, REASON_NEW_PASSWORD },
    { "that, and a wrong old one", "", "other", LETTERS_600, false, REASON_WRONG_PASSWORD },
    { "disabled", "enabled = 0", "old", "new", false, REASON_DISABLED },
    { "expired", "expires_at = 1", "old", "new", false, REASON_EXPIRED },
    { "another network", "allow_nets = '198.51.100.0/24'", "old", "new", false,
      REASON_NETWORK_DENIED },
    { "no password yet", "password = NULL", "old", "new", false, REASON_NO_PASSWORD },
};

static void
what_keeps_from_signing_in_keeps_from_changing(void **state)
{
    struct bench bench = { .revalidate_ms = 600000 };
    char sql[200];

    bench_start(&bench, *state);
    for (size_t i = 0; i < COUNT(refusals); i++) {
        struct auth_request request = request_of(AUTH_CHANGE, refusals[i].password,
                                                 refusals[i].wanted);
        enum verdict_reason reason;

        site_sql(bench.site, "UPDATE accounts SET enabled = 1, expires_at = NULL, "
                 "allow_nets = NULL, password = '{PLAIN}old'");
        snprintf(sql, sizeof(sql), "UPDATE accounts SET %s", refusals[i].row);
        if (refusals[i].row[0])
            site_sql(bench.site, sql);
        request.by_root = refusals[i].by_root;
        reason = ask_as(&bench, &request);
        if (reason != refusals[i].reason)
            fail_msg("%s: %s", refusals[i].what, verdict_reason_word(reason));
        assert_int_equal(stored_like(bench.site, "$6$%"), 0);
    }
    bench_end(&bench);
}

static void
what_is_to_be_mended_does_not_stand_in_the_way(void **state)
{
    struct bench bench = { .revalidate_ms = 600000 };

    bench_start(&bench, *state);
    site_sql(bench.site, "UPDATE accounts SET services = 'pop3', must_change = 1");
    assert_reason(ask(&bench, AUTH_CHANGE, "old", "new"), REASON_OK);
    assert_int_equal(site_number(bench.site, "SELECT must_change FROM accounts"), 0);
    bench_end(&bench);
}

static void
root_need_not_know_the_old_password(void **state)
{
    struct auth_request request = request_of(AUTH_CHANGE, "", "new");
    struct bench bench = { .revalidate_ms = 600000 };

    bench_start(&bench, *state);
    site_sql(bench.site, "UPDATE accounts SET password = '!', enabled = 0");
    request.by_root = true;
    assert_reason(ask_as(&bench, &request), REASON_OK);
    site_sql(bench.site, "UPDATE accounts SET enabled = 1");
    assert_reason(ask(&bench, AUTH_PASSWORD, "new", ""), REASON_OK);
    request.login = span_of("bob@example.org");
    assert_reason(ask_as(&bench, &request), REASON_UNKNOWN_ACCOUNT);
    bench_end(&bench);
}

/* The whole budget is somebody else's but for `left`, and one change is asked for. */
static enum verdict_reason
change_with(struct bench *bench, uint64_t left)
{
    struct auth_request request = request_of(AUTH_CHANGE, "", "new");
    struct memory *memory = &bench->auth->memory;
    enum verdict_reason reason;

    request.by_root = true;
    assert_true(memory_take(memory, memory->budget - left, 0));
    reason = ask_as(bench, &request);
    memory_give(memory, memory->budget - left);
    assert_int_equal(memory->used, 0);
    return reason;
}

/* 64 MiB, as crypt(5) and RFC 9106 have it; and what nobody made yet may need anything. */
static void
a_new_password_is_made_within_the_budget_of_memory(void **state)
{
    struct bench bench = { .make_scheme = "ARGON2ID", .deadline_ms = 1000 };
    const uint64_t needs = UINT64_C(64) << 20;

    bench_start(&bench, *state);
    assert_reason(change_with(&bench, bench.auth->memory.budget - 1), REASON_OVERLOADED);
    assert_int_equal(stored_like(bench.site, "{PLAIN}old"), 1);
    bench.auth->config.deadline_ms = PATIENCE_MS;
    assert_reason(change_with(&bench, bench.auth->memory.budget), REASON_OK);
    assert_int_equal(stored_like(bench.site, "$argon2id$%"), 1);
    assert_reason(change_with(&bench, needs), REASON_OK);
    bench.auth->config.deadline_ms = 1000;
    assert_reason(change_with(&bench, needs - 1), REASON_OVERLOADED);
    bench_end(&bench);
}

static void
what_needs_no_memory_is_made_without(void **state)
{
    struct bench bench = { .make_scheme = "SHA512-CRYPT", .deadline_ms = PATIENCE_MS };

    bench_start(&bench, *state);
    assert_reason(change_with(&bench, bench.auth->memory.budget), REASON_OK);
    assert_reason(change_with(&bench, 0), REASON_OK);
    bench_end(&bench);
}

/* --- app passwords ------------------------------------------------------------------------- */

static void
an_app_password_that_nobody_can_verify_keeps_no_other_out(void **state)
{
    struct site *site = *state;
    struct account_source_config config = config_of(site);
    struct bench bench = { .revalidate_ms = 600000 };

    add_ada(site);
    site_sql(site, "CREATE TABLE apps (login, password);"
             "INSERT INTO apps VALUES ('ada@example.org', 'of no scheme'),"
             " ('ada@example.org', '{PLAIN}second'), ('ada@example.org', '{PLAIN}third')");
    config.queries[ACCOUNT_SECRETS] = "SELECT password FROM apps WHERE login = %u ORDER BY rowid";
    config.secrets_max = 2;
    bench_start_on(&bench, site, &config, 1);
    assert_reason(ask(&bench, AUTH_PASSWORD, "old", ""), REASON_OK);
    assert_reason(ask(&bench, AUTH_PASSWORD, "second", ""), REASON_OK);
    /* Beyond secrets_max nobody looks; and of the first nobody can say that this was not it. */
    assert_reason(ask(&bench, AUTH_PASSWORD, "third", ""), REASON_BAD_STORED_PASSWORD);
    bench_end(&bench);
}

/* That one of them has networks makes every answer of the account one for this network alone. */
static void
an_app_password_with_networks_is_remembered_for_the_network_it_came_from(void **state)
{
    struct site *site = *state;
    struct account_source_config config = config_of(site);
    struct bench bench = { .revalidate_ms = 600000 };
    struct auth_request request = request_of(AUTH_PASSWORD, "app", "");

    add_ada(site);
    site_sql(site, "CREATE TABLE apps (login, password, allow_nets);"
             "INSERT INTO apps VALUES ('ada@example.org', '{PLAIN}other', ''),"
             " ('ada@example.org', '{PLAIN}app', '192.0.2.0/24'), ('ada@example.org', '{PLAIN}last', '')");
    config.queries[ACCOUNT_SECRETS] = "SELECT password, allow_nets FROM apps WHERE login = %u ORDER BY rowid";
    bench_start_on(&bench, site, &config, 1);
    assert_reason(ask_as(&bench, &request), REASON_OK);
    assert_reason(ask_as(&bench, &request), REASON_OK);
    request.remote = span_of("203.0.113.9");
    assert_reason(ask_as(&bench, &request), REASON_NETWORK_DENIED);
    request.remote = span_of("");
    assert_reason(ask_as(&bench, &request), REASON_NETWORK_DENIED);
    request.remote = span_of("192.0.2.1");
    assert_reason(ask_as(&bench, &request), REASON_OK);
    bench_end(&bench);
}

static void
an_app_password_changes_nothing(void **state)
{
    struct site *site = *state;
    struct account_source_config config = config_of(site);
    struct bench bench = { .revalidate_ms = 600000 };

    make_tables(site);
    site_sql(site, "INSERT INTO accounts (login, password) VALUES ('ada@example.org', '{PLAIN}old');"
             "CREATE TABLE apps (login, password);"
             "INSERT INTO apps VALUES ('ada@example.org', '{PLAIN}app')");
    config.queries[ACCOUNT_SECRETS] = "SELECT password FROM apps WHERE login = %u";
    bench_start_on(&bench, site, &config, 1);
    assert_reason(ask(&bench, AUTH_PASSWORD, "app", ""), REASON_OK);
    assert_reason(ask(&bench, AUTH_CHANGE, "app", "new"), REASON_WRONG_PASSWORD);
    assert_reason(ask(&bench, AUTH_CHANGE, "old", "new"), REASON_OK);
    bench_end(&bench);
}

static void
a_source_without_the_query_or_without_the_right_denies_a_change(void **state)
{
    struct site *site = *state;
    struct account_source_config config = site_config(site);
    struct bench bench = { .revalidate_ms = 600000 };

    add_ada(site);
    config.queries[ACCOUNT_LOOKUP] = "SELECT login, password FROM accounts WHERE login = %u";
    bench_start_on(&bench, site, &config, 1);
    assert_reason(ask(&bench, AUTH_CHANGE, "wrong", "new"), REASON_WRONG_PASSWORD);
    assert_reason(ask(&bench, AUTH_CHANGE, "old", "new"), REASON_CHANGE_DENIED);
    bench_end(&bench);
    config.queries[ACCOUNT_SET_PASSWORD] = "UPDATE nowhere SET password = %p WHERE login = %u";
    bench_start_on(&bench, site, &config, 1);
    assert_reason(ask(&bench, AUTH_CHANGE, "old", "new"), REASON_CHANGE_DENIED);
    bench_end(&bench);
    config.queries[ACCOUNT_SET_PASSWORD] = "UPDATE accounts SET password = %p WHERE login = %u || 'x'";
    bench_start_on(&bench, site, &config, 1);
    assert_reason(ask(&bench, AUTH_CHANGE, "old", "new"), REASON_CHANGE_DENIED);
    assert_int_equal(stored_like(site, "{PLAIN}old"), 1);
    bench_end(&bench);
}

static void
a_change_that_cannot_be_written_now_is_unavailable_and_not_done(void **state)
{
    struct site *site = *state;
    struct bench bench = { .revalidate_ms = 600000 };
    sqlite3 *db;

    bench_start(&bench, site);
    assert_int_equal(sqlite3_open(site->file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_reason(ask(&bench, AUTH_CHANGE, "old", "new"), REASON_ACCOUNT_SOURCE_DOWN);
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_reason(ask(&bench, AUTH_PASSWORD, "old", ""), REASON_OK);
    bench_end(&bench);
}

/* --- a sign-in is noted ----------------------------------------------------------------------- */

static int64_t
last_login(const struct bench *bench)
{
    return site_number(bench->site, "SELECT coalesce(last_login, 0) FROM accounts "
                       "WHERE login = 'ada@example.org'");
}

static void
a_sign_in_is_noted_once_in_its_interval_from_the_cache_too(void **state)
{
    int64_t before_s = clock_unix_s(&clock_system);
    struct bench bench = { .revalidate_ms = 600000 };

    bench_start(&bench, *state);
    for (int i = 0; i < 200; i++)
        assert_reason(ask(&bench, AUTH_PASSWORD, "old", ""), REASON_OK);
    assert_true(writes(&bench, AUTH_WRITE_NOTED) >= 1);
    assert_true(writes(&bench, AUTH_WRITE_NOTED) < 20);
    assert_true(auth_drain(bench.auth, INT64_MAX));
    assert_true(last_login(&bench) >= before_s);
    site_sql(bench.site, "UPDATE accounts SET last_login = 0");
    /* A second later a hit is due again. */
    for (int64_t end_ms = clock_now_ms(&clock_system) + PATIENCE_MS;
         last_login(&bench) == 0 && clock_now_ms(&clock_system) < end_ms;) {
        assert_reason(ask(&bench, AUTH_PASSWORD, "old", ""), REASON_OK);
        nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
    }
    assert_true(last_login(&bench) >= before_s);
    bench_end(&bench);
}

static void
only_who_signs_in_is_noted(void **state)
{
    struct bench bench = { .revalidate_ms = 600000 };

    bench_start(&bench, *state);
    assert_reason(ask(&bench, AUTH_PASSWORD, "wrong", ""), REASON_WRONG_PASSWORD);
    assert_reason(ask(&bench, AUTH_ACCOUNT, "", ""), REASON_OK);
    site_sql(bench.site, "UPDATE accounts SET enabled = 0");
    assert_reason(ask(&bench, AUTH_PASSWORD, "old", ""), REASON_DISABLED);
    assert_true(auth_drain(bench.auth, INT64_MAX));
    assert_int_equal(writes(&bench, AUTH_WRITE_NOTED), 0);
    assert_int_equal(last_login(&bench), 0);
    bench_end(&bench);
}

static void
a_session_is_accepted_at_once_and_noted_for_who_has_an_account(void **state)
{
    struct auth_request request = request_of(AUTH_SESSION, "", "");
    struct auth_ticket ticket;
    struct verdict verdict;
    struct bench bench = { .revalidate_ms = 600000 };

    bench_start(&bench, *state);
    assert_int_equal(auth_ask(bench.auth, &request, &ticket, &verdict), AUTH_NOW);
    assert_reason(verdict.reason, REASON_OK);
    wait_for_writes(&bench, AUTH_WRITE_NOTED, 1);
    request.login = span_of("nobody@example.org");
    assert_int_equal(auth_ask(bench.auth, &request, &ticket, &verdict), AUTH_NOW);
    assert_reason(verdict.reason, REASON_OK);
    assert_true(auth_drain(bench.auth, INT64_MAX));
    assert_int_equal(writes(&bench, AUTH_WRITE_NOTED), 1);
    assert_true(last_login(&bench) > 0);
    bench_end(&bench);
}

static void
a_session_is_accepted_where_nothing_is_noted_and_asks_nobody(void **state)
{
    struct site *site = *state;
    struct account_source_config config = config_of(site);
    struct auth_counts counts;
    struct bench bench = { .revalidate_ms = 600000 };

    make_tables(site);
    config.last_login = false;
    bench_start_on(&bench, site, &config, 1);
    assert_reason(ask(&bench, AUTH_SESSION, "", ""), REASON_OK);
    auth_counts_get(bench.auth, &counts);
    assert_int_equal(counts.lookups, 0);
    bench_end(&bench);
}

/* A hit does not say which source it was from. */
static void
of_several_sources_the_one_that_has_the_account_notes_it(void **state)
{
    struct site *site = *state;
    struct account_source_config configs[2] = { site_config(site), config_of(site) };
    struct bench bench = { .revalidate_ms = 600000 };

    make_tables(site);
    site_sql(site, "CREATE TABLE others (login, last_login);"
             "INSERT INTO accounts (login, password) VALUES ('ada@example.org', '{PLAIN}old')");
    configs[0].title = "others";
    configs[0].queries[ACCOUNT_LOOKUP] = "SELECT login, NULL AS password FROM others WHERE login = %u";
    configs[0].queries[ACCOUNT_TOUCH] = "INSERT INTO others VALUES (%u, %t)";
    configs[0].last_login = true;
    bench_start_on(&bench, site, configs, 2);
    assert_reason(ask(&bench, AUTH_PASSWORD, "old", ""), REASON_OK);
    wait_for_writes(&bench, AUTH_WRITE_NOTED, 1);
    nanosleep(&(struct timespec){ .tv_sec = 1, .tv_nsec = 100000000 }, NULL);
    assert_reason(ask(&bench, AUTH_PASSWORD, "old", ""), REASON_OK);
    wait_for_writes(&bench, AUTH_WRITE_NOTED, 2);
    assert_true(auth_drain(bench.auth, INT64_MAX));
    assert_true(last_login(&bench) > 0);
    assert_int_equal(site_number(site, "SELECT count(*) FROM others"), 0);
    bench_end(&bench);
}

static void
a_table_that_cannot_be_written_costs_no_sign_in_anything(void **state)
{
    struct bench bench = { .revalidate_ms = 600000 };
    sqlite3 *db;

    bench_start(&bench, *state);
    assert_int_equal(sqlite3_open(bench.site->file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < 20; i++)
        assert_reason(ask(&bench, AUTH_PASSWORD, "old", ""), REASON_OK);
    assert_true(auth_drain(bench.auth, INT64_MAX));
    wait_for_writes(&bench, AUTH_WRITE_DROPPED, writes(&bench, AUTH_WRITE_NOTED));
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    bench_end(&bench);
}

/* --- a stored password becomes a better one ---------------------------------------------------- */

/* Makes ada's stored password of that scheme and cost; 0: the scheme's own. */
static void
store(const struct bench *bench, const char *scheme, unsigned long cost, const char *password)
{
    struct secret stored = { .len = 0 };
    char sql[SECRET_MAX + 100];
    struct error err;

    assert_int_equal(password_make(scheme, cost, span_of(password), &stored, &err), ERROR_NONE);
    snprintf(sql, sizeof(sql), "UPDATE accounts SET password = '%.*s'", (int)stored.len,
             (const char *)stored.bytes);
    site_sql(bench->site, sql);
}

static struct verdict
sign_in(struct bench *bench, const char *password)
{
    struct auth_request request = request_of(AUTH_PASSWORD, password, "");
    struct verdict verdict;

    auth_ask_and_wait(bench->auth, &request, &verdict);
    return verdict;
}

static uint64_t
verifications(const struct bench *bench)
{
    struct auth_counts counts;

    auth_counts_get(bench->auth, &counts);
    return counts.verifications;
}

static void
an_old_stored_password_becomes_a_new_one_once_and_stays_remembered(void **state)
{
    struct bench bench = { .rehash = "SHA512-CRYPT" };

    bench_start(&bench, *state);
    assert_reason(sign_in(&bench, "old").reason, REASON_OK);
    wait_for_writes(&bench, AUTH_WRITE_REHASHED, 1);
    assert_int_equal(stored_like(bench.site, "$6$%"), 1);
    assert_true(auth_drain(bench.auth, INT64_MAX));
    /* The row is another, and what was remembered still counts for it. */
    assert_int_equal(sign_in(&bench, "old").via, VIA_REVALIDATED);
    assert_int_equal(verifications(&bench), 1);
    cache_flush_all(bench.cache);
    assert_int_equal(sign_in(&bench, "old").via, VIA_LOOKUP);
    assert_reason(sign_in(&bench, "new").reason, REASON_WRONG_PASSWORD);
    assert_true(auth_drain(bench.auth, INT64_MAX));
    assert_int_equal(writes(&bench, AUTH_WRITE_REHASHED), 1);
    assert_int_equal(writes(&bench, AUTH_WRITE_LOST) + writes(&bench, AUTH_WRITE_FAILED), 0);
    bench_end(&bench);
}

/* As many bytes as bcrypt hears: 72. */
#define LONG "0123456789abcdef01234567" "0123456789abcdef01234567" "0123456789abcdef01234567"

/* What is stored, who signs in with what, and whether it becomes SHA512-CRYPT as it is made. */
static const struct {
    const char *what, *scheme;
    unsigned long cost;
    const char *stored_of, *password;
    bool rehashed;
} candidates[] = {
    { "another scheme", "SHA256-CRYPT", 0, "old", "old", true },
    { "the scheme itself", "SHA512-CRYPT", 0, "old", "old", false },
    { "the scheme, cheaper", "SHA512-CRYPT", 1000, "old", "old", true },
    { "the scheme, dearer", "SHA512-CRYPT", 200000, "old", "old", false },
    { "a longer password than the scheme hears", "BLF-CRYPT", 4, LONG, LONG "more", false },
    { "as much as the scheme hears", "BLF-CRYPT", 4, LONG, LONG, true },
};

static void
what_is_as_it_should_be_or_has_more_spellings_is_left_alone(void **state)
{
    struct bench bench = { .rehash = "SHA512-CRYPT" };

    bench_start(&bench, *state);
    for (size_t i = 0; i < COUNT(candidates); i++) {
        uint64_t before = writes(&bench, AUTH_WRITE_REHASHED);

        store(&bench, candidates[i].scheme, candidates[i].cost, candidates[i].stored_of);
        assert_reason(sign_in(&bench, candidates[i].password).reason, REASON_OK);
        assert_true(auth_drain(bench.auth, INT64_MAX));
        if (writes(&bench, AUTH_WRITE_REHASHED) - before != candidates[i].rehashed)
            fail_msg("%s: %s", candidates[i].what, candidates[i].rehashed ? "left" : "replaced");
    }
    bench_end(&bench);
}

static void
a_source_may_have_a_scheme_of_its_own(void **state)
{
    struct site *site = *state;
    struct account_source_config config = config_of(site);
    struct bench bench = { .rehash = "SHA512-CRYPT" };

    add_ada(site);
    config.rehash_scheme = "{SSHA512}";
    bench_start_on(&bench, site, &config, 1);
    assert_reason(sign_in(&bench, "old").reason, REASON_OK);
    wait_for_writes(&bench, AUTH_WRITE_REHASHED, 1);
    assert_int_equal(stored_like(site, "{SSHA512}%"), 1);
    cache_flush_all(bench.cache);
    assert_int_equal(sign_in(&bench, "old").via, VIA_LOOKUP);
    bench_end(&bench);
}

/* Whoever holds the lock since before the sign-in changes the password before it can be written. */
static void
a_password_that_was_changed_meanwhile_is_never_overwritten(void **state)
{
    struct site *site = *state;
    struct account_source_config config = config_of(site);
    struct bench bench = { .rehash = "SHA512-CRYPT" };
    sqlite3 *db;

    add_ada(site);
    config.query_timeout_ms = PATIENCE_MS;
    config.last_login = false;
    bench_start_on(&bench, site, &config, 1);
    assert_int_equal(sqlite3_open(site->file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_reason(sign_in(&bench, "old").reason, REASON_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE accounts SET password = '{PLAIN}newer'; COMMIT",
                                  NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    wait_for_writes(&bench, AUTH_WRITE_LOST, 1);
    assert_int_equal(stored_like(site, "{PLAIN}newer"), 1);
    assert_int_equal(writes(&bench, AUTH_WRITE_REHASHED), 0);
    bench_end(&bench);
}

static void
a_table_that_refuses_the_new_one_leaves_the_sign_in_accepted(void **state)
{
    struct bench bench = { .rehash = "SHA512-CRYPT" };

    bench_start(&bench, *state);
    site_sql(bench.site, "CREATE TRIGGER no BEFORE UPDATE OF password ON accounts "
             "BEGIN SELECT RAISE(ABORT, 'read-only'); END");
    for (int i = 0; i < 10; i++) {
        assert_reason(sign_in(&bench, "old").reason, REASON_OK);
        assert_true(auth_drain(bench.auth, INT64_MAX));
        cache_flush_all(bench.cache);
    }
    /* The first failed; the others were not tried, for ten seconds. */
    assert_true(writes(&bench, AUTH_WRITE_FAILED) >= 1);
    assert_true(writes(&bench, AUTH_WRITE_FAILED) < 10);
    assert_int_equal(stored_like(bench.site, "{PLAIN}old"), 1);
    bench_end(&bench);
}

static void
an_app_password_never_becomes_the_accounts_own(void **state)
{
    struct site *site = *state;
    struct account_source_config config = config_of(site);
    struct bench bench = { .rehash = "SHA512-CRYPT" };

    make_tables(site);
    site_sql(site, "INSERT INTO accounts (login, password) VALUES ('ada@example.org', '{PLAIN}old');"
             "CREATE TABLE apps (login, password);"
             "INSERT INTO apps VALUES ('ada@example.org', '{PLAIN}app')");
    config.queries[ACCOUNT_SECRETS] = "SELECT password FROM apps WHERE login = %u";
    bench_start_on(&bench, site, &config, 1);
    assert_reason(sign_in(&bench, "app").reason, REASON_OK);
    assert_true(auth_drain(bench.auth, INT64_MAX));
    assert_int_equal(stored_like(site, "{PLAIN}old"), 1);
    assert_int_equal(writes(&bench, AUTH_WRITE_REHASHED) + writes(&bench, AUTH_WRITE_LOST), 0);
    bench_end(&bench);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SITE(a_changed_password_counts_at_once_and_the_old_one_is_dead),
        ON_SITE(what_keeps_from_signing_in_keeps_from_changing),
        ON_SITE(what_is_to_be_mended_does_not_stand_in_the_way),
        ON_SITE(root_need_not_know_the_old_password),
        ON_SITE(a_new_password_is_made_within_the_budget_of_memory),
        ON_SITE(what_needs_no_memory_is_made_without),
        ON_SITE(an_app_password_that_nobody_can_verify_keeps_no_other_out),
        ON_SITE(an_app_password_with_networks_is_remembered_for_the_network_it_came_from),
        ON_SITE(an_app_password_changes_nothing),
        ON_SITE(a_source_without_the_query_or_without_the_right_denies_a_change),
        ON_SITE(a_change_that_cannot_be_written_now_is_unavailable_and_not_done),
        ON_SITE(a_sign_in_is_noted_once_in_its_interval_from_the_cache_too),
        ON_SITE(only_who_signs_in_is_noted),
        ON_SITE(a_session_is_accepted_at_once_and_noted_for_who_has_an_account),
        ON_SITE(a_session_is_accepted_where_nothing_is_noted_and_asks_nobody),
        ON_SITE(of_several_sources_the_one_that_has_the_account_notes_it),
        ON_SITE(a_table_that_cannot_be_written_costs_no_sign_in_anything),
        ON_SITE(an_old_stored_password_becomes_a_new_one_once_and_stays_remembered),
        ON_SITE(what_is_as_it_should_be_or_has_more_spellings_is_left_alone),
        ON_SITE(a_source_may_have_a_scheme_of_its_own),
        ON_SITE(a_password_that_was_changed_meanwhile_is_never_overwritten),
        ON_SITE(a_table_that_refuses_the_new_one_leaves_the_sign_in_accepted),
        ON_SITE(an_app_password_never_becomes_the_accounts_own),
    };

    log_set_level(LOG_LEVEL_ERROR);
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
