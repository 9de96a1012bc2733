/* saslauthd_backend/conn.c - see conn.h */
#include "saslauthd_backend/conn.h"

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

/* Structs of short connections kept for the next, so that a cached answer allocates nothing. */
#define SPARES_MAX 256

/* --- making and unmaking ---------------------------------------------------------- */

static void
conn_ready(struct loop *loop, struct watch *watch)
{
    struct conn *conn = (struct conn *)watch;

    (void)loop;
    if (conn->fd >= 0)          /* an event from before it was closed in this turn */
        conn->kind->ready(conn);
}

static void
conn_alarm(struct loop *loop, struct alarm *alarm)
{
    struct conn *conn = (struct conn *)((char *)alarm - offsetof(struct conn, alarm));

    (void)loop;
    conn->kind->alarm(conn);
}

/* Spares are all of one kind: the one whose connections are short. */
static struct conn *
conn_allocate(struct loop *loop, const struct conn_kind *kind)
{
    struct conn *conn = kind->is_long ? NULL : loop->spare;

    if (!conn)
        return calloc(1, kind->size);
    loop->spare = conn->next_spare;
    loop->spares--;
    memset(conn, 0, sizeof(*conn));
    return conn;
}

void
conn_set(struct conn *conn, struct loop *loop, const struct listener *listener, int fd,
         int64_t now_ms)
{
    const struct conn_kind *kind = listener->proto->kind;

    conn->watch.ready = conn_ready;
    conn->kind = kind;
    conn->alarm = (struct alarm){ TIMER_NONE, conn_alarm };
    conn->loop = loop;
    conn->listener = listener;
    conn->proto = listener->proto;
    conn->fd = fd;
    conn->accepted_ms = now_ms;
    atomic_fetch_add_explicit(&loop->counts->connections, 1, memory_order_relaxed);
    if (kind->is_long)
        atomic_fetch_add_explicit(&loop->long_ones, 1, memory_order_relaxed);
}

static void
conn_join(struct conn *conn)
{
    struct loop *loop = conn->loop;

    conn->older = loop->newest;
    *(loop->newest ? &loop->newest->newer : &loop->oldest) = conn;
    loop->newest = conn;
}

/* Off every list but that of the dead: later events of this turn may still point here. */
static void
conn_retire(struct conn *conn)
{
    struct loop *loop = conn->loop;

    if (conn->kind->retire)
        conn->kind->retire(conn);
    *(conn->older ? &conn->older->newer : &loop->oldest) = conn->newer;
    *(conn->newer ? &conn->newer->older : &loop->newest) = conn->older;
    conn->next_spare = loop->dead;
    loop->dead = conn;
}

void
conn_close(struct conn *conn)
{
    struct loop *loop = conn->loop;

    timers_cancel(&loop->timers, &conn->alarm.timer);
    if (conn->kind->wipe)
        conn->kind->wipe(conn);
    conn_keep(conn, span_make(NULL, 0));
    close(conn->fd);            /* leaves the epoll by that */
    conn->fd = -1;
    atomic_fetch_sub_explicit(&loop->counts->connections, 1, memory_order_relaxed);
    if (conn->kind->is_long)
        atomic_fetch_sub_explicit(&loop->long_ones, 1, memory_order_relaxed);
    if (conn->tickets_out == 0)
        conn_retire(conn);
}

bool
conn_is_one_too_many(const struct conn *conn)
{
    const struct loop *loop = conn->loop;

    return atomic_load_explicit(&loop->counts->connections, memory_order_relaxed)
        > loop->site->connections_max;
}

bool
conn_take_ticket(struct conn *conn)
{
    conn->tickets_out--;
    if (conn->fd < 0 && conn->tickets_out == 0)
        conn_retire(conn);
    return conn->fd >= 0;
}

void
conn_recycle_dead(struct loop *loop)
{
    while (loop->dead) {
        struct conn *conn = loop->dead;

        loop->dead = conn->next_spare;
        if (conn->kind->is_long || loop->spares == SPARES_MAX) {
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
conn_oldest_idle(struct loop *loop)
{
    struct conn *conn = loop->oldest;

    while (conn && (conn->fd < 0 || !conn->kind->is_idle(conn)))
        conn = conn->newer;
    return conn;
}

bool
conn_hurry_one(struct loop *loop)
{
    for (struct conn *conn = loop->oldest; conn; conn = conn->newer)
        if (conn->fd >= 0 && conn->kind->hurry && conn->kind->hurry(conn))
            return true;
    return false;
}

/* --- questions -------------------------------------------------------------------- */

/* On a thread of auth, or of who asked: hand the ticket to the loop. */
static void
ticket_done(struct auth_ticket *ticket)
{
    struct loop *loop = ((struct question *)ticket)->loop;
    struct auth_ticket *first = atomic_load(&loop->answered);

    do
        ticket->next = first;
    while (!atomic_compare_exchange_weak(&loop->answered, &first, ticket));
    loop_notice(loop, LOOP_AT_ONCE);
}

void
question_set(struct question *question, struct loop *loop, void (*back)(struct question *question))
{
    question->ticket.done = ticket_done;
    question->loop = loop;
    question->back = back;
}

/* --- what kinds need -------------------------------------------------------------- */

bool
conn_watch(struct conn *conn, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = &conn->watch };
    int change = !conn->watched ? EPOLL_CTL_ADD : !events ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;

    if (events == conn->watched)
        return true;
    if (epoll_ctl(conn->loop->epoll, change, conn->fd, &event) != 0)
        return false;
    conn->watched = events;
    return true;
}

bool
conn_set_alarm(struct conn *conn, int64_t at_ms)
{
    return timers_set(&conn->loop->timers, &conn->alarm.timer, at_ms);
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

/* Leaves no copy behind when it moves. */
bool
conn_keep(struct conn *conn, span wire)
{
    if (wire.len == 0) {
        wipe_bytes(conn);
    } else if (wire.len > conn->room) {
        size_t room = wire.len < FIRST_ROOM ? FIRST_ROOM : LOOP_SCRATCH;
        unsigned char *bytes = malloc(room);

        if (!bytes)
            return false;
        memcpy(bytes, wire.ptr, wire.len);
        wipe_bytes(conn);
        conn->bytes = bytes;
        conn->room = room;
    } else {
        if (wire.ptr != conn->bytes)
            memcpy(conn->bytes, wire.ptr, wire.len);
        if (wire.len < conn->used)          /* of what was kept before */
            sodium_memzero(conn->bytes + wire.len, conn->used - wire.len);
    }
    conn->used = wire.len;
    return true;
}

/* Puts what came before in front of what comes now, so that one recv() takes all there is. */
enum conn_came
conn_receive(struct conn *conn, span *out)
{
    struct loop *loop = conn->loop;
    ssize_t came;

    if (conn->used > 0)
        memcpy(loop->scratch, conn->bytes, conn->used);
    do
        came = recv(conn->fd, loop->scratch + conn->used, sizeof(loop->scratch) - conn->used,
                    MSG_DONTWAIT);
    while (came < 0 && errno == EINTR);
    *out = span_make(loop->scratch, conn->used + (came > 0 ? (size_t)came : 0));
    if (came > 0)
        return CONN_CAME;
    return came == 0 ? CONN_ENDED : errno == EAGAIN ? CONN_NOTHING_YET : CONN_BROKEN;
}

void
conn_forget_read(struct conn *conn, span came)
{
    sodium_memzero(conn->loop->scratch, came.len);
}

void
conn_flush_later(struct conn *conn)
{
    struct loop *loop = conn->loop;

    if (conn->is_unflushed)
        return;
    conn->is_unflushed = true;
    conn->next_unflushed = loop->unflushed;
    loop->unflushed = conn;
}

void
conn_flush_all(struct loop *loop)
{
    while (loop->unflushed) {
        struct conn *conn = loop->unflushed;

        loop->unflushed = conn->next_unflushed;
        conn->is_unflushed = false;
        if (conn->fd >= 0)
            conn->kind->flush(conn);
    }
}

/* --- beginning -------------------------------------------------------------------- */

void
conn_begin_handed(struct loop *loop, const struct listener *listener, int fd, span came)
{
    struct conn *conn = conn_allocate(loop, listener->proto->kind);

    if (!conn) {
        close(fd);
        return;
    }
    conn_set(conn, loop, listener, fd, loop->now_ms);
    conn_join(conn);
    conn->kind->begin(conn, came);
}

void
conn_adopt(struct conn *conn)
{
    conn_join(conn);
    if (!conn_set_alarm(conn, conn->accepted_ms + conn->loop->site->deadline_ms))
        conn->kind->give_up(conn, REASON_INTERNAL);
}

void
conn_begin(struct loop *loop, const struct listener *listener, int fd)
{
    static const span nothing;

    atomic_fetch_add_explicit(&loop->counts->accepted[0].count, 1, memory_order_relaxed);
    if (!listener_admits(listener, fd)) {
        atomic_fetch_add_explicit(&loop->counts->refused_peers, 1, memory_order_relaxed);
        report_refused_peer(listener->config->title, fd);
        close(fd);
    } else if (!loop_hand_over(loop, listener, fd)) {
        conn_begin_handed(loop, listener, fd, nothing);
    }
}
