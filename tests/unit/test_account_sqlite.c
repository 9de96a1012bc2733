/* tests/unit/test_account_sqlite.c - the SQLite driver on real files: deadlines, files that come
 * and go, rows without end */
#include "common/clock.h"
#include "tests/unit/account_site.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OWN "SELECT login, password FROM accounts WHERE login = %u"

static const char table[] =
    "CREATE TABLE accounts (login, password);"
    "INSERT INTO accounts VALUES ('ada@example.org', '$6$ada');";

static enum error_code
ask(struct site *site, struct account_conn *conn, struct account *out)
{
    return site_lookup(site, conn, "ada@example.org", "imap", out);
}

/* Asks with `ms` to go; fails the test when the answer takes far longer. */
static enum error_code
ask_within(struct site *site, struct account_conn *conn, int64_t ms, struct account *out)
{
    static const struct account_who who = { .login = SPAN("ada@example.org") };
    int64_t start = clock_now_ms(&clock_system);
    enum error_code code = account_lookup(conn, &who, start + ms, out, &site->err);
    int64_t took = clock_now_ms(&clock_system) - start;

    if (took > ms + 1500)
        fail_msg("%lld ms, with %lld to go", (long long)took, (long long)ms);
    return code;
}

/* --- rows ------------------------------------------------------------------------------ */

/* As many rows as the service says, made without a table. */
#define ROWS "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 1000000) " \
    "SELECT 'ada@example.org' AS login, '$6$' || i AS password FROM r " \
    "WHERE i <= CAST(%s AS INTEGER)"

static void
two_rows_or_a_million_are_ambiguous_and_cost_no_memory(void **state)
{
    static const struct { const char *rows; bool found, ambiguous; } answers[] = {
        { "0", false, false }, { "1", true, false }, { "2", true, true },
        { "1000000", true, true },
    };
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn;
    struct account account;
    int64_t used;

    site_sql(site, table);
    conn = site_own(site, ROWS, &source);
    assert_code(site_lookup(site, conn, "ada", "2", &account), ERROR_NONE, site);
    used = sqlite3_memory_used();
    sqlite3_memory_highwater(1);
    for (size_t i = 0; i < COUNT(answers); i++) {
        assert_code(site_lookup(site, conn, "ada", answers[i].rows, &account), ERROR_NONE, site);
        assert_int_equal(account.found, answers[i].found);
        assert_int_equal(account.ambiguous, answers[i].ambiguous);
    }
    assert_true(sqlite3_memory_highwater(0) - used < 1024 * 1024);
    site_close(conn, source);
}

static bool
count_row(void *context, span login, bool enabled)
{
    size_t *rows = context;

    assert_true(login.len > 0 && enabled);
    (*rows)++;
    return true;
}

static void
a_million_accounts_are_listed_one_by_one(void **state)
{
    struct site *site = *state;
    struct account_source_config config = site_config(site);
    struct account_source *source;
    struct account_conn *conn;
    size_t rows = 0;
    int64_t used;

    site_sql(site, table);
    config.queries[ACCOUNT_LOOKUP] = OWN;
    config.queries[ACCOUNT_LIST] = "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r "
                                   "WHERE i < 1000000) SELECT 'u' || i AS login FROM r";
    source = site_source(site, &config);
    conn = site_conn(site, source, ACCOUNT_READS);
    used = sqlite3_memory_used();
    sqlite3_memory_highwater(1);
    assert_code(account_list(conn, soon_ms(), count_row, &rows, &site->err), ERROR_NONE, site);
    assert_int_equal(rows, 1000000);
    assert_true(sqlite3_memory_highwater(0) - used < 1024 * 1024);
    site_close(conn, source);
}

static void
cells_have_their_length_whatever_bytes_they_hold(void **state)
{
    static const struct { const char *cell; span value; bool is_null; } cells[] = {
        { "'$6$x'", SPAN("$6$x"), false }, { "NULL", SPAN(""), true }, { "''", SPAN(""), false },
        { "x''", SPAN(""), false }, { "x'6100ff62'", SPAN("a\0\xff" "b"), false },
        { "12", SPAN("12"), false }, { "1.5", SPAN("1.5"), false },
        { "CAST(x'610062' AS TEXT)", SPAN("a\0b"), false },
    };
    struct site *site = *state;

    site_sql(site, table);
    for (size_t i = 0; i < COUNT(cells); i++) {
        struct account_source *source;
        struct account_conn *conn;
        struct account account;
        char text[128];

        snprintf(text, sizeof(text), "SELECT %%u AS login, %s AS password", cells[i].cell);
        conn = site_own(site, text, &source);
        assert_code(ask(site, conn, &account), ERROR_NONE, site);
        assert_int_equal(account.password_null, cells[i].is_null);
        if (!span_equal(secret_get(&account.stored), cells[i].value))
            fail_msg("%s: %zu bytes", cells[i].cell, account.stored.len);
        site_close(conn, source);
    }
}

static void
a_huge_cell_is_refused_without_being_read(void **state)
{
    static const struct { const char *size, *says; } cells[] = {
        { "8193", "column \"password\" is too long: 8193 bytes of at most 8192" },
        { "200000", "column \"password\" is too long" },
        { "67108864", "a value is longer than any that is read" },
    };
    struct site *site = *state;

    for (size_t i = 0; i < COUNT(cells); i++) {
        struct account_source *source;
        struct account_conn *conn;
        struct account account;
        char sql[256];
        int64_t used;

        snprintf(sql, sizeof(sql), "DROP TABLE IF EXISTS accounts; CREATE TABLE accounts "
                 "(login, password); INSERT INTO accounts VALUES ('ada@example.org', "
                 "zeroblob(%s));", cells[i].size);
        site_sql(site, sql);
        conn = site_own(site, OWN, &source);
        used = sqlite3_memory_used();
        sqlite3_memory_highwater(1);
        assert_int_equal(ask(site, conn, &account), ERROR_UNAVAILABLE);
        assert_says(&site->err, cells[i].says);
        assert_true(sqlite3_memory_highwater(0) - used < 1024 * 1024);
        site_close(conn, source);
    }
}

static void
an_unknown_address_is_an_empty_text_and_not_null(void **state)
{
    static const struct account_who who = { .login = SPAN("ada"), .remote = { NULL, 0 } };
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn;
    struct account account;

    site_sql(site, table);
    conn = site_own(site, "SELECT %u AS login, '' AS password, %i = '' AS enabled", &source);
    assert_code(account_lookup(conn, &who, soon_ms(), &account, &site->err), ERROR_NONE, site);
    assert_true(account.enabled && !account.password_null);
    site_close(conn, source);
}

/* --- deadlines ------------------------------------------------------------------------- */

static void
a_locked_file_ends_at_the_deadline_and_works_when_it_is_free(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn;
    struct account account;
    sqlite3 *other;

    site_sql(site, table);
    conn = site_own(site, OWN, &source);
    assert_int_equal(sqlite3_open(site->file, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(ask_within(site, conn, 100, &account), ERROR_UNAVAILABLE);
    assert_says(&site->err, "locked by another program");
    assert_says(&site->err, site->file);
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_code(ask(site, conn, &account), ERROR_NONE, site);
    assert_true(account.found);
    sqlite3_close(other);
    site_close(conn, source);
}

static const char *const endless[] = {
    "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) "
        "SELECT 'ada' AS login, 'x' AS password FROM r WHERE i < 0",
    "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) "
        "SELECT 'ada' AS login, count(*) AS password FROM r",
    "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT 1 FROM r) "
        "SELECT 'ada' AS login, i AS password FROM r WHERE r.i = 0",
};

static void
an_endless_query_ends_at_the_deadline(void **state)
{
    struct site *site = *state;

    site_sql(site, table);
    for (size_t i = 0; i < COUNT(endless); i++) {
        struct account_source *source;
        struct account_conn *conn = site_own(site, endless[i], &source);
        struct account account;

        assert_int_equal(ask_within(site, conn, 50, &account), ERROR_UNAVAILABLE);
        assert_says(&site->err, "no answer within the deadline");
        assert_false(account.found);
        site_close(conn, source);
    }
}

static void
a_deadline_that_has_passed_asks_nothing(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn;
    struct account account;

    site_sql(site, table);
    conn = site_own(site, OWN, &source);
    assert_int_equal(ask_within(site, conn, -5, &account), ERROR_UNAVAILABLE);
    assert_says(&site->err, "deadline");
    site_close(conn, source);
}

/* --- files that come and go -------------------------------------------------------------- */

static void
move(const char *from, const char *to)
{
    if (rename(from, to) != 0)
        fail_msg("cannot rename %s", from);
}

/* Another one in its place, where the stored password is "$6$new". */
static void
replace_file(const struct site *site)
{
    struct site other = *site;

    snprintf(other.file, sizeof(other.file), "%s/new.db", site->dir);
    site_sql(&other, "CREATE TABLE accounts (login, password);"
             "INSERT INTO accounts VALUES ('ada@example.org', '$6$new');");
    move(other.file, site->file);
}

static void
a_file_that_is_moved_away_is_unavailable_until_it_is_back(void **state)
{
    struct site *site = *state;
    char aside[96];
    struct account_source *source;
    struct account_conn *conn;
    struct account account;

    snprintf(aside, sizeof(aside), "%s.aside", site->file);
    site_sql(site, table);
    conn = site_own(site, OWN, &source);
    assert_code(ask(site, conn, &account), ERROR_NONE, site);
    for (size_t i = 0; i < 3; i++) {
        move(site->file, aside);
        for (size_t again = 0; again < 2; again++) {
            assert_int_equal(ask(site, conn, &account), ERROR_UNAVAILABLE);
            assert_says(&site->err, site->file);
            assert_says(&site->err, "No such file");
        }
        move(aside, site->file);
        assert_code(ask(site, conn, &account), ERROR_NONE, site);
        assert_true(account.found);
    }
    site_close(conn, source);
}

static void
lookups_together_see_one_moment_and_the_next_ones_another(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn;
    struct account account;

    site_sql(site, table);
    site_sql(site, "PRAGMA journal_mode = WAL");        /* or a reader keeps the writer out */
    conn = site_own(site, OWN, &source);
    assert_true(account_source_reads_together(source));
    account_reads_together(conn, true);                 /* not connected yet: nothing to do */
    assert_code(ask(site, conn, &account), ERROR_NONE, site);
    account_reads_together(conn, false);
    for (int round = 0; round < 3; round++) {
        char change[100], expected[20];

        account_reads_together(conn, true);
        assert_code(ask(site, conn, &account), ERROR_NONE, site);
        snprintf(expected, sizeof(expected), "$6$%d", round);
        snprintf(change, sizeof(change), "UPDATE accounts SET password = '%s'", expected);
        site_sql(site, change);
        assert_code(ask(site, conn, &account), ERROR_NONE, site);
        assert_false(span_is(secret_get(&account.stored), expected));
        account_reads_together(conn, false);
        assert_code(ask(site, conn, &account), ERROR_NONE, site);
        assert_true(span_is(secret_get(&account.stored), expected));
    }
    site_close(conn, source);
}

static void
a_file_that_is_replaced_between_lookups_together_is_the_next_ones(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn;
    struct account account;

    site_sql(site, table);
    conn = site_own(site, OWN, &source);
    assert_code(ask(site, conn, &account), ERROR_NONE, site);
    account_reads_together(conn, true);
    assert_code(ask(site, conn, &account), ERROR_NONE, site);
    replace_file(site);
    account_reads_together(conn, false);
    account_reads_together(conn, true);
    assert_code(ask(site, conn, &account), ERROR_NONE, site);
    assert_true(span_is(secret_get(&account.stored), "$6$new"));
    account_reads_together(conn, false);
    site_close(conn, source);
}

static void
a_replaced_file_is_the_one_that_is_asked(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn;
    struct account account;

    site_sql(site, table);
    conn = site_own(site, OWN, &source);
    assert_code(ask(site, conn, &account), ERROR_NONE, site);
    replace_file(site);
    assert_code(ask(site, conn, &account), ERROR_NONE, site);
    assert_true(span_is(secret_get(&account.stored), "$6$new"));
    site_close(conn, source);
}

static void
a_removed_file_is_not_asked_although_it_is_open(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn;
    struct account account;

    site_sql(site, table);
    conn = site_own(site, OWN, &source);
    assert_code(ask(site, conn, &account), ERROR_NONE, site);
    assert_int_equal(unlink(site->file), 0);
    assert_int_equal(ask(site, conn, &account), ERROR_UNAVAILABLE);
    assert_int_equal(access(site->file, F_OK), -1);
    site_sql(site, "CREATE TABLE accounts (login, password)");
    assert_code(ask(site, conn, &account), ERROR_NONE, site);
    assert_false(account.found);
    site_close(conn, source);
}

static void
a_missing_file_is_never_made_by_a_lookup(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn = site_own(site, OWN, &source);
    struct account account;

    assert_int_equal(ask(site, conn, &account), ERROR_UNAVAILABLE);
    assert_says(&site->err, "cannot open \"");
    assert_int_equal(access(site->file, F_OK), -1);
    site_sql(site, table);
    assert_code(ask(site, conn, &account), ERROR_NONE, site);
    site_close(conn, source);
}

/* What stands at the path instead of a database, and what is said of it. */
static void
make_folder(const char *path)
{
    assert_int_equal(mkdir(path, 0755), 0);
}

static void
make_pipe(const char *path)
{
    assert_int_equal(mkfifo(path, 0644), 0);
}

static void
make_text(const char *path)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    for (size_t i = 0; i < 200; i++)
        fputs("this is no database\n", file);
    assert_int_equal(fclose(file), 0);
}

static const struct { const char *what; void (*make)(const char *path); const char *says; }
imposters[] = {
    { "a folder", make_folder, "no regular file" },
    { "a pipe", make_pipe, "no regular file" },
    { "a text", make_text, "file is not a database" },
};

static void
what_is_no_database_is_unavailable_and_blocks_nobody(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn = site_own(site, OWN, &source);
    struct account account;

    for (size_t i = 0; i < COUNT(imposters); i++) {
        imposters[i].make(site->file);
        if (ask_within(site, conn, 2000, &account) != ERROR_UNAVAILABLE)
            fail_msg("%s was read", imposters[i].what);
        assert_says(&site->err, imposters[i].says);
        assert_int_equal(remove(site->file), 0);
    }
    site_sql(site, table);
    assert_code(ask(site, conn, &account), ERROR_NONE, site);
    site_close(conn, source);
}

/* --- tables that do not fit --------------------------------------------------------------- */

static const struct { const char *what, *lookup, *says; } unfit[] = {
    { "a missing table", "SELECT login, password FROM gone WHERE login = %u",
      "no such table: gone" },
    { "a missing column", "SELECT login, pwhash AS password FROM accounts WHERE login = %u",
      "no such column: pwhash" },
    { "a missing column in double quotes",
      "SELECT login, password FROM accounts WHERE \"nick\" = %u", "no such column: nick" },
    { "no login among the columns", "SELECT password FROM accounts WHERE login = %u",
      "there is no column \"login\"" },
    { "no password among the columns", "SELECT login FROM accounts WHERE login = %u",
      "there is no column \"password\"" },
    { "a NULL login", "SELECT NULL AS login, password FROM accounts WHERE login = %u",
      "column \"login\" is NULL" },
    { "no SQL", "SELEKT %u", "syntax error" },
};

static void
a_query_that_does_not_fit_the_tables_is_unavailable_and_named(void **state)
{
    struct site *site = *state;

    site_sql(site, table);
    for (size_t i = 0; i < COUNT(unfit); i++) {
        struct account_source *source;
        struct account_conn *conn = site_own(site, unfit[i].lookup, &source);
        struct account account;

        if (ask(site, conn, &account) != ERROR_UNAVAILABLE)
            fail_msg("answered: %s", unfit[i].what);
        assert_says(&site->err, "accounts \"test\": query lookup: ");
        assert_says(&site->err, unfit[i].says);
        assert_null(strstr(site->err.reason, "$6$ada"));
        site_close(conn, source);
    }
}

static void
tables_that_change_under_a_prepared_query_are_noticed(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn;
    struct account account;

    site_sql(site, table);
    conn = site_own(site, OWN, &source);
    assert_code(ask(site, conn, &account), ERROR_NONE, site);
    site_sql(site, "ALTER TABLE accounts RENAME COLUMN password TO secret");
    assert_int_equal(ask(site, conn, &account), ERROR_UNAVAILABLE);
    assert_says(&site->err, "no such column: password");
    site_sql(site, "ALTER TABLE accounts RENAME COLUMN secret TO password");
    assert_code(ask(site, conn, &account), ERROR_NONE, site);
    assert_true(account.found);
    site_close(conn, source);
}

static void
a_parameter_that_only_sqlite_sees_is_refused(void **state)
{
    static const char *const lookups[] = {
        "SELECT login, password FROM accounts WHERE login = %u OR :x IS NULL",
        "SELECT login, password FROM accounts WHERE login = %u OR @x IS NULL",
        "SELECT login, password FROM accounts WHERE login = %u OR $x IS NULL",
    };
    struct site *site = *state;

    site_sql(site, table);
    for (size_t i = 0; i < COUNT(lookups); i++) {
        struct account_source *source;
        struct account_conn *conn = site_own(site, lookups[i], &source);
        struct account account;

        for (size_t again = 0; again < 2; again++) {
            assert_int_equal(ask(site, conn, &account), ERROR_CONFIG);
            assert_says(&site->err, "SQLite reads 2 parameters where 1 placeholders stand");
        }
        site_close(conn, source);
    }
}

/* --- what may be written ------------------------------------------------------------------- */

/* Root may write anything; as nobody, modes count. */
static void
become_nobody(void)
{
    if (geteuid() == 0)
        assert_int_equal(seteuid(65534), 0);
}

static void
become_ourselves(void)
{
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
}

static void
a_read_only_folder_serves_lookups_and_refuses_changes(void **state)
{
    static const struct account_who who = { .login = SPAN("ada@example.org") };
    struct site *site = *state;
    struct account_source_config config = site_config(site);
    struct account_source *source;
    struct account_conn *reader, *writer;
    struct account account;
    enum error_code read, written;
    size_t changed;

    site_sql(site, table);
    config.queries[ACCOUNT_LOOKUP] = OWN;
    config.queries[ACCOUNT_DELETE] = "DELETE FROM accounts WHERE login = %u";
    source = site_source(site, &config);
    reader = site_conn(site, source, ACCOUNT_READS);
    writer = site_conn(site, source, ACCOUNT_MAKES);
    assert_int_equal(chmod(site->file, 0444) | chmod(site->dir, 0555), 0);
    become_nobody();
    read = ask(site, reader, &account);
    written = account_change(writer, ACCOUNT_DELETE, &who, soon_ms(), &changed, &site->err);
    become_ourselves();
    assert_int_equal(read, ERROR_NONE);
    assert_true(account.found);
    assert_int_equal(written, ERROR_UNAVAILABLE);
    assert_says(&site->err, "readonly database");
    assert_int_equal(chmod(site->dir, 0755), 0);
    account_conn_close(writer);
    site_close(reader, source);
}

static void
a_file_that_may_not_be_read_says_why(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn;
    struct account account;
    enum error_code code;

    site_sql(site, table);
    conn = site_own(site, OWN, &source);
    assert_int_equal(chmod(site->file, 0), 0);
    become_nobody();
    code = ask(site, conn, &account);
    become_ourselves();
    assert_int_equal(code, ERROR_UNAVAILABLE);
    assert_says(&site->err, "Permission denied");
    assert_int_equal(chmod(site->file, 0644), 0);
    assert_code(ask(site, conn, &account), ERROR_NONE, site);
    site_close(conn, source);
}

static void
a_reader_cannot_change_anything(void **state)
{
    static const struct account_who who = { .login = SPAN("ada@example.org") };
    struct site *site = *state;
    struct account_source_config config = site_config(site);
    struct account_source *source;
    struct account_conn *conn;
    size_t changed;

    site_sql(site, table);
    config.queries[ACCOUNT_LOOKUP] = OWN;
    config.queries[ACCOUNT_DELETE] = "DELETE FROM accounts WHERE login = %u";
    source = site_source(site, &config);
    conn = site_conn(site, source, ACCOUNT_READS);
    assert_int_equal(account_change(conn, ACCOUNT_DELETE, &who, soon_ms(), &changed, &site->err),
                     ERROR_UNAVAILABLE);
    assert_int_equal(site_number(site, "SELECT count(*) FROM accounts"), 1);
    site_close(conn, source);
}

static void
a_file_that_keeps_a_log_beside_it_is_read_as_well(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn;
    struct account account;
    sqlite3 *manager;

    site_sql(site, "PRAGMA journal_mode = WAL");
    site_sql(site, table);
    assert_int_equal(sqlite3_open(site->file, &manager), SQLITE_OK);
    conn = site_own(site, OWN, &source);
    assert_code(ask(site, conn, &account), ERROR_NONE, site);
    assert_int_equal(sqlite3_exec(manager, "UPDATE accounts SET password = '$6$later'", NULL, NULL,
                                  NULL), SQLITE_OK);
    assert_code(ask(site, conn, &account), ERROR_NONE, site);
    assert_true(span_is(secret_get(&account.stored), "$6$later"));
    sqlite3_close(manager);
    site_close(conn, source);
}

static void
a_log_that_may_not_be_made_is_unavailable_until_it_may(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn;
    struct account account;
    enum error_code code;

    site_sql(site, "PRAGMA journal_mode = WAL");
    site_sql(site, table);
    conn = site_own(site, OWN, &source);
    assert_int_equal(chmod(site->dir, 0555), 0);
    become_nobody();
    code = ask(site, conn, &account);
    become_ourselves();
    assert_int_equal(chmod(site->dir, 0755), 0);
    assert_int_equal(code, ERROR_UNAVAILABLE);
    assert_says(&site->err, "its log (-wal, -shm) cannot be made");
    assert_code(ask(site, conn, &account), ERROR_NONE, site);
    assert_true(account.found);
    site_close(conn, source);
}

/* --- threads ------------------------------------------------------------------------------- */

#define ASKERS 4
#define ASKED_BY_EACH 300

struct asker { pthread_t thread; struct account_conn *conn; size_t wrong; };

static void *
ask_often(void *context)
{
    static const struct account_who who = { .login = SPAN("ada@example.org") };
    struct asker *asker = context;

    for (size_t i = 0; i < ASKED_BY_EACH; i++) {
        struct account account;
        struct error err;

        if (account_lookup(asker->conn, &who, soon_ms(), &account, &err) != ERROR_NONE
            || !span_is(span_until(secret_get(&account.stored), 3), "$6$"))
            asker->wrong++;
    }
    return NULL;
}

static void
threads_ask_one_source_at_once_while_rows_change(void **state)
{
    struct site *site = *state;
    struct account_source_config config = site_config(site);
    struct account_source *source;
    struct asker askers[ASKERS] = { 0 };

    site_sql(site, table);
    config.queries[ACCOUNT_LOOKUP] = OWN;
    source = site_source(site, &config);
    for (size_t i = 0; i < ASKERS; i++) {
        askers[i].conn = site_conn(site, source, ACCOUNT_READS);
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_often, &askers[i]), 0);
    }
    for (size_t i = 0; i < 20; i++)
        site_sql(site, "PRAGMA busy_timeout = 20000;"
                 "UPDATE accounts SET password = '$6$' || random()");
    for (size_t i = 0; i < ASKERS; i++) {
        assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
        assert_int_equal(askers[i].wrong, 0);
        account_conn_close(askers[i].conn);
    }
    account_source_free(source);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SITE(two_rows_or_a_million_are_ambiguous_and_cost_no_memory),
        ON_SITE(a_million_accounts_are_listed_one_by_one),
        ON_SITE(cells_have_their_length_whatever_bytes_they_hold),
        ON_SITE(an_unknown_address_is_an_empty_text_and_not_null),
        ON_SITE(a_huge_cell_is_refused_without_being_read),
        ON_SITE(a_locked_file_ends_at_the_deadline_and_works_when_it_is_free),
        ON_SITE(an_endless_query_ends_at_the_deadline),
        ON_SITE(a_deadline_that_has_passed_asks_nothing),
        ON_SITE(a_file_that_is_moved_away_is_unavailable_until_it_is_back),
        ON_SITE(lookups_together_see_one_moment_and_the_next_ones_another),
        ON_SITE(a_file_that_is_replaced_between_lookups_together_is_the_next_ones),
        ON_SITE(a_replaced_file_is_the_one_that_is_asked),
        ON_SITE(a_removed_file_is_not_asked_although_it_is_open),
        ON_SITE(a_missing_file_is_never_made_by_a_lookup),
        ON_SITE(what_is_no_database_is_unavailable_and_blocks_nobody),
        ON_SITE(a_query_that_does_not_fit_the_tables_is_unavailable_and_named),
        ON_SITE(tables_that_change_under_a_prepared_query_are_noticed),
        ON_SITE(a_parameter_that_only_sqlite_sees_is_refused),
        ON_SITE(a_read_only_folder_serves_lookups_and_refuses_changes),
        ON_SITE(a_file_that_may_not_be_read_says_why),
        ON_SITE(a_reader_cannot_change_anything),
        ON_SITE(a_file_that_keeps_a_log_beside_it_is_read_as_well),
        ON_SITE(a_log_that_may_not_be_made_is_unavailable_until_it_may),
        ON_SITE(threads_ask_one_source_at_once_while_rows_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
