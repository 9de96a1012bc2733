/* auth/ring.h - a bounded queue of pointers that many threads fill and empty
 *
 * Purpose  What is handed on for each request, without a lock: under one, threads that were put to
 *          sleep while they held it would stand in everybody's way.
 * Source   Dmitry Vyukov's bounded MPMC queue: each slot carries a turn number, which says whether
 *          it is to be filled or emptied, and in which round.
 * Errors   Full and empty are answers.
 * Threads  ring_push() and ring_pop() from any thread. What was written before a push is seen after
 *          its pop. Both are sequentially consistent: of one who pushes and then reads a flag, and one
 *          who sets the flag and then pops, at least one sees what the other did.
 */
#ifndef AUTH_RING_H
#define AUTH_RING_H

#include "common/macros.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct ring_slot { _Atomic size_t turn; void *item; };

struct ring {
    struct ring_slot *slots;            /* the owner's */
    size_t mask;
    _Alignas(CACHE_LINE) _Atomic size_t tail;   /* next to fill */
    _Alignas(CACHE_LINE) _Atomic size_t head;   /* next to empty */
};

/* Borrows `slots`; `count` is a power of two, at least 2. */
void ring_set(struct ring *ring, struct ring_slot *slots, size_t count);

bool ring_push(struct ring *ring, void *item);  /* false: full */
void *ring_pop(struct ring *ring);              /* NULL: empty, or what is there is being put */

/* How many there are; while others work, how many there were. */
size_t ring_count(const struct ring *ring);

#endif
