/* common/random.h - random numbers that are the same at every run, for tests and benchmarks
 *
 * Never for a secret, or for what a stranger may not guess: those come from libsodium.
 */
#ifndef COMMON_RANDOM_H
#define COMMON_RANDOM_H

#include <stdint.h>

/* splitmix64 (Steele, Lea, Flood 2014). A state for each thread; any value is a good start. */
static inline uint64_t
next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* From 0 up to 1, and never 1: 53 bits are what a double keeps. */
static inline double
next_share(uint64_t *state)
{
    return (double)(next_random(state) >> 11) * 0x1p-53;
}

#endif
