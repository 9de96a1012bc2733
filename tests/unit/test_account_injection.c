/* tests/unit/test_account_injection.c - nothing that a client sends becomes SQL
 *
 * What SQLite is asked is seen from inside the library: each connection that it opens, the
 * driver's too, is traced. Strings come from tests/unit/injection.txt (one a line, \xNN for a
 * byte) and are put into frames that break out of quotes, numbers and comments in the ways
 * that the databases have.
 */
#include "tests/unit/account_site.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRINGS_MIN 5000
#define STRING_MAX 300

/* --- what SQLite was asked ----------------------------------------------------------------- */

static struct {
    const char *wanted;         /* the one text there may be; NULL: nobody looks */
    size_t statements, others;
    char other[256];
} trace;

/* SQLite's own, and not the driver's, begin with "--" (triggers) or are about the schema. */
static int
on_statement(unsigned kind, void *context, void *statement, void *text)
{
    (void)kind;
    (void)context;
    (void)statement;
    if (!trace.wanted)
        return 0;
    trace.statements++;
    if (strcmp(text, trace.wanted) != 0) {
        trace.others++;
        snprintf(trace.other, sizeof(trace.other), "%s", (const char *)text);
    }
    return 0;
}

static int
on_connection(sqlite3 *db, const char **said, const void *api)
{
    (void)said;
    (void)api;
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, on_statement, NULL);
}

static void
trace_start(const char *wanted)
{
    memset(&trace, 0, sizeof(trace));
    trace.wanted = wanted;
}

/* Ends the trace: so many statements, all of the one text. */
static void
assert_traced(size_t statements)
{
    trace.wanted = NULL;
    if (trace.others)
        fail_msg("%zu statements of another text, such as %s", trace.others, trace.other);
    assert_int_equal(trace.statements, statements);
}

/* --- strings ------------------------------------------------------------------------------- */

static struct { size_t count; char (*text)[STRING_MAX]; size_t room; } strings;

static void
add_string(const char *text)
{
    if (strings.count == strings.room) {
        strings.room = strings.room ? 2 * strings.room : 1024;
        strings.text = realloc(strings.text, strings.room * sizeof(strings.text[0]));
        assert_non_null(strings.text);
    }
    snprintf(strings.text[strings.count++], STRING_MAX, "%s", text);
}

/* How a value may be broken out of, and how the rest is made harmless to the attacker. */
static const char *const openers[] = { "", "'", "\"", "`", "\\'", "''", "')", "\")", "'))", "1",
                                       "%27", "\xbf'", "\xe0'", "ada@example.org'",
                                       "\xef\xbc\x87" };
static const char *const closers[] = { "", "--", "-- -", "#", "/*", ";--", "'", "\"", "') --",
                                       "\n--", "\\" };

static void
add_framed(const char *payload)
{
    char text[STRING_MAX];

    for (size_t i = 0; i < COUNT(openers); i++)
        for (size_t j = 0; j < COUNT(closers); j++) {
            snprintf(text, sizeof(text), "%s%s%s", openers[i], payload, closers[j]);
            add_string(text);
        }
}

/* "\xNN" becomes a byte, in place. */
static void
unescape(char *line)
{
    char *out = line;

    for (const char *in = line; *in; out++) {
        if (in[0] == '\\' && in[1] == 'x' && isxdigit((unsigned char)in[2])
            && isxdigit((unsigned char)in[3])) {
            char digits[] = { in[2], in[3], '\0' };

            *out = (char)strtoul(digits, NULL, 16);
            in += 4;
        } else {
            *out = *in++;
        }
    }
    *out = '\0';
}

static int
read_strings(void **state)
{
    const char *source = getenv("CLAVIGER_SOURCE");
    char path[512], line[STRING_MAX];
    FILE *file;

    (void)state;
    snprintf(path, sizeof(path), "%s/tests/unit/injection.txt", source ? source : ".");
    file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '\0' || line[0] == '#')
            continue;
        unescape(line);
        add_framed(line);
    }
    fclose(file);
    if (strings.count < STRINGS_MIN)
        fail_msg("only %zu strings", strings.count);
    return sqlite3_auto_extension((void (*)(void))on_connection);
}

static int
free_strings(void **state)
{
    (void)state;
    sqlite3_reset_auto_extension();
    free(strings.text);
    return 0;
}

/* --- the tests ----------------------------------------------------------------------------- */

static const char table[] =
    "CREATE TABLE accounts (login TEXT, password TEXT, note TEXT);"
    "INSERT INTO accounts VALUES ('ada@example.org', '$6$ada', 'a'), ('admin', '$6$admin', 'b'),"
    "  ('1', '$6$one', 'c'), ('bob', '$6$bob', 'd');";

#define LOOKUP "SELECT login, password FROM accounts WHERE login = "
#define ASKED " OR login = "
#define NOT_THIS " AND '' <> "

/* A digest of all there is, whatever changed. */
static int64_t
count_everything(const struct site *site)
{
    return site_number(site, "SELECT sum(length(login || password || note) * rowid) + "
                       "1000000 * (SELECT count(*) FROM sqlite_master) FROM accounts");
}

/* A row came back: it is the one that was asked for by its own name, byte for byte. */
static void
assert_own_row(const struct account *account, const char *asked)
{
    if (account->ambiguous)
        fail_msg("several rows for %s", asked);
    if (account->found && strcmp(account->login, asked) != 0)
        fail_msg("%s found %s", asked, account->login);
}

static void
every_string_is_only_ever_a_value(void **state)
{
    static const char lookup[] = LOOKUP "%u OR (login = %n AND %d = %u) OR login || %s = %u "
        "OR login || %i = %u";
    static const char asked[] = LOOKUP "? OR (login = ? AND ? = ?) OR login || ? = ? "
        "OR login || ? = ?";
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn;
    struct account account;
    int64_t before;
    size_t lookups = 0;

    site_sql(site, table);
    before = count_everything(site);
    conn = site_own(site, lookup, &source);
    assert_code(site_lookup(site, conn, "nobody", "", &account), ERROR_NONE, site);    /* connects */
    trace_start(asked);
    for (size_t i = 0; i < strings.count; i++) {
        span text = span_of(strings.text[i]);
        const struct account_who whos[] = {
            { .login = text, .service = SPAN("imap"), .remote = SPAN("192.0.2.1") },
            { .login = SPAN("eve@example.org"), .service = text, .remote = SPAN("192.0.2.1") },
            { .login = SPAN("eve@example.org"), .service = SPAN("imap"), .remote = text },
            { .login = text, .service = text, .remote = text, .stored = text },
        };

        for (size_t j = 0; j < COUNT(whos); j++, lookups++) {
            assert_code(account_lookup(conn, &whos[j], soon_ms(), &account, &site->err),
                        ERROR_NONE, site);
            assert_own_row(&account, whos[j].login.len == text.len ? strings.text[i]
                                                                   : "eve@example.org");
        }
    }
    assert_traced(lookups);
    assert_int_equal(count_everything(site), before);
    site_close(conn, source);
}

static void
a_new_password_is_only_ever_a_value(void **state)
{
    static const char asked[] = "UPDATE accounts SET password = ? WHERE login = ?";
    struct site *site = *state;
    struct account_source_config config = site_config(site);
    struct account_source *source;
    struct account_conn *conn;
    struct account account;
    size_t changed;

    site_sql(site, table);
    site_sql(site, "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF");
    config.queries[ACCOUNT_LOOKUP] = LOOKUP "%u";
    config.queries[ACCOUNT_SET_PASSWORD] = "UPDATE accounts SET password = %p WHERE login = %u";
    source = site_source(site, &config);
    conn = site_conn(site, source, ACCOUNT_MAKES);
    assert_code(site_lookup(site, conn, "bob", "", &account), ERROR_NONE, site);       /* connects */
    for (size_t i = 0; i < strings.count; i += 7) {
        const struct account_who who = { .login = SPAN("bob"),
                                         .stored = span_of(strings.text[i]) };

        trace_start(asked);
        assert_code(account_change(conn, ACCOUNT_SET_PASSWORD, &who, soon_ms(), &changed,
                                   &site->err), ERROR_NONE, site);
        assert_traced(1);
        assert_int_equal(changed, 1);
        assert_code(site_lookup(site, conn, "bob", "", &account), ERROR_NONE, site);
        assert_true(span_equal(secret_get(&account.stored), who.stored));
    }
    assert_int_equal(site_number(site, "SELECT count(*) FROM accounts WHERE login <> 'bob' AND "
                                 "password = '$6$' || replace(replace(login, '@example.org', ''), "
                                 "'1', 'one')"), 3);
    site_close(conn, source);
}

/* Signs that some program, database or logger fills in. */
static const char *const templates[] = {
    "%u", "%n", "%d", "%s", "%p", "%%", "%%u", "%{user}", "%{x}", "%{login}", "%Lu", "%1$s",
    "%n%n%n%n",
    "%s%s%s%s%s%s%s%s", "%p%p%p", "%x%x%x", "%99999d", "%*d", "%.1000000s", "%hhn", "%c%n",
    "${x}", "${jndi:ldap://192.0.2.1/a}", "$(id)", "`id`", "$1", "$2", "$u", "$$", ":name", ":1",
    "@name", "@@version", "?", "?1", "?2", "??", "{0}", "{{x}}", "<%= x %>", "#{x}", "\\1", "&1",
};

static void
a_login_that_looks_like_a_template_is_a_name(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn;
    struct account account;
    sqlite3 *db;

    site_sql(site, table);
    assert_int_equal(sqlite3_open(site->file, &db), SQLITE_OK);
    for (size_t i = 0; i < COUNT(templates); i += 2) {
        char *sql = sqlite3_mprintf("INSERT INTO accounts VALUES (%Q, '$6$' || %Q, '')",
                                    templates[i], templates[i]);

        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_free(sql);
    }
    sqlite3_close(db);
    conn = site_own(site, LOOKUP "%u", &source);
    for (size_t i = 0; i < COUNT(templates); i++) {
        char stored[STRING_MAX];

        assert_code(site_lookup(site, conn, templates[i], templates[i], &account), ERROR_NONE,
                    site);
        if (account.found != (i % 2 == 0))
            fail_msg("%s: found %d", templates[i], account.found);
        snprintf(stored, sizeof(stored), "$6$%s", templates[i]);
        assert_string_equal(account.login, account.found ? templates[i] : "");
        assert_true(span_is(secret_get(&account.stored), account.found ? stored : ""));
    }
    site_close(conn, source);
}

static void
a_template_in_a_complaint_stays_what_it_is(void **state)
{
    struct site *site = *state;
    struct account_source *source;
    struct account_conn *conn = site_preset(site, "claviger", ACCOUNT_MAKES, &source);
    size_t changed;

    for (size_t i = 0; i < COUNT(templates); i++) {
        const struct account_who who = { .login = span_of(templates[i]), .stored = SPAN("$6$x") };

        assert_code(account_change(conn, ACCOUNT_SCHEMA, &who, soon_ms(), &changed, &site->err),
                    ERROR_NONE, site);
        assert_code(account_change(conn, ACCOUNT_ADD, &who, soon_ms(), &changed, &site->err),
                    ERROR_NONE, site);
        assert_int_equal(account_change(conn, ACCOUNT_ADD, &who, soon_ms(), &changed, &site->err),
                         ERROR_REJECTED);
        assert_says(&site->err, templates[i]);
    }
    site_close(conn, source);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SITE(every_string_is_only_ever_a_value),
        ON_SITE(a_new_password_is_only_ever_a_value),
        ON_SITE(a_login_that_looks_like_a_template_is_a_name),
        ON_SITE(a_template_in_a_complaint_stays_what_it_is),
    };

    return cmocka_run_group_tests(tests, read_strings, free_strings);
}
