/* saslauthd_backend/timers.c - see timers.h */
#include "saslauthd_backend/timers.h"

#include <stdlib.h>

void
timers_wipe(struct timers *timers)
{
    free(timers->heap);
    *timers = (struct timers){ 0 };
}

static void
put(struct timers *timers, size_t place, struct timer *timer)
{
    timers->heap[place] = timer;
    timer->place = place;
}

static void
rise(struct timers *timers, struct timer *timer)
{
    size_t place = timer->place;

    while (place > 0 && timers->heap[(place - 1) / 2]->at_ms > timer->at_ms) {
        put(timers, place, timers->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(timers, place, timer);
}

static void
sink(struct timers *timers, struct timer *timer)
{
    size_t place = timer->place;

    for (;;) {
        size_t child = 2 * place + 1;

        if (child + 1 < timers->count
            && timers->heap[child + 1]->at_ms < timers->heap[child]->at_ms)
            child++;
        if (child >= timers->count || timers->heap[child]->at_ms >= timer->at_ms)
            break;
        put(timers, place, timers->heap[child]);
        place = child;
    }
    put(timers, place, timer);
}

bool
timers_set(struct timers *timers, struct timer *timer, int64_t at_ms)
{
    timer->at_ms = at_ms;
    if (timer->place == TIMER_UNSET) {
        if (timers->count == timers->room) {
            size_t room = timers->room ? timers->room * 2 : 64;
            struct timer **heap = realloc(timers->heap, room * sizeof(struct timer *));

            if (!heap)
                return false;
            timers->heap = heap;
            timers->room = room;
        }
        put(timers, timers->count++, timer);
    }
    rise(timers, timer);
    sink(timers, timer);
    return true;
}

void
timers_cancel(struct timers *timers, struct timer *timer)
{
    size_t place = timer->place;
    struct timer *last;

    if (place == TIMER_UNSET)
        return;
    timer->place = TIMER_UNSET;
    last = timers->heap[--timers->count];
    if (last == timer)
        return;
    put(timers, place, last);
    rise(timers, last);
    sink(timers, last);
}

struct timer *
timers_first(const struct timers *timers)
{
    return timers->count ? timers->heap[0] : NULL;
}
