/* saslauthd_backend/dovecot_dialogue.c - from an AUTH to what auth is asked: see dovecot_conn.h
 *
 * What is remembered is answered in here, from the bytes as they came: nothing is copied, allocated
 * or put into a table. Only who has to wait, for auth or for its client, is.
 */
#include "saslauthd_backend/dovecot_conn.h"

#include "common/base64.h"
#include "common/log.h"
#include "common/macros.h"

#include <sodium.h>
#include <string.h>

/* What a line's base64 decodes to at most. */
#define RESPONSE_MAX BASE64_DECODED_MAX(DOVECOT_LINE_MAX)

/* --- beginning -------------------------------------------------------------------- */

static struct dovecot_request *
request_begin(struct dovecot_conn *conn, const struct dovecot_line *line)
{
    bool is_fresh;
    struct dovecot_request *request = dovecot_requests_take(&conn->open, &is_fresh);

    if (!request)
        return NULL;
    if (is_fresh) {
        question_set(&request->question, conn->conn.loop, dovecot_ticket_back);
        request->alarm = (struct alarm){ TIMER_NONE, dovecot_request_alarm };
        request->conn = conn;
    }
    request->id = line->id;
    request->begun_ms = conn->conn.loop->now_ms;
    request->is_bare = line->is_nologin && !line->has_session;
    request->takes_final = line->takes_final;
    request->is_told = request->has_login = request->is_last = request->is_settled = false;
    request->said = span_make(NULL, 0);
    request->login[0] = '\0';
    return request;
}

/* For when the line is gone. What does not fit can be no service, no address and no name; a name
 * that is cut stays too long to be one. What is kept already was asked with, and stays. */
static void
keep_names(struct dovecot_request *request, const struct dovecot_asker *asker)
{
    span login = span_until(asker->login, sizeof(request->login) - 1);

    if (asker->service.ptr != (const unsigned char *)request->service) {
        if (!span_to_string(asker->service, request->service, sizeof(request->service)))
            memcpy(request->service, "?", 2);
        if (!span_to_string(asker->remote, request->remote, sizeof(request->remote)))
            memcpy(request->remote, "?", 2);
    }
    if (login.ptr != (const unsigned char *)request->login
        && !span_to_string(login, request->login, sizeof(request->login)))
        request->login[0] = '\0';
}

static bool
wait_as(struct dovecot_request *request, enum dovecot_state state, int64_t wait_ms)
{
    struct loop *loop = request->conn->conn.loop;

    dovecot_requests_enter(&request->conn->open, request, state);
    return timers_set(&loop->timers, &request->alarm.timer, loop->now_ms + wait_ms);
}

void
dovecot_hold_back(struct dovecot_request *request, const struct dovecot_asker *asker, int64_t at_ms)
{
    const struct loop *loop = request->conn->conn.loop;
    int64_t wait_ms = at_ms - loop->now_ms;

    keep_names(request, asker);
    if (!wait_as(request, DOVECOT_DELAYED, wait_ms < loop->site->deadline_ms
                                               ? wait_ms : loop->site->deadline_ms))
        dovecot_end_for(request, asker, REASON_INTERNAL);
}

/* --- asking auth ------------------------------------------------------------------ */

void
dovecot_wait_for_ticket(struct dovecot_request *request, const struct dovecot_asker *asker)
{
    struct dovecot_conn *conn = request->conn;

    keep_names(request, asker);
    conn->conn.tickets_out++;
    if (!wait_as(request, DOVECOT_ASKING, conn->conn.loop->site->deadline_ms)) {
        dovecot_end_for(request, asker, REASON_INTERNAL);
    }
    conn->is_shared = conn->is_shared || conn->open.asking > 1;
}

static void
ask(struct dovecot_request *request, const struct dovecot_asker *asker, const struct dovecot_claim *claim)
{
    struct conn *conn = &request->conn->conn;
    struct auth_request asked = {
        .action = AUTH_PASSWORD, .login = claim->login, .password = claim->password,
        .authzid = claim->authzid, .service = asker->service, .remote = asker->remote,
        .listener = &conn->listener->config->auth,
    };
    struct verdict verdict;

    if (request->conn->open.asking >= DOVECOT_ASKING_MAX) {
        dovecot_end_for(request, asker, REASON_OVERLOADED);
    } else if (auth_ask(conn->loop->site->auth, &asked, &request->question.ticket, &verdict)
               == AUTH_LATER) {
        dovecot_wait_for_ticket(request, asker);
    } else {
        dovecot_end(request, asker, &verdict);
    }
}

/* --- a mechanism's steps ---------------------------------------------------------- */

void
dovecot_wait_for_client(struct dovecot_request *request, const struct dovecot_asker *asker,
                        span prompt)
{
    struct dovecot_conn *conn = request->conn;

    if (request->state != DOVECOT_TALKING) {
        keep_names(request, asker);
        if (conn->open.talking == DOVECOT_TALKING_MAX)
            dovecot_drop(conn->open.oldest);
        if (!wait_as(request, DOVECOT_TALKING, DOVECOT_TALKING_MS)) {
            dovecot_end_for(request, asker, REASON_INTERNAL);
            return;
        }
    }
    dovecot_say_cont(conn, request->id, prompt);
}

static void
step(struct dovecot_request *request, struct dovecot_asker *asker, span message)
{
    struct dovecot_claim claim;
    span prompt;

    if (!request->mechanism->step) {
        dovecot_challenge(request, asker, &message);
        return;
    }
    switch (request->mechanism->step(request, message, &claim, &prompt)) {
    case DOVECOT_ASK:
        asker->login = claim.login;
        ask(request, asker, &claim);
        break;
    case DOVECOT_PROMPT:
        asker->login = span_of(request->login);
        dovecot_wait_for_client(request, asker, prompt);
        break;
    case DOVECOT_NO_CLAIM:
        dovecot_end_for(request, asker, REASON_MALFORMED);
        break;
    }
}

/* "=" is an empty response, as on SMTP's AUTH line. */
static void
step_base64(struct dovecot_request *request, struct dovecot_asker *asker, span response)
{
    unsigned char message[RESPONSE_MAX];
    size_t len;

    if (span_is(response, "="))
        response.len = 0;
    if (base64_decode(response, message, &len)) {
        step(request, asker, span_make(message, len));
    } else {
        len = BASE64_DECODED_MAX(response.len);
        dovecot_end_not_base64(request, asker);
    }
    sodium_memzero(message, len);
}

/* --- the commands ----------------------------------------------------------------- */

/* Up to 1.1 an empty resp= said that there is none. */
static bool
has_initial_response(const struct dovecot_conn *conn, const struct dovecot_line *line)
{
    return line->has_response && (line->response.len > 0 || conn->minor >= 2);
}

static void
begin_mechanism(struct dovecot_conn *conn, const struct dovecot_line *line,
                const struct dovecot_mechanism *mechanism)
{
    struct dovecot_request *request = request_begin(conn, line);
    struct dovecot_asker asker = { .service = line->service, .remote = line->remote };

    if (!request) {
        dovecot_say_fail(conn, line->id, DOVECOT_TEMPORARY, asker.login);
        return;
    }
    request->mechanism = mechanism;
    if (mechanism->is_plaintext && !line->is_secured && conn->conn.listener->config->needs_secured) {
        dovecot_end_for(request, &asker, REASON_UNSECURED);
    } else if (has_initial_response(conn, line)) {
        step_base64(request, &asker, line->response);
    } else if (!mechanism->step) {
        dovecot_challenge(request, &asker, NULL);
    } else {
        dovecot_wait_for_client(request, &asker, mechanism->prompt);
    }
}

/* A request that cannot be one: whatever is open with its id ends with it. */
static void
refuse(struct dovecot_conn *conn, uint32_t id, enum dovecot_failure why, const char *what)
{
    log_line(LOG_LEVEL_WARNING, "listen \"%s\": malformed request: %s",
             conn->conn.listener->config->title, what);
    dovecot_say_fail(conn, id, why, span_make(NULL, 0));
}

void
dovecot_refuse(struct dovecot_conn *conn, uint32_t id, const char *what)
{
    struct dovecot_request *request = dovecot_requests_find(&conn->open, id);

    refuse(conn, id, DOVECOT_BAD_FORM, what);
    if (request)
        dovecot_drop(request);
}

/* Where an id is open already, that request goes on: who reuses it gets a refusal more, and never
 * another's answer. */
void
dovecot_auth(struct dovecot_conn *conn, const struct dovecot_line *line)
{
    const struct dovecot_mechanism *mechanism =
        dovecot_mechanism_find(&conn->conn, line->mechanism);

    if (dovecot_requests_find(&conn->open, line->id))
        refuse(conn, line->id, DOVECOT_BAD_FORM, "AUTH with the id of one that is open");
    else if (!mechanism)
        refuse(conn, line->id, DOVECOT_UNKNOWN_MECHANISM, "a mechanism that is not offered");
    else
        begin_mechanism(conn, line, mechanism);
}

void
dovecot_cont(struct dovecot_conn *conn, const struct dovecot_line *line)
{
    struct dovecot_request *request = dovecot_requests_find(&conn->open, line->id);
    struct dovecot_asker asker;

    if (!request) {
        dovecot_say_fail(conn, line->id, DOVECOT_UNKNOWN_ID, span_make(NULL, 0));
    } else if (request->state != DOVECOT_TALKING) {
        refuse(conn, line->id, DOVECOT_UNEXPECTED, "CONT while nobody waits for it");
        dovecot_drop(request);
    } else {
        asker = dovecot_asker_of(request);
        request->begun_ms = conn->conn.loop->now_ms;
        step_base64(request, &asker, line->response);
    }
}

void
dovecot_cancel(struct dovecot_conn *conn, const struct dovecot_line *line)
{
    struct dovecot_request *request = dovecot_requests_find(&conn->open, line->id);

    if (request)
        dovecot_drop(request);
}
