/* saslauthd_backend/timers.h - what a loop has to do later
 *
 * A binary heap; timers live inside what they belong to, and know their place, so that cancelling one
 * of ten thousand is as cheap as setting it. Milliseconds on the monotonic clock.
 * Threads  One thread's.
 */
#ifndef SASLAUTHD_BACKEND_TIMERS_H
#define SASLAUTHD_BACKEND_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIMER_UNSET SIZE_MAX

struct timer { int64_t at_ms; size_t place; };

#define TIMER_NONE { 0, TIMER_UNSET }

struct timers { struct timer **heap; size_t count, room; };

void timers_wipe(struct timers *timers);

/* Sets it, or moves it when it is set. False: no memory; only for a timer that is not set. */
bool timers_set(struct timers *timers, struct timer *timer, int64_t at_ms);
void timers_cancel(struct timers *timers, struct timer *timer);     /* fine when not set */

/* The earliest, left where it is; NULL when there is none. */
struct timer *timers_first(const struct timers *timers);

#endif
