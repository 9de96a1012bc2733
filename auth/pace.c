/* auth/pace.c - see pace.h */
#include "auth/pace.h"

#include <sodium.h>

#define FIRST_US 4000

/* A verification that stood in a long queue shall not make a stranger wait for ever. */
#define LONGEST_US 2000000

void
pace_set(struct pace *pace)
{
    for (unsigned i = 0; i < PACE_SAMPLES; i++)
        atomic_init(&pace->took_us[i], FIRST_US);
    atomic_init(&pace->next, 0);
}

void
pace_inherit(struct pace *pace, const struct pace *from)
{
    for (unsigned i = 0; i < PACE_SAMPLES; i++)
        atomic_store_explicit(&pace->took_us[i],
                              atomic_load_explicit(&from->took_us[i], memory_order_relaxed),
                              memory_order_relaxed);
    atomic_store_explicit(&pace->next, atomic_load_explicit(&from->next, memory_order_relaxed),
                          memory_order_relaxed);
}

void
pace_note(struct pace *pace, int64_t took_us)
{
    uint32_t at = atomic_fetch_add_explicit(&pace->next, 1, memory_order_relaxed);
    uint32_t us = took_us < 0 ? 0 : took_us > LONGEST_US ? LONGEST_US : (uint32_t)took_us;

    atomic_store_explicit(&pace->took_us[at % PACE_SAMPLES], us, memory_order_relaxed);
    if (at > 0)
        return;
    /* The first real one is a better guess than ours for all that are still to come. */
    for (unsigned i = 1; i < PACE_SAMPLES; i++)
        atomic_store_explicit(&pace->took_us[i], us, memory_order_relaxed);
}

int64_t
pace_draw_us(const struct pace *pace)
{
    return atomic_load_explicit(&pace->took_us[randombytes_uniform(PACE_SAMPLES)],
                                memory_order_relaxed);
}
