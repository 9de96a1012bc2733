/* saslauthd_backend/exchange.c - one question and one answer on a connection
 *
 *   accept ─▶ READING ─▶ WAITING ─▶ DELAYED ─▶ answered, closed
 *                 └─────────┴── each may be answered at once, or by its deadline
 *
 * A connection whose ticket is still out when its deadline comes is answered and closed, and its
 * struct is kept, without a descriptor, until the ticket is back.
 */
#include "saslauthd_backend/conn.h"

#include "auth/service.h"
#include "common/clock.h"
#include "common/log.h"
#include "saslauthd_backend/proto.h"
#include "saslauthd_backend/report.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum exchange_state { EXCHANGE_READING, EXCHANGE_WAITING, EXCHANGE_DELAYED };

struct exchange {
    struct conn conn;                   /* first */
    enum exchange_state state;
    struct question question;
    struct proto_held *held;            /* the protocol's, of this request; or NULL */
    char login[ACCOUNT_LOGIN_MAX + 1];  /* for the log, once the request's bytes are gone */
    char service[SERVICE_NAME_MAX + 1];
    char remote[64];
};

/* --- answering -------------------------------------------------------------------- */

/* False when the peer is gone. One send; a reply is far smaller than any socket's buffer, so what does not fit at once
 * belongs to a peer that does not read, and who gets a close. */
static bool
exchange_send(struct exchange *exchange, span reply)
{
    return send(exchange->conn.fd, reply.ptr, reply.len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

/* In `room`, or borrowed from what the protocol holds. */
static span
reply_for(const struct exchange *exchange, const struct verdict *verdict,
          unsigned char room[PROTO_REPLY_MAX])
{
    const struct proto *proto = exchange->conn.proto;

    return proto->answer_held ? proto->answer_held(exchange->held, verdict)
                              : span_make(room, proto->answer(verdict, room));
}

static void
answer(struct exchange *exchange, const struct verdict *verdict, const struct report *report)
{
    unsigned char room[PROTO_REPLY_MAX];

    if (report)
        report_verdict(report, verdict);
    if (!exchange_send(exchange, reply_for(exchange, verdict, room)) && report)
        report_unsent(report);
    conn_close(&exchange->conn);
}

static void
give_up(struct conn *conn, enum verdict_reason reason)
{
    struct verdict verdict = { 0 };

    verdict_set(&verdict, reason, VIA_REQUEST);
    answer((struct exchange *)conn, &verdict, NULL);
}

static void
answer_later(struct exchange *exchange, const struct verdict *verdict)
{
    const struct conn *conn = &exchange->conn;
    const struct report report = {
        .listener = conn->listener ? conn->listener->config->title : "-",
        .login = span_of(verdict->account[0] ? verdict->account : exchange->login),
        .service = span_of(exchange->service),
        .remote = span_of(exchange->remote), .took_ms = conn->loop->now_ms - conn->accepted_ms,
    };

    answer(exchange, verdict, &report);
}

/* --- waiting ---------------------------------------------------------------------- */

static void
ticket_back(struct question *question)
{
    struct exchange *exchange =
        (struct exchange *)((char *)question - offsetof(struct exchange, question));
    struct conn *conn = &exchange->conn;
    int64_t not_before_ms = question->ticket.not_before_ms;

    if (!conn_take_ticket(conn))
        return;
    if (not_before_ms <= conn->loop->now_ms || conn->loop->is_stopping) {
        answer_later(exchange, &question->ticket.verdict);
        return;
    }
    exchange->state = EXCHANGE_DELAYED;
    if (conn->alarm.timer.at_ms > not_before_ms)
        conn_set_alarm(conn, not_before_ms);
}

static void
note(span text, char *out, size_t room)
{
    if (!span_to_string(text, out, room))
        memcpy(out, "?", 2);
}

static void
expect_ticket(struct exchange *exchange, const struct auth_request *request)
{
    exchange->state = EXCHANGE_WAITING;
    exchange->conn.tickets_out++;
    note(request->login, exchange->login, sizeof(exchange->login));
    note(request->service, exchange->service, sizeof(exchange->service));
    note(request->remote, exchange->remote, sizeof(exchange->remote));
}

static void
wait_for_ticket(struct exchange *exchange, const struct auth_request *request)
{
    struct conn *conn = &exchange->conn;

    expect_ticket(exchange, request);
    conn_keep(conn, span_make(NULL, 0));
    conn_watch(conn, 0);        /* what a client still sends must not wake us */
    if (!conn_set_alarm(conn, conn->loop->now_ms + conn->loop->site->deadline_ms))
        give_up(conn, REASON_INTERNAL);
}

static void
alarm_rings(struct conn *conn)
{
    struct exchange *exchange = (struct exchange *)conn;
    struct loop *loop = conn->loop;
    struct verdict verdict = { 0 };

    if (exchange->state == EXCHANGE_READING) {
        atomic_fetch_add_explicit(&loop->counts->timed_out, 1, memory_order_relaxed);
        log_line(LOG_LEVEL_DEBUG, "listen \"%s\": no whole request after %lld ms: closed",
                 conn->listener ? conn->listener->config->title : "-",
                 (long long)(loop->now_ms - conn->accepted_ms));
        give_up(conn, REASON_DEADLINE);
        return;
    }
    if (exchange->state == EXCHANGE_WAITING) {
        verdict_set(&verdict, REASON_DEADLINE, VIA_REQUEST);
        answer_later(exchange, &verdict);
        return;
    }
    answer_later(exchange, &exchange->question.ticket.verdict);
}

/* --- reading ---------------------------------------------------------------------- */

static enum auth_answer
ask_auth(struct exchange *exchange, const struct auth_request *request, struct verdict *verdict)
{
    const struct proto *proto = exchange->conn.proto;
    struct auth *auth = exchange->conn.loop->site->auth;
    struct auth_ticket *ticket = &exchange->question.ticket;

    return proto->ask ? proto->ask(auth, request, ticket, verdict, &exchange->held)
                      : auth_ask(auth, request, ticket, verdict);
}

static void
answer_now(struct exchange *exchange, const struct auth_request *request,
           const struct verdict *verdict)
{
    const struct conn *conn = &exchange->conn;

    answer(exchange, verdict, &(struct report){
        .listener = conn->listener->config->title, .service = request->service,
        .login = verdict->account[0] ? span_of(verdict->account) : request->login,
        .remote = request->remote, .took_ms = conn->loop->now_ms - conn->accepted_ms,
    });
}

/* As many as may be are there, and none could give way: what is known at once is answered. */
static void
ask_no_more(struct exchange *exchange, const struct auth_request *request)
{
    struct loop *loop = exchange->conn.loop;
    struct verdict verdict;

    if (auth_recall(loop->site->auth, request, &verdict)) {
        answer_now(exchange, request, &verdict);
        return;
    }
    atomic_fetch_add_explicit(&loop->counts->shed, 1, memory_order_relaxed);
    give_up(&exchange->conn, REASON_OVERLOADED);
}

static void
ask(struct exchange *exchange, struct auth_request *request)
{
    struct conn *conn = &exchange->conn;
    const struct listener *listener = conn->listener;
    struct verdict verdict;

    request->listener = &listener->config->auth;
    request->by_root = request->by_root && listener_peer_is_root(conn->fd);
    if (conn_is_one_too_many(conn)) {
        ask_no_more(exchange, request);
        return;
    }
    if (ask_auth(exchange, request, &verdict) == AUTH_LATER) {
        wait_for_ticket(exchange, request);
        return;
    }
    answer_now(exchange, request, &verdict);
}

static void
malformed(struct exchange *exchange, const struct error *err)
{
    const struct listener *listener = exchange->conn.listener;

    log_line(LOG_LEVEL_WARNING, "listen \"%s\": malformed request: %s", listener->config->title,
             err->reason);
    exchange_send(exchange, exchange->conn.proto->malformed);
    conn_close(&exchange->conn);
}

static bool
wait_for_more(struct conn *conn)
{
    return conn->watched
        || (conn_watch(conn, EPOLLIN)
            && conn_set_alarm(conn, conn->accepted_ms + conn->loop->site->read_deadline_ms));
}

/* All bytes that came so far. */
static void
feed(struct exchange *exchange, span wire)
{
    struct conn *conn = &exchange->conn;
    struct auth_request request;
    struct error err;

    switch (exchange->conn.proto->parse(wire, &request, &err)) {
    case PROTO_REQUEST:
        ask(exchange, &request);
        break;
    case PROTO_MALFORMED:
        malformed(exchange, &err);
        break;
    case PROTO_MORE:
        if (!conn_keep(conn, wire) || !wait_for_more(conn))
            give_up(conn, REASON_INTERNAL);
        break;
    }
}

static void
read_some(struct conn *conn)
{
    span wire;

    switch (conn_receive(conn, &wire)) {
    case CONN_CAME:
        feed((struct exchange *)conn, wire);
        break;
    case CONN_NOTHING_YET:
        if (!wait_for_more(conn))
            give_up(conn, REASON_INTERNAL);
        break;
    case CONN_ENDED:
        if (conn->used > 0)
            give_up(conn, REASON_MALFORMED);    /* half a request, and no more will come */
        else
            conn_close(conn);
        break;
    case CONN_BROKEN:
        conn_close(conn);
        break;
    }
    conn_forget_read(conn, wire);
}

static void
ready(struct conn *conn)
{
    if (((struct exchange *)conn)->state != EXCHANGE_READING)
        return;
    if (conn->listener)
        read_some(conn);
    else
        give_up(conn, REASON_STOPPING);
}

/* --- the kind --------------------------------------------------------------------- */

static void
begin(struct conn *conn, span came)
{
    struct exchange *exchange = (struct exchange *)conn;

    exchange->state = EXCHANGE_READING;
    exchange->held = NULL;
    question_set(&exchange->question, conn->loop, ticket_back);
    if (came.len > 0)
        feed(exchange, came);
    else
        read_some(conn);
}

struct conn *
exchange_new_asked(struct loop *loop, const struct listener *listener, int fd,
                   const struct auth_request *request)
{
    struct exchange *exchange = calloc(1, sizeof(*exchange));

    if (!exchange)
        return NULL;
    conn_set(&exchange->conn, loop, listener, fd, clock_now_ms(&clock_system));
    question_set(&exchange->question, loop, ticket_back);
    expect_ticket(exchange, request);
    return &exchange->conn;
}

/* What is known at once comes back to the loop like the rest, for it may have the connection by now. */
void
exchange_ask(struct conn *conn, struct auth *auth, const struct auth_request *request)
{
    struct auth_ticket *ticket = &((struct exchange *)conn)->question.ticket;

    if (auth_ask(auth, request, ticket, &ticket->verdict) == AUTH_NOW)
        ticket->done(ticket);
}

/* It has sent no whole request. */
static bool
is_idle(const struct conn *conn)
{
    return ((const struct exchange *)conn)->state == EXCHANGE_READING;
}

static bool
hurry(struct conn *conn)
{
    struct exchange *exchange = (struct exchange *)conn;
    bool is_delayed = exchange->state == EXCHANGE_DELAYED;

    if (is_delayed)
        answer_later(exchange, &exchange->question.ticket.verdict);
    return is_delayed;
}

/* Who has sent nothing yet is let go; the rest is ended by its deadline. */
static void
stop(struct conn *conn)
{
    if (((struct exchange *)conn)->state == EXCHANGE_READING && conn->used == 0)
        give_up(conn, REASON_STOPPING);
    else
        hurry(conn);
}

static void
retire(struct conn *conn)
{
    struct exchange *exchange = (struct exchange *)conn;

    if (exchange->held)
        exchange->held->free(exchange->held);
    exchange->held = NULL;
}

const struct conn_kind conn_exchange = {
    .size = sizeof(struct exchange), .begin = begin, .ready = ready, .alarm = alarm_rings,
    .is_idle = is_idle, .hurry = hurry, .give_up = give_up, .stop = stop,
    .retire = retire,
};
