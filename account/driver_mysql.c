/* account/driver_mysql.c - accounts in a MariaDB or MySQL database
 *
 * A session is one connection of one thread, with a server-side prepared statement for each query.
 * mysql_call.c sees to it that every wait ends by our deadline.
 *
 * Whatever the server is set to, a query means the same: the character set is utf8mb4, told by the
 * library's own call, and sql_mode is ours. Sessions that only look up are read-only. A lock that is
 * waited for longer than a query may take is given up by the server, too.
 *
 * Rows come one by one into cells of ACCOUNT_CELL_MAX bytes. A row of more than PACKET_MAX is refused by
 * its header. Whoever wants no more rows gets rid of a few, and of the connection when there are many.
 */
#include "account/driver.h"
#include "account/mysql_call.h"
#include "account/reach.h"
#include "account/resolve.h"
#include "account/tls_files.h"
#include "common/clock.h"

#include <errmsg.h>
#include <mysqld_error.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_DEFAULT 3306

/* Of one row on the wire: all cells at their largest. */
#define PACKET_MAX ((size_t)ACCOUNT_CELLS_MAX * ACCOUNT_CELL_MAX * 2)

/* Rows that are read and dropped, after the last one that was wanted, rather than to reconnect. */
#define DROPPED_ROWS_MAX 16

/* The directory where OpenSSL of Debian, Alpine and SUSE finds authorities, and Fedora's as a link. */
#define SYSTEM_AUTHORITIES "/etc/ssl/certs"

/* Servers have numbers of their own for these; neither library's header has all of them. */
#define CONNECTION_KILLED 1927          /* MariaDB */
#define STATEMENT_TIMEOUT 1969          /* MariaDB */
#define QUERY_TIMEOUT 3024              /* MySQL */
#define IDLE_TOO_LONG 4031              /* MySQL */
#define RESTRICTED_PLUGIN 5010          /* Connector/C, which garbles the plugin's name */

#define ROW_TOO_LONG "a row is longer than any that is read"

struct column {
    char *name;                         /* ours: the library forgets its own when the query is run */
    bool is_bits;
    unsigned long len;                  /* of the value; more than was kept when it is too long */
    mysql_flag is_null, is_cut;
    unsigned char bytes[ACCOUNT_CELL_MAX + 1];
};

/* Bytes of a number or a date as text; a double has 309 digits before its point, and 30 behind it. */
#define SPELLED_MAX 512

struct prepared {
    MYSQL_STMT *stmt;                   /* NULL: not prepared */
    size_t columns_count;               /* 0: it gives no rows */
    struct column *columns;
    MYSQL_BIND *binds;
};

struct account_session {
    MYSQL *mysql;
    char server[300];                   /* for people: "db1:3306" or a socket's path */
    bool lost;
    struct prepared prepared[ACCOUNT_QUERIES];
};

static const char *
mysql_lacks(const struct account_source_config *config)
{
    return config->hosts_count == 0 ? "hosts"
         : !config->database || !*config->database ? "database"
         : !config->user || !*config->user ? "user"
         : NULL;
}

/* --- what went wrong ------------------------------------------------------------------- */

/* What is not in the table is unavailable, in the library's words, on a session that is well; the
 * client's own errors (2000 to 2999) on one that is lost. */
static const struct complaint {
    unsigned code;
    enum error_code means;
    bool lost;
    const char *words;                  /* NULL: the library's own */
} complaints[] = {
    { ER_DUP_ENTRY, ERROR_REJECTED, false, NULL },
    { ER_LOCK_WAIT_TIMEOUT, ERROR_UNAVAILABLE, false, "no answer within the deadline" },
    { STATEMENT_TIMEOUT, ERROR_UNAVAILABLE, false, "no answer within the deadline" },
    { QUERY_TIMEOUT, ERROR_UNAVAILABLE, false, "no answer within the deadline" },
    { ER_NET_PACKET_TOO_LARGE, ERROR_CONFIG, true, ROW_TOO_LONG },
    { CR_NET_PACKET_TOO_LARGE, ERROR_CONFIG, true, ROW_TOO_LONG },
    { RESTRICTED_PLUGIN, ERROR_UNAVAILABLE, true, "the server wants an authentication plugin that "
      "would send the password as it is (dialog, mysql_clear_password) or is none of "
      "mysql_native_password, client_ed25519, caching_sha2_password, sha256_password" },
    { ER_SERVER_SHUTDOWN, ERROR_UNAVAILABLE, true, NULL },
    { CONNECTION_KILLED, ERROR_UNAVAILABLE, true, NULL },
    { IDLE_TOO_LONG, ERROR_UNAVAILABLE, true, NULL },
    { ER_OPTION_PREVENTS_STATEMENT, ERROR_UNAVAILABLE, true, NULL },    /* a replica: read-only */
};

static struct complaint
find_complaint(unsigned code)
{
    const bool ours = code >= CR_MIN_ERROR && code < 3000;

    for (size_t i = 0; i < COUNT(complaints); i++)
        if (complaints[i].code == code)
            return complaints[i];
    return (struct complaint){ code, ERROR_UNAVAILABLE, ours || code == 0, NULL };
}

/* Data exceptions (class 22, and ER_TRUNCATED_WRONG_VALUE_FOR_FIELD) quote the value after a colon,
 * and a value may be secret. */
static enum error_code
say(struct account_session *session, unsigned code, const char *state, const char *said,
    int64_t deadline_ms, bool *lost, struct error *err)
{
    const bool late = clock_now_ms(&clock_system) >= deadline_ms;
    const struct complaint complaint = find_complaint(code);
    const bool quotes = strncmp(state, "22", 2) == 0 || code == ER_TRUNCATED_WRONG_VALUE_FOR_FIELD;
    size_t len;

    *lost = complaint.lost;
    session->lost = session->lost || *lost;
    if (late && complaint.lost)
        return error_set(err, ERROR_UNAVAILABLE, "%s: no answer within the deadline",
                         session->server);
    if (complaint.words)
        said = complaint.words;
    len = quotes ? strcspn(said, ":") : strlen(said);
    return error_set(err, complaint.means, "%s: %.*s (error %u)", session->server, (int)len, said,
                     code);
}

static enum error_code
say_connection(struct account_session *session, int64_t deadline_ms, struct error *err)
{
    bool lost;
    const char *said = mysql_error(session->mysql);
    unsigned code = mysql_errno(session->mysql);
    int failure = code == CR_CONNECTION_ERROR || code == CR_CONN_HOST_ERROR ? reach_number(said) : 0;
    enum error_code means = say(session, code, mysql_sqlstate(session->mysql),
                                *said ? said : "no connection", deadline_ms, &lost, err);

    session->lost = true;
    if (failure != 0 && clock_now_ms(&clock_system) < deadline_ms)
        return reach_failed(session->server, failure, err);
    if (means != ERROR_CONFIG)
        err->code = means = ERROR_UNAVAILABLE;
    return means;
}

static enum error_code
say_statement(struct account_session *session, MYSQL_STMT *stmt, int64_t deadline_ms, bool *lost,
              struct error *err)
{
    /* Some faults of the connection are told of the connection alone. */
    if (mysql_stmt_errno(stmt) == 0)
        return say(session, mysql_errno(session->mysql), mysql_sqlstate(session->mysql),
                   mysql_error(session->mysql), deadline_ms, lost, err);
    return say(session, mysql_stmt_errno(stmt), mysql_stmt_sqlstate(stmt), mysql_stmt_error(stmt),
               deadline_ms, lost, err);
}

/* --- a session --------------------------------------------------------------------------- */

static void
drop_prepared(struct prepared *prepared)
{
    if (prepared->stmt)
        mysql_stmt_close(prepared->stmt);
    for (size_t i = 0; i < prepared->columns_count; i++)
        free(prepared->columns[i].name);
    free(prepared->columns);
    free(prepared->binds);
    *prepared = (struct prepared){ 0 };
}

/* A statement's farewell goes over its connection: where that is lost, the connection goes first. */
static void
mysql_session_close(struct account_session *session)
{
    if (session->mysql)
        mysql_call_close(session->mysql, session->lost);
    for (size_t i = 0; i < ACCOUNT_QUERIES; i++)
        drop_prepared(&session->prepared[i]);
    free(session);
}

#ifdef MARIADB_PACKAGE_VERSION_ID

/* Connector/C checks the chain when it has authorities, and the name when it is told to as well. */
static void
set_tls_mode(MYSQL *mysql, const struct account_source_config *config)
{
    const bool full = config->tls == ACCOUNT_TLS_VERIFY_FULL;
    const bool verifies = full || config->tls == ACCOUNT_TLS_VERIFY_CA;
    mysql_flag yes = 1, checks_name = full;

    mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &yes);
    mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &checks_name);
    if (verifies && config->tls_ca)
        mysql_options(mysql, MYSQL_OPT_SSL_CA, config->tls_ca);
    else if (verifies)
        mysql_options(mysql, MYSQL_OPT_SSL_CAPATH, SYSTEM_AUTHORITIES);
}

/* A password is never sent in the clear, whatever the server wishes. */
static void
restrict_plugins(MYSQL *mysql)
{
    mysql_options(mysql, MARIADB_OPT_RESTRICTED_AUTH,
                  "mysql_native_password,client_ed25519,caching_sha2_password,"
                  "sha256_password,auth_gssapi_client,parsec");
}

#else

static void
set_tls_mode(MYSQL *mysql, const struct account_source_config *config)
{
    static const unsigned modes[] = {
        [ACCOUNT_TLS_VERIFY_FULL] = SSL_MODE_VERIFY_IDENTITY,
        [ACCOUNT_TLS_VERIFY_CA] = SSL_MODE_VERIFY_CA,
        [ACCOUNT_TLS_REQUIRE] = SSL_MODE_REQUIRED,
        [ACCOUNT_TLS_OFF] = SSL_MODE_DISABLED,
    };
    const bool verifies = config->tls <= ACCOUNT_TLS_VERIFY_CA;
    unsigned mode = modes[config->tls];

    mysql_options(mysql, MYSQL_OPT_SSL_MODE, &mode);
    if (verifies && config->tls_ca)
        mysql_options(mysql, MYSQL_OPT_SSL_CA, config->tls_ca);
    else if (verifies)
        mysql_options(mysql, MYSQL_OPT_SSL_CAPATH, SYSTEM_AUTHORITIES);
}

/* The library sends none in the clear unless it is told to (MYSQL_ENABLE_CLEARTEXT_PLUGIN). */
static void
restrict_plugins(MYSQL *mysql)
{
    (void)mysql;
}

#endif

static enum error_code
set_tls(MYSQL *mysql, const struct account_source_config *config, struct error *err)
{
    if (tls_files_check(config, err) != ERROR_NONE)
        return err->code;
    set_tls_mode(mysql, config);
    if (config->tls_cert)
        mysql_options(mysql, MYSQL_OPT_SSL_CERT, config->tls_cert);
    if (config->tls_key)
        mysql_options(mysql, MYSQL_OPT_SSL_KEY, config->tls_key);
    return ERROR_NONE;
}

/* No option file is read unless it is asked for; a port and a protocol that are given are not
 * taken from the environment. */
static enum error_code
set_options(MYSQL *mysql, const struct account_source_config *config, bool is_socket,
            int64_t deadline_ms, struct error *err)
{
    unsigned protocol = is_socket ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP, no = 0;
    size_t packet_max = PACKET_MAX;
    mysql_flag yes = 1;

    mysql_call_set(mysql, deadline_ms);
    mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
    mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &no);
    mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet_max);
    mysql_options(mysql, MYSQL_REPORT_DATA_TRUNCATION, &yes);
    restrict_plugins(mysql);
    if (is_socket || config->tls == ACCOUNT_TLS_OFF)
        return ERROR_NONE;
    return set_tls(mysql, config, err);
}

/* The library knows no deadline for a name: it is looked up by ourselves first. A name that a
 * certificate has to have is what the library is told all the same; by then it is known. */
static enum error_code
find_host(const struct account_source_config *config, const struct account_target *target,
          struct resolve_addresses *addresses, const char **out, int64_t deadline_ms,
          struct error *err)
{
    *out = target->host;
    if (!target->host)
        return ERROR_NONE;
    if (resolve_host(target->host, deadline_ms, addresses, err) != ERROR_NONE)
        return err->code;
    if (config->tls != ACCOUNT_TLS_VERIFY_FULL && addresses->count == 1)
        *out = addresses->text[0];
    return ERROR_NONE;
}

static enum error_code
connect_to(struct account_session *session, const struct account_source_config *config,
           const struct account_target *target, int64_t deadline_ms, struct error *err)
{
    struct mysql_place place = { .socket = target->socket, .user = config->user,
                                 .database = config->database,
                                 .port = target->port ? target->port : PORT_DEFAULT };
    struct resolve_addresses addresses;
    char password[SECRET_MAX + 1];
    enum error_code code = find_host(config, target, &addresses, &place.host, deadline_ms, err);

    if (code != ERROR_NONE)
        return code;
    if (!span_to_string(target->password, password, sizeof(password)))
        return error_set(err, ERROR_CONFIG, "%s: the password holds a NUL", session->server);
    place.password = password;
    if (!mysql_call_connect(session->mysql, &place, deadline_ms))
        code = say_connection(session, deadline_ms, err);
    explicit_bzero(password, sizeof(password));
    /* The library keeps its copy for reconnects, which are never made. */
    if (session->mysql->passwd)
        explicit_bzero(session->mysql->passwd, strlen(session->mysql->passwd));
    return code;
}

static enum error_code
check_protection(struct account_session *session, const struct account_source_config *config,
                 bool is_socket, struct error *err)
{
    if (is_socket || config->tls == ACCOUNT_TLS_OFF || mysql_get_ssl_cipher(session->mysql))
        return ERROR_NONE;
    session->lost = true;
    return error_set(err, ERROR_UNAVAILABLE, "%s: the connection is not encrypted",
                     session->server);
}

/* What a query means, and how long it may wait, is for us to say. */
static enum error_code
set_session(struct account_session *session, const struct account_source_config *config,
            bool writes, int64_t deadline_ms, struct error *err)
{
    const long long seconds = (config->query_timeout_ms + 999) / 1000;
    char text[200];
    MY_CHARSET_INFO charset;

    snprintf(text, sizeof(text), "SET SESSION sql_mode = 'STRICT_ALL_TABLES', "
             "lock_wait_timeout = %lld, innodb_lock_wait_timeout = %lld, autocommit = 1",
             seconds, seconds);
    if (mysql_call_character_set(session->mysql, "utf8mb4", deadline_ms) != 0
        || mysql_call_query(session->mysql, text, deadline_ms) != 0
        || (!writes && mysql_call_query(session->mysql, "SET SESSION TRANSACTION READ ONLY",
                                        deadline_ms) != 0))
        return say_connection(session, deadline_ms, err);
    mysql_get_character_set_info(session->mysql, &charset);
    if (strcmp(charset.csname, "utf8mb4") == 0)
        return ERROR_NONE;
    return error_set(err, ERROR_UNAVAILABLE, "%s: the character set is %s, not utf8mb4",
                     session->server, charset.csname);
}

/* Words are compared, for newer servers have more of them than two. */
#define READS_ONLY "SELECT @@global.read_only NOT IN ('0', 'OFF')"

/* Changes are not for a replica: another host may take them. */
static enum error_code
check_writable(struct account_session *session, int64_t deadline_ms, struct error *err)
{
    MYSQL_STMT *stmt = mysql_stmt_init(session->mysql);
    int reads_only = 0;
    MYSQL_BIND column = { .buffer_type = MYSQL_TYPE_LONG, .buffer = &reads_only };
    enum error_code code = ERROR_NONE;
    bool lost;

    if (!stmt)
        return error_set(err, ERROR_UNAVAILABLE, "no memory for a session");
    if (mysql_call_prepare(session->mysql, stmt, READS_ONLY, deadline_ms) != 0
        || mysql_call_execute(session->mysql, stmt, deadline_ms) != 0
        || mysql_stmt_bind_result(stmt, &column)
        || mysql_call_fetch(session->mysql, stmt, deadline_ms) != 0
        || mysql_call_fetch(session->mysql, stmt, deadline_ms) != MYSQL_NO_DATA)
        code = say_statement(session, stmt, deadline_ms, &lost, err);
    else if (reads_only)
        code = error_set(err, ERROR_UNAVAILABLE, "%s: the server is read-only", session->server);
    mysql_stmt_close(stmt);
    return code;
}

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void
start_library(void)
{
    mysql_library_init(0, NULL, NULL);
}

static struct account_session *
session_new(const struct account_target *target)
{
    struct account_session *session = calloc(1, sizeof(*session));
    bool brackets = target->host && strchr(target->host, ':');

    pthread_once(&library_once, start_library);
    if (!session)
        return NULL;
    if (target->socket)
        snprintf(session->server, sizeof(session->server), "%s", target->socket);
    else
        snprintf(session->server, sizeof(session->server), "%s%s%s:%u", brackets ? "[" : "",
                 target->host, brackets ? "]" : "", target->port ? target->port : PORT_DEFAULT);
    session->mysql = mysql_init(NULL);
    if (session->mysql)
        return session;
    free(session);
    return NULL;
}

static enum error_code
mysql_open(const struct account_source_config *config, const struct account_target *target,
           enum account_access access, int64_t deadline_ms, struct account_session **out,
           struct error *err)
{
    struct account_session *session = session_new(target);
    const bool is_socket = target->socket != NULL;
    enum error_code code;

    *out = NULL;
    if (!session)
        return error_set(err, ERROR_UNAVAILABLE, "no memory for a session");
    code = set_options(session->mysql, config, is_socket, deadline_ms, err);
    if (code == ERROR_NONE)
        code = connect_to(session, config, target, deadline_ms, err);
    if (code == ERROR_NONE)
        code = check_protection(session, config, is_socket, err);
    if (code == ERROR_NONE)
        code = set_session(session, config, access != ACCOUNT_READS, deadline_ms, err);
    if (code == ERROR_NONE && access != ACCOUNT_READS)
        code = check_writable(session, deadline_ms, err);
    if (code != ERROR_NONE) {
        session->lost = true;
        mysql_session_close(session);
        return code;
    }
    *out = session;
    return ERROR_NONE;
}

/* --- a statement --------------------------------------------------------------------------- */

/* What the server calls them. False: no memory. */
static bool
name_columns(struct prepared *prepared)
{
    MYSQL_RES *result = mysql_stmt_result_metadata(prepared->stmt);
    const MYSQL_FIELD *fields = result ? mysql_fetch_fields(result) : NULL;
    bool named = fields != NULL;

    for (size_t i = 0; named && i < prepared->columns_count; i++) {
        prepared->columns[i].name = strdup(fields[i].name ? fields[i].name : "");
        prepared->columns[i].is_bits = fields[i].type == MYSQL_TYPE_BIT;
        named = prepared->columns[i].name != NULL;
    }
    if (result)
        mysql_free_result(result);
    return named;
}

/* Every column as text into a buffer of its own. */
static enum error_code
make_columns(struct account_session *session, struct prepared *prepared, struct error *err)
{
    size_t count = mysql_stmt_field_count(prepared->stmt);

    if (count > ACCOUNT_CELLS_MAX)
        return error_set(err, ERROR_UNAVAILABLE, "%s: %zu columns of at most %d",
                         session->server, count, ACCOUNT_CELLS_MAX);
    if (count == 0)
        return ERROR_NONE;
    prepared->columns = calloc(count, sizeof(*prepared->columns));
    prepared->binds = calloc(count, sizeof(*prepared->binds));
    prepared->columns_count = prepared->columns ? count : 0;
    if (!prepared->columns || !prepared->binds || !name_columns(prepared))
        return error_set(err, ERROR_UNAVAILABLE, "no memory for a query's columns");
    for (size_t i = 0; i < count; i++)
        prepared->binds[i] = (MYSQL_BIND){
            .buffer_type = MYSQL_TYPE_STRING, .buffer = prepared->columns[i].bytes,
            .buffer_length = sizeof(prepared->columns[i].bytes),
            .length = &prepared->columns[i].len, .is_null = &prepared->columns[i].is_null,
            .error = &prepared->columns[i].is_cut,
        };
    return ERROR_NONE;
}

/* The server finds marks of its own in a text, where the count tells. */
static enum error_code
fill_prepared(struct account_session *session, const struct account_statement *statement,
              struct prepared *prepared, int64_t deadline_ms, bool *lost, struct error *err)
{
    size_t marks;

    prepared->stmt = mysql_stmt_init(session->mysql);
    if (!prepared->stmt)
        return error_set(err, ERROR_UNAVAILABLE, "no memory for a query");
    if (mysql_call_prepare(session->mysql, prepared->stmt, statement->text, deadline_ms) != 0)
        return say_statement(session, prepared->stmt, deadline_ms, lost, err);
    marks = mysql_stmt_param_count(prepared->stmt);
    if (marks != statement->parameters)
        return error_set(err, ERROR_CONFIG, "%s reads %zu parameters where %zu placeholders stand: "
                         "only %%u and the like are parameters", session->server, marks,
                         statement->parameters);
    return make_columns(session, prepared, err);
}

static enum error_code
prepare(struct account_session *session, const struct account_statement *statement,
        struct prepared **out, int64_t deadline_ms, bool *lost, struct error *err)
{
    struct prepared *prepared = &session->prepared[statement->slot];
    enum error_code code = ERROR_NONE;

    *out = prepared;
    if (!prepared->stmt)
        code = fill_prepared(session, statement, prepared, deadline_ms, lost, err);
    if (code != ERROR_NONE && !session->lost)
        drop_prepared(prepared);
    return code;
}

/* --- rows ------------------------------------------------------------------------------------ */

/* BIT(n) comes as a big-endian number; everything else as text. */
static void
spell_bits(struct column *column)
{
    unsigned long long number = 0;

    for (unsigned long i = 0; i < column->len && i < sizeof(number); i++)
        number = number << 8 | column->bytes[i];
    column->len = (unsigned long)snprintf((char *)column->bytes, sizeof(column->bytes), "%llu",
                                          number);
}

static enum error_code
give_row(struct account_session *session, struct prepared *prepared, account_row_fn *row,
         void *context, bool *more, struct error *err)
{
    struct account_cell cells[ACCOUNT_CELLS_MAX];

    for (size_t i = 0; i < prepared->columns_count; i++) {
        struct column *column = &prepared->columns[i];

        if (!column->is_null && column->len > ACCOUNT_CELL_MAX)
            return error_set(err, ERROR_UNAVAILABLE, "%s: column \"%s\" is too long: %lu bytes of "
                             "at most %d", session->server, column->name, column->len,
                             ACCOUNT_CELL_MAX);
        if (!column->is_null && column->is_bits)
            spell_bits(column);
        cells[i] = (struct account_cell){
            column->name, column->is_null,
            span_make(column->bytes, column->is_null ? 0 : column->len),
        };
    }
    *more = row(context, cells, prepared->columns_count);
    return ERROR_NONE;
}

static void
wipe_row(struct prepared *prepared)
{
    for (size_t i = 0; i < prepared->columns_count; i++) {
        struct column *column = &prepared->columns[i];

        explicit_bzero(column->bytes, column->len < sizeof(column->bytes) ? column->len
                                                                          : sizeof(column->bytes));
        column->len = 0;
    }
}

/* The library reads no row that is too long, and tells that as a lost connection. */
static enum error_code
say_fetch(struct account_session *session, MYSQL_STMT *stmt, int64_t deadline_ms, bool *lost,
          struct error *err)
{
    enum error_code code = say_statement(session, stmt, deadline_ms, lost, err);

    if (*lost && code == ERROR_UNAVAILABLE && clock_now_ms(&clock_system) < deadline_ms)
        error_set(err, code, "%s: the connection was lost among the rows, or " ROW_TOO_LONG,
                  session->server);
    *lost = session->lost = true;
    return code;
}

/* Gives rows until there is none, or none is wanted: then a few more are dropped, or the session. */
static enum error_code
fetch_rows(struct account_session *session, struct prepared *prepared, account_row_fn *row,
           void *context, int64_t deadline_ms, bool *lost, struct error *err)
{
    enum error_code code = ERROR_NONE;
    bool more = row != NULL;
    size_t dropped = 0;

    for (;;) {
        int result = mysql_call_fetch(session->mysql, prepared->stmt, deadline_ms);

        if (result == MYSQL_NO_DATA)
            return code;
        if (result != 0 && result != MYSQL_DATA_TRUNCATED) {
            *lost = session->lost = true;
            return code != ERROR_NONE ? code : say_fetch(session, prepared->stmt, deadline_ms, lost,
                                                         err);
        }
        if (more)
            code = give_row(session, prepared, row, context, &more, err);
        else if (++dropped > DROPPED_ROWS_MAX) {
            *lost = session->lost = true;
            return code;
        }
        more = more && code == ERROR_NONE;
        wipe_row(prepared);
    }
}

/* --- a query --------------------------------------------------------------------------------- */

/* Borrowed, not copied: the library puts them into its packet when it is run. */
static int
bind_parameters(MYSQL_STMT *stmt, const span *parameters, size_t count,
                MYSQL_BIND binds[ACCOUNT_PARAMETERS_MAX])
{
    for (size_t i = 0; i < count; i++)
        binds[i] = (MYSQL_BIND){
            .buffer_type = MYSQL_TYPE_STRING,
            .buffer = parameters[i].len ? (void *)(uintptr_t)parameters[i].ptr : (void *)(uintptr_t)"",
            .buffer_length = parameters[i].len, .length_value = parameters[i].len,
        };
    return mysql_stmt_bind_param(stmt, binds);
}

/* Types that the library writes out as text by itself, on its stack, in as many bytes as the server says
 * that they have: what no number or date has would not fit there. */
static bool
is_spelled_out(enum enum_field_types type)
{
    static const enum enum_field_types types[] = {
        MYSQL_TYPE_TINY, MYSQL_TYPE_SHORT, MYSQL_TYPE_INT24, MYSQL_TYPE_LONG, MYSQL_TYPE_LONGLONG,
        MYSQL_TYPE_YEAR, MYSQL_TYPE_FLOAT, MYSQL_TYPE_DOUBLE, MYSQL_TYPE_DATE, MYSQL_TYPE_TIME,
        MYSQL_TYPE_DATETIME, MYSQL_TYPE_TIMESTAMP,
    };

    for (size_t i = 0; i < COUNT(types); i++)
        if (types[i] == type)
            return true;
    return false;
}

/* As the server describes them now, which may be otherwise than when the query was prepared. */
static enum error_code
check_columns(struct account_session *session, struct prepared *prepared, struct error *err)
{
    MYSQL_RES *result = mysql_stmt_result_metadata(prepared->stmt);
    const MYSQL_FIELD *fields = result ? mysql_fetch_fields(result) : NULL;
    enum error_code code = ERROR_NONE;

    if (!fields)
        code = error_set(err, ERROR_UNAVAILABLE, "no memory for a query's columns");
    for (size_t i = 0; code == ERROR_NONE && i < prepared->columns_count; i++)
        if (is_spelled_out(fields[i].type) && fields[i].length > SPELLED_MAX)
            code = error_set(err, ERROR_UNAVAILABLE, "%s: column \"%s\" is said to be a number or a "
                             "date of %lu bytes", session->server, prepared->columns[i].name,
                             fields[i].length);
    if (result)
        mysql_free_result(result);
    return code;
}

/* Only now: what the server says of its columns when it executes makes the library forget what was bound
 * before, and may be another count than when it was prepared. */
static enum error_code
bind_columns(struct account_session *session, struct prepared *prepared, int64_t deadline_ms,
             bool *lost, struct error *err)
{
    size_t count = mysql_stmt_field_count(prepared->stmt);
    enum error_code code = ERROR_NONE;

    if (count != prepared->columns_count)
        code = error_set(err, ERROR_UNAVAILABLE, "%s: %zu columns where %zu were prepared",
                         session->server, count, prepared->columns_count);
    else if (count > 0)
        code = check_columns(session, prepared, err);
    *lost = code != ERROR_NONE;
    if (code == ERROR_NONE && count > 0
        && mysql_stmt_bind_result(prepared->stmt, prepared->binds) != 0)
        code = say_statement(session, prepared->stmt, deadline_ms, lost, err);
    return code;
}

static enum error_code
run_prepared(struct account_session *session, struct prepared *prepared, const span *parameters,
             size_t count, int64_t deadline_ms, account_row_fn *row, void *context,
             size_t *changed_out, bool *lost, struct error *err)
{
    MYSQL_BIND binds[ACCOUNT_PARAMETERS_MAX];
    enum error_code code;

    if (bind_parameters(prepared->stmt, parameters, count, binds) != 0
        || mysql_call_execute(session->mysql, prepared->stmt, deadline_ms) != 0)
        return say_statement(session, prepared->stmt, deadline_ms, lost, err);
    code = bind_columns(session, prepared, deadline_ms, lost, err);
    if (code != ERROR_NONE)
        return code;
    if (prepared->columns_count > 0)
        return fetch_rows(session, prepared, row, context, deadline_ms, lost, err);
    if (changed_out)
        *changed_out = (size_t)mysql_stmt_affected_rows(prepared->stmt);
    return ERROR_NONE;
}

static enum error_code
mysql_run(struct account_session *session, const struct account_statement *statement,
          const span *parameters, int64_t deadline_ms, account_row_fn *row, void *context,
          size_t *changed_out, bool *lost, struct error *err)
{
    struct prepared *prepared;
    enum error_code code;

    *lost = false;
    if (changed_out)
        *changed_out = 0;
    if (statement->script)
        return error_set(err, ERROR_CONFIG, "%s: scripts are for embedded databases",
                         session->server);
    code = prepare(session, statement, &prepared, deadline_ms, lost, err);
    if (code != ERROR_NONE)
        return code;
    code = run_prepared(session, prepared, parameters, statement->parameters, deadline_ms, row,
                        context, changed_out, lost, err);
    wipe_row(prepared);
    session->lost = session->lost || *lost;
    /* The tables may have become others: next time it is prepared afresh. */
    if (code != ERROR_NONE && !session->lost)
        drop_prepared(prepared);
    return code;
}

static enum error_code
mysql_step(struct account_session *session, enum account_step step, int64_t deadline_ms,
           bool *lost, struct error *err)
{
    static const char *const texts[] = {
        [ACCOUNT_BEGIN] = "START TRANSACTION", [ACCOUNT_COMMIT] = "COMMIT",
        [ACCOUNT_ROLLBACK] = "ROLLBACK",
    };

    *lost = false;
    if (mysql_call_query(session->mysql, texts[step], deadline_ms) == 0)
        return ERROR_NONE;
    *lost = session->lost = true;
    return say_connection(session, deadline_ms, err);
}

/* Preparing finds the tables and columns, and asks for the rights to them. */
static enum error_code
mysql_check(struct account_session *session, const struct account_statement *statement,
            int64_t deadline_ms, bool *lost, struct error *err)
{
    struct prepared *prepared;
    enum error_code code;

    *lost = false;
    code = prepare(session, statement, &prepared, deadline_ms, lost, err);
    if (code == ERROR_UNAVAILABLE && !*lost)
        err->code = code = ERROR_CONFIG;
    return code;
}

/* The one name that the file exports: see ACCOUNT_DRIVER_SYMBOL. */
extern const struct account_driver account_driver;

const struct account_driver account_driver = {
    .abi = ACCOUNT_DRIVER_ABI,
    .name = "mysql",
    .engine = "mysql",
    .library = MYSQL_LIBRARY,
    .mark = ACCOUNT_MARK_QUESTION,
    .lacks = mysql_lacks,
    .has_servers = true,
    .open = mysql_open,
    .close = mysql_session_close,
    .run = mysql_run,
    .step = mysql_step,
    .check = mysql_check,
};
