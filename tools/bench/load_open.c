/* tools/bench/load_open.c - requests that begin when they are due: see load.h
 *
 * A thread has an epoll, and a slot for each request that may be in flight. A request that is
 * due when no slot is free, or when the server's backlog is full, begins late; its latency counts
 * from when it was due all the same.
 */
#include "tools/bench/load.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 64
/* A full backlog tells nobody when there is room again. */
#define RECONNECT_NS 1000000
/* How late a time-out may be noticed. */
#define SWEEP_NS 50000000

enum slot_state { SLOT_FREE, SLOT_CONNECTING, SLOT_ASKED };

struct slot {
    enum slot_state state;
    int fd;
    int64_t due_ns;
    size_t len;
    unsigned char came[WIRE_ANSWER_MAX];
    struct drawn drawn;
    struct slot *next_free;
};

struct open_loop {
    struct load_thread *thread;
    const struct load *load;
    struct schedule schedule;
    int epoll;
    size_t slots_count, busy, connecting;
    struct slot *slots, *free;
    int64_t swept_ns;
    bool is_drained;            /* the plan's requests are used up */
};

static void
slot_end(struct open_loop *loop, struct slot *slot, enum answer answer)
{
    load_count(loop->thread, slot->drawn.expectation, answer, slot->due_ns, load_now_ns());
    if (slot->state == SLOT_CONNECTING)
        loop->connecting--;
    if (slot->fd >= 0)
        close(slot->fd);        /* leaves the epoll by that */
    slot->state = SLOT_FREE;
    slot->next_free = loop->free;
    loop->free = slot;
    loop->busy--;
}

/* By errno. */
static void
slot_fail(struct open_loop *loop, struct slot *slot)
{
    presence_note_failure(loop->load->presence, errno);
    slot_end(loop, slot, ANSWER_UNREACHABLE);
}

/* The state is as before when the backlog is full. */
static void
slot_connect(struct open_loop *loop, struct slot *slot)
{
    const struct sockaddr_un *address = &loop->load->address;
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = slot };

    if (connect(slot->fd, (const struct sockaddr *)address, sizeof(*address)) != 0) {
        if (errno != EAGAIN)
            slot_fail(loop, slot);
        return;
    }
    loop->connecting--;
    slot->state = SLOT_ASKED;
    if (send(slot->fd, slot->drawn.bytes, slot->drawn.len, MSG_NOSIGNAL) < 0 && errno != EPIPE)
        slot_end(loop, slot, ANSWER_CLOSED);
    else if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, slot->fd, &event) != 0)
        slot_fail(loop, slot);
}

static void
slot_begin(struct open_loop *loop, int64_t due_ns)
{
    struct slot *slot = loop->free;

    if (!draw_next(&loop->thread->draw, &slot->drawn)) {
        loop->is_drained = true;
        return;
    }
    loop->free = slot->next_free;
    loop->busy++;
    loop->connecting++;
    slot->state = SLOT_CONNECTING;
    slot->due_ns = due_ns;
    slot->len = 0;
    slot->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (slot->fd < 0)
        slot_fail(loop, slot);
    else
        slot_connect(loop, slot);
}

static void
slot_read(struct open_loop *loop, struct slot *slot)
{
    ssize_t got = recv(slot->fd, slot->came + slot->len, sizeof(slot->came) - slot->len, 0);
    enum answer answer;

    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got <= 0) {
        slot_end(loop, slot, ANSWER_CLOSED);
        return;
    }
    slot->len += (size_t)got;
    if (loop->load->plan->wire->hear(span_make(slot->came, slot->len), &answer))
        slot_end(loop, slot, answer);
    else if (slot->len == sizeof(slot->came))
        slot_end(loop, slot, ANSWER_GARBLED);
}

static bool
may_begin(const struct open_loop *loop)
{
    return loop->free && !loop->is_drained && schedule_due_ns(&loop->schedule) < loop->load->end_ns;
}

static void
begin_due(struct open_loop *loop, int64_t now_ns)
{
    while (may_begin(loop) && schedule_due_ns(&loop->schedule) <= now_ns) {
        slot_begin(loop, schedule_due_ns(&loop->schedule));
        schedule_advance(&loop->schedule);
    }
}

/* Those that wait for the backlog try again; those that waited too long end. */
static void
sweep(struct open_loop *loop, int64_t now_ns)
{
    bool is_time = now_ns - loop->swept_ns >= SWEEP_NS;

    if (loop->connecting == 0 && !is_time)
        return;
    if (is_time)
        loop->swept_ns = now_ns;
    for (size_t i = 0; i < loop->slots_count; i++) {
        struct slot *slot = &loop->slots[i];

        if (slot->state != SLOT_FREE && now_ns - slot->due_ns >= loop->load->config->timeout_ns)
            slot_end(loop, slot, ANSWER_TIMED_OUT);
        else if (slot->state == SLOT_CONNECTING)
            slot_connect(loop, slot);
    }
}

static int64_t
sleep_ns(const struct open_loop *loop, int64_t now_ns)
{
    int64_t longest = loop->connecting ? RECONNECT_NS : SWEEP_NS;
    int64_t left_ns = may_begin(loop) ? schedule_due_ns(&loop->schedule) - now_ns : longest;

    return left_ns < 0 ? 0 : left_ns < longest ? left_ns : longest;
}

static void
turn(struct open_loop *loop)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int64_t now_ns = load_now_ns();
    int count;

    if (!load_is_over(loop->load, now_ns))
        begin_due(loop, now_ns);
    now_ns = load_now_ns();
    count = epoll_pwait2(loop->epoll, events, COUNT(events),
                         &(struct timespec){ .tv_nsec = (long)sleep_ns(loop, now_ns) }, NULL);
    for (int i = 0; i < count; i++)
        slot_read(loop, events[i].data.ptr);
    sweep(loop, load_now_ns());
}

static bool
open_loop_prepare(struct open_loop *loop)
{
    const struct load_config *config = loop->load->config;

    loop->slots_count = (config->in_flight + config->threads - 1) / config->threads;
    loop->slots = calloc(loop->slots_count, sizeof(*loop->slots));
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!loop->slots || loop->epoll < 0)
        return false;
    for (size_t i = loop->slots_count; i-- > 0;) {
        loop->slots[i].next_free = loop->free;
        loop->free = &loop->slots[i];
    }
    loop->schedule = schedule_make(config->arrivals, config->rate, loop->thread->index,
                                   loop->thread->count, loop->load->start_ns,
                                   loop->load->plan->seed ^ loop->thread->index);
    return true;
}

/* What is in flight is waited for, unless it would be in vain. */
static bool
goes_on(const struct open_loop *loop)
{
    if (loop->busy > 0)
        return !presence_is_lost(loop->load->presence);
    return !loop->is_drained && !load_is_over(loop->load, load_now_ns());
}

static void
hang_up(struct open_loop *loop)
{
    for (size_t i = 0; loop->busy > 0 && i < loop->slots_count; i++)
        if (loop->slots[i].state != SLOT_FREE)
            slot_end(loop, &loop->slots[i], ANSWER_CLOSED);
}

void *
load_open_run(void *argument)
{
    struct load_thread *thread = argument;
    struct open_loop loop = { .thread = thread, .load = thread->load, .epoll = -1 };

    thread->has_failed = !open_loop_prepare(&loop);
    if (!thread->has_failed) {
        while (goes_on(&loop))
            turn(&loop);
        if (!loop.is_drained && load_now_ns() >= loop.load->end_ns)     /* not stopped early */
            thread->tally->not_sent = schedule_skip(&loop.schedule, loop.load->end_ns);
        hang_up(&loop);
    }
    if (loop.epoll >= 0)
        close(loop.epoll);
    if (loop.slots)
        sodium_memzero(loop.slots, loop.slots_count * sizeof(*loop.slots));
    free(loop.slots);
    return NULL;
}
