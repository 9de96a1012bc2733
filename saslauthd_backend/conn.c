/* saslauthd_backend/conn.c - see conn.h */
#include "saslauthd_backend/conn.h"

#include "common/log.h"
#include "saslauthd_backend/report.h"

#include <errno.h>
#include <sodium.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the first piece of a request usually fits in. */
#define FIRST_ROOM 512

/* Structs kept for the next connections, so that a cached answer allocates nothing. */
#define SPARES_MAX 256

static void conn_ready(struct loop *loop, struct watch *watch);
static void conn_alarm(struct loop *loop, struct alarm *alarm);
static void ticket_done(struct auth_ticket *ticket);

/* --- making and unmaking ---------------------------------------------------------- */

static struct conn *
conn_new(struct loop *loop, const struct listener *listener, int fd)
{
    struct conn *conn = loop->spare;

    if (conn) {
        loop->spare = conn->next_spare;
        loop->spares--;
    } else {
        conn = calloc(1, sizeof(*conn));
        if (!conn)
            return NULL;
    }
    conn->watch.ready = conn_ready;
    conn->ticket.done = ticket_done;
    conn->alarm.ring = conn_alarm;
    conn->alarm.timer.place = TIMER_UNSET;
    conn->loop = loop;
    conn->listener = listener;
    conn->state = CONN_READING;
    conn->is_watched = false;
    conn->ticket_is_out = false;
    conn->fd = fd;
    conn->accepted_ms = loop->now_ms;
    conn->held = NULL;
    conn->bytes = NULL;
    conn->used = conn->room = 0;
    conn->older = loop->newest;
    conn->newer = NULL;
    *(loop->newest ? &loop->newest->newer : &loop->oldest) = conn;
    loop->newest = conn;
    atomic_fetch_add_explicit(&loop->counts->connections, 1, memory_order_relaxed);
    return conn;
}

static void
wipe_bytes(struct conn *conn)
{
    if (conn->bytes)
        sodium_memzero(conn->bytes, conn->used);
    free(conn->bytes);
    conn->bytes = NULL;
    conn->used = conn->room = 0;
}

/* Off every list but that of the dead: later events of this turn may still point here. */
static void
conn_retire(struct conn *conn)
{
    struct loop *loop = conn->loop;

    if (conn->held)
        conn->held->free(conn->held);
    *(conn->older ? &conn->older->newer : &loop->oldest) = conn->newer;
    *(conn->newer ? &conn->newer->older : &loop->newest) = conn->older;
    conn->next_spare = loop->dead;
    loop->dead = conn;
}

static void
conn_close(struct conn *conn)
{
    struct loop *loop = conn->loop;

    timers_cancel(&loop->timers, &conn->alarm.timer);
    wipe_bytes(conn);
    close(conn->fd);            /* leaves the epoll by that */
    conn->fd = -1;
    conn->state = CONN_CLOSED;
    atomic_fetch_sub_explicit(&loop->counts->connections, 1, memory_order_relaxed);
    if (!conn->ticket_is_out)
        conn_retire(conn);
}

void
conn_recycle_dead(struct loop *loop)
{
    while (loop->dead) {
        struct conn *conn = loop->dead;

        loop->dead = conn->next_spare;
        if (loop->spares == SPARES_MAX) {
            free(conn);
            continue;
        }
        conn->next_spare = loop->spare;
        loop->spare = conn;
        loop->spares++;
    }
}

void
conn_free_spares(struct loop *loop)
{
    while (loop->spare) {
        struct conn *conn = loop->spare;

        loop->spare = conn->next_spare;
        free(conn);
    }
    loop->spares = 0;
}

struct conn *
conn_of_ticket(struct auth_ticket *ticket)
{
    return (struct conn *)((char *)ticket - offsetof(struct conn, ticket));
}

struct conn *
conn_oldest_reading(struct loop *loop)
{
    struct conn *conn = loop->oldest;

    while (conn && conn->state != CONN_READING)
        conn = conn->newer;
    return conn;
}

/* --- answering -------------------------------------------------------------------- */

/* False when the peer is gone. One send; a reply is far smaller than any socket's buffer, so what does not fit at once
 * belongs to a peer that does not read, and who gets a close. */
static bool
conn_send(struct conn *conn, span reply)
{
    return send(conn->fd, reply.ptr, reply.len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

static void
conn_answer(struct conn *conn, const struct verdict *verdict, const struct report *report)
{
    const struct proto *proto = conn->listener ? conn->listener->proto : NULL;
    unsigned char reply[PROTO_REPLY_MAX];
    bool sent = true;

    if (proto && proto->answer_held)
        sent = conn_send(conn, proto->answer_held(conn->held, verdict));
    else if (proto)
        sent = conn_send(conn, span_make(reply, proto->answer(verdict, reply)));
    if (report)
        report_verdict(report, verdict, !sent);
    conn_close(conn);
}

void
conn_give_up(struct conn *conn, enum verdict_reason reason)
{
    struct verdict verdict = { 0 };

    verdict_set(&verdict, reason, VIA_REQUEST);
    conn_answer(conn, &verdict, NULL);
}

static void
conn_answer_later(struct conn *conn, const struct verdict *verdict)
{
    const struct report report = {
        .listener = conn->listener ? conn->listener->config->title : "-",
        .login = span_of(verdict->account), .service = span_of(conn->service),
        .remote = span_of(conn->remote), .took_ms = conn->loop->now_ms - conn->accepted_ms,
    };

    conn_answer(conn, verdict, &report);
}

/* --- waiting ---------------------------------------------------------------------- */

/* On a thread of auth: hand the ticket to the loop, and wake it if it may sleep. */
static void
ticket_done(struct auth_ticket *ticket)
{
    struct loop *loop = conn_of_ticket(ticket)->loop;
    struct auth_ticket *first = atomic_load(&loop->answered);

    do
        ticket->next = first;
    while (!atomic_compare_exchange_weak(&loop->answered, &first, ticket));
    if (!first)
        while (write(loop->wake, &(uint64_t){ 1 }, sizeof(uint64_t)) < 0 && errno == EINTR)
            ;
}

void
conn_ticket_back(struct conn *conn)
{
    struct loop *loop = conn->loop;

    conn->ticket_is_out = false;
    if (conn->state == CONN_CLOSED) {
        conn_retire(conn);
        return;
    }
    if (conn->ticket.not_before_ms > loop->now_ms) {
        conn->state = CONN_DELAYED;
        if (conn->alarm.timer.at_ms > conn->ticket.not_before_ms)
            timers_set(&loop->timers, &conn->alarm.timer, conn->ticket.not_before_ms);
        return;
    }
    conn_answer_later(conn, &conn->ticket.verdict);
}

static void
conn_wait(struct conn *conn, const struct auth_request *request)
{
    struct loop *loop = conn->loop;

    conn->state = CONN_WAITING;
    conn->ticket_is_out = true;
    if (!span_to_string(request->service, conn->service, sizeof(conn->service)))
        memcpy(conn->service, "?", 2);
    if (!span_to_string(request->remote, conn->remote, sizeof(conn->remote)))
        memcpy(conn->remote, "?", 2);
    wipe_bytes(conn);
    if (conn->is_watched)       /* what a client still sends must not wake us */
        epoll_ctl(loop->epoll, EPOLL_CTL_DEL, conn->fd, NULL);
    conn->is_watched = false;
    if (!timers_set(&loop->timers, &conn->alarm.timer,
                    loop->now_ms + loop->site->deadline_ms))
        conn_give_up(conn, REASON_INTERNAL);
}

static void
conn_alarm(struct loop *loop, struct alarm *alarm)
{
    struct conn *conn = (struct conn *)((char *)alarm - offsetof(struct conn, alarm));
    struct verdict verdict = { 0 };

    if (conn->state == CONN_READING) {
        atomic_fetch_add_explicit(&loop->counts->timed_out, 1, memory_order_relaxed);
        log_line(LOG_LEVEL_DEBUG, "listen \"%s\": no whole request after %lld ms: closed",
                 conn->listener ? conn->listener->config->title : "-",
                 (long long)(loop->now_ms - conn->accepted_ms));
        conn_give_up(conn, REASON_DEADLINE);
        return;
    }
    if (conn->state == CONN_WAITING) {
        verdict_set(&verdict, REASON_DEADLINE, VIA_REQUEST);
        conn_answer_later(conn, &verdict);
        return;
    }
    conn_answer_later(conn, &conn->ticket.verdict);
}

/* --- reading ---------------------------------------------------------------------- */

static enum auth_answer
ask_auth(struct conn *conn, const struct auth_request *request, struct verdict *verdict)
{
    const struct proto *proto = conn->listener->proto;
    struct auth *auth = conn->loop->site->auth;

    return proto->ask ? proto->ask(auth, request, &conn->ticket, verdict, &conn->held)
                      : auth_ask(auth, request, &conn->ticket, verdict);
}

static void
conn_ask(struct conn *conn, struct auth_request *request)
{
    const struct listener *listener = conn->listener;
    struct verdict verdict;

    request->listener = &listener->config->auth;
    request->by_root = request->by_root && listener_peer_is_root(conn->fd);
    if (ask_auth(conn, request, &verdict) == AUTH_LATER) {
        conn_wait(conn, request);
        return;
    }
    conn_answer(conn, &verdict, &(struct report){
        .listener = listener->config->title, .service = request->service,
        .login = verdict.account[0] ? span_of(verdict.account) : request->login,
        .remote = request->remote, .took_ms = conn->loop->now_ms - conn->accepted_ms,
    });
}

static void
conn_malformed(struct conn *conn, const struct error *err)
{
    log_line(LOG_LEVEL_WARNING, "listen \"%s\": malformed request: %s",
             conn->listener->config->title, err->reason);
    conn_send(conn, conn->listener->proto->malformed);
    conn_close(conn);
}

/* Keeps what came, and leaves no copy of it behind when it moves. */
static bool
conn_keep(struct conn *conn, span wire)
{
    if (wire.len > conn->room) {
        size_t room = wire.len < FIRST_ROOM ? FIRST_ROOM : LOOP_SCRATCH;
        unsigned char *bytes = malloc(room);

        if (!bytes)
            return false;
        memcpy(bytes, wire.ptr, wire.len);
        wipe_bytes(conn);
        conn->bytes = bytes;
        conn->room = room;
    } else if (wire.ptr != conn->bytes) {
        memcpy(conn->bytes, wire.ptr, wire.len);
    }
    conn->used = wire.len;
    return true;
}

static bool
conn_watch(struct conn *conn)
{
    struct loop *loop = conn->loop;
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = &conn->watch };

    if (conn->is_watched)
        return true;
    conn->is_watched = epoll_ctl(loop->epoll, EPOLL_CTL_ADD, conn->fd, &event) == 0;
    return conn->is_watched
        && timers_set(&loop->timers, &conn->alarm.timer,
                      conn->accepted_ms + loop->site->read_deadline_ms);
}

/* All bytes that came so far. */
static void
conn_feed(struct conn *conn, span wire)
{
    struct auth_request request;
    struct error err;

    switch (conn->listener->proto->parse(wire, &request, &err)) {
    case PROTO_REQUEST:
        conn_ask(conn, &request);
        break;
    case PROTO_MALFORMED:
        conn_malformed(conn, &err);
        break;
    case PROTO_MORE:
        if (!conn_keep(conn, wire) || !conn_watch(conn))
            conn_give_up(conn, REASON_INTERNAL);
        break;
    }
}

/* Puts what came before in front of what comes now, so that one recv() takes all there is. */
static void
conn_read(struct conn *conn)
{
    struct loop *loop = conn->loop;
    size_t used = conn->used;
    ssize_t came;

    if (used > 0)
        memcpy(loop->scratch, conn->bytes, used);
    do
        came = recv(conn->fd, loop->scratch + used, sizeof(loop->scratch) - used, MSG_DONTWAIT);
    while (came < 0 && errno == EINTR);
    if (came > 0)
        conn_feed(conn, span_make(loop->scratch, used + (size_t)came));
    else if (came == 0 && used > 0)
        conn_give_up(conn, REASON_MALFORMED);   /* half a request, and no more will come */
    else if (came == 0 || errno != EAGAIN)
        conn_close(conn);
    else if (!conn_watch(conn))
        conn_give_up(conn, REASON_INTERNAL);
    sodium_memzero(loop->scratch, used + (came > 0 ? (size_t)came : 0));
}

static void
conn_ready(struct loop *loop, struct watch *watch)
{
    struct conn *conn = (struct conn *)watch;

    (void)loop;
    if (conn->state == CONN_READING && conn->listener)
        conn_read(conn);
    else if (conn->state == CONN_READING)
        conn_give_up(conn, REASON_STOPPING);
}

void
conn_begin_handed(struct loop *loop, const struct listener *listener, int fd, span came)
{
    struct conn *conn = conn_new(loop, listener, fd);

    if (!conn)
        close(fd);
    else if (came.len > 0)
        conn_feed(conn, came);
    else
        conn_read(conn);
}

void
conn_begin(struct loop *loop, const struct listener *listener, int fd)
{
    struct conn *conn = conn_new(loop, listener, fd);

    if (!conn) {
        close(fd);
        return;
    }
    atomic_fetch_add_explicit(&loop->counts->accepted[0].count, 1, memory_order_relaxed);
    if (!listener_admits(listener, fd)) {
        atomic_fetch_add_explicit(&loop->counts->refused_peers, 1, memory_order_relaxed);
        report_refused_peer(listener->config->title, fd);
        conn_close(conn);
        return;
    }
    conn_read(conn);
}
