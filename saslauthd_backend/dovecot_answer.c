/* saslauthd_backend/dovecot_answer.c - how a request ends: see dovecot_conn.h
 *
 * From its ticket, or what is known at once, to what its client and the log are told; or from a client
 * that goes first. What is told leaves at the end of the turn, behind the line in the log.
 */
#include "saslauthd_backend/dovecot_conn.h"

#include "saslauthd_backend/report.h"

#include <stddef.h>

/* --- answering -------------------------------------------------------------------- */

struct dovecot_asker
dovecot_asker_of(const struct dovecot_request *request)
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

static void
report_nobody_there(const struct dovecot_request *request, const struct verdict *verdict)
{
    const struct dovecot_asker asker = dovecot_asker_of(request);
    const struct report report = report_of(request, &asker, verdict);

    report_verdict(&report, verdict);
    report_unsent(&report);
}

/* The line in the log; what is said leaves behind it, at the end of the turn. */
static void
report(struct dovecot_request *request, const struct dovecot_asker *asker,
       const struct verdict *verdict, bool is_said)
{
    struct dovecot_conn *conn = request->conn;
    const struct report report = report_of(request, asker, verdict);

    report_verdict(&report, verdict);
    if (!is_said)
        report_unsent(&report);
    else if (!conn->is_over)    /* else the close is the answer */
        receipts_add(&conn->receipts, &(struct receipt){
            outbox_added(&conn->out), { report.service, report.remote, report.login } });
}

static void
report_one_unsent(void *context, const struct receipt *receipt)
{
    const struct conn *conn = context;

    report_unsent(&(struct report){
        .listener = conn->listener ? conn->listener->config->title : "-",
        .service = receipt->fields[0], .remote = receipt->fields[1], .login = receipt->fields[2],
    });
}

void
dovecot_report_unsent(struct dovecot_conn *conn)
{
    receipts_visit(&conn->receipts, &conn->conn, report_one_unsent);
}

static bool
say(struct dovecot_request *request, const struct dovecot_asker *asker,
    const struct verdict *verdict)
{
    struct dovecot_conn *conn = request->conn;

    if (verdict->outcome == VERDICT_ACCEPTED)
        return dovecot_say_ok(conn, request->id, span_of(verdict->account), asker->login,
                              request->said);
    if (verdict->outcome == VERDICT_REJECTED)
        return dovecot_say_fail(conn, request->id, failures[verdict->reason], asker->login);
    if (!closes_for_temporary(conn, request))
        return dovecot_say_fail(conn, request->id, DOVECOT_TEMPORARY, asker->login);
    conn->is_over = true;       /* that is the answer */
    return true;
}

static void
tell(struct dovecot_request *request, const struct dovecot_asker *asker,
     const struct verdict *verdict)
{
    bool is_said = say(request, asker, verdict);

    request->is_told = true;
    report(request, asker, verdict, is_said);
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
void
dovecot_drop(struct dovecot_request *request)
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

/* What is no base64 is this request's fault, and nobody else's on this connection. */
void
dovecot_end_not_base64(struct dovecot_request *request, const struct dovecot_asker *asker)
{
    struct verdict verdict = { 0 };

    verdict_set(&verdict, REASON_MALFORMED, VIA_REQUEST);
    report(request, asker, &verdict,
           dovecot_say_fail(request->conn, request->id, DOVECOT_NOT_BASE64, asker->login));
    forget(request);
}

void
dovecot_drop_talking(struct dovecot_conn *conn)
{
    while (conn->open.oldest)
        dovecot_drop(conn->open.oldest);
}

void
dovecot_drop_all(struct dovecot_conn *conn)
{
    struct dovecot_request *request;

    while ((request = dovecot_requests_any(&conn->open)))
        dovecot_drop(request);
    dovecot_requests_free_spares(&conn->open);
}

/* --- waiting for auth ------------------------------------------------------------- */

static void
answer_later(struct dovecot_request *request, const struct verdict *verdict)
{
    struct dovecot_asker asker = dovecot_asker_of(request);

    conn_flush_later(&request->conn->conn);
    dovecot_end(request, &asker, verdict);
}

/* What was held back, or need not be. */
static void
tell_now(struct dovecot_request *request)
{
    struct dovecot_asker asker = dovecot_asker_of(request);

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

void
dovecot_ticket_back(struct question *question)
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

void
dovecot_request_alarm(struct loop *loop, struct alarm *alarm)
{
    struct dovecot_request *request =
        (struct dovecot_request *)((char *)alarm - offsetof(struct dovecot_request, alarm));
    struct verdict verdict = { 0 };

    (void)loop;
    if (request->state == DOVECOT_TALKING) {
        dovecot_drop(request);
    } else if (request->state == DOVECOT_ASKING) {
        verdict_set(&verdict, REASON_DEADLINE, VIA_REQUEST);
        answer_later(request, &verdict);
    } else {
        tell_now(request);
    }
}
