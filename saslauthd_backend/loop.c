/* saslauthd_backend/loop.c - see loop.h */
#include "saslauthd_backend/loop.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/macros.h"
#include "common/thread.h"
#include "saslauthd_backend/conn.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 128

/* Then the other sockets have their turn. */
#define ACCEPTS_AT_ONCE 32

/* How long we wait for a descriptor to become free before we listen again. */
#define RELISTEN_MS 50

static void listener_ready(struct loop *loop, struct watch *watch);

/* --- listening -------------------------------------------------------------------- */

static void
listen_off(struct loop *loop)
{
    const struct site *site = loop->site;

    for (size_t i = 0; loop->is_listening && i < site->listeners_count; i++)
        if (site->listeners[i].proto)
            epoll_ctl(loop->epoll, EPOLL_CTL_DEL, site->listeners[i].fd, NULL);
    loop->is_listening = false;
}

/* EPOLLEXCLUSIVE: a connection wakes one of the loops, not all. */
static void
listen_on(struct loop *loop)
{
    const struct site *site = loop->site;

    if (loop->is_listening || loop->is_stopping)
        return;
    for (size_t i = 0; i < site->listeners_count; i++) {
        const struct listener *listener = &site->listeners[i];
        struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE,
                                     .data.ptr = &site->watches[i] };

        if (!listener->proto || listener->by_acceptors)
            continue;
        if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, listener->fd, &event) != 0)
            log_line(LOG_LEVEL_ERROR, "listen \"%s\": epoll: %s", listener->config->title,
                     strerror(errno));
    }
    loop->is_listening = true;
}

static void
relisten_alarm(struct loop *loop, struct alarm *alarm)
{
    (void)alarm;
    listen_on(loop);
}

struct watch *
loop_watches_new(size_t count)
{
    struct watch *watches = calloc(count + 1, sizeof(*watches));

    for (size_t i = 0; watches && i < count; i++)
        watches[i].ready = listener_ready;
    return watches;
}

/* The connection that has kept its request back for longest goes, else the one whose answer is held
 * back. False: all are at work. */
static bool
shed_one(struct loop *loop)
{
    struct conn *conn = conn_oldest_idle(loop);

    if (conn)
        conn->kind->give_up(conn, REASON_OVERLOADED);
    else if (!conn_hurry_one(loop))
        return false;
    atomic_fetch_add_explicit(&loop->counts->shed, 1, memory_order_relaxed);
    return true;
}

/* A full table must not spin. */
static void
pause_listening(struct loop *loop)
{
    listen_off(loop);
    timers_set(&loop->timers, &loop->relisten.timer, loop->now_ms + RELISTEN_MS);
}

/* Descriptors have run out. Where nobody can give way, nobody is accepted for a moment. */
static void
shed(struct loop *loop)
{
    if (!shed_one(loop))
        pause_listening(loop);
}

/* With a full table accept() says so even when nobody waits. */
static bool
somebody_waits(const struct listener *listener)
{
    struct pollfd poll_fd = { .fd = listener->fd, .events = POLLIN };

    return poll(&poll_fd, 1, 0) > 0;
}

static bool
is_full(const struct loop *loop)
{
    return atomic_load_explicit(&loop->counts->connections, memory_order_relaxed)
        >= loop->site->connections_max;
}

/* Only for one who is there: shed on suspicion, it would be the last one accepted. */
static bool
make_room(struct loop *loop)
{
    while (is_full(loop))           /* two loops may have taken the last place at once */
        if (!shed_one(loop))
            return false;
    return true;
}

static bool
accept_one(struct loop *loop, const struct listener *listener)
{
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int failure = errno;

    if (fd >= 0) {
        if (!make_room(loop))
            pause_listening(loop);
        conn_begin(loop, listener, fd);
        return loop->is_listening;
    }
    if ((failure == EMFILE || failure == ENFILE || failure == ENOBUFS || failure == ENOMEM)
        && somebody_waits(listener))
        shed(loop);
    return failure == EINTR || failure == ECONNABORTED;
}

static void
listener_ready(struct loop *loop, struct watch *watch)
{
    const struct listener *listener = &loop->site->listeners[watch - loop->site->watches];

    if (!loop->is_listening)
        return;                 /* an event from before it was turned off */
    for (int i = 0; i < ACCEPTS_AT_ONCE && accept_one(loop, listener); i++)
        ;
}

/* --- what comes from other threads ------------------------------------------------ */

static void
take_tickets(struct auth_ticket *ticket)
{
    while (ticket) {
        struct auth_ticket *next = ticket->next;

        ((struct question *)ticket)->back((struct question *)ticket);
        ticket = next;
    }
}

static const struct listener *
listener_of(const struct loop *loop, int listening)
{
    const struct site *site = loop->site;

    for (size_t i = 0; i < site->listeners_count; i++)
        if (site->listeners[i].proto && site->listeners[i].fd == listening)
            return &site->listeners[i];
    return NULL;
}

void
loop_notice(struct loop *loop, int64_t until_ms)
{
    int64_t sleeps_until_ms = atomic_load(&loop->sleeps_until_ms);

    if (sleeps_until_ms > until_ms      /* and when that changes meanwhile, the loop has looked since */
        && atomic_compare_exchange_strong(&loop->sleeps_until_ms, &sleeps_until_ms, LOOP_AWAKE))
        while (write(loop->wake, &(uint64_t){ 1 }, sizeof(uint64_t)) < 0 && errno == EINTR)
            ;
}

static void
push_handed(struct loop *loop, struct handed *handed)
{
    struct handed *first = atomic_load(&loop->handed);

    do
        handed->next = first;
    while (!atomic_compare_exchange_weak(&loop->handed, &first, handed));
    loop_notice(loop, LOOP_AT_ONCE);
}

/* Nobody gives way here, but perhaps in the next loop. False: all have been asked. */
static bool
hand_on(struct loop *loop, struct handed *handed)
{
    size_t count = atomic_load(&loop->team->count), self = 0;

    if (++handed->hops >= count)
        return false;
    while (loop->team->members[self] != loop)
        self++;
    push_handed(loop->team->members[(self + 1) % count], handed);
    return true;
}

static void
begin_handed(struct loop *loop, struct handed *handed)
{
    const struct listener *listener =
        loop->is_stopping ? NULL : listener_of(loop, handed->listening);

    if (listener) {
        if (!make_room(loop) && hand_on(loop, handed))
            return;
        conn_begin_handed(loop, listener, handed->fd, span_make(handed->bytes, handed->used));
    } else {
        close(handed->fd);
    }
    sodium_memzero(handed->bytes, handed->used);
    free(handed);
}

static void
take_handed(struct loop *loop)
{
    struct handed *newest = atomic_exchange(&loop->handed, NULL), *oldest = NULL;

    while (newest) {                /* first come, first served */
        struct handed *next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct handed *next = oldest->next;

        begin_handed(loop, oldest);
        oldest = next;
    }
}

static void
adopt_asked(struct loop *loop)
{
    struct conn *conn = atomic_exchange(&loop->asked, NULL);

    while (conn) {
        struct conn *next = conn->next_asked;

        conn_adopt(conn);
        conn = next;
    }
}

/* Whoever has a ticket here was asked for before, and is adopted before it gets it. */
static void
take_what_was_left(struct loop *loop)
{
    struct auth_ticket *answered = atomic_exchange(&loop->answered, NULL);

    adopt_asked(loop);
    take_tickets(answered);
    take_handed(loop);
    if (atomic_exchange(&loop->wanted_shed, false))
        shed(loop);
}

static void
move_to(struct loop *loop, const struct site *site)
{
    listen_off(loop);
    for (struct conn *conn = loop->oldest; conn; conn = conn->newer)
        if (conn->listener)
            conn->listener = conn->listener->successor;
    loop->site = site;
    listen_on(loop);
    for (struct conn *conn = loop->oldest, *newer; conn; conn = newer) {
        newer = conn->newer;
        if (conn->fd >= 0 && conn->kind->moved)
            conn->kind->moved(conn);
    }
}

/* Nobody's answer is held back any more; what is in flight is ended by its deadlines. */
static void
begin_stop(struct loop *loop)
{
    for (size_t i = 0; i < loop->site->listeners_count; i++)
        if (loop->site->listeners[i].proto)
            listener_ready(loop, &loop->site->watches[i]);
    listen_off(loop);
    loop->is_stopping = true;
    for (struct conn *conn = loop->oldest, *newer; conn; conn = newer) {
        newer = conn->newer;
        if (conn->fd >= 0)
            conn->kind->stop(conn);
    }
}

static void
take_orders(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    adopt_asked(loop);
    take_handed(loop);              /* before the listeners that they came from go */
    if (loop->wanted_site) {
        move_to(loop, loop->wanted_site);
        loop->wanted_site = NULL;
        pthread_cond_signal(&loop->moved);
    }
    if (loop->wanted_stop && !loop->is_stopping)
        begin_stop(loop);
    pthread_mutex_unlock(&loop->lock);
}

/* Each turn ends with what other threads have left. */
static void
wake_ready(struct loop *loop, struct watch *watch)
{
    (void)loop;
    (void)watch;
}

static bool
was_left_something(struct loop *loop)
{
    return atomic_load(&loop->answered) || atomic_load(&loop->asked) || atomic_load(&loop->handed)
        || atomic_load(&loop->wanted_shed) || atomic_load(&loop->has_orders);
}

/* --- turning ---------------------------------------------------------------------- */

/* What it rings for is done at the end of the turn, as every turn does. */
static void
bell_ready(struct loop *loop, struct watch *watch)
{
    (void)watch;
    bell_hush(&loop->bell);
}

static int
wait_for_events(struct loop *loop, struct epoll_event *events, int most)
{
    const struct timer *first = timers_first(&loop->timers);
    int count;

    if (first)
        bell_set(&loop->bell, first->at_ms);
    atomic_store(&loop->sleeps_until_ms, first ? first->at_ms : INT64_MAX);
    count = epoll_wait(loop->epoll, events, most, was_left_something(loop) ? 0 : -1);
    atomic_store(&loop->sleeps_until_ms, LOOP_AWAKE);
    return count;
}

static void
ring_alarms(struct loop *loop)
{
    struct timer *first;

    while ((first = timers_first(&loop->timers)) && first->at_ms <= loop->now_ms) {
        struct alarm *alarm = (struct alarm *)first;

        timers_cancel(&loop->timers, first);
        alarm->ring(loop, alarm);
    }
}

static void *
loop_main(void *argument)
{
    struct loop *loop = argument;
    struct epoll_event events[EVENTS_AT_ONCE];

    while (!loop->is_stopping || loop->oldest) {
        int count = wait_for_events(loop, events, COUNT(events));

        loop->now_ms = clock_now_ms(&clock_system);
        for (int i = 0; i < count; i++) {
            struct watch *watch = events[i].data.ptr;

            watch->ready(loop, watch);
        }
        take_what_was_left(loop);
        ring_alarms(loop);
        if (atomic_exchange(&loop->has_orders, false))      /* not before: an event may point to what they take away */
            take_orders(loop);
        conn_flush_all(loop);
        conn_recycle_dead(loop);
    }
    return NULL;
}

/* --- for other threads --------------------------------------------------------------- */

void
loop_hand(struct loop *loop, const struct listener *listener, int fd, span came)
{
    struct handed *handed = malloc(sizeof(*handed) + came.len);

    if (!handed) {
        close(fd);
        return;
    }
    *handed = (struct handed){ .fd = fd, .listening = listener->fd, .used = came.len };
    if (came.len > 0)
        memcpy(handed->bytes, came.ptr, came.len);
    push_handed(loop, handed);
}

/* In the list before it is asked for: a ticket may be back before auth_ask() is. */
bool
loop_ask(struct loop *loop, const struct listener *listener, int fd,
         const struct auth_request *request)
{
    struct conn *conn = is_full(loop) ? NULL : exchange_new_asked(loop, listener, fd, request);

    if (!conn)
        return false;
    conn->next_asked = atomic_load(&loop->asked);
    while (!atomic_compare_exchange_weak(&loop->asked, &conn->next_asked, conn))
        ;
    loop_notice(loop, conn->accepted_ms + loop->site->deadline_ms);
    exchange_ask(conn, loop->site->auth, request);
    return true;
}

void
loop_shed(struct loop *loop)
{
    if (!atomic_exchange(&loop->wanted_shed, true))
        loop_notice(loop, LOOP_AT_ONCE);
}

/* --- for the main thread ---------------------------------------------------------- */

static void
order(struct loop *loop)
{
    atomic_store(&loop->has_orders, true);
    loop_notice(loop, LOOP_AT_ONCE);
}

static bool
watch_for(struct loop *loop, int fd, uint32_t events, struct watch *watch)
{
    struct epoll_event event = { .events = events, .data.ptr = watch };

    return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static enum error_code
open_descriptors(struct loop *loop, struct error *err)
{
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    loop->wake_watch.ready = wake_ready;
    loop->bell_watch.ready = bell_ready;
    if (loop->epoll < 0 || loop->wake < 0 || !bell_open(&loop->bell)
        || !watch_for(loop, loop->wake, EPOLLIN | EPOLLET, &loop->wake_watch)
        || !watch_for(loop, loop->bell.fd, EPOLLIN, &loop->bell_watch))
        return error_set(err, ERROR_UNAVAILABLE, "event loop: %s", strerror(errno));
    return ERROR_NONE;
}

void
loop_free(struct loop *loop)
{
    if (!loop)
        return;
    loop->is_stopping = true;   /* who was on the way to it when it ended is let go */
    take_handed(loop);
    if (loop->epoll >= 0)
        close(loop->epoll);
    if (loop->wake >= 0)
        close(loop->wake);
    bell_close(&loop->bell);
    conn_free_spares(loop);
    timers_wipe(&loop->timers);
    pthread_mutex_destroy(&loop->lock);
    pthread_cond_destroy(&loop->moved);
    free(loop);
}

enum error_code
loop_new(const struct site *site, struct loop_counts *counts, struct loop_team *team,
         struct error *err)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    enum error_code code;
    int failed;

    if (!loop)
        return error_set(err, ERROR_UNAVAILABLE, "event loop: no memory");
    loop->epoll = loop->wake = loop->bell.fd = -1;
    loop->site = site;
    loop->counts = counts;
    loop->team = team;
    loop->relisten = (struct alarm){ TIMER_NONE, relisten_alarm };
    loop->now_ms = clock_now_ms(&clock_system);
    pthread_mutex_init(&loop->lock, NULL);
    pthread_cond_init(&loop->moved, NULL);
    code = open_descriptors(loop, err);
    if (code == ERROR_NONE) {
        listen_on(loop);
        failed = thread_start(&loop->thread, "loop", loop_main, loop);
        if (failed)
            code = error_set(err, ERROR_UNAVAILABLE, "event loop: cannot start its thread: %s",
                             strerror(failed));
    }
    if (code != ERROR_NONE) {
        loop_free(loop);
        return code;
    }
    team->members[atomic_load(&team->count)] = loop;
    atomic_fetch_add(&team->count, 1);
    return ERROR_NONE;
}

void
loop_move(struct loop *loop, const struct site *site)
{
    pthread_mutex_lock(&loop->lock);
    loop->wanted_site = site;
    order(loop);
    while (loop->wanted_site)
        pthread_cond_wait(&loop->moved, &loop->lock);
    pthread_mutex_unlock(&loop->lock);
}

void
loop_stop(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    loop->wanted_stop = true;
    order(loop);
    pthread_mutex_unlock(&loop->lock);
}

void
loop_wait(struct loop *loop)
{
    pthread_join(loop->thread, NULL);
}
