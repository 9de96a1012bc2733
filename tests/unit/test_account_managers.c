/* tests/unit/test_account_managers.c - the shipped presets on tables as their managers make them */
#include "tests/unit/account_site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* One question and what the row has to say. `password` NULL: SQL NULL; unless !found. */
struct state {
    const char *what, *login, *service;
    bool found, enabled, service_ok;
    const char *password;
};

static void
assert_state(struct site *site, struct account_conn *conn, const struct state *wanted)
{
    struct account account;

    assert_code(site_lookup(site, conn, wanted->login, wanted->service, &account), ERROR_NONE,
                site);
    if (account.found != wanted->found)
        fail_msg("%s: found %d", wanted->what, account.found);
    if (!account.found)
        return;
    if (account.enabled != wanted->enabled || account.service_ok != wanted->service_ok)
        fail_msg("%s (%s): enabled %d, service %d", wanted->what, wanted->service,
                 account.enabled, account.service_ok);
    assert_string_equal(account.login, wanted->login);
    assert_int_equal(account.password_null, wanted->password == NULL);
    assert_true(span_is(secret_get(&account.stored), wanted->password ? wanted->password : ""));
}

static enum error_code
change(struct site *site, struct account_conn *conn, enum account_query query, const char *login,
       const char *stored, size_t *changed)
{
    const struct account_who who = { .login = span_of(login), .stored = span_of(stored) };

    error_clear(&site->err);
    return account_change(conn, query, &who, soon_ms(), changed, &site->err);
}

static void
assert_changed(struct site *site, struct account_conn *conn, enum account_query query,
               const char *login, const char *stored, size_t wanted)
{
    size_t changed;

    assert_code(change(site, conn, query, login, stored, &changed), ERROR_NONE, site);
    if (changed != wanted)
        fail_msg("%s of %s changed %zu rows", account_query_name(query), login, changed);
}

/* "name+ name- ...": + is enabled. */
static bool
note_login(void *context, span login, bool enabled)
{
    char *list = context;

    snprintf(strchr(list, '\0'), 128, "%.*s%c ", (int)login.len, (const char *)login.ptr,
             enabled ? '+' : '-');
    return true;
}

static void
assert_list(struct site *site, struct account_conn *conn, const char *wanted)
{
    char list[1024] = "";

    assert_code(account_list(conn, soon_ms(), note_login, list, &site->err), ERROR_NONE, site);
    assert_string_equal(list, wanted);
}

/* --- claviger ------------------------------------------------------------------------------ */

static void
own_accounts_are_added_changed_and_deleted(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn = site_preset(site, "claviger", ACCOUNT_MAKES, &source);
    const struct state added = { "added", "ada@example.org", "imap", true, true, true, "$6$1" };
    const struct state changed = { "changed", "ada@example.org", "imap", true, true, true, "$6$2" };
    const struct state off = { "disabled", "ada@example.org", "imap", true, false, true, "$6$2" };
    const struct state gone = { "deleted", "ada@example.org", "imap", .found = false };

    assert_changed(site, conn, ACCOUNT_SCHEMA, "", "", 0);
    assert_changed(site, conn, ACCOUNT_SCHEMA, "", "", 0);
    assert_state(site, conn, &gone);
    assert_changed(site, conn, ACCOUNT_ADD, "ada@example.org", "$6$1", 1);
    assert_state(site, conn, &added);
    assert_changed(site, conn, ACCOUNT_SET_PASSWORD, "ada@example.org", "$6$2", 1);
    assert_state(site, conn, &changed);
    assert_changed(site, conn, ACCOUNT_DISABLE, "ada@example.org", "", 1);
    assert_state(site, conn, &off);
    assert_list(site, conn, "ada@example.org- ");
    assert_changed(site, conn, ACCOUNT_ENABLE, "ada@example.org", "", 1);
    assert_state(site, conn, &changed);
    assert_changed(site, conn, ACCOUNT_DELETE, "ada@example.org", "", 1);
    assert_state(site, conn, &gone);
    assert_int_equal(site_number(site, "PRAGMA user_version"), 1);
    site_close(conn, source);
}

static void
an_account_is_added_once(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn = site_preset(site, "claviger", ACCOUNT_MAKES, &source);
    const struct state kept = { "kept", "ada@example.org", "imap", true, true, true, "$6$1" };
    size_t changed;

    assert_changed(site, conn, ACCOUNT_SCHEMA, "", "", 0);
    assert_changed(site, conn, ACCOUNT_ADD, "ada@example.org", "$6$1", 1);
    assert_int_equal(change(site, conn, ACCOUNT_ADD, "ada@example.org", "$6$2", &changed),
                     ERROR_REJECTED);
    assert_string_equal(site->err.reason, "account \"ada@example.org\" exists already");
    assert_int_equal(changed, 0);
    assert_state(site, conn, &kept);
    site_close(conn, source);
}

static void
a_change_of_nobody_changes_nothing(void **state)
{
    static const enum account_query queries[] = { ACCOUNT_SET_PASSWORD, ACCOUNT_ENABLE,
                                                  ACCOUNT_DISABLE, ACCOUNT_DELETE };
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn = site_preset(site, "claviger", ACCOUNT_MAKES, &source);

    assert_changed(site, conn, ACCOUNT_SCHEMA, "", "", 0);
    assert_changed(site, conn, ACCOUNT_ADD, "ada@example.org", "$6$1", 1);
    for (size_t i = 0; i < COUNT(queries); i++)
        assert_changed(site, conn, queries[i], "eve@example.org", "$6$2", 0);
    assert_list(site, conn, "ada@example.org+ ");
    site_close(conn, source);
}

static void
a_new_account_file_is_not_for_everybody(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn = site_preset(site, "claviger", ACCOUNT_MAKES, &source);
    mode_t mask = umask(0);
    struct stat file;

    assert_changed(site, conn, ACCOUNT_SCHEMA, "", "", 0);
    umask(mask);
    assert_int_equal(stat(site->file, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0640);
    site_close(conn, source);
}

static void
a_file_without_tables_says_what_makes_them(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn = site_preset(site, "claviger", ACCOUNT_READS, &source);
    struct account account;

    site_sql(site, "CREATE TABLE something_else (a)");
    assert_int_equal(site_lookup(site, conn, "ada", "imap", &account), ERROR_UNAVAILABLE);
    assert_says(&site->err, "no such table: accounts");
    assert_says(&site->err, "\"clavigerctl user add\" makes the tables");
    site_close(conn, source);
    conn = site_preset(site, "tmail", ACCOUNT_READS, &source);
    assert_int_equal(site_lookup(site, conn, "ada", "imap", &account), ERROR_UNAVAILABLE);
    assert_says(&site->err, "no such table: users");
    assert_null(strstr(site->err.reason, "clavigerctl"));
    site_close(conn, source);
}

static void
a_schema_is_made_whole_or_not_at_all(void **state)
{
    struct site *site = *state;
    struct account_source_config config = site_config(site);
    struct account_source *source;
    struct account_conn *conn;
    size_t changed;

    config.preset = "claviger";
    config.queries[ACCOUNT_SCHEMA] = "CREATE TABLE first (a); CREATE TABLE second (";
    source = site_source(site, &config);
    conn = site_conn(site, source, ACCOUNT_MAKES);
    assert_int_equal(change(site, conn, ACCOUNT_SCHEMA, "", "", &changed), ERROR_UNAVAILABLE);
    assert_int_equal(site_number(site, "SELECT count(*) FROM sqlite_master"), 0);
    site_close(conn, source);
}

static void
own_accounts_have_services_networks_and_an_end(void **state)
{
    static const struct state services[] = {
        { "in the list", "ada", "imap", true, true, true, "$6$1" },
        { "the last in the list", "ada", "pop3", true, true, true, "$6$1" },
        { "not in the list", "ada", "smtp", true, true, false, "$6$1" },
        { "a part of a word", "ada", "pop", true, true, false, "$6$1" },
        { "two words", "ada", "imap,pop3", true, true, true, "$6$1" },
        { "no service", "ada", "", true, true, false, "$6$1" },
        { "no password", "bob", "smtp", true, true, true, NULL },
    };
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn = site_preset(site, "claviger", ACCOUNT_MAKES, &source);
    struct account account;

    assert_changed(site, conn, ACCOUNT_SCHEMA, "", "", 0);
    site_sql(site, "INSERT INTO accounts (login, password, services, allow_nets, expires_at, "
             "must_change, home, uid) VALUES ('ada', '$6$1', 'imap,pop3', '192.0.2.0/24', "
             "1700000000, 1, '/srv/ada', 5000), ('bob', NULL, NULL, NULL, NULL, 0, NULL, NULL)");
    for (size_t i = 0; i < COUNT(services); i++)
        assert_state(site, conn, &services[i]);
    assert_code(site_lookup(site, conn, "ada", "imap", &account), ERROR_NONE, site);
    assert_string_equal(account.allow_nets, "192.0.2.0/24");
    assert_int_equal(account.expires_at, 1700000000);
    assert_true(account.must_change);
    assert_int_equal(account.attributes.count, 2);
    assert_changed(site, conn, ACCOUNT_SET_PASSWORD, "ada", "$6$2", 1);
    assert_code(site_lookup(site, conn, "ada", "imap", &account), ERROR_NONE, site);
    assert_false(account.must_change);
    site_close(conn, source);
}

/* --- django-cyradm -------------------------------------------------------------------------- */

/* As Django's migrations make it on SQLite, less the columns of the web interface. */
static const char cyradm_tables[] =
    "CREATE TABLE djcyradm_domains (id integer PRIMARY KEY, domain_name varchar(255) UNIQUE);"
    "CREATE TABLE djcyradm_mailusers (id integer PRIMARY KEY AUTOINCREMENT, username varchar(255) "
    "  NOT NULL UNIQUE, password varchar(255) NULL, is_active bool NOT NULL, domain_id integer "
    "  REFERENCES djcyradm_domains (id), quota integer NULL, email varchar(254));"
    "INSERT INTO djcyradm_domains VALUES (1, 'example.org');"
    "INSERT INTO djcyradm_mailusers (username, password, is_active, domain_id, email) VALUES "
    "  ('ada@example.org', '$6$s$ada', 1, 1, 'recovery@example.com'),"
    "  ('off@example.org', '$6$s$off', 0, 1, NULL),"
    "  ('null@example.org', NULL, 1, 1, NULL),"
    "  ('cyrus', '$6$s$cyrus', 1, NULL, NULL);";

static const struct state cyradm_states[] = {
    { "active", "ada@example.org", "imap", true, true, true, "$6$s$ada" },
    { "active for smtp", "ada@example.org", "smtp", true, true, true, "$6$s$ada" },
    { "inactive", "off@example.org", "imap", true, false, true, "$6$s$off" },
    { "without a password", "null@example.org", "imap", true, false, true, NULL },
    { "the administrator", "cyrus", "imap", true, true, true, "$6$s$cyrus" },
    { "unknown", "eve@example.org", "imap", .found = false },
    { "a recovery address", "recovery@example.com", "imap", .found = false },
    { "another spelling", "Ada@example.org", "imap", .found = false },
};

static void
django_cyradm_accounts_are_found_in_each_state(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn;
    struct state changed = { "changed", "ada@example.org", "imap", true, false, true, "$6$s$new" };
    struct account account;

    site_sql(site, cyradm_tables);
    conn = site_preset(site, "django-cyradm", ACCOUNT_MAKES, &source);
    for (size_t i = 0; i < COUNT(cyradm_states); i++)
        assert_state(site, conn, &cyradm_states[i]);
    assert_list(site, conn, "ada@example.org+ cyrus+ null@example.org- off@example.org- ");
    assert_code(site_lookup(site, conn, "cyrus", "imap", &account), ERROR_NONE, site);
    assert_string_equal(account.scheme, "CRYPT");
    assert_changed(site, conn, ACCOUNT_SET_PASSWORD, "ada@example.org", "$6$s$new", 1);
    assert_changed(site, conn, ACCOUNT_DISABLE, "ada@example.org", "", 1);
    assert_state(site, conn, &changed);
    assert_changed(site, conn, ACCOUNT_ENABLE, "ada@example.org", "", 1);
    changed.enabled = true;
    assert_state(site, conn, &changed);
    site_close(conn, source);
}

/* --- tmail ---------------------------------------------------------------------------------- */

static const char tmail_tables[] =
    "CREATE TABLE users (id bigint PRIMARY KEY, login varchar(255) %s, passwd varchar(255) NOT "
    "  NULL, dove_passwd varchar(255), active char(1) DEFAULT 'Y', auth_relay bool DEFAULT "
    "  false, have_mailbox bool DEFAULT false, is_catchall bool DEFAULT false, mailbox_quota "
    "  varchar(255), home varchar(255));"
    "INSERT INTO users (id, login, passwd, dove_passwd, active, auth_relay, have_mailbox) VALUES "
    "  (1, 'both@example.org', '$2a$10$both', '$6$both', 'Y', 1, 1),"
    "  (2, 'relay', '$2a$10$relay', '$6$relay', 'Y', 1, 0),"
    "  (3, 'box@example.org', '$2a$10$box', '$6$box', 'Y', 0, 1),"
    "  (4, 'none@example.org', '$2a$10$none', NULL, 'Y', 0, 0),"
    "  (5, 'off@example.org', '$2a$10$off', '$6$off', 'N', 1, 1),"
    "  (6, 'null@example.org', '$2a$10$null', '$6$null', NULL, NULL, NULL);";

static void
make_tmail(const struct site *site, const char *unique)
{
    char sql[4096];

    snprintf(sql, sizeof(sql), tmail_tables, unique);
    site_sql(site, sql);
}

static const struct {
    const char *login, *password;
    bool enabled, smtp, boxes;
} tmail_users[] = {
    { "both@example.org", "$2a$10$both", true, true, true },
    { "relay", "$2a$10$relay", true, true, false },
    { "box@example.org", "$2a$10$box", true, false, true },
    { "none@example.org", "$2a$10$none", true, false, false },
    { "off@example.org", "$2a$10$off", false, true, true },
    { "null@example.org", "$2a$10$null", false, false, false },
};

static const struct { const char *service; bool sends, reads; } tmail_services[] = {
    { "smtp", true, false }, { "imap", false, true }, { "pop3", false, true },
    { "sieve", false, true }, { "http", false, false }, { "", false, false },
};

static void
tmail_users_are_found_in_each_state_for_each_service(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn;
    const struct state unknown = { "unknown", "eve@example.org", "imap", .found = false };

    make_tmail(site, "UNIQUE");
    conn = site_preset(site, "tmail", ACCOUNT_READS, &source);
    for (size_t i = 0; i < COUNT(tmail_users); i++)
        for (size_t j = 0; j < COUNT(tmail_services); j++) {
            const struct state wanted = {
                tmail_users[i].login, tmail_users[i].login, tmail_services[j].service, true,
                tmail_users[i].enabled,
                (tmail_services[j].sends && tmail_users[i].smtp)
                    || (tmail_services[j].reads && tmail_users[i].boxes),
                tmail_users[i].password,
            };

            assert_state(site, conn, &wanted);
        }
    assert_state(site, conn, &unknown);
    assert_list(site, conn, "both@example.org+ box@example.org+ none@example.org+ "
                "null@example.org- off@example.org- relay+ ");
    site_close(conn, source);
}

static void
a_tmail_password_is_changed_for_every_program_that_reads_it(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn;
    const struct state changed = { "changed", "box@example.org", "imap", true, false, true,
                                   "$2b$10$new" };

    make_tmail(site, "UNIQUE");
    conn = site_preset(site, "tmail", ACCOUNT_MAKES, &source);
    assert_changed(site, conn, ACCOUNT_SET_PASSWORD, "box@example.org", "$2b$10$new", 1);
    assert_changed(site, conn, ACCOUNT_DISABLE, "box@example.org", "", 1);
    assert_state(site, conn, &changed);
    assert_int_equal(site_number(site, "SELECT count(*) FROM users WHERE dove_passwd = passwd AND "
                                 "passwd = '$2b$10$new' AND active = 'N'"), 1);
    assert_changed(site, conn, ACCOUNT_ENABLE, "box@example.org", "", 1);
    assert_int_equal(site_number(site, "SELECT count(*) FROM users WHERE active = 'Y'"), 4);
    site_close(conn, source);
}

static void
two_rows_of_one_name_are_nobodys(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn;
    struct account account;

    make_tmail(site, "");
    site_sql(site, "INSERT INTO users (id, login, passwd, active, have_mailbox) VALUES "
             "(9, 'box@example.org', '$2a$10$other', 'Y', 1)");
    conn = site_preset(site, "tmail", ACCOUNT_READS, &source);
    assert_code(site_lookup(site, conn, "box@example.org", "imap", &account), ERROR_NONE, site);
    assert_true(account.ambiguous && !account.enabled && !account.service_ok);
    assert_int_equal(account.stored.len, 0);
    assert_string_equal(account.login, "");
    site_close(conn, source);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SITE(own_accounts_are_added_changed_and_deleted),
        ON_SITE(an_account_is_added_once),
        ON_SITE(a_change_of_nobody_changes_nothing),
        ON_SITE(a_new_account_file_is_not_for_everybody),
        ON_SITE(a_file_without_tables_says_what_makes_them),
        ON_SITE(a_schema_is_made_whole_or_not_at_all),
        ON_SITE(own_accounts_have_services_networks_and_an_end),
        ON_SITE(django_cyradm_accounts_are_found_in_each_state),
        ON_SITE(tmail_users_are_found_in_each_state_for_each_service),
        ON_SITE(a_tmail_password_is_changed_for_every_program_that_reads_it),
        ON_SITE(two_rows_of_one_name_are_nobodys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
