/* auth/memory.c - see memory.h: a counting semaphore in bytes, first come, first served
 *
 * A small verification behind a large one waits too: else a stream of small ones would keep a
 * large one out for ever.
 */
#include "auth/memory.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

/* On the stack of the thread that waits. */
struct memory_waiter { struct memory_waiter *next; };

void
memory_set(struct memory *memory, uint64_t budget)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&memory->lock, NULL);
    pthread_cond_init(&memory->given, &monotonic);
    pthread_condattr_destroy(&monotonic);
    memory->budget = budget;
    memory->used = 0;
    memory->first = NULL;
    memory->end = &memory->first;
}

void
memory_close(struct memory *memory)
{
    pthread_cond_destroy(&memory->given);
    pthread_mutex_destroy(&memory->lock);
}

static struct timespec
after_ms(int64_t wait_ms)
{
    struct timespec when;

    clock_gettime(CLOCK_MONOTONIC, &when);
    when.tv_sec += (time_t)(wait_ms / 1000);
    when.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (when.tv_nsec >= 1000000000) {
        when.tv_sec++;
        when.tv_nsec -= 1000000000;
    }
    return when;
}

/* With the lock held, as the next two. */
static bool
is_room(const struct memory *memory, uint64_t bytes)
{
    return memory->used == 0
        || (memory->used <= memory->budget && bytes <= memory->budget - memory->used);
}

static void
line_up(struct memory *memory, struct memory_waiter *waiter)
{
    waiter->next = NULL;
    *memory->end = waiter;
    memory->end = &waiter->next;
}

static void
leave(struct memory *memory, struct memory_waiter *waiter)
{
    struct memory_waiter **at = &memory->first;

    while (*at != waiter)
        at = &(*at)->next;
    *at = waiter->next;
    if (memory->end == &waiter->next)
        memory->end = at;
}

bool
memory_take(struct memory *memory, uint64_t bytes, int64_t wait_ms)
{
    const struct timespec until = after_ms(wait_ms > 0 ? wait_ms : 0);
    struct memory_waiter self;
    int status = 0;
    bool mine;

    if (bytes == 0)
        return true;
    pthread_mutex_lock(&memory->lock);
    line_up(memory, &self);
    while (!(mine = memory->first == &self && is_room(memory, bytes)) && status != ETIMEDOUT)
        status = pthread_cond_timedwait(&memory->given, &memory->lock, &until);
    leave(memory, &self);
    if (mine)
        memory->used += bytes;
    /* The next in line may fit beside this one, or had only waited for it to go. */
    pthread_cond_broadcast(&memory->given);
    pthread_mutex_unlock(&memory->lock);
    return mine;
}

void
memory_give(struct memory *memory, uint64_t bytes)
{
    if (bytes == 0)
        return;
    pthread_mutex_lock(&memory->lock);
    memory->used -= bytes;
    pthread_cond_broadcast(&memory->given);
    pthread_mutex_unlock(&memory->lock);
}
