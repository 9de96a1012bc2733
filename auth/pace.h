/* auth/pace.h - how long a real verification takes these days
 *
 * Purpose  An unknown account costs no hash, and must not be told apart by its quick answer: it
 *          waits for a time drawn from the recent real verifications, queueing included.
 * Threads  Any function from any thread; no locks.
 */
#ifndef AUTH_PACE_H
#define AUTH_PACE_H

#include <stdatomic.h>
#include <stdint.h>

#define PACE_SAMPLES 64

struct pace {
    _Atomic uint32_t took_us[PACE_SAMPLES];
    _Atomic uint32_t next;
};

/* Until the first real one: what sha512-crypt with 5000 rounds takes on a server's core. */
void pace_set(struct pace *pace);

/* The samples of another, so that a reload does not begin with a guess. */
void pace_inherit(struct pace *pace, const struct pace *from);

void pace_note(struct pace *pace, int64_t took_us);
int64_t pace_draw_us(const struct pace *pace);

#endif
