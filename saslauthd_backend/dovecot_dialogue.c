/* saslauthd_backend/dovecot_dialogue.c - from an AUTH to its answer: see dovecot_conn.h
 *
 * What is remembered is answered in here, from the bytes as they came: nothing is copied, allocated
 * or put into a table. Only who has to wait, for auth or for its client, is.
 */
#include "saslauthd_backend/dovecot_conn.h"

#include "common/base64.h"
#include "common/log.h"
#include "common/macros.h"
#include "saslauthd_backend/report.h"

#include <sodium.h>
#include <stddef.h>
#include <string.h>

/* What a line's base64 decodes to at most. */
#define RESPONSE_MAX BASE64_DECODED_MAX(DOVECOT_LINE_MAX)

/* --- answering -------------------------------------------------------------------- */

static struct dovecot_asker
asker_of(const struct dovecot_request *request)
{
    return (struct dovecot_asker){ span_of(request->login), span_of(request->service),
                           span_of(request->remote) };
}

/* Postfix tells every FAIL as 535, Exim as a refusal; a close both take for "later". A connection
 * that carries others' requests too is not theirs, and is not cut. */
static bool
closes_for_temporary(const struct dovecot_conn *conn, const struct dovecot_request *request)
{
    const struct listener *listener = conn->conn.listener;
    enum listen_temporary rule = listener ? listener->config->temporary : LISTEN_TEMPORARY_AUTO;

    if (rule == LISTEN_TEMPORARY_AUTO)
        return conn->minor == 0 && request->is_bare && !conn->is_shared;
    return rule == LISTEN_TEMPORARY_CLOSE;
}

/* All others are DOVECOT_REJECTED. */
static const enum dovecot_failure failures[REASONS] = {
    [REASON_AUTHZID_DENIED] = DOVECOT_OTHER_IDENTITY,
    [REASON_UNSECURED]      = DOVECOT_UNSECURED,
};
_Static_assert(DOVECOT_REJECTED == 0, "what is not in the table is a plain rejection");

static struct report
report_of(const struct dovecot_request *request, const struct dovecot_asker *asker,
          const struct verdict *verdict)
{
    const struct conn *conn = &request->conn->conn;

    return (struct report){
        .listener = conn->listener ? conn->listener->config->title : "-",
        .login = verdict->account[0] ? span_of(verdict->account) : asker->login,
        .service = asker->service, .remote = asker->remote,
        .took_ms = conn->loop->now_ms - request->begun_ms,
    };
}

/* What is said afterwards leaves at the end of the turn, behind the line in the log. */
static void
report(const struct dovecot_request *request, const struct dovecot_asker *asker,
       const struct verdict *verdict)
{
    const struct report report = report_of(request, asker, verdict);

    report_verdict(&report, verdict);
}

static void
report_nobody_there(const struct dovecot_request *request, const struct verdict *verdict)
{
    const struct dovecot_asker asker = asker_of(request);
    const struct report report = report_of(request, &asker, verdict);

    report_verdict(&report, verdict);
    report_unsent(&report);
}

static void
tell(struct dovecot_request *request, const struct dovecot_asker *asker, const struct verdict *verdict)
{
    struct dovecot_conn *conn = request->conn;

    if (verdict->outcome == VERDICT_ACCEPTED)
        dovecot_say_ok(conn, request->id, span_of(verdict->account), asker->login, request->said);
    else if (verdict->outcome == VERDICT_REJECTED)
        dovecot_say_fail(conn, request->id, failures[verdict->reason], asker->login);
    else if (closes_for_temporary(conn, request))
        conn->is_over = true;
    else
        dovecot_say_fail(conn, request->id, DOVECOT_TEMPORARY, asker->login);
    request->is_told = true;
    report(request, asker, verdict);
}

/* --- letting go ------------------------------------------------------------------- */

static void
put_back(struct dovecot_request *request)
{
    dialogue_free(request->dialogue);
    request->dialogue = NULL;
    dovecot_requests_put_back(&request->conn->open, request);
}

static void
forget(struct dovecot_request *request)
{
    struct dovecot_conn *conn = request->conn;

    timers_cancel(&conn->conn.loop->timers, &request->alarm.timer);
    if (request->state == DOVECOT_ASKING)
        dovecot_requests_leave(&conn->open, request, DOVECOT_DROPPED);
    else
        put_back(request);
}

/* Whether the ticket has a verdict of a sign-in that nobody was told: of a dialogue it is the last
 * turn's, or one that kept it from beginning. */
static bool
has_verdict(const struct dovecot_request *request)
{
    bool came = request->state == DOVECOT_DELAYED
             || (request->state == DOVECOT_DROPPED && !request->is_told);

    return request->is_settled
        || (came && (!request->dialogue || request->is_last
                     || request->question.ticket.verdict.outcome != VERDICT_ACCEPTED));
}

/* Whoever goes before the answer comes has asked all the same. */
static void
drop(struct dovecot_request *request)
{
    if (has_verdict(request))
        report_nobody_there(request, &request->question.ticket.verdict);
    forget(request);
}

void
dovecot_end(struct dovecot_request *request, const struct dovecot_asker *asker,
            const struct verdict *verdict)
{
    tell(request, asker, verdict);
    forget(request);
}

void
dovecot_end_for(struct dovecot_request *request, const struct dovecot_asker *asker,
                enum verdict_reason reason)
{
    struct verdict verdict = { 0 };

    verdict_set(&verdict, reason, VIA_REQUEST);
    dovecot_end(request, asker, &verdict);
}

void
dovecot_drop_talking(struct dovecot_conn *conn)
{
    while (conn->open.oldest)
        drop(conn->open.oldest);
}

void
dovecot_drop_all(struct dovecot_conn *conn)
{
    struct dovecot_request *request;

    while ((request = dovecot_requests_any(&conn->open)))
        drop(request);
    dovecot_requests_free_spares(&conn->open);
}

/* --- waiting for auth ------------------------------------------------------------- */

static void
answer_later(struct dovecot_request *request, const struct verdict *verdict)
{
    struct dovecot_asker asker = asker_of(request);

    conn_flush_later(&request->conn->conn);
    dovecot_end(request, &asker, verdict);
}

/* What was held back, or need not be. */
static void
tell_now(struct dovecot_request *request)
{
    struct dovecot_asker asker = asker_of(request);

    conn_flush_later(&request->conn->conn);
    if (request->dialogue)
        dovecot_challenge_tell(request, &asker);
    else
        dovecot_end(request, &asker, &request->question.ticket.verdict);
}

void
dovecot_tell_delayed(struct dovecot_conn *conn)
{
    for (size_t i = 0; i < DOVECOT_BUCKETS; i++)
        for (struct dovecot_request *request = conn->open.buckets[i], *next; request;
             request = next) {
            next = request->next;
            if (request->state == DOVECOT_DELAYED)
                tell_now(request);
        }
}

static void
ticket_back(struct question *question)
{
    struct dovecot_request *request = (struct dovecot_request *)question;
    struct dovecot_conn *conn = request->conn;
    int64_t not_before_ms = question->ticket.not_before_ms;

    conn_take_ticket(&conn->conn);
    if (request->state == DOVECOT_DROPPED) {
        if (has_verdict(request))
            report_nobody_there(request, &question->ticket.verdict);
        put_back(request);
        if (conn->conn.fd < 0)
            dovecot_requests_free_spares(&conn->open);
        return;
    }
    if (request->dialogue)
        not_before_ms = dovecot_challenge_resume(request);
    dovecot_requests_enter(&conn->open, request, DOVECOT_DELAYED);
    if (not_before_ms <= conn->conn.loop->now_ms || conn->conn.loop->is_stopping)
        tell_now(request);
    else if (request->alarm.timer.at_ms > not_before_ms)
        timers_set(&conn->conn.loop->timers, &request->alarm.timer, not_before_ms);
}

static void
alarm_rings(struct loop *loop, struct alarm *alarm)
{
    struct dovecot_request *request =
        (struct dovecot_request *)((char *)alarm - offsetof(struct dovecot_request, alarm));
    struct verdict verdict = { 0 };

    (void)loop;
    if (request->state == DOVECOT_TALKING) {
        drop(request);
    } else if (request->state == DOVECOT_ASKING) {
        verdict_set(&verdict, REASON_DEADLINE, VIA_REQUEST);
        answer_later(request, &verdict);
    } else {
        tell_now(request);
    }
}

/* --- beginning -------------------------------------------------------------------- */

static struct dovecot_request *
request_begin(struct dovecot_conn *conn, const struct dovecot_line *line)
{
    bool is_fresh;
    struct dovecot_request *request = dovecot_requests_take(&conn->open, &is_fresh);

    if (!request)
        return NULL;
    if (is_fresh) {
        question_set(&request->question, conn->conn.loop, ticket_back);
        request->alarm = (struct alarm){ TIMER_NONE, alarm_rings };
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
            drop(conn->open.oldest);
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

/* What is no base64 is this request's fault, and nobody else's on this connection. */
static void
refuse_base64(struct dovecot_request *request, const struct dovecot_asker *asker)
{
    struct verdict verdict = { 0 };

    verdict_set(&verdict, REASON_MALFORMED, VIA_REQUEST);
    dovecot_say_fail(request->conn, request->id, DOVECOT_NOT_BASE64, asker->login);
    report(request, asker, &verdict);
    forget(request);
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
        refuse_base64(request, asker);
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
        drop(request);
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
        drop(request);
    } else {
        asker = asker_of(request);
        request->begun_ms = conn->conn.loop->now_ms;
        step_base64(request, &asker, line->response);
    }
}

void
dovecot_cancel(struct dovecot_conn *conn, const struct dovecot_line *line)
{
    struct dovecot_request *request = dovecot_requests_find(&conn->open, line->id);

    if (request)
        drop(request);
}
