/* tests/unit/test_account_source.c - what a source needs, says and asks, on a driver that obeys */
#include "account/load.h"
#include "account/source_parts.h"
#include "common/clock.h"
#include "tests/unit/account_site.h"

#include <stdlib.h>
#include <string.h>

/* --- a driver that does what the test says ------------------------------------------- */

#define TURNS_MAX 8

/* What run() does on its n-th call. */
struct turn { enum error_code code; bool lost; size_t rows; };

static struct {
    struct turn turns[TURNS_MAX];
    size_t runs, opens, closes, changed;
    bool cannot_open, spends_deadline;
    char said[ACCOUNT_PARAMETERS_MAX][64];      /* the last parameters */
    size_t parameters;
    struct account_statement statement;
    int64_t deadline_ms;
} stage;

static const char *
stage_lacks(const struct account_source_config *config)
{
    return config->file ? NULL : "file";
}

static enum error_code
stage_open(const struct account_source_config *config, const struct account_target *target,
           enum account_access access, int64_t deadline_ms, struct account_session **out, struct error *err)
{
    (void)config;
    (void)target;
    (void)access;
    (void)deadline_ms;
    if (stage.cannot_open)
        return error_set(err, ERROR_UNAVAILABLE, "nobody listens");
    stage.opens++;
    *out = malloc(1);
    return ERROR_NONE;
}

static void
stage_close(struct account_session *session)
{
    stage.closes++;
    free(session);
}

static void
give_rows(size_t rows, account_row_fn *row, void *context)
{
    const struct account_cell cells[] = {
        { "login", false, SPAN("ada@example.org") }, { "password", false, SPAN("$6$x") },
    };

    for (size_t i = 0; row && i < rows; i++)
        if (!row(context, cells, COUNT(cells)))
            return;
}

static enum error_code
stage_run(struct account_session *session, const struct account_statement *statement,
          const span *parameters, int64_t deadline_ms, account_row_fn *row, void *context,
          size_t *changed_out, bool *lost, struct error *err)
{
    struct turn turn = stage.turns[stage.runs++];

    (void)session;
    stage.statement = *statement;
    stage.deadline_ms = deadline_ms;
    stage.parameters = statement->parameters;
    for (size_t i = 0; i < statement->parameters; i++)
        span_to_string(parameters[i], stage.said[i], sizeof(stage.said[i]));
    give_rows(turn.rows, row, context);
    if (changed_out)
        *changed_out = stage.changed;
    *lost = turn.lost;
    while (stage.spends_deadline && clock_now_ms(&clock_system) < deadline_ms)
        ;
    return turn.code == ERROR_NONE ? ERROR_NONE : error_set(err, turn.code, "the line went dead");
}

static const struct account_driver stage_driver = {
    .abi = ACCOUNT_DRIVER_ABI, .name = "stage", .engine = "pgsql", .library = "none",
    .mark = ACCOUNT_MARK_DOLLAR, .lacks = stage_lacks, .open = stage_open,
    .close = stage_close, .run = stage_run,
};

static const char lookup_text[] = "SELECT %u, %n, %d, %s, %i FROM a";

static struct account_source *
stage_source(struct site *site, struct account_source_config *config)
{
    struct account_source *source;

    memset(&stage, 0, sizeof(stage));
    assert_code(source_new_on(config, site->presets, &stage_driver, &source, &site->err),
                ERROR_NONE, site);
    return source;
}

static struct account_source *
stage_own(struct site *site)
{
    struct account_source_config config = site_config(site);

    config.queries[ACCOUNT_LOOKUP] = lookup_text;
    config.queries[ACCOUNT_ADD] = "INSERT %u %p";
    config.queries[ACCOUNT_SET_PASSWORD] = "UPDATE %p %u";
    config.queries[ACCOUNT_LIST] = "SELECT 1";
    return stage_source(site, &config);
}

/* --- parameters ---------------------------------------------------------------------- */

static void
a_login_is_split_at_its_last_at_sign(void **state)
{
    static const struct { const char *login, *local, *domain; } names[] = {
        { "ada@example.org", "ada", "example.org" }, { "ada", "ada", "" }, { "a@b@c", "a@b", "c" },
        { "ada@", "ada", "" },
    };
    struct site *site = *state;
    struct account_source *source = stage_own(site);
    struct account_conn *conn = site_conn(site, source, ACCOUNT_READS);
    struct account account;

    for (size_t i = 0; i < COUNT(names); i++) {
        stage.runs = 0;
        assert_code(site_lookup(site, conn, names[i].login, "imap", &account), ERROR_NONE, site);
        assert_string_equal(stage.said[0], names[i].login);
        assert_string_equal(stage.said[1], names[i].local);
        assert_string_equal(stage.said[2], names[i].domain);
        assert_string_equal(stage.said[3], "imap");
        assert_string_equal(stage.said[4], "");
    }
    assert_string_equal(stage.statement.text, "SELECT $1, $2, $3, $4, $5 FROM a");
    site_close(conn, source);
}

static void
the_moment_is_now(void **state)
{
    struct site *site = *state;
    struct account_source_config config = site_config(site);
    struct account_source *source;
    struct account_conn *conn;
    struct account account;
    int64_t before = clock_unix_s(&clock_system), said;

    config.queries[ACCOUNT_LOOKUP] = "SELECT %t";
    source = stage_source(site, &config);
    conn = site_conn(site, source, ACCOUNT_READS);
    assert_code(site_lookup(site, conn, "ada", "imap", &account), ERROR_NONE, site);
    said = strtoll(stage.said[0], NULL, 10);
    assert_true(said >= before && said <= clock_unix_s(&clock_system));
    site_close(conn, source);
}

static void
a_nul_in_a_parameter_reaches_no_database(void **state)
{
    static const span nul = SPAN("ada\0@example.org");
    struct site *site = *state;
    struct account_source *source = stage_own(site);
    struct account_conn *conn = site_conn(site, source, ACCOUNT_READS);
    const struct account_who whos[] = { { .login = nul }, { .login = SPAN("a"), .service = nul },
                                        { .login = SPAN("a"), .remote = nul } };
    struct account account;

    for (size_t i = 0; i < COUNT(whos); i++)
        assert_int_equal(account_lookup(conn, &whos[i], soon_ms(), &account, &site->err),
                         ERROR_MALFORMED);
    assert_int_equal(stage.runs, 0);
    site_close(conn, source);
}

/* --- rows ---------------------------------------------------------------------------- */

static void
no_row_is_nobody_one_is_an_account_and_two_are_ambiguous(void **state)
{
    struct site *site = *state;
    struct account_source *source = stage_own(site);
    struct account_conn *conn = site_conn(site, source, ACCOUNT_READS);
    static const struct account nothing;
    struct account account = { .found = false };

    for (size_t i = 0; i < 4; i++)
        stage.turns[i].rows = i;
    assert_code(site_lookup(site, conn, "ada", "imap", &account), ERROR_NONE, site);
    assert_false(account.found || account.ambiguous);
    assert_code(site_lookup(site, conn, "ada", "imap", &account), ERROR_NONE, site);
    assert_true(account.found && !account.ambiguous);
    assert_string_equal(account.source, "test");
    for (size_t rows = 2; rows < 4; rows++) {
        assert_code(site_lookup(site, conn, "ada", "imap", &account), ERROR_NONE, site);
        assert_true(account.found && account.ambiguous && !account.enabled);
        assert_string_equal(account.login, "");
        assert_memory_equal(account.stored.bytes, nothing.stored.bytes, SECRET_MAX);
    }
    site_close(conn, source);
}

static void
a_default_scheme_fills_in_where_the_row_has_none(void **state)
{
    struct site *site = *state;
    struct account_source_config config = site_config(site);
    struct account account;

    config.preset = "tmail";
    for (size_t own = 0; own < 2; own++) {
        struct account_source *source;
        struct account_conn *conn;

        config.default_scheme = own ? "SHA512-CRYPT" : NULL;
        source = stage_source(site, &config);
        stage.turns[0].rows = 1;
        conn = site_conn(site, source, ACCOUNT_READS);
        assert_code(site_lookup(site, conn, "ada", "imap", &account), ERROR_NONE, site);
        assert_string_equal(account.scheme, own ? "SHA512-CRYPT" : "CRYPT");
        site_close(conn, source);
    }
}

/* --- sessions ------------------------------------------------------------------------ */

static void
a_session_is_opened_by_the_first_query_and_kept(void **state)
{
    struct site *site = *state;
    struct account_source *source = stage_own(site);
    struct account_conn *conn = site_conn(site, source, ACCOUNT_READS);
    struct account account;

    assert_int_equal(stage.opens, 0);
    for (size_t i = 0; i < 3; i++)
        assert_code(site_lookup(site, conn, "ada", "imap", &account), ERROR_NONE, site);
    assert_int_equal(stage.opens, 1);
    account_conn_close(conn);
    assert_int_equal(stage.closes, 1);
    account_source_free(source);
}

static void
a_lookup_that_was_lost_is_asked_once_more_on_a_fresh_session(void **state)
{
    struct site *site = *state;
    struct account_source *source = stage_own(site);
    struct account_conn *conn = site_conn(site, source, ACCOUNT_READS);
    struct account account;

    stage.turns[0] = (struct turn){ ERROR_UNAVAILABLE, true, 0 };
    stage.turns[1].rows = 1;
    assert_code(site_lookup(site, conn, "ada", "imap", &account), ERROR_NONE, site);
    assert_true(account.found);
    assert_int_equal(stage.opens, 2);
    stage.turns[2] = stage.turns[3] = (struct turn){ ERROR_UNAVAILABLE, true, 0 };
    assert_int_equal(site_lookup(site, conn, "ada", "imap", &account), ERROR_UNAVAILABLE);
    assert_false(account.found);
    assert_int_equal(stage.runs, 4);
    stage.turns[4].rows = 1;
    assert_code(site_lookup(site, conn, "ada", "imap", &account), ERROR_NONE, site);
    assert_int_equal(stage.opens, stage.closes + 1);
    site_close(conn, source);
}

static const struct {
    const char *what;
    struct turn turn;
    bool spends_deadline;
} final[] = {
    { "an error on a session that is well", { ERROR_UNAVAILABLE, false, 0 }, false },
    { "a loss after a row", { ERROR_UNAVAILABLE, true, 1 }, false },
    { "a loss at the deadline", { ERROR_UNAVAILABLE, true, 0 }, true },
    { "an error for the operator", { ERROR_CONFIG, false, 0 }, false },
};

static void
what_asking_again_would_not_mend_is_not_asked_again(void **state)
{
    static const struct account_who who = { .login = SPAN("ada") };
    struct site *site = *state;

    for (size_t i = 0; i < COUNT(final); i++) {
        struct account_source *source = stage_own(site);
        struct account_conn *conn = site_conn(site, source, ACCOUNT_READS);
        static const struct account nothing;
        struct account account = { .found = false };
        int64_t deadline_ms = final[i].spends_deadline ? clock_now_ms(&clock_system) + 20
                                                       : soon_ms();

        stage.turns[0] = final[i].turn;
        stage.spends_deadline = final[i].spends_deadline;
        if (account_lookup(conn, &who, deadline_ms, &account, &site->err) != final[i].turn.code
            || stage.runs != 1)
            fail_msg("%s: %zu runs", final[i].what, stage.runs);
        assert_says(&site->err, "accounts \"test\": query lookup: the line went dead");
        assert_memory_equal(&account, &nothing, sizeof(account));
        site_close(conn, source);
    }
}

static void
a_change_is_asked_again_only_if_that_makes_no_difference(void **state)
{
    static const struct account_who who = { .login = SPAN("ada"), .stored = SPAN("$6$x") };
    struct site *site = *state;
    struct account_source *source = stage_own(site);
    struct account_conn *conn = site_conn(site, source, ACCOUNT_MAKES);
    size_t changed;

    stage.turns[0] = stage.turns[2] = (struct turn){ ERROR_UNAVAILABLE, true, 0 };
    stage.changed = 1;
    assert_code(account_change(conn, ACCOUNT_SET_PASSWORD, &who, soon_ms(), &changed, &site->err),
                ERROR_NONE, site);
    assert_int_equal(changed, 1);
    assert_string_equal(stage.said[0], "$6$x");
    assert_int_equal(account_change(conn, ACCOUNT_ADD, &who, soon_ms(), &changed, &site->err),
                     ERROR_UNAVAILABLE);
    assert_says(&site->err, "look whether the change was made");
    assert_int_equal(changed, 0);
    assert_int_equal(stage.runs, 3);
    site_close(conn, source);
}

static void
an_account_that_exists_already_is_told_by_name(void **state)
{
    static const struct account_who who = { .login = SPAN("ada@example.org") };
    struct site *site = *state;
    struct account_source *source = stage_own(site);
    struct account_conn *conn = site_conn(site, source, ACCOUNT_MAKES);
    size_t changed;

    stage.turns[0].code = ERROR_REJECTED;
    assert_int_equal(account_change(conn, ACCOUNT_ADD, &who, soon_ms(), &changed, &site->err),
                     ERROR_REJECTED);
    assert_string_equal(site->err.reason, "account \"ada@example.org\" exists already");
    site_close(conn, source);
}

static void
a_database_that_cannot_be_reached_is_unavailable_and_works_when_it_can(void **state)
{
    struct site *site = *state;
    struct account_source *source = stage_own(site);
    struct account_conn *conn = site_conn(site, source, ACCOUNT_READS);
    struct account account;

    stage.cannot_open = true;
    assert_int_equal(site_lookup(site, conn, "ada", "imap", &account), ERROR_UNAVAILABLE);
    assert_says(&site->err, "accounts \"test\": query lookup: nobody listens");
    stage.cannot_open = false;
    assert_code(site_lookup(site, conn, "ada", "imap", &account), ERROR_NONE, site);
    site_close(conn, source);
}

static void
a_lookup_ends_by_the_sources_own_bound_too(void **state)
{
    struct site *site = *state;
    struct account_source_config config = site_config(site);
    struct account_source *source;
    struct account_conn *conn;
    struct account account;

    config.queries[ACCOUNT_LOOKUP] = lookup_text;
    config.query_timeout_ms = 250;
    source = stage_source(site, &config);
    conn = site_conn(site, source, ACCOUNT_READS);
    assert_code(site_lookup(site, conn, "ada", "imap", &account), ERROR_NONE, site);
    assert_true(stage.deadline_ms <= clock_now_ms(&clock_system) + 250);
    site_close(conn, source);
}

static bool
count_to_two(void *context, span login, bool enabled)
{
    size_t *seen = context;

    assert_true(enabled && span_is(login, "ada@example.org"));
    return ++*seen < 2;
}

static void
a_list_ends_when_the_reader_has_enough(void **state)
{
    struct site *site = *state;
    struct account_source *source = stage_own(site);
    struct account_conn *conn = site_conn(site, source, ACCOUNT_READS);
    size_t seen = 0;

    stage.turns[0].rows = 5;
    assert_code(account_list(conn, soon_ms(), count_to_two, &seen, &site->err), ERROR_NONE, site);
    assert_int_equal(seen, 2);
    site_close(conn, source);
}

/* --- what a source needs and says ----------------------------------------------------- */

static enum error_code
try_source(struct site *site, const struct account_source_config *config)
{
    const struct account_dirs dirs = { site->presets, site->drivers };
    struct account_source *source;
    enum error_code code = account_source_new(config, &dirs, &source, &site->err);

    account_source_free(source);
    return code;
}

static void
a_source_that_cannot_work_says_what_to_change(void **state)
{
    struct site *site = *state;
    const struct account_source_config fine = { .title = "mail", .file = "/x",
                                                .queries = { [ACCOUNT_LOOKUP] = "SELECT %u" } };
    struct account_source_config config = fine;

    assert_code(try_source(site, &config), ERROR_NONE, site);
    config.driver = "sqlight";
    assert_int_equal(try_source(site, &config), ERROR_CONFIG);
    assert_says(&site->err, "accounts \"mail\": unknown driver \"sqlight\" "
                "(did you mean \"sqlite\"?)");
    config = fine;
    config.preset = "postfixadmn";
    assert_int_equal(try_source(site, &config), ERROR_CONFIG);
    assert_says(&site->err, "accounts \"mail\": unknown preset \"postfixadmn\"");
    config = fine;
    config.file = NULL;
    assert_int_equal(try_source(site, &config), ERROR_CONFIG);
    assert_says(&site->err, "accounts \"mail\": driver sqlite needs \"file\"");
    config = fine;
    config.queries[ACCOUNT_LOOKUP] = NULL;
    assert_int_equal(try_source(site, &config), ERROR_CONFIG);
    assert_says(&site->err, "accounts \"mail\": neither a preset nor an own query lookup");
    config.queries[ACCOUNT_LOOKUP] = "SELECT a\nFROM b WHERE c = %login";
    assert_int_equal(try_source(site, &config), ERROR_CONFIG);
    assert_says(&site->err, "accounts \"mail\": own query:2:18: query lookup: unknown placeholder");
    config = fine;
    config.last_login = true;
    assert_int_equal(try_source(site, &config), ERROR_CONFIG);
    assert_says(&site->err, "accounts \"mail\": last_login: own query has no query touch for sqlite");
    config = fine;
    config.rehash_scheme = "ARGON2ID";
    assert_int_equal(try_source(site, &config), ERROR_CONFIG);
    assert_says(&site->err, "accounts \"mail\": rehash_scheme: own query has no query rehash");
}

static void
a_preset_for_other_databases_says_so(void **state)
{
    struct site *site = *state;
    struct account_source_config config = site_config(site);
    struct account_source *source;

    config.preset = "claviger";
    assert_int_equal(source_new_on(&config, site->presets, &stage_driver, &source, &site->err),
                     ERROR_CONFIG);
    assert_says(&site->err, "preset claviger has no query for pgsql");
    assert_null(source);
}

static void
an_own_query_goes_before_the_presets(void **state)
{
    struct site *site = *state;
    struct account_source_config config = site_config(site);
    struct account_source *source;
    struct account_conn *conn;
    struct account account;

    config.preset = "tmail";
    source = stage_source(site, &config);
    assert_string_equal(account_source_origin(source), "preset tmail");
    assert_false(account_source_has(source, ACCOUNT_ADD));
    assert_true(account_source_has(source, ACCOUNT_DISABLE));
    account_source_free(source);
    config.queries[ACCOUNT_LOOKUP] = "SELECT %i";
    source = stage_source(site, &config);
    assert_string_equal(account_source_origin(source), "preset tmail, own query");
    assert_true(account_source_uses_remote(source));
    conn = site_conn(site, source, ACCOUNT_READS);
    assert_code(site_lookup(site, conn, "ada", "imap", &account), ERROR_NONE, site);
    assert_string_equal(stage.statement.text, "SELECT $1");
    site_close(conn, source);
}

static void
a_query_that_the_source_lacks_is_told_by_name(void **state)
{
    static const struct account_who who = { .login = SPAN("ada") };
    struct site *site = *state;
    struct account_source *source = stage_own(site);
    struct account_conn *conn = site_conn(site, source, ACCOUNT_MAKES);
    size_t changed;

    assert_int_equal(account_change(conn, ACCOUNT_DELETE, &who, soon_ms(), &changed, &site->err),
                     ERROR_CONFIG);
    assert_says(&site->err, "accounts \"test\" (own query) has no query delete");
    site_close(conn, source);
}

static void
a_source_keeps_its_own_copy_and_serves_its_domains(void **state)
{
    char title[] = "mail", file[] = "/x", lookup[] = "SELECT %s", domain[] = "Example.ORG";
    const char *domains[] = { domain };
    struct site *site = *state;
    struct account_source_config config;
    struct account_source *source;

    account_source_config_default(&config);
    config.title = title;
    config.file = file;
    config.queries[ACCOUNT_LOOKUP] = lookup;
    config.domains = domains;
    config.domains_count = 1;
    config.alias = true;
    source = stage_source(site, &config);
    memset(title, 'X', sizeof(title) - 1);
    memset(domain, 'X', sizeof(domain) - 1);
    domains[0] = NULL;
    assert_string_equal(account_source_title(source), "mail");
    assert_true(account_source_serves(source, span_of("example.org")));
    assert_false(account_source_serves(source, span_of("example.com")));
    assert_false(account_source_serves(source, span_of("")));
    assert_true(account_source_is_alias(source));
    assert_false(account_source_uses_remote(source));
    assert_true(account_source_connections(source) > 0);
    assert_true(account_source_timeout_ms(source) > 0);
    account_source_free(source);
    config.domains_count = 0;
    source = stage_source(site, &config);
    assert_true(account_source_serves(source, span_of("example.com")));
    assert_true(account_source_serves(source, span_of("")));
    account_source_free(source);
}

static void
a_file_that_is_no_driver_of_ours_is_refused(void **state)
{
    struct account_driver other = stage_driver;
    struct error err;

    (void)state;
    assert_int_equal(load_check(&stage_driver, "stage", "/d/account_stage.so", &err), ERROR_NONE);
    assert_int_equal(load_check(NULL, "stage", "/d/account_stage.so", &err), ERROR_CONFIG);
    assert_says(&err, "exports no account_driver");
    assert_int_equal(load_check(&stage_driver, "sqlite", "/d/account_sqlite.so", &err),
                     ERROR_CONFIG);
    assert_says(&err, "under another name");
    other.abi = ACCOUNT_DRIVER_ABI + 1;
    assert_int_equal(load_check(&other, "stage", "/d/account_stage.so", &err), ERROR_CONFIG);
    assert_says(&err, "another version");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SITE(a_login_is_split_at_its_last_at_sign),
        ON_SITE(the_moment_is_now),
        ON_SITE(a_nul_in_a_parameter_reaches_no_database),
        ON_SITE(no_row_is_nobody_one_is_an_account_and_two_are_ambiguous),
        ON_SITE(a_default_scheme_fills_in_where_the_row_has_none),
        ON_SITE(a_session_is_opened_by_the_first_query_and_kept),
        ON_SITE(a_lookup_that_was_lost_is_asked_once_more_on_a_fresh_session),
        ON_SITE(what_asking_again_would_not_mend_is_not_asked_again),
        ON_SITE(a_change_is_asked_again_only_if_that_makes_no_difference),
        ON_SITE(an_account_that_exists_already_is_told_by_name),
        ON_SITE(a_database_that_cannot_be_reached_is_unavailable_and_works_when_it_can),
        ON_SITE(a_lookup_ends_by_the_sources_own_bound_too),
        ON_SITE(a_list_ends_when_the_reader_has_enough),
        ON_SITE(a_source_that_cannot_work_says_what_to_change),
        ON_SITE(a_preset_for_other_databases_says_so),
        ON_SITE(an_own_query_goes_before_the_presets),
        ON_SITE(a_query_that_the_source_lacks_is_told_by_name),
        ON_SITE(a_source_keeps_its_own_copy_and_serves_its_domains),
        cmocka_unit_test(a_file_that_is_no_driver_of_ours_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
