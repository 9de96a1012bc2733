/* tests/faults/corrupt_replies.c - a server's replies, changed a byte at a time, let nobody in
 *
 *   corrupt_replies claviger.conf SOCKET COUNT NUMBER OF
 *
 * The one host of the one section `accounts` is a path, where this program listens. The first session
 * goes through to the real server, whose socket is SOCKET, and is recorded. Then the server is played from the
 * record, COUNT times, each time with one byte of it changed: as far as COUNT goes, each byte to each other value. It
 * is the NUMBERth (from 0) OF so many programs that share them. Each session asks for each of the logins, one
 * after the other, and lets in whoever the row lets in with the password "wrong".
 * The last line counts how the sessions ended; the exit status is 0 when nobody was let in.
 */
#include "account/hosts.h"
#include "account/load.h"
#include "account/row.h"
#include "account/source_parts.h"
#include "common/clock.h"
#include "common/macros.h"
#include "config/config.h"
#include "password/password.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* One with an account, one without, and the first again on what is prepared by then. */
static const char *const logins[] = { "user1@example.org", "nobody@example.org", "user1@example.org" };

enum {
    RECORD_MAX = 65536,         /* bytes of one session, both ways */
    STEPS_MAX = 128,            /* times that the other side speaks in it */
    SILENT_MS = 3,              /* a client that says nothing for so long waits for what will not come */
    PATIENCE_MS = 200,          /* of the driver */
};

/* What one side says before the other does. */
struct step { bool from_server; size_t at, len; };

static struct {
    unsigned char bytes[RECORD_MAX];
    struct step steps[STEPS_MAX];
    size_t len, count, said;    /* `said`: bytes of the server */
} record;

static struct { size_t at; unsigned char flip; } change;       /* the server's at-th byte; flip 0: none */

enum ending { UNAVAILABLE, NO_ROW, NOT_OURS, REFUSED, LET_IN, ENDINGS };
static const char *const ending_names[ENDINGS] = {
    "cannot tell", "no row", "another's row", "refused", "let in",
};

static void
give_up(const char *what, const char *why)
{
    fprintf(stderr, "corrupt_replies: %s: %s\n", what, why);
    exit(2);
}

/* --- the server ------------------------------------------------------------------------- */

static int
socket_at(const char *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (snprintf(address->sun_path, sizeof(address->sun_path), "%s", path)
        >= (int)sizeof(address->sun_path))
        give_up(path, "too long");
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static void
record_bytes(bool from_server, const unsigned char *bytes, size_t len)
{
    struct step *step = record.count ? &record.steps[record.count - 1] : NULL;

    if (!step || step->from_server != from_server) {
        if (record.count == STEPS_MAX)
            give_up("record", "too many steps");
        step = &record.steps[record.count++];
        *step = (struct step){ from_server, record.len, 0 };
    }
    if (len > RECORD_MAX - record.len)
        give_up("record", "too long");
    memcpy(record.bytes + record.len, bytes, len);
    record.len += len;
    step->len += len;
    record.said += from_server ? len : 0;
}

/* False at the end of either side. */
static bool
pass(int from, int to, bool from_server)
{
    unsigned char bytes[4096];
    ssize_t len = recv(from, bytes, sizeof(bytes), 0);

    if (len <= 0 || send(to, bytes, (size_t)len, MSG_NOSIGNAL) != len)
        return false;
    record_bytes(from_server, bytes, (size_t)len);
    return true;
}

static void
relay_and_record(int client, const char *upstream)
{
    struct sockaddr_un address;
    int server = socket_at(upstream, &address);
    struct pollfd ends[2] = { { client, POLLIN, 0 }, { server, POLLIN, 0 } };
    bool open = true;

    if (connect(server, (struct sockaddr *)&address, sizeof(address)) != 0)
        give_up("connect", upstream);
    while (open && poll(ends, 2, -1) > 0)
        for (int i = 0; i < 2 && open; i++)
            if (ends[i].revents)
                open = pass(ends[i].fd, ends[1 - i].fd, i == 1);
    close(server);
}

/* The client has said what it says here, or it waits in vain, or it has gone: false for these. */
static bool
hear(int client, size_t len)
{
    struct pollfd end = { client, POLLIN, 0 };
    unsigned char bytes[4096];

    while (len > 0 && poll(&end, 1, SILENT_MS) > 0) {
        ssize_t heard = recv(client, bytes, len < sizeof(bytes) ? len : sizeof(bytes), 0);

        if (heard <= 0)
            return false;
        len -= (size_t)heard;
    }
    return len == 0;
}

/* `before`: bytes of the server that came before these. */
static bool
say(int client, const struct step *step, size_t before)
{
    unsigned char bytes[RECORD_MAX];

    memcpy(bytes, record.bytes + step->at, step->len);
    if (change.at >= before && change.at - before < step->len)
        bytes[change.at - before] ^= change.flip;
    return send(client, bytes, step->len, MSG_NOSIGNAL) == (ssize_t)step->len;
}

static void
play(int client)
{
    size_t said = 0;

    for (size_t i = 0; i < record.count; i++) {
        const struct step *step = &record.steps[i];

        if (!(step->from_server ? say(client, step, said) : hear(client, step->len)))
            return;
        said += step->from_server ? step->len : 0;
    }
}

struct server { int listener; const char *upstream; };

static void *
serve(void *context)
{
    const struct server *server = context;
    int client;

    while ((client = accept(server->listener, NULL, NULL)) >= 0) {
        if (record.count == 0)
            relay_and_record(client, server->upstream);
        else
            play(client);
        close(client);
    }
    return NULL;
}

/* --- the client --------------------------------------------------------------------------- */

struct look { struct account account; size_t rows; bool unreadable; };

static bool
read_account(void *context, const struct account_cell *cells, size_t count)
{
    struct look *look = context;
    struct error err;

    if (look->rows++ == 0)
        look->unreadable = row_read(cells, count, &look->account, &err) != ERROR_NONE;
    return true;
}

static enum ending
judge(const struct look *look, const char *login)
{
    const struct account *account = &look->account;
    const struct stored_password stored = {
        .value = secret_get(&account->stored), .scheme = span_of(account->scheme),
    };
    struct password_bounds bounds;
    struct error err;

    password_bounds_default(&bounds);
    if (look->unreadable)
        return UNAVAILABLE;
    if (look->rows == 0)
        return NO_ROW;
    if (look->rows > 1 || strcmp(account->login, login) != 0)
        return NOT_OURS;
    return account->enabled && !account->password_null
           && password_verify(&bounds, &stored, (span)SPAN("wrong"), &err) == PASSWORD_RIGHT
         ? LET_IN : REFUSED;
}

static enum ending
ask(struct account_source *source, struct account_session *session, const char *login,
    int64_t deadline_ms)
{
    const struct query *query = &source->queries[ACCOUNT_LOOKUP];
    const struct account_statement statement = { query->text, query->parameters_count,
                                                 ACCOUNT_LOOKUP, false };
    static struct look look;            /* of this thread alone; an account is large */
    span parameter = span_of(login);
    struct error err;
    bool lost = false;
    enum ending ending = UNAVAILABLE;

    look.rows = 0;
    look.unreadable = false;
    if (source->driver->run(session, &statement, &parameter, deadline_ms, read_account, &look, NULL,
                            &lost, &err) == ERROR_NONE)
        ending = judge(&look, login);
    account_wipe(&look.account);
    return lost ? UNAVAILABLE : ending;
}

/* How each lookup ended; those after a lost one cannot tell. */
static void
ask_all(struct account_source *source, int64_t patience_ms, enum ending endings[COUNT(logins)])
{
    int64_t deadline_ms = clock_now_ms(&clock_system) + patience_ms;
    struct account_session *session = NULL;
    struct error err;
    enum error_code code = source->driver->open(&source->config, hosts_target(source->hosts, 0),
                                                ACCOUNT_READS, deadline_ms, &session, &err);
    bool open = code == ERROR_NONE;

    for (size_t i = 0; i < COUNT(logins); i++) {
        endings[i] = open ? ask(source, session, logins[i], deadline_ms) : UNAVAILABLE;
        open = open && endings[i] != UNAVAILABLE;
    }
    if (session)
        source->driver->close(session);
}

/* What it was that harmed, for the report of a failure. */
static void
on_crash(int number)
{
    dprintf(STDERR_FILENO, "byte %zu of the server changed by %02x\n", change.at,
            (unsigned)change.flip);
    signal(number, SIG_DFL);
    raise(number);
}

/* --- all of it ---------------------------------------------------------------------------- */

static void
listen_at(struct server *server, const char *path)
{
    static pthread_t thread;
    struct sockaddr_un address;

    server->listener = socket_at(path, &address);
    unlink(path);
    if (bind(server->listener, (struct sockaddr *)&address, sizeof(address)) != 0
        || listen(server->listener, 64) != 0
        || pthread_create(&thread, NULL, serve, server) != 0)
        give_up("listen", path);
}

/* What the server says is the same each time: the record has to serve. */
static void
expect_right(struct account_source *source, const char *what)
{
    enum ending endings[COUNT(logins)];

    ask_all(source, 10000, endings);
    for (size_t i = 0; i < COUNT(logins); i++)
        if (endings[i] != (strncmp(logins[i], "nobody", 6) == 0 ? NO_ROW : REFUSED))
            give_up(what, ending_names[endings[i]]);
}

/* The changes of all programs are spread over what there is; beyond that they come again. */
static void
change_byte(unsigned long long i, unsigned long long count)
{
    unsigned long long all = record.said * 255ULL;
    unsigned long long which = count < all ? i * all / count : i % all;

    change.at = which / 255;
    change.flip = (unsigned char)(which % 255 + 1);
}

/* `count` is this program's. */
static bool
run(struct account_source *source, unsigned long long count, unsigned long number,
    unsigned long programs)
{
    unsigned long long counts[ENDINGS] = { 0 };
    enum ending endings[COUNT(logins)];

    for (unsigned long long i = 0; i < count; i++) {
        change_byte(i * programs + number, count * programs);
        ask_all(source, PATIENCE_MS, endings);
        for (size_t k = 0; k < COUNT(logins); k++)
            counts[endings[k]]++;
    }
    printf("%zu bytes of the server, %llu sessions of %zu lookups:", record.said, count, COUNT(logins));
    for (int i = 0; i < ENDINGS; i++)
        printf(" %s %llu%s", ending_names[i], counts[i], i + 1 < ENDINGS ? "," : "\n");
    return counts[LET_IN] == 0;
}

int
main(int argc, char **argv)
{
    struct account_source *source;
    static struct server server;        /* its thread ends with the program */
    struct config *config;
    struct error err;
    bool well;

    if (argc != 6) {
        printf("usage: corrupt_replies claviger.conf SOCKET COUNT NUMBER OF\n");
        return 0;
    }
    if (config_load(argv[1], &config, &err) != ERROR_NONE)
        give_up("config", err.reason);
    const struct account_dirs dirs = { config->daemon.preset_dir, config->daemon.driver_dir };

    signal(SIGSEGV, on_crash);
    server.upstream = argv[2];
    listen_at(&server, config->accounts[0].hosts[0]);
    if (account_source_new(&config->accounts[0], &dirs, &source, &err) != ERROR_NONE)
        give_up("source", err.reason);
    expect_right(source, "the real server");
    expect_right(source, "the server from the record");
    well = run(source, strtoull(argv[3], NULL, 10), strtoul(argv[4], NULL, 10),
               strtoul(argv[5], NULL, 10));
    account_source_free(source);
    config_free(config);
    return well ? 0 : 1;
}
