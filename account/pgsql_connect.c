/* account/pgsql_connect.c - see pgsql_connect.h
 *
 * libpq takes each keyword that it is not given, or given empty, from the environment, then from
 * ~/.pgpass, ~/.postgresql and the service file. So each is given, with a file that cannot be
 * where none is meant; and the few variables that it obeys in any case are refused.
 *
 * Nothing in it blocks, but for Kerberos: when a server asks for GSSAPI and our user has a ticket,
 * the Kerberos library talks to its servers at its own pace. Without a ticket it refuses at once.
 */
#include "account/pgsql_connect.h"

#include "account/reach.h"
#include "account/resolve.h"
#include "account/tls_files.h"
#include "common/clock.h"
#include "common/secret.h"

#include <errno.h>
#include <libpq-fe.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT_DEFAULT 5432

/* The name of a server's socket in its folder. */
#define SOCKET_PREFIX ".s.PGSQL."

/* No file is below a device: libpq finds nothing there, and says nothing about it. */
#define NOWHERE "/dev/null/none"

/* Bytes that the kernel keeps for us unread: some rows, so that a huge one is noticed early. */
#define RECEIVE_BUFFER 65536

#define KEYWORDS_MAX 40

struct keywords {
    size_t count;
    const char *names[KEYWORDS_MAX + 1], *values[KEYWORDS_MAX + 1];
};

/* What is the same for every connection. */
static const struct { const char *name, *value; } constants[] = {
    { "client_encoding", "UTF8" },
    { "application_name", "claviger" },
    { "passfile", NOWHERE },
    { "connect_timeout", "0" },         /* the deadline is ours */
    { "gssencmode", "disable" },
    { "krbsrvname", "postgres" },
    { "channel_binding", "prefer" },
    { "sslcompression", "0" },
    { "sslcrl", NOWHERE },
    { "sslcrldir", NOWHERE },
    { "sslpassword", "-" },             /* a key that wants one fails; nobody is asked */
    { "sslsni", "1" },
    { "ssl_min_protocol_version", "TLSv1.2" },
    { "ssl_max_protocol_version", "TLSv1.3" },
    { "replication", "false" },
    { "keepalives", "1" },              /* seconds: less than any NAT forgets in */
    { "keepalives_idle", "30" },
    { "keepalives_interval", "10" },
    { "keepalives_count", "3" },
};

/* Obeyed whatever libpq is told: they change what a query means, or whom we speak to. */
static const char *const obeyed[] = {
    "PGSERVICE", "PGOPTIONS", "PGREQUIREPEER", "PGTZ", "PGDATESTYLE", "PGGEQO",
    "PGREQUIREAUTH", "PGSSLCERTMODE", "PGSSLNEGOTIATION", "PGLOADBALANCEHOSTS",
};

/* The authorities that distributions trust: Debian, Fedora, openSUSE, Alpine. */
static const char *const system_authorities[] = {
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
};

static const char *const ssl_modes[] = {
    [ACCOUNT_TLS_VERIFY_FULL] = "verify-full",
    [ACCOUNT_TLS_VERIFY_CA] = "verify-ca",
    [ACCOUNT_TLS_REQUIRE] = "require",
    [ACCOUNT_TLS_OFF] = "disable",
};

/* --- words ----------------------------------------------------------------------------- */

/* Bytes of `message` from where libpq has named the address and the severity: the first line, the
 * others are guesses of its own. */
static span
find_reason(const char *message)
{
    static const char prefix[] = "connection to server", failed[] = " failed: ";
    static const char fatal[] = "FATAL:  ";
    const char *after = strncmp(message, prefix, sizeof(prefix) - 1) == 0
                      ? strstr(message, failed) : NULL;
    const char *start = after ? after + sizeof(failed) - 1 : message;

    if (strncmp(start, fatal, sizeof(fatal) - 1) == 0)
        start += sizeof(fatal) - 1;
    return span_make(start, strcspn(start, "\n"));
}

enum error_code
pgsql_said(const char *message, const struct pgsql_server *server, struct error *err)
{
    span reason = span_until(find_reason(message), sizeof(err->reason));

    if (reason.len == 0)
        reason = span_of("libpq gives no reason");
    return error_set(err, ERROR_UNAVAILABLE, "%s: %.*s", server->name, (int)reason.len,
                     (const char *)reason.ptr);
}

/* --- what libpq is told ---------------------------------------------------------------- */

static void
tell(struct keywords *to, const char *name, const char *value)
{
    to->names[to->count] = name;
    to->values[to->count++] = value;
}

/* A password or an address that is not given cannot be given empty, either. */
static enum error_code
check_environment(const struct account_target *target, struct error *err)
{
    const char *found = target->password.len == 0 && getenv("PGPASSWORD") ? "PGPASSWORD"
                      : target->socket && getenv("PGHOSTADDR") ? "PGHOSTADDR"
                      : NULL;

    for (size_t i = 0; i < COUNT(obeyed) && !found; i++)
        if (getenv(obeyed[i]))
            found = obeyed[i];
    return found ? error_set(err, ERROR_CONFIG, "the environment has %s, which libpq obeys: "
                             "take it away", found)
                 : ERROR_NONE;
}

static const char *
find_system_authorities(void)
{
    for (size_t i = 0; i < COUNT(system_authorities); i++)
        if (access(system_authorities[i], R_OK) == 0)
            return system_authorities[i];
    return NULL;
}

/* "require" means with whomever: were it told a file, libpq would verify after all. */
static enum error_code
tell_tls(struct keywords *to, const struct account_source_config *config, bool is_socket,
         struct error *err)
{
    bool verifies = config->tls == ACCOUNT_TLS_VERIFY_FULL || config->tls == ACCOUNT_TLS_VERIFY_CA;
    bool used = !is_socket && config->tls != ACCOUNT_TLS_OFF;
    const char *authorities = config->tls_ca ? config->tls_ca : find_system_authorities();
    enum error_code code = ERROR_NONE;

    tell(to, "sslmode", is_socket ? "disable" : ssl_modes[config->tls]);
    tell(to, "sslrootcert", used && verifies && authorities ? authorities : NOWHERE);
    tell(to, "sslcert", used && config->tls_cert ? config->tls_cert : NOWHERE);
    tell(to, "sslkey", used && config->tls_key ? config->tls_key : NOWHERE);
    if (used && verifies && !authorities)
        code = error_set(err, ERROR_CONFIG, "this system has no file of authorities where others "
                         "have it: name one with \"tls_ca\"");
    if (used && code == ERROR_NONE)
        code = tls_files_check(config, err);
    return code;
}

/* --- where the server is --------------------------------------------------------------- */

/* libpq wants a socket's folder and number; people name the folder or the socket itself. */
struct place {
    bool is_socket;
    unsigned port;
    char host[PATH_MAX];        /* name, address or folder */
    char port_text[11];
};

static enum error_code
find_place(const struct account_target *target, struct place *out, struct error *err)
{
    const char *host = target->socket ? target->socket : target->host;
    const char *slash = strrchr(host, '/');
    uint64_t port = 0;
    bool is_file = target->socket && slash
                && strncmp(slash + 1, SOCKET_PREFIX, sizeof(SOCKET_PREFIX) - 1) == 0
                && span_to_u64(span_of(slash + sizeof(SOCKET_PREFIX)), &port) && port <= 65535;
    span text = is_file ? span_make(host, (size_t)(slash - host)) : span_of(host);

    *out = (struct place){ .is_socket = target->socket != NULL };
    out->port = is_file ? (unsigned)port : target->port ? target->port : PORT_DEFAULT;
    snprintf(out->port_text, sizeof(out->port_text), "%u", out->port);
    if (text.len == 0 || !span_to_string(text, out->host, sizeof(out->host))
        || strchr(out->host, ','))
        return error_set(err, ERROR_CONFIG, "hosts: \"%.200s\" is no server", host);
    return ERROR_NONE;
}

static void
name_server(const struct place *place, struct pgsql_server *out)
{
    bool is_v6 = !place->is_socket && strchr(place->host, ':');

    if (place->is_socket)
        snprintf(out->name, sizeof(out->name), "%.250s/" SOCKET_PREFIX "%u", place->host,
                 place->port);
    else
        snprintf(out->name, sizeof(out->name), "%s%.250s%s:%u", is_v6 ? "[" : "", place->host,
                 is_v6 ? "]" : "", place->port);
}

/* --- connecting ------------------------------------------------------------------------ */

bool
pgsql_wait(PGconn *conn, short events, int64_t deadline_ms)
{
    struct pollfd fd = { PQsocket(conn), events, 0 };

    while (true) {
        int64_t left_ms = deadline_ms - clock_now_ms(&clock_system);
        int result;

        if (left_ms <= 0)
            return false;
        if (fd.fd < 0)
            return true;        /* libpq has closed it, and will say why */
        result = poll(&fd, 1, left_ms < INT_MAX ? (int)left_ms : INT_MAX);
        if (result > 0 || (result < 0 && errno != EINTR))
            return true;
    }
}

/* Whether the server has been heard: another address of its name would say the same. */
static bool
was_heard(PGconn *conn)
{
    switch (PQstatus(conn)) {
    case CONNECTION_STARTED: case CONNECTION_MADE: case CONNECTION_NEEDED: case CONNECTION_BAD:
        return false;
    default:
        return true;
    }
}

static enum error_code
drive(PGconn *conn, const struct pgsql_server *server, int64_t deadline_ms, bool *heard,
      struct error *err)
{
    PostgresPollingStatusType wants = PGRES_POLLING_WRITING;
    int failure;

    *heard = false;
    while (PQstatus(conn) != CONNECTION_BAD && wants != PGRES_POLLING_OK
           && wants != PGRES_POLLING_FAILED) {
        if (!pgsql_wait(conn, wants == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_ms)) {
            *heard = false;
            return error_set(err, ERROR_UNAVAILABLE, "%s: %s within the deadline", server->name,
                             PQstatus(conn) == CONNECTION_STARTED ? "not connected"
                                                                  : "connected, but no answer");
        }
        wants = PQconnectPoll(conn);
        *heard = *heard || was_heard(conn);
    }
    if (wants == PGRES_POLLING_OK)
        return ERROR_NONE;
    failure = *heard ? 0 : reach_text(find_reason(PQerrorMessage(conn)));
    if (failure != 0)
        return reach_failed(server->name, failure, err);
    pgsql_said(PQerrorMessage(conn), server, err);
    if (PQconnectionNeedsPassword(conn))
        error_set(err, ERROR_UNAVAILABLE, "%s: the server asks for a password, and there is none: "
                  "set \"password_file\"", server->name);
    return ERROR_UNAVAILABLE;
}

static void
ignore_notice(void *context, const PGresult *notice)
{
    (void)context, (void)notice;
}

/* Everything that is read and written from here on is UTF-8, and no call blocks. */
static enum error_code
set_up(PGconn *conn, const struct pgsql_server *server, struct error *err)
{
    const char *encoding = PQparameterStatus(conn, "client_encoding");

    if (!encoding || strcmp(encoding, "UTF8") != 0)
        return error_set(err, ERROR_UNAVAILABLE, "%s: speaks %s where UTF8 was asked for",
                         server->name, encoding ? encoding : "an unknown encoding");
    if (PQsetnonblocking(conn, 1) != 0)
        return pgsql_said(PQerrorMessage(conn), server, err);
    return ERROR_NONE;
}

static enum error_code
connect_once(const struct keywords *keywords, const struct pgsql_server *server,
             int64_t deadline_ms, PGconn **out, bool *heard, struct error *err)
{
    PGconn *conn = PQconnectStartParams(keywords->names, keywords->values, 0);
    const int receive_buffer = RECEIVE_BUFFER;
    enum error_code code;

    *heard = false;
    if (!conn)
        return error_set(err, ERROR_UNAVAILABLE, "no memory for a connection");
    PQsetNoticeReceiver(conn, ignore_notice, NULL);
    setsockopt(PQsocket(conn), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    code = drive(conn, server, deadline_ms, heard, err);
    if (code == ERROR_NONE)
        code = set_up(conn, server, err);
    if (code != ERROR_NONE) {
        PQfinish(conn);
        conn = NULL;
    }
    *out = conn;
    return code;
}

/* Each address gets its share of the time that is left: one that swallows everything does
 * not cost the others theirs. */
static enum error_code
try_addresses(struct keywords *keywords, const struct pgsql_server *server,
              const struct resolve_addresses *addresses, int64_t deadline_ms, PGconn **out,
              struct error *err)
{
    size_t at = keywords->count;
    enum error_code code = ERROR_UNAVAILABLE;
    bool heard = false;

    for (size_t i = 0; i < addresses->count && code != ERROR_NONE && !heard; i++) {
        int64_t now_ms = clock_now_ms(&clock_system);
        int64_t share_ms = (deadline_ms - now_ms) / (int64_t)(addresses->count - i);

        keywords->count = at;
        tell(keywords, "hostaddr", addresses->text[i]);
        code = connect_once(keywords, server, now_ms + share_ms, out, &heard, err);
    }
    return code;
}

static enum error_code
connect_to(struct keywords *keywords, const struct place *place,
           const struct pgsql_server *server, int64_t deadline_ms, PGconn **out,
           struct error *err)
{
    struct resolve_addresses addresses;
    enum error_code code;
    bool heard;

    tell(keywords, "host", place->host);
    tell(keywords, "port", place->port_text);
    if (place->is_socket)
        return connect_once(keywords, server, deadline_ms, out, &heard, err);
    code = resolve_host(place->host, deadline_ms, &addresses, err);
    if (code == ERROR_NONE)
        code = try_addresses(keywords, server, &addresses, deadline_ms, out, err);
    return code;
}

/* Half of a query's time: data that the network swallows, on a connection that was idle, leaves
 * time to ask again on a fresh one. */
static void
tell_timeout(struct keywords *to, const struct account_source_config *config, char text[21])
{
    snprintf(text, 21, "%lld", (long long)config->query_timeout_ms / 2);
    tell(to, "tcp_user_timeout", text);
}

static enum error_code
fill_keywords(struct keywords *to, const struct account_source_config *config,
              const struct place *place, const char *password, bool writes, struct error *err)
{
    for (size_t i = 0; i < COUNT(constants); i++)
        tell(to, constants[i].name, constants[i].value);
    tell(to, "dbname", config->database);
    tell(to, "user", config->user);
    tell(to, "target_session_attrs", writes ? "read-write" : "any");
    if (password[0] != '\0')
        tell(to, "password", password);
    return tell_tls(to, config, place->is_socket, err);
}

enum error_code
pgsql_connect(const struct account_source_config *config, const struct account_target *target,
              bool writes, int64_t deadline_ms, PGconn **out, struct pgsql_server *server_out,
              struct error *err)
{
    struct keywords keywords = { 0 };
    struct place place;
    char password[SECRET_MAX + 1], timeout[21];
    enum error_code code = check_environment(target, err);

    *out = NULL;
    if (code == ERROR_NONE)
        code = find_place(target, &place, err);
    if (code != ERROR_NONE)
        return code;
    name_server(&place, server_out);
    if (!span_to_string(target->password, password, sizeof(password)))
        return error_set(err, ERROR_CONFIG, "password_file: a password of PostgreSQL is shorter "
                         "than %d bytes, and has no NUL", SECRET_MAX);
    tell_timeout(&keywords, config, timeout);
    code = fill_keywords(&keywords, config, &place, password, writes, err);
    if (code == ERROR_NONE)
        code = connect_to(&keywords, &place, server_out, deadline_ms, out, err);
    explicit_bzero(password, sizeof(password));
    return code;
}
