/* auth/memory.h - how much memory all verifications together may need
 *
 * Purpose  Argon2, scrypt and yescrypt are made to need memory: 64 MiB each and more. Eight at once
 *          of 1 GiB are an outage. So each takes what it will need from one budget and waits,
 *          in the order of coming, until there is enough.
 * Threads  Any function from any thread but an event loop's: memory_take() waits.
 */
#ifndef AUTH_MEMORY_H
#define AUTH_MEMORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct memory_waiter;

struct memory {
    pthread_mutex_t lock;
    pthread_cond_t given;               /* by CLOCK_MONOTONIC */
    uint64_t budget, used;              /* bytes */
    struct memory_waiter *first, **end; /* in the order of coming */
};

void memory_set(struct memory *memory, uint64_t budget);
void memory_close(struct memory *memory);

/* Takes `bytes`, to be given back with memory_give(). What needs more than the whole budget is
 * let in when nothing else is. False, and nothing taken, after `wait_ms`. 0 bytes never wait. */
bool memory_take(struct memory *memory, uint64_t bytes, int64_t wait_ms);
void memory_give(struct memory *memory, uint64_t bytes);

#endif
