/* account/connection.c - one thread's connection to a source, and what it asks; see source.h
 *
 * The session below it is opened by the first query, closed when the driver says it is lost, and
 * opened again by the next. A query that was lost before it gave a row is asked once more on a
 * fresh session: a server that closes idle connections costs nobody a sign-in.
 */
#include "account/row.h"
#include "account/session.h"
#include "common/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct account_conn {
    struct account_source *source;
    struct session session;
    bool in_batch;              /* between account_batch_begin() and _end(): on one session or none */
};

/* Rows on their way to a reader, which may find a fault in one. */
struct rows {
    enum error_code (*read)(struct rows *rows, const struct account_cell *cells, size_t count);
    size_t given;
    bool enough;                /* the reader wants no more */
    enum error_code code;       /* the reader's own fault, in *err */
    struct error *err;
    struct account *account;                                    /* lookup */
    struct account_secret **end;                                /* secrets: where the next goes */
    const char *login;                                          /* whose they have to be */
    size_t room;                                                /* how many more are taken */
    bool more;
    bool (*each)(void *context, span login, bool enabled);      /* list */
    void *context;
};

enum error_code
account_conn_open(struct account_source *source, enum account_access access,
                  struct account_conn **out, struct error *err)
{
    *out = malloc(sizeof(**out));
    if (!*out)
        return error_set(err, ERROR_UNAVAILABLE, "no memory for a connection");
    **out = (struct account_conn){ source, { .source = source, .access = access }, false };
    return ERROR_NONE;
}

void
account_conn_close(struct account_conn *conn)
{
    if (!conn)
        return;
    session_close(&conn->session);
    free(conn);
}

/* --- one query ---------------------------------------------------------------------- */

/* Decimal digits of an int64_t, its sign and an end. */
#define MOMENT_MAX 21

/* %d of a name without a domain is empty; %n is then all of it. */
static void
fill_values(const struct query *query, const struct account_who *who, char moment[MOMENT_MAX],
            span values[QUERY_PARAMETERS])
{
    size_t at = span_find_last(who->login, '@');

    if (query_uses(query, QUERY_MOMENT))
        snprintf(moment, MOMENT_MAX, "%" PRId64,
                 who->at_s ? who->at_s : clock_unix_s(&clock_system));
    else
        moment[0] = '\0';
    values[QUERY_LOGIN] = who->login;
    values[QUERY_LOCAL] = span_until(who->login, at);
    values[QUERY_DOMAIN] = span_from(who->login, at + 1);
    values[QUERY_SERVICE] = who->service;
    values[QUERY_REMOTE] = who->remote;
    values[QUERY_STORED] = who->stored;
    values[QUERY_OLD] = who->old;
    values[QUERY_MOMENT] = span_of(moment);
}

/* Some client libraries end a text at its first NUL, and so would ask for somebody else. */
static enum error_code
fill_parameters(const struct query *query, const struct account_who *who,
                char moment[MOMENT_MAX], span parameters[ACCOUNT_PARAMETERS_MAX],
                struct error *err)
{
    span values[QUERY_PARAMETERS];

    fill_values(query, who, moment, values);
    for (size_t i = 0; i < query->parameters_count; i++) {
        parameters[i] = values[query->parameters[i]];
        if (span_has(parameters[i], '\0'))
            return error_set(err, ERROR_MALFORMED, "a parameter of the query holds a NUL");
    }
    return ERROR_NONE;
}

static bool
take_row(void *context, const struct account_cell *cells, size_t count)
{
    struct rows *rows = context;

    rows->given++;
    rows->code = rows->read(rows, cells, count);
    return rows->code == ERROR_NONE && !rows->enough;
}

/* A batch is not gone on with on another session, where what came before is not. */
static enum error_code
open_session(struct account_conn *conn, int64_t deadline_ms, struct error *err)
{
    if (!conn->in_batch)
        return session_open(&conn->session, deadline_ms, err);
    return conn->session.driver ? ERROR_NONE
        : error_set(err, ERROR_UNAVAILABLE, "the connection was lost in the middle of a batch");
}

static enum error_code
run_once(struct account_conn *conn, const struct account_statement *statement,
         const span *parameters, int64_t deadline_ms, struct rows *rows, size_t *changed_out,
         bool *lost, struct error *err)
{
    const struct account_driver *driver = conn->source->driver;
    enum error_code code;

    *lost = false;
    code = open_session(conn, deadline_ms, err);
    if (code != ERROR_NONE)
        return code;
    code = driver->run(conn->session.driver, statement, parameters, deadline_ms,
                       rows ? take_row : NULL, rows, changed_out, lost, err);
    if (*lost)
        session_lose(&conn->session, deadline_ms, code != ERROR_NONE ? err : NULL);
    return code;
}

/* `rows` NULL: the query gives none. */
static enum error_code
run(struct account_conn *conn, enum account_query which, const struct account_who *who,
    int64_t deadline_ms, struct rows *rows, size_t *changed_out, struct error *err)
{
    const struct query *query = &conn->source->queries[which];
    const struct account_statement statement = {
        query->text, query->parameters_count, which, query_is_script(which),
    };
    span parameters[ACCOUNT_PARAMETERS_MAX];
    char moment[MOMENT_MAX];
    bool lost;
    enum error_code code;

    code = fill_parameters(query, who, moment, parameters, err);
    if (code != ERROR_NONE)
        return code;
    code = run_once(conn, &statement, parameters, deadline_ms, rows, changed_out, &lost, err);
    if (code == ERROR_UNAVAILABLE && lost && query_is_repeatable(which) && !(rows && rows->given)
        && !conn->in_batch && clock_now_ms(&clock_system) < deadline_ms)
        code = run_once(conn, &statement, parameters, deadline_ms, rows, changed_out, &lost,
                        err);
    else if (code != ERROR_NONE && lost && !query_is_repeatable(which))
        error_prefix(err, "not tried again, look whether the change was made");
    return code;
}

static enum error_code
ask(struct account_conn *conn, enum account_query which, const struct account_who *who,
    int64_t deadline_ms, struct rows *rows, size_t *changed_out, struct error *err)
{
    const struct account_source *source = conn->source;
    enum error_code code;

    if (!source->queries[which].text)
        return error_set(err, ERROR_CONFIG, "accounts \"%s\" (%s) has no query %s",
                         source->config.title, source->origin, account_query_name(which));
    code = run(conn, which, who, deadline_ms, rows, changed_out, err);
    if (code == ERROR_NONE && rows)
        code = rows->code;
    if (code != ERROR_NONE)
        error_prefix(err, "accounts \"%s\": query %s", source->config.title,
                     account_query_name(which));
    return code;
}

/* --- what can be asked -------------------------------------------------------------- */

/* A second row makes the first one nobody's. */
static enum error_code
read_account(struct rows *rows, const struct account_cell *cells, size_t count)
{
    if (rows->given == 1)
        return row_read(cells, count, rows->account, rows->err);
    account_wipe(rows->account);
    rows->account->found = rows->account->ambiguous = true;
    rows->enough = true;
    return ERROR_NONE;
}

static enum error_code
finish_account(const struct account_source *source, struct account *out, struct error *err)
{
    const char *scheme = source->config.default_scheme;

    out->source = source->config.title;
    out->encodings = source->config.password_encodings;
    out->latin1 = source->latin1;
    if (!out->found || out->ambiguous || out->scheme[0] || !scheme)
        return ERROR_NONE;
    if (!span_to_string(span_of(scheme), out->scheme, sizeof(out->scheme)))
        return error_set(err, ERROR_CONFIG, "accounts \"%s\": default_scheme is too long",
                         source->config.title);
    return ERROR_NONE;
}

static int64_t
sooner_ms(const struct account_conn *conn, int64_t deadline_ms)
{
    int64_t latest_ms = clock_now_ms(&clock_system) + conn->source->config.query_timeout_ms;

    return deadline_ms < latest_ms ? deadline_ms : latest_ms;
}

enum error_code
account_lookup(struct account_conn *conn, const struct account_who *who, int64_t deadline_ms,
               struct account *out, struct error *err)
{
    struct rows rows = { .read = read_account, .err = err, .account = out };
    enum error_code code;

    account_set(out);
    code = ask(conn, ACCOUNT_LOOKUP, who, sooner_ms(conn, deadline_ms), &rows, NULL, err);
    if (code == ERROR_NONE)
        code = finish_account(conn->source, out, err);
    if (code != ERROR_NONE)
        account_wipe(out);      /* half a row may hold a whole secret */
    return code;
}

/* One row more: room for it, what is in it, and whether it is the account's. */
static enum error_code
read_secret(struct rows *rows, const struct account_cell *cells, size_t count)
{
    struct account_secret *secret;
    enum error_code code;

    rows->more = rows->room == 0;
    rows->enough = rows->more;
    if (rows->more)
        return ERROR_NONE;
    secret = calloc(1, sizeof(*secret));
    if (!secret)
        return error_set(rows->err, ERROR_UNAVAILABLE, "no memory for a password");
    code = row_read_secret(cells, count, secret, rows->err);
    if (code != ERROR_NONE || (secret->login[0] && strcmp(secret->login, rows->login) != 0)) {
        account_secrets_free(secret);
        return code;
    }
    *rows->end = secret;
    rows->end = &secret->next;
    rows->room--;
    return ERROR_NONE;
}

static void
set_schemes(const struct account_source *source, struct account_secret *first)
{
    const char *scheme = source->config.default_scheme;

    for (; scheme && first; first = first->next)
        if (!first->scheme[0])
            span_to_string(span_of(scheme), first->scheme, sizeof(first->scheme));
}

enum error_code
account_secrets(struct account_conn *conn, const struct account_who *who,
                const struct account *account, int64_t deadline_ms, struct account_secret **out,
                bool *more_out, struct error *err)
{
    struct rows rows = { .read = read_secret, .err = err, .end = out, .login = account->login,
                         .room = conn->source->config.secrets_max };
    enum error_code code;

    *out = NULL;
    *more_out = false;
    if (!conn->source->queries[ACCOUNT_SECRETS].text)
        return ERROR_NONE;
    code = ask(conn, ACCOUNT_SECRETS, who, sooner_ms(conn, deadline_ms), &rows, NULL, err);
    if (code != ERROR_NONE) {
        account_secrets_free(*out);
        *out = NULL;
        return code;
    }
    set_schemes(conn->source, *out);
    *more_out = rows.more;
    return ERROR_NONE;
}

enum error_code
account_check(struct account_conn *conn, enum account_query query, int64_t deadline_ms,
              struct error *err)
{
    const struct query *text = &conn->source->queries[query];
    const struct account_statement statement = {
        text->text, text->parameters_count, query, query_is_script(query),
    };
    enum error_code code = session_open(&conn->session, deadline_ms, err);
    bool lost = false;

    if (code == ERROR_NONE && text->text && !statement.script && conn->source->driver->check)
        code = conn->source->driver->check(conn->session.driver, &statement, deadline_ms, &lost, err);
    if (lost)
        session_lose(&conn->session, deadline_ms, code != ERROR_NONE ? err : NULL);
    return code;
}

enum error_code
account_change(struct account_conn *conn, enum account_query query,
               const struct account_who *who, int64_t deadline_ms, size_t *changed_out,
               struct error *err)
{
    enum error_code code;

    *changed_out = 0;
    code = ask(conn, query, who, deadline_ms, NULL, changed_out, err);
    if (code != ERROR_NONE)
        *changed_out = 0;
    if (code == ERROR_REJECTED && query == ACCOUNT_ADD)
        error_set(err, code, "account \"%.*s\" exists already",
                  (int)span_until(who->login, ACCOUNT_LOGIN_MAX).len,
                  (const char *)who->login.ptr);
    return code;
}

static enum error_code
step(struct account_conn *conn, enum account_step what, int64_t deadline_ms, struct error *err)
{
    const struct account_driver *driver = conn->source->driver;
    bool lost = false;
    enum error_code code = open_session(conn, deadline_ms, err);

    if (code == ERROR_NONE && driver->step)
        code = driver->step(conn->session.driver, what, deadline_ms, &lost, err);
    if (lost)
        session_lose(&conn->session, deadline_ms, err);
    return code == ERROR_NONE ? code
        : error_prefix(err, "accounts \"%s\"", conn->source->config.title);
}

void
account_reads_together(struct account_conn *conn, bool on)
{
    const struct account_driver *driver = conn->source->driver;

    if (driver->together && conn->session.driver)
        driver->together(conn->session.driver, on);
}

bool
account_source_reads_together(const struct account_source *source)
{
    return source->driver->together != NULL;
}

enum error_code
account_batch_begin(struct account_conn *conn, int64_t deadline_ms, struct error *err)
{
    enum error_code code = step(conn, ACCOUNT_BEGIN, deadline_ms, err);

    conn->in_batch = code == ERROR_NONE;
    return code;
}

enum error_code
account_batch_end(struct account_conn *conn, bool keep, int64_t deadline_ms, struct error *err)
{
    enum error_code code = step(conn, keep ? ACCOUNT_COMMIT : ACCOUNT_ROLLBACK, deadline_ms, err);

    if (code != ERROR_NONE)     /* nobody knows what it is in the middle of */
        session_close(&conn->session);
    conn->in_batch = false;
    return code;
}

static enum error_code
read_listed(struct rows *rows, const struct account_cell *cells, size_t count)
{
    span login;
    bool enabled;
    enum error_code code = row_read_listed(cells, count, &login, &enabled, rows->err);

    if (code == ERROR_NONE)
        rows->enough = !rows->each(rows->context, login, enabled);
    return code;
}

enum error_code
account_list(struct account_conn *conn, int64_t deadline_ms,
             bool (*each)(void *context, span login, bool enabled), void *context,
             struct error *err)
{
    static const struct account_who nobody;
    struct rows rows = { .read = read_listed, .err = err, .each = each, .context = context };

    return ask(conn, ACCOUNT_LIST, &nobody, deadline_ms, &rows, NULL, err);
}
