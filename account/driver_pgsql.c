/* account/driver_pgsql.c - accounts in a PostgreSQL database, through libpq
 *
 * A session is one connection of one thread, with a prepared statement for each query. All of it
 * is libpq's asynchronous half: bytes are sent and read when poll(2) says so, and the clock that
 * ends the waiting is ours, over the whole query, however slowly a server drips.
 *
 * Parameters are text of no stated type: the server infers each from where it stands, so that
 * a column of citext or of numbers is compared as its owner meant. Names without a schema are
 * found by the role's search_path (ALTER ROLE ... SET search_path), as in every other program.
 *
 * Rows come one by one. Whoever wants no more of them gets rid of a few, and of the connection
 * when there are many. What our deadline ends, the server ends too, by statement_timeout: a lock
 * that is held for an hour does not collect sessions that wait for it.
 */
#include "account/pgsql_connect.h"
#include "common/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>

/* Rows that are read and dropped, after the last one that was wanted, rather than to reconnect. */
#define DROPPED_ROWS_MAX 16

/* Bytes of a row that are read before it is complete; then it is refused. libpq reads for as
 * long as more is there, so that a server which sends faster than we read, on the same machine,
 * may be heard out: such a row costs memory for a moment, and then the session. What one
 * reading counts for is about what a socket holds at once. */
#define ROW_BYTES_MAX ((size_t)ACCOUNT_CELLS_MAX * ACCOUNT_CELL_MAX)
#define READING_BYTES_MAX 65536

/* A statement's name: 16 hexadecimal digits, "_" and a number. */
#define STATEMENT_NAME_MAX 32

struct account_session {
    PGconn *conn;
    struct pgsql_server server;
    int64_t timeout_ms;                     /* of a query, by configuration */
    int64_t server_timeout_ms;              /* statement_timeout; 0: not set yet */
    uint64_t tag;                           /* random; starts the names of its statements */
    unsigned names;                         /* how many were given */
    bool in_batch;                          /* between our BEGIN and its end */
    unsigned prepared[ACCOUNT_QUERIES];     /* the number of each one's name; 0: not prepared */
};

/* One request and its results. */
struct answer {
    struct account_session *session;
    int64_t deadline_ms;
    account_row_fn *row;                    /* NULL: rows are not wanted */
    void *context;
    size_t given, dropped;                  /* rows */
    size_t changed;
    bool enough;                            /* no more rows are wanted */
    bool lost;
    char state[6];                          /* SQLSTATE of the error; empty: none */
    enum error_code code;                   /* of the first error, which is in *err */
    struct error *err;
};

static const char *
pgsql_lacks(const struct account_source_config *config)
{
    return config->hosts_count == 0 ? "hosts"
         : !config->database || !*config->database ? "database"
         : !config->user || !*config->user ? "user"
         : NULL;
}

/* --- what went wrong ------------------------------------------------------------------- */

/* What SQLSTATEs mean here (PostgreSQL manual, appendix A); a whole class is its two digits.
 * What is not in the table is unavailable, in the server's words, on a session that is well. */
static const struct complaint {
    const char *state;
    enum error_code means;
    bool lost;
    const char *words;          /* NULL: the server's own */
} complaints[] = {
    { "23505", ERROR_REJECTED, false, NULL },       /* unique_violation */
    { "57014", ERROR_UNAVAILABLE, false, "no answer within the deadline" },
    { "25006", ERROR_UNAVAILABLE, true, NULL },     /* read_only_sql_transaction: a standby */
    { "57P", ERROR_UNAVAILABLE, true, NULL },       /* the server is stopped */
    { "08", ERROR_UNAVAILABLE, true, NULL },        /* the connection */
};

static const struct complaint *
find_complaint(const char *state)
{
    static const struct complaint other = { "", ERROR_UNAVAILABLE, false, NULL };

    for (size_t i = 0; i < COUNT(complaints); i++)
        if (strncmp(state, complaints[i].state, strlen(complaints[i].state)) == 0)
            return &complaints[i];
    return &other;
}

/* The first error of a request is the one that is told. */
static void
fail(struct answer *answer, bool lost, const char *what)
{
    answer->lost = answer->lost || lost;
    if (answer->code == ERROR_NONE)
        answer->code = error_set(answer->err, ERROR_UNAVAILABLE, "%s: %s",
                                 answer->session->server.name, what);
}

static void
fail_broken(struct answer *answer)
{
    answer->lost = true;
    if (answer->code == ERROR_NONE)
        answer->code = pgsql_said(PQerrorMessage(answer->session->conn),
                                  &answer->session->server, answer->err);
}

/* A data exception (class 22) quotes the value after a colon, and a value may be secret. */
static void
fail_by_server(struct answer *answer, const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *said = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const struct complaint *complaint;
    size_t len;

    if (!state || !said) {
        fail_broken(answer);
        return;
    }
    complaint = find_complaint(state);
    answer->lost = answer->lost || complaint->lost;
    if (answer->code != ERROR_NONE)
        return;
    if (complaint->words)
        said = complaint->words;
    len = strncmp(state, "22", 2) == 0 ? strcspn(said, ":") : strlen(said);
    snprintf(answer->state, sizeof(answer->state), "%s", state);
    answer->code = error_set(answer->err, complaint->means, "%s: %.*s (SQLSTATE %s)",
                             answer->session->server.name, (int)len, said, state);
}

/* --- results --------------------------------------------------------------------------- */

/* How much one call of PQconsumeInput() may have read. */
static size_t
waiting_bytes(PGconn *conn)
{
    int bytes = 0;

    if (ioctl(PQsocket(conn), FIONREAD, &bytes) != 0 || bytes < 0)
        return 0;
    return bytes < READING_BYTES_MAX ? (size_t)bytes : READING_BYTES_MAX;
}

/* Sends what is to be sent and reads until there is a result. NULL after the last one, and when
 * the connection is lost. */
static PGresult *
next_result(struct answer *answer)
{
    PGconn *conn = answer->session->conn;
    size_t read = 0;

    while (PQisBusy(conn)) {
        short events = (short)(POLLIN | (PQflush(conn) == 1 ? POLLOUT : 0));

        if (!pgsql_wait(conn, events, answer->deadline_ms)) {
            fail(answer, true, "no answer within the deadline");
            return NULL;
        }
        read += waiting_bytes(conn);
        if (!PQconsumeInput(conn)) {
            fail_broken(answer);
            return NULL;
        }
        if (read > ROW_BYTES_MAX && PQisBusy(conn)) {
            fail(answer, true, "a row is longer than any that is read");
            return NULL;
        }
    }
    return PQgetResult(conn);
}

/* libpq keeps a buffer of the row's size for as long as the session lives. */
static void
fail_long(struct answer *answer, const char *column, int len)
{
    answer->lost = answer->lost || (size_t)len > ROW_BYTES_MAX;
    if (answer->code == ERROR_NONE)
        answer->code = error_set(answer->err, ERROR_UNAVAILABLE,
                                 "column \"%s\" is too long: %d bytes of at most %d", column, len,
                                 ACCOUNT_CELL_MAX);
}

/* False when a cell is refused. */
static bool
read_cells(struct answer *answer, const PGresult *result, struct account_cell *cells, int count)
{
    for (int i = 0; i < count; i++) {
        int len = PQgetlength(result, 0, i);

        cells[i].name = PQfname(result, i);
        cells[i].is_null = PQgetisnull(result, 0, i) != 0;
        cells[i].value = span_make(cells[i].is_null ? NULL : PQgetvalue(result, 0, i),
                                   (size_t)len);
        if (len > ACCOUNT_CELL_MAX) {
            fail_long(answer, cells[i].name, len);
            return false;
        }
    }
    return true;
}

static void
give_row(struct answer *answer, const PGresult *result)
{
    struct account_cell cells[ACCOUNT_CELLS_MAX];
    int count = PQnfields(result);

    if (count > ACCOUNT_CELLS_MAX) {
        fail(answer, false, "the row has more columns than are read");
        return;
    }
    if (!read_cells(answer, result, cells, count))
        return;
    answer->given++;
    answer->enough = !answer->row(answer->context, cells, (size_t)count);
}

/* It held a stored password. */
static void
wipe_row(PGresult *result)
{
    for (int i = 0; i < PQnfields(result); i++)
        explicit_bzero(PQgetvalue(result, 0, i), (size_t)PQgetlength(result, 0, i));
}

static void
take_row(struct answer *answer, PGresult *result)
{
    if (answer->row && !answer->enough && answer->code == ERROR_NONE)
        give_row(answer, result);
    else if (answer->row)       /* without a reader it is a change, and has to be heard out */
        answer->lost = answer->lost || ++answer->dropped > DROPPED_ROWS_MAX;
    wipe_row(result);
}

static void
take_result(struct answer *answer, PGresult *result)
{
    uint64_t changed;

    switch (PQresultStatus(result)) {
    case PGRES_SINGLE_TUPLE:
        take_row(answer, result);
        break;
    case PGRES_COMMAND_OK:
        if (span_to_u64(span_of(PQcmdTuples(result)), &changed))
            answer->changed = (size_t)changed;
        break;
    case PGRES_TUPLES_OK:       /* the end of rows */
        break;
    case PGRES_EMPTY_QUERY:
        fail(answer, false, "the query is empty");
        break;
    case PGRES_FATAL_ERROR:
        fail_by_server(answer, result);
        break;
    default:                    /* COPY, a pipeline: nothing that a query of ours asks for */
        fail(answer, true, "the query is of a kind that gives no rows");
    }
}

/* After a request was sent: all its results, so that the session is ready for the next. A session
 * that is left inside a transaction, by a query's own BEGIN, is ready for nothing. */
static enum error_code
finish(struct answer *answer)
{
    PGresult *result;

    while (!answer->lost && (result = next_result(answer))) {
        take_result(answer, result);
        PQclear(result);
    }
    if (!answer->session->in_batch
        && PQtransactionStatus(answer->session->conn) != PQTRANS_IDLE)
        answer->lost = true;
    return answer->code;
}

/* --- requests -------------------------------------------------------------------------- */

static void
begin(struct answer *answer, struct account_session *session, int64_t deadline_ms,
      struct error *err)
{
    *answer = (struct answer){ .session = session, .deadline_ms = deadline_ms, .err = err };
}

/* `sent`: what a PQsend...() said. */
static enum error_code
finish_sent(struct answer *answer, int sent)
{
    if (sent)
        return finish(answer);
    fail_broken(answer);
    return answer->code;
}

/* The server ends what nobody waits for any more, and a little before we do: then the session
 * is still good. One setting serves all lookups, which have no more time than the configuration
 * gives; only what may take longer sets it again. */
static enum error_code
set_server_timeout(struct account_session *session, int64_t deadline_ms, bool *lost,
                   struct error *err)
{
    int64_t wanted_ms = deadline_ms - clock_now_ms(&clock_system);
    struct answer answer;
    char text[64];

    if (wanted_ms < session->timeout_ms)
        wanted_ms = session->timeout_ms;
    if (wanted_ms > INT32_MAX)              /* the setting's own bound */
        wanted_ms = INT32_MAX;
    wanted_ms -= wanted_ms / 10;
    if (wanted_ms <= session->server_timeout_ms)
        return ERROR_NONE;
    begin(&answer, session, deadline_ms, err);
    snprintf(text, sizeof(text), "SET statement_timeout = %lld", (long long)wanted_ms);
    finish_sent(&answer, PQsendQuery(session->conn, text));
    *lost = answer.lost;
    if (answer.code == ERROR_NONE)
        session->server_timeout_ms = wanted_ms;
    return answer.code;
}

static void
name_statement(const struct account_session *session, size_t slot, char name[STATEMENT_NAME_MAX])
{
    snprintf(name, STATEMENT_NAME_MAX, "%016" PRIx64 "_%u", session->tag,
             session->prepared[slot]);
}

/* No name is given twice, here or by others: where a pooler changes servers under a session, a
 * statement may be missing, but it is never somebody else's. Begins `answer`. */
static enum error_code
prepare(struct account_session *session, const struct account_statement *statement,
        int64_t deadline_ms, struct answer *answer, struct error *err)
{
    char name[STATEMENT_NAME_MAX];

    begin(answer, session, deadline_ms, err);
    if (session->prepared[statement->slot])
        return ERROR_NONE;
    session->prepared[statement->slot] = ++session->names;
    name_statement(session, statement->slot, name);
    finish_sent(answer, PQsendPrepare(session->conn, name, statement->text, 0, NULL));
    if (answer->code != ERROR_NONE)
        session->prepared[statement->slot] = 0;
    return answer->code;
}

/* libpq wants C strings: `copy` gets all of them, one after the other, and is the caller's to wipe
 * and free. False when there is no memory. */
static bool
terminate_parameters(const span *parameters, size_t count, const char **values, char **copy_out,
                     size_t *size_out)
{
    char *to;

    *size_out = 0;
    for (size_t i = 0; i < count; i++)
        *size_out += parameters[i].len + 1;
    *copy_out = to = malloc(*size_out + 1);
    for (size_t i = 0; to && i < count; i++) {
        values[i] = to;
        if (parameters[i].len > 0)
            memcpy(to, parameters[i].ptr, parameters[i].len);
        to[parameters[i].len] = '\0';
        to += parameters[i].len + 1;
    }
    return *copy_out != NULL;
}

static int
send_prepared(struct account_session *session, const struct account_statement *statement,
              const span *parameters)
{
    const char *values[ACCOUNT_PARAMETERS_MAX];
    char name[STATEMENT_NAME_MAX], *copy;
    size_t size;
    int sent = 0;

    name_statement(session, statement->slot, name);
    if (terminate_parameters(parameters, statement->parameters, values, &copy, &size)) {
        sent = PQsendQueryPrepared(session->conn, name, (int)statement->parameters, values, NULL,
                                   NULL, 0)
            && PQsetSingleRowMode(session->conn);
        explicit_bzero(copy, size);
        free(copy);
    }
    return sent;
}

static enum error_code
run_prepared(const struct account_statement *statement, const span *parameters,
             struct answer *answer)
{
    struct answer preparing;
    enum error_code code = prepare(answer->session, statement, answer->deadline_ms, &preparing,
                                   answer->err);

    answer->lost = preparing.lost;
    if (code == ERROR_NONE)
        code = finish_sent(answer, send_prepared(answer->session, statement, parameters));
    return code;
}

/* Whether a SQLSTATE starts with one of `states`. */
static bool
is_one_of(const char *state, const char *const *states, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strncmp(state, states[i], strlen(states[i])) == 0)
            return true;
    return false;
}

/* The statement was prepared for tables that have changed since (0A000: "cached plan must not
 * change result type"; 22P02: a parameter was of another type; class 42: what it names is gone), or
 * is forgotten (26000: DISCARD ALL, a pooler). */
static bool
is_outdated(const struct answer *answer)
{
    static const char *const states[] = { "0A000", "26000", "22P02", "42" };

    return !answer->lost && answer->given == 0 && is_one_of(answer->state, states, COUNT(states));
}

static enum error_code
run_statement(const struct account_statement *statement, const span *parameters,
              struct answer *answer)
{
    unsigned *prepared = &answer->session->prepared[statement->slot];
    bool was_prepared = *prepared != 0;
    enum error_code code = run_prepared(statement, parameters, answer);

    if (!was_prepared || !is_outdated(answer))
        return code;
    *prepared = 0;
    answer->code = ERROR_NONE;
    answer->state[0] = '\0';
    return run_prepared(statement, parameters, answer);
}

/* --- the driver ------------------------------------------------------------------------ */

static void
pgsql_close(struct account_session *session)
{
    PQfinish(session->conn);
    free(session);
}

static enum error_code
pgsql_open(const struct account_source_config *config, const struct account_target *target,
           enum account_access access, int64_t deadline_ms, struct account_session **out,
           struct error *err)
{
    struct account_session *session;
    enum error_code code;

    *out = NULL;
    if (!PQisthreadsafe())
        return error_set(err, ERROR_CONFIG, "this libpq is built without threads");
    session = calloc(1, sizeof(*session));
    if (!session)
        return error_set(err, ERROR_UNAVAILABLE, "no memory for a session");
    session->timeout_ms = config->query_timeout_ms;
    if (getrandom(&session->tag, sizeof(session->tag), 0) != sizeof(session->tag))
        code = error_set(err, ERROR_UNAVAILABLE, "no random numbers: %s", strerror(errno));
    else
        code = pgsql_connect(config, target, access != ACCOUNT_READS, deadline_ms, &session->conn,
                             &session->server, err);
    if (code != ERROR_NONE) {
        free(session);
        return code;
    }
    *out = session;
    return ERROR_NONE;
}

static enum error_code
pgsql_run(struct account_session *session, const struct account_statement *statement,
          const span *parameters, int64_t deadline_ms, account_row_fn *row, void *context,
          size_t *changed_out, bool *lost, struct error *err)
{
    struct answer answer;
    enum error_code code;

    *lost = false;
    if (changed_out)
        *changed_out = 0;
    code = set_server_timeout(session, deadline_ms, lost, err);
    if (code != ERROR_NONE)
        return code;
    begin(&answer, session, deadline_ms, err);
    answer.row = row;
    answer.context = context;
    if (statement->script)      /* the simple protocol: all of it or nothing */
        code = finish_sent(&answer, PQsendQuery(session->conn, statement->text));
    else
        code = run_statement(statement, parameters, &answer);
    if (code == ERROR_NONE && changed_out)
        *changed_out = answer.changed;
    *lost = answer.lost;
    return code;
}

static enum error_code
pgsql_step(struct account_session *session, enum account_step step, int64_t deadline_ms,
           bool *lost, struct error *err)
{
    static const char *const texts[] = {
        [ACCOUNT_BEGIN] = "BEGIN", [ACCOUNT_COMMIT] = "COMMIT", [ACCOUNT_ROLLBACK] = "ROLLBACK",
    };
    struct answer answer;

    begin(&answer, session, deadline_ms, err);
    session->in_batch = step == ACCOUNT_BEGIN;
    finish_sent(&answer, PQsendQuery(session->conn, texts[step]));
    *lost = answer.lost;
    return answer.code;
}

/* EXPLAIN plans, which asks for the rights, and runs nothing. */
static void
explain(const struct account_statement *statement, int64_t deadline_ms, struct answer *answer)
{
    struct account_session *session = answer->session;
    char name[STATEMENT_NAME_MAX], text[STATEMENT_NAME_MAX + 32 + 8 * ACCOUNT_PARAMETERS_MAX];
    int len;

    name_statement(session, statement->slot, name);
    len = snprintf(text, sizeof(text), "EXPLAIN EXECUTE \"%s\"", name);
    for (size_t i = 0; i < statement->parameters; i++)
        len += snprintf(text + len, sizeof(text) - (size_t)len, "%sNULL", i == 0 ? "(" : ", ");
    snprintf(text + len, sizeof(text) - (size_t)len, "%s", statement->parameters ? ")" : "");
    begin(answer, session, deadline_ms, answer->err);
    finish_sent(answer, PQsendQuery(session->conn, text));
}

/* What does not fit is an unknown name or a missing right (class 42), a schema (3F), a constant of
 * another type (22), or what this server cannot do (0A). */
static enum error_code
pgsql_check(struct account_session *session, const struct account_statement *statement,
            int64_t deadline_ms, bool *lost, struct error *err)
{
    static const char *const misfits[] = { "42", "3F", "22", "0A" };
    struct answer answer;

    session->prepared[statement->slot] = 0;     /* what was prepared may fit no longer */
    if (prepare(session, statement, deadline_ms, &answer, err) == ERROR_NONE)
        explain(statement, deadline_ms, &answer);
    *lost = answer.lost;
    if (answer.code != ERROR_NONE && is_one_of(answer.state, misfits, COUNT(misfits)))
        answer.code = err->code = ERROR_CONFIG;
    return answer.code;
}

/* The one name that the file exports: see ACCOUNT_DRIVER_SYMBOL. */
extern const struct account_driver account_driver;

const struct account_driver account_driver = {
    .abi = ACCOUNT_DRIVER_ABI,
    .name = "pgsql",
    .engine = "pgsql",
    .library = "libpq " LIBPQ_VERSION,
    .mark = ACCOUNT_MARK_DOLLAR,
    .lacks = pgsql_lacks,
    .has_servers = true,
    .open = pgsql_open,
    .close = pgsql_close,
    .run = pgsql_run,
    .step = pgsql_step,
    .check = pgsql_check,
};
