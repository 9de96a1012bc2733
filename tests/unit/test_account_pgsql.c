/* tests/unit/test_account_pgsql.c - the PostgreSQL driver on a server that answers by script
 *
 * The script is bytes of the protocol (PostgreSQL manual, "Message Formats"), one part for each
 * request of the driver; so a fault can stand at every byte. The real server is tests/e2e's.
 */
#include "account/load.h"
#include "common/clock.h"
#include "tests/unit/account_site.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PARTS_MAX 8
#define PART_MAX 1024

/* Waiting that a test makes the driver do, per byte of a script. */
#define SHORT_MS 15

enum fault { NO_FAULT, CUT, STALL, CORRUPT };

struct part { size_t len; unsigned char bytes[PART_MAX]; };

struct server {
    char path[108];
    int listener;
    pthread_t thread;
    struct part parts[PARTS_MAX];
    size_t count;
    enum fault fault;
    size_t at, sent;                    /* the fault's byte; bytes that went */
};

/* --- the script ---------------------------------------------------------------------- */

static void
put(struct part *part, char type, const void *payload, size_t len)
{
    size_t size = len + 4;
    const unsigned char head[] = { (unsigned char)type, 0, 0, (unsigned char)(size >> 8),
                                   (unsigned char)size };

    assert_true(part->len + sizeof(head) + len <= PART_MAX);
    memcpy(part->bytes + part->len, head, sizeof(head));
    memcpy(part->bytes + part->len + sizeof(head), payload, len);
    part->len += sizeof(head) + len;
}

#define PUT(part, type, literal) put((part), (type), (literal), sizeof(literal) - 1)

static struct part *
next_part(struct server *server)
{
    assert_true(server->count < PARTS_MAX);
    return &server->parts[server->count++];
}

static void
put_ready(struct part *part)
{
    PUT(part, 'Z', "I");
}

static void
put_error(struct part *part, const char *state, const char *message)
{
    char fields[200];
    int len = snprintf(fields, sizeof(fields), "SERROR%cC%s%cM%s%c%c", 0, state, 0, message, 0, 0);

    put(part, 'E', fields, (size_t)len);
}

static void
script_hello(struct server *server, const char *encoding)
{
    struct part *part = next_part(server);
    char setting[64];
    int len = snprintf(setting, sizeof(setting), "client_encoding%c%s%c", 0, encoding, 0);

    PUT(part, 'R', "\0\0\0\0");
    put(part, 'S', setting, (size_t)len);
    PUT(part, 'S', "server_version\0" "15.0\0");
    PUT(part, 'K', "\0\0\0\1\0\0\0\2");
    put_ready(part);
    part = next_part(server);
    PUT(part, 'C', "SET\0");
    put_ready(part);
}

static void
script_prepared(struct server *server)
{
    struct part *part = next_part(server);

    PUT(part, '1', "");
    put_ready(part);
}

static void
script_error(struct server *server, const char *state, const char *message)
{
    struct part *part = next_part(server);

    put_error(part, state, message);
    put_ready(part);
}

#define COLUMN(name) name "\0" "\0\0\0\0" "\0\0" "\0\0\0\31" "\377\377" "\377\377\377\377" "\0\0"

static void
put_row(struct part *part)
{
    PUT(part, 'D', "\0\3" "\0\0\0\3" "ada" "\0\0\0\4" "$6$x" "\377\377\377\377");
}

static void
script_rows(struct server *server, size_t rows)
{
    struct part *part = next_part(server);

    PUT(part, '2', "");
    PUT(part, 'T', "\0\3" COLUMN("login") COLUMN("password") COLUMN("home"));
    for (size_t i = 0; i < rows; i++)
        put_row(part);
    PUT(part, 'C', "SELECT 1\0");
    put_ready(part);
}

/* What a lookup of one row takes. */
static void
script_lookup(struct server *server)
{
    script_hello(server, "UTF8");
    script_prepared(server);
    script_rows(server, 1);
}

/* --- the server ---------------------------------------------------------------------- */

static bool
read_all(int fd, void *out, size_t len)
{
    unsigned char *to = out;

    while (len > 0) {
        ssize_t got = recv(fd, to, len, 0);

        if (got <= 0)
            return false;
        to += got;
        len -= (size_t)got;
    }
    return true;
}

/* One message; its type is left in *type. False at the end of the connection. */
static bool
read_message(int fd, bool has_type, char *type)
{
    unsigned char head[5] = { 0 }, skipped;
    size_t len;

    if (!read_all(fd, head + (has_type ? 0 : 1), has_type ? 5 : 4))
        return false;
    *type = (char)head[0];
    len = (size_t)head[3] << 8 | head[4];
    for (size_t i = 4; i < len; i++)
        if (!read_all(fd, &skipped, 1))
            return false;
    return true;
}

static bool
read_request(int fd, size_t number)
{
    char type = 0;

    while (number == 0 || (type != 'S' && type != 'Q')) {
        if (!read_message(fd, number > 0, &type))
            return false;
        if (number == 0)
            return true;
    }
    return true;
}

/* False when no more is sent. */
static bool
send_part(struct server *server, int fd, const struct part *part)
{
    unsigned char bytes[PART_MAX];
    size_t len = part->len;
    bool here = server->fault != NO_FAULT && server->at >= server->sent
             && server->at < server->sent + len;

    memcpy(bytes, part->bytes, len);
    if (here && server->fault == CORRUPT)
        bytes[server->at - server->sent] ^= 0xff;
    else if (here)
        len = server->at - server->sent;
    server->sent += len;
    if (len > 0 && send(fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
        return false;
    return !here || server->fault == CORRUPT;
}

static void *
serve_thread(void *context)
{
    struct server *server = context;
    int fd = accept(server->listener, NULL, NULL);
    unsigned char ignored;

    for (size_t i = 0; fd >= 0 && i < server->count; i++) {
        if (!read_request(fd, i))
            break;
        if (!send_part(server, fd, &server->parts[i]))
            break;
    }
    while (fd >= 0 && server->fault != CUT && read_all(fd, &ignored, 1))
        continue;
    if (fd >= 0)
        close(fd);
    return NULL;
}

static void
serve(struct server *server, const struct site *site)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    snprintf(server->path, sizeof(server->path), "%s/.s.PGSQL.5432", site->dir);
    memcpy(address.sun_path, server->path, sizeof(server->path));
    server->sent = 0;
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(server->listener, 5), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, serve_thread, server), 0);
}

static void
end_serving(struct server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    unlink(server->path);
}

/* --- the driver ---------------------------------------------------------------------- */

static const struct account_driver *driver;
static void *library;

static int
load(void **state)
{
    struct site *site;
    enum error_code code;

    site_make(state);
    site = *state;
    code = load_driver(site->drivers, "pgsql", &library, &driver, &site->err);
    assert_code(code, ERROR_NONE, site);
    return 0;
}

static int
unload(void **state)
{
    load_close(library);
    return site_remove(state);
}

#define ON_SERVER(test) cmocka_unit_test_setup_teardown(test, load, unload)

/* What one lookup came to. */
struct outcome { enum error_code code; size_t rows; bool lost; bool right; };

static bool
take_row(void *context, const struct account_cell *cells, size_t count)
{
    struct outcome *outcome = context;

    outcome->rows++;
    outcome->right = count == 3 && strcmp(cells[0].name, "login") == 0
                  && span_is(cells[0].value, "ada") && !cells[0].is_null
                  && span_is(cells[1].value, "$6$x") && cells[2].is_null;
    return outcome->rows < 2;
}

static enum error_code
open_session(const char *socket_path, int64_t deadline_ms, struct account_session **out,
             struct error *err)
{
    const struct account_source_config config = {
        .database = "mail", .user = "claviger", .query_timeout_ms = 1000,
    };
    const struct account_target target = { .socket = socket_path };

    return driver->open(&config, &target, false, deadline_ms, out, err);
}

/* Connects and asks `times`; the last outcome counts. */
static struct outcome
look_up_times(struct site *site, struct server *server, int64_t ms, int times)
{
    static const struct account_statement statement = {
        .text = "SELECT login, password, home FROM accounts WHERE login = $1", .parameters = 1,
    };
    const span login = SPAN("ada");
    int64_t deadline_ms = clock_now_ms(&clock_system) + ms;
    struct account_session *session;
    struct outcome outcome = { 0 };

    serve(server, site);
    outcome.code = open_session(server->path, deadline_ms, &session, &site->err);
    for (int i = 0; i < times && session && !outcome.lost; i++) {
        outcome = (struct outcome){ 0 };
        outcome.code = driver->run(session, &statement, &login, deadline_ms, take_row, &outcome,
                                   NULL, &outcome.lost, &site->err);
    }
    if (session)
        driver->close(session);
    end_serving(server);
    return outcome;
}

static struct outcome
look_up(struct site *site, struct server *server, int64_t ms)
{
    return look_up_times(site, server, ms, 1);
}

/* --- what holds ------------------------------------------------------------------------ */

static void
a_row_is_read_with_names_values_and_null(void **state)
{
    struct server server = { 0 };
    struct outcome outcome;

    script_lookup(&server);
    outcome = look_up(*state, &server, 5000);
    assert_code(outcome.code, ERROR_NONE, (struct site *)*state);
    assert_int_equal(outcome.rows, 1);
    assert_true(outcome.right && !outcome.lost);
}

static size_t
script_size(const struct server *server)
{
    size_t size = 0;

    for (size_t i = 0; i < server->count; i++)
        size += server->parts[i].len;
    return size;
}

static void
a_connection_cut_after_any_byte_is_unavailable_and_lost(void **state)
{
    struct server server = { .fault = CUT };
    size_t size;

    script_lookup(&server);
    size = script_size(&server);
    for (server.at = 0; server.at < size; server.at++) {
        struct outcome outcome = look_up(*state, &server, 5000);

        if (outcome.code != ERROR_UNAVAILABLE)
            fail_msg("cut after %zu bytes of %zu: code %d", server.at, size, (int)outcome.code);
    }
}

static void
a_server_that_falls_silent_after_any_byte_costs_the_deadline_and_no_more(void **state)
{
    struct server server = { .fault = STALL };
    size_t size;

    script_lookup(&server);
    size = script_size(&server);
    for (server.at = 0; server.at < size; server.at++) {
        int64_t start_ms = clock_now_ms(&clock_system);
        struct outcome outcome = look_up(*state, &server, SHORT_MS);
        int64_t took_ms = clock_now_ms(&clock_system) - start_ms;

        if (outcome.code != ERROR_UNAVAILABLE || took_ms > SHORT_MS + 2000)
            fail_msg("silent after %zu bytes: code %d in %lld ms", server.at, (int)outcome.code,
                     (long long)took_ms);
    }
}

/* An inverted byte of a name or value gives another row, and that is for row.c and auth/ to see. */
static void
any_corrupt_byte_is_survived(void **state)
{
    struct server server = { .fault = CORRUPT };
    size_t size, unharmed = 0;

    script_lookup(&server);
    size = script_size(&server);
    for (server.at = 0; server.at < size; server.at++) {
        struct outcome outcome = look_up(*state, &server, 10 * SHORT_MS);

        unharmed += outcome.code == ERROR_NONE && outcome.right;
    }
    assert_true(unharmed > 0 && unharmed < size);
}

static const struct {
    const char *what, *state, *message;
    enum error_code code;
    bool lost;
    const char *says;
} errors[] = {
    { "a unique constraint", "23505", "duplicate key", ERROR_REJECTED, false, "duplicate key" },
    { "a table that is gone", "42P01", "relation \"users\" does not exist", ERROR_UNAVAILABLE,
      false, "relation \"users\" does not exist (SQLSTATE 42P01)" },
    { "a right that is missing", "42501", "permission denied for table users",
      ERROR_UNAVAILABLE, false, "permission denied" },
    { "the server's own timeout", "57014", "canceling statement", ERROR_UNAVAILABLE, false,
      "no answer within the deadline" },
    { "a server that is stopped", "57P01", "terminating connection", ERROR_UNAVAILABLE, true,
      "terminating connection" },
    { "a server that only reads", "25006", "cannot execute", ERROR_UNAVAILABLE, true, "cannot" },
    { "a value that does not fit", "22P02", "invalid input for type integer: \"hidden\"",
      ERROR_UNAVAILABLE, false, "invalid input for type integer (SQLSTATE 22P02)" },
};

static void
an_error_of_the_server_means_what_its_sqlstate_says(void **state)
{
    struct site *site = *state;

    for (size_t i = 0; i < COUNT(errors); i++) {
        struct server server = { 0 };
        struct outcome outcome;

        script_hello(&server, "UTF8");
        script_prepared(&server);
        script_error(&server, errors[i].state, errors[i].message);
        outcome = look_up(site, &server, 5000);
        if (outcome.code != errors[i].code || outcome.lost != errors[i].lost
            || !strstr(site->err.reason, errors[i].says)
            || !strstr(site->err.reason, ".s.PGSQL.5432: "))
            fail_msg("%s: code %d, lost %d, \"%s\"", errors[i].what, (int)outcome.code,
                     outcome.lost, site->err.reason);
    }
}

/* The first run prepares; the second finds its statement outdated. */
static void
an_outdated_statement_is_prepared_again_once(void **state)
{
    static const char *const states[] = { "0A000", "26000", "22P02", "42883" };
    struct site *site = *state;

    for (size_t i = 0; i < COUNT(states); i++) {
        struct server server = { 0 };
        struct outcome outcome;

        script_lookup(&server);
        script_error(&server, states[i], "outdated");
        script_prepared(&server);
        script_rows(&server, 1);
        outcome = look_up_times(site, &server, 5000, 2);
        assert_code(outcome.code, ERROR_NONE, site);
        assert_int_equal(outcome.rows, 1);
        server.count = 0;
        memset(server.parts, 0, sizeof(server.parts));
        script_lookup(&server);
        script_error(&server, states[i], "outdated");
        script_prepared(&server);
        script_error(&server, states[i], "outdated again");
        outcome = look_up_times(site, &server, 5000, 2);
        assert_int_equal(outcome.code, ERROR_UNAVAILABLE);
        assert_says(&site->err, "outdated again");
    }
}

static void
rows_that_nobody_wants_cost_the_connection_only_when_they_are_many(void **state)
{
    static const struct { size_t rows; bool lost; } tables[] = {
        { 0, false }, { 1, false }, { 2, false }, { 18, false }, { 19, true }, { 30, true },
    };

    for (size_t i = 0; i < COUNT(tables); i++) {
        struct server server = { 0 };
        struct outcome outcome;

        script_hello(&server, "UTF8");
        script_prepared(&server);
        script_rows(&server, tables[i].rows);
        outcome = look_up(*state, &server, 5000);
        assert_code(outcome.code, ERROR_NONE, (struct site *)*state);
        assert_int_equal(outcome.rows, tables[i].rows < 2 ? tables[i].rows : 2);
        if (outcome.lost != tables[i].lost)
            fail_msg("%zu rows: lost %d", tables[i].rows, outcome.lost);
    }
}

static void
a_server_that_does_not_speak_utf8_is_refused(void **state)
{
    static const char *const encodings[] = { "LATIN1", "SQL_ASCII", "utf", "" };
    struct site *site = *state;

    for (size_t i = 0; i < COUNT(encodings); i++) {
        struct server server = { 0 };

        script_hello(&server, encodings[i]);
        assert_int_equal(look_up(site, &server, 5000).code, ERROR_UNAVAILABLE);
        assert_says(&site->err, "where UTF8 was asked for");
    }
}

/* What the server asks for, as AuthenticationRequest has it, and what the reason says. */
static const struct { const char *what, *request; size_t len; const char *says; } methods[] = {
    { "a password", "\0\0\0\3", 4, "set \"password_file\"" },
    { "md5", "\0\0\0\5salt", 8, "set \"password_file\"" },
    { "SCRAM", "\0\0\0\12SCRAM-SHA-256\0", 19, "set \"password_file\"" },
    { "SASL of another kind", "\0\0\0\12EXAMPLE\0", 13, "SASL" },
    { "Kerberos 5", "\0\0\0\2", 4, "Kerberos 5" },
    { "one of the future", "\0\0\0\143", 4, "authentication method 99" },
};

static void
an_authentication_that_cannot_be_served_is_named(void **state)
{
    struct site *site = *state;

    for (size_t i = 0; i < COUNT(methods); i++) {
        struct server server = { 0 };

        put(next_part(&server), 'R', methods[i].request, methods[i].len);
        assert_int_equal(look_up(site, &server, 2000).code, ERROR_UNAVAILABLE);
        if (!strstr(site->err.reason, methods[i].says))
            fail_msg("%s: \"%s\"", methods[i].what, site->err.reason);
    }
}

static void
variables_that_libpq_obeys_are_refused_and_the_others_have_no_effect(void **state)
{
    static const char *const refused[] = { "PGSERVICE", "PGOPTIONS", "PGTZ", "PGPASSWORD",
                                          "PGHOSTADDR" };
    static const char *const ignored[] = {
        "PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGSSLMODE", "PGPASSFILE",
        "PGCLIENTENCODING", "PGCONNECT_TIMEOUT", "PGTARGETSESSIONATTRS", "PGCHANNELBINDING",
    };
    struct site *site = *state;
    struct server server = { 0 };

    script_lookup(&server);
    for (size_t i = 0; i < COUNT(refused); i++) {
        setenv(refused[i], "x", 1);
        assert_int_equal(look_up(site, &server, 5000).code, ERROR_CONFIG);
        assert_says(&site->err, refused[i]);
        unsetenv(refused[i]);
    }
    for (size_t i = 0; i < COUNT(ignored); i++)
        setenv(ignored[i], "nonsense", 1);
    assert_code(look_up(site, &server, 5000).code, ERROR_NONE, site);
    for (size_t i = 0; i < COUNT(ignored); i++)
        unsetenv(ignored[i]);
}

static void
what_is_no_socket_is_named(void **state)
{
    static const struct { const char *path, *says; enum error_code code; } paths[] = {
        { "/nowhere", "/nowhere/.s.PGSQL.5432: ", ERROR_UNAVAILABLE },
        { "/nowhere/.s.PGSQL.77", "/nowhere/.s.PGSQL.77: ", ERROR_UNAVAILABLE },
        { "/a,/b", "is no server", ERROR_CONFIG },
        { "", "is no server", ERROR_CONFIG },
    };
    struct site *site = *state;
    struct account_session *session;

    for (size_t i = 0; i < COUNT(paths); i++) {
        assert_int_equal(open_session(paths[i].path, soon_ms(), &session, &site->err),
                         paths[i].code);
        assert_null(session);
        assert_says(&site->err, paths[i].says);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SERVER(a_row_is_read_with_names_values_and_null),
        ON_SERVER(a_connection_cut_after_any_byte_is_unavailable_and_lost),
        ON_SERVER(a_server_that_falls_silent_after_any_byte_costs_the_deadline_and_no_more),
        ON_SERVER(any_corrupt_byte_is_survived),
        ON_SERVER(an_error_of_the_server_means_what_its_sqlstate_says),
        ON_SERVER(an_outdated_statement_is_prepared_again_once),
        ON_SERVER(rows_that_nobody_wants_cost_the_connection_only_when_they_are_many),
        ON_SERVER(a_server_that_does_not_speak_utf8_is_refused),
        ON_SERVER(an_authentication_that_cannot_be_served_is_named),
        ON_SERVER(variables_that_libpq_obeys_are_refused_and_the_others_have_no_effect),
        ON_SERVER(what_is_no_socket_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
