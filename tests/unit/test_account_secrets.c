/* tests/unit/test_account_secrets.c - the further passwords of an account, from their query */
#include "tests/unit/account_site.h"

#include <stdio.h>
#include <string.h>

#define LOOKUP "SELECT login, password FROM people WHERE login = %u"
#define TABLES "CREATE TABLE people (login, password); INSERT INTO people VALUES ('ada', 'main');" \
    "CREATE TABLE keys (id, owner, stored, label, nets, fine);"

static struct account_conn *
site_keys(struct site *site, const char *secrets, size_t max, struct account_source **source)
{
    struct account_source_config config = site_config(site);

    config.queries[ACCOUNT_LOOKUP] = LOOKUP;
    config.queries[ACCOUNT_SECRETS] = secrets;
    config.secrets_max = max;
    config.default_scheme = "CRYPT";
    *source = site_source(site, &config);
    return site_conn(site, *source, false);
}

static enum error_code
read_keys(struct site *site, struct account_conn *conn, struct account_secret **out, bool *more)
{
    const struct account_who who = { .login = span_of("ada"), .service = span_of("imap") };
    struct account account;

    assert_code(site_lookup(site, conn, "ada", "imap", &account), ERROR_NONE, site);
    error_clear(&site->err);
    return account_secrets(conn, &who, &account, soon_ms(), out, more, &site->err);
}

static void
a_source_without_the_query_has_none(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn;
    struct account_secret *first;
    bool more;

    site_sql(site, TABLES);
    conn = site_keys(site, NULL, 20, &source);
    assert_code(read_keys(site, conn, &first, &more), ERROR_NONE, site);
    assert_null(first);
    assert_false(more);
    site_close(conn, source);
}

static void
each_row_is_a_secret_with_its_limits_in_the_querys_order(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn;
    struct account_secret *first;
    bool more;

    site_sql(site, TABLES "INSERT INTO keys VALUES (2, 'ada', 'two', 'phone', '192.0.2.0/24', 1),"
             "(1, 'ada', NULL, NULL, NULL, 0)");
    conn = site_keys(site, "SELECT owner AS login, stored AS password, label AS name, nets AS "
                     "allow_nets, fine AS service_ok, id AS anything FROM keys WHERE owner = %u "
                     "ORDER BY id DESC", 20, &source);
    assert_code(read_keys(site, conn, &first, &more), ERROR_NONE, site);
    assert_non_null(first);
    assert_true(span_is(secret_get(&first->stored), "two"));
    assert_string_equal(first->name, "phone");
    assert_string_equal(first->allow_nets, "192.0.2.0/24");
    assert_string_equal(first->scheme, "CRYPT");
    assert_true(first->judges_service && first->service_ok && !first->null);
    assert_non_null(first->next);
    assert_true(first->next->null);
    assert_true(first->next->judges_service && !first->next->service_ok);
    assert_string_equal(first->next->name, "");
    assert_null(first->next->next);
    account_secrets_free(first);
    site_close(conn, source);
}

static void
no_more_than_the_bound_are_read(void **state)
{
    static const struct { size_t rows, max, read; bool more; } bounds[] = {
        { 0, 3, 0, false }, { 3, 3, 3, false }, { 4, 3, 3, true }, { 1, 0, 0, true }, { 90, 20, 20, true },
    };
    struct site *site = *state;

    site_sql(site, TABLES);
    for (size_t i = 0; i < COUNT(bounds); i++) {
        struct account_source *source;
        struct account_conn *conn = site_keys(site, "SELECT stored AS password FROM keys WHERE owner = %u",
                                              bounds[i].max, &source);
        struct account_secret *first;
        size_t count = 0;
        char sql[400];
        bool more;

        snprintf(sql, sizeof(sql), "DELETE FROM keys; WITH RECURSIVE n (i) AS (SELECT 1 UNION SELECT i + 1 "
                 "FROM n WHERE i < %zu) INSERT INTO keys (owner, stored) SELECT 'ada', i FROM n "
                 "WHERE i <= %zu", bounds[i].rows, bounds[i].rows);
        site_sql(site, sql);
        assert_code(read_keys(site, conn, &first, &more), ERROR_NONE, site);
        for (const struct account_secret *secret = first; secret; secret = secret->next)
            count++;
        assert_int_equal(count, bounds[i].read);
        assert_int_equal(more, bounds[i].more);
        account_secrets_free(first);
        site_close(conn, source);
    }
}

static void
another_accounts_row_is_left_out(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn;
    struct account_secret *first;
    bool more;

    site_sql(site, TABLES "INSERT INTO keys (owner, stored) VALUES ('Ada', 'not'), ('ada', 'yes'), ('ada ', 'not')");
    conn = site_keys(site, "SELECT owner AS login, stored AS password FROM keys WHERE trim(lower(owner)) = %u",
                     20, &source);
    assert_code(read_keys(site, conn, &first, &more), ERROR_NONE, site);
    assert_non_null(first);
    assert_true(span_is(secret_get(&first->stored), "yes"));
    assert_null(first->next);
    account_secrets_free(first);
    site_close(conn, source);
}

static const struct { const char *what, *query, *says; } bad[] = {
    { "no password", "SELECT owner AS login FROM keys WHERE owner = %u", "there is no column \"password\"" },
    { "no such table", "SELECT stored AS password FROM keyss WHERE owner = %u", "no such table: keyss" },
    { "a NULL login", "SELECT NULL AS login, stored AS password FROM keys WHERE owner = %u", "column \"login\" is NULL" },
    { "neither yes nor no", "SELECT stored AS password, 'maybe' AS service_ok FROM keys WHERE owner = %u",
      "\"service_ok\" is neither yes nor no" },
    { "a password too long", "SELECT stored AS password FROM keys WHERE owner = %u UNION ALL "
      "SELECT replace(hex(zeroblob(2500)), '0', 'x')", "column \"password\" is too long" },
    { "a column twice", "SELECT stored AS password, 1 AS name, 2 AS name FROM keys WHERE owner = %u", "is there twice" },
};

static void
a_query_that_does_not_fit_gives_none_and_says_why(void **state)
{
    struct site *site = *state;

    site_sql(site, TABLES "INSERT INTO keys (owner, stored) VALUES ('ada', 'one')");
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct account_source *source;
        struct account_conn *conn = site_keys(site, bad[i].query, 20, &source);
        struct account_secret *first;
        bool more;

        if (read_keys(site, conn, &first, &more) != ERROR_UNAVAILABLE || first)
            fail_msg("%s: %s", bad[i].what, site->err.reason);
        if (!strstr(site->err.reason, bad[i].says) || !strstr(site->err.reason, "query secrets"))
            fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].what, site->err.reason, bad[i].says);
        site_close(conn, source);
    }
}

static void
a_long_name_is_cut_and_never_a_reason_to_refuse(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn;
    struct account_secret *first;
    bool more;

    site_sql(site, TABLES "INSERT INTO keys (owner, stored, label) VALUES ('ada', 'one', "
             "replace(hex(zeroblob(100)), '00', 'long'))");
    conn = site_keys(site, "SELECT stored AS password, label AS name FROM keys WHERE owner = %u", 20, &source);
    assert_code(read_keys(site, conn, &first, &more), ERROR_NONE, site);
    assert_int_equal(strlen(first->name), sizeof(first->name) - 1);
    account_secrets_free(first);
    site_close(conn, source);
}

static const struct { const char *what, *lookup; enum error_code code; const char *says; } checks[] = {
    { "fits", LOOKUP, ERROR_NONE, "" },
    { "no such table", "SELECT a FROM nobody WHERE a = %u", ERROR_CONFIG, "no such table: nobody" },
    { "no such column", "SELECT pasword FROM people WHERE login = %u", ERROR_CONFIG, "no such column: pasword" },
    { "no SQL", "SELEKT %u", ERROR_CONFIG, "syntax error" },
    { "a mark of SQLite's own", "SELECT :a FROM people WHERE login = %u", ERROR_CONFIG, "only %u and the like" },
};

static void
a_check_prepares_and_runs_nothing(void **state)
{
    struct site *site = *state;

    site_sql(site, TABLES);
    for (size_t i = 0; i < COUNT(checks); i++) {
        struct account_source_config config = site_config(site);
        struct account_source *source;
        struct account_conn *conn;

        config.queries[ACCOUNT_LOOKUP] = checks[i].lookup;
        config.queries[ACCOUNT_DELETE] = "DELETE FROM people WHERE %u = %u";
        source = site_source(site, &config);
        conn = site_conn(site, source, ACCOUNT_READS);
        error_clear(&site->err);
        if (account_check(conn, ACCOUNT_LOOKUP, soon_ms(), &site->err) != checks[i].code)
            fail_msg("%s: %s", checks[i].what, site->err.reason);
        assert_says(&site->err, checks[i].says);
        assert_code(account_check(conn, ACCOUNT_DELETE, soon_ms(), &site->err), ERROR_NONE, site);
        assert_int_equal(site_number(site, "SELECT count(*) FROM people"), 1);
        site_close(conn, source);
    }
}

static void
a_check_of_a_file_that_is_not_there_cannot_tell(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn = site_own(site, LOOKUP, &source);

    assert_int_equal(account_check(conn, ACCOUNT_LOOKUP, soon_ms(), &site->err), ERROR_UNAVAILABLE);
    assert_says(&site->err, site->file);
    site_close(conn, source);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SITE(a_source_without_the_query_has_none),
        ON_SITE(each_row_is_a_secret_with_its_limits_in_the_querys_order),
        ON_SITE(no_more_than_the_bound_are_read),
        ON_SITE(another_accounts_row_is_left_out),
        ON_SITE(a_query_that_does_not_fit_gives_none_and_says_why),
        ON_SITE(a_long_name_is_cut_and_never_a_reason_to_refuse),
        ON_SITE(a_check_prepares_and_runs_nothing),
        ON_SITE(a_check_of_a_file_that_is_not_there_cannot_tell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
