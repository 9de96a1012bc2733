/* tools/bench/zipf.h - which account comes next, when some are more popular than others
 *
 * Purpose  Draw ranks so that rank r comes up in proportion to 1 / r^exponent: people who sign in
 *          are few people often and many seldom. Exponent 0: all alike.
 * Inputs   Any exponent from 0 on, any number of ranks; the caller's random state.
 * Threads  A struct zipf is only read once it is made.
 */
#ifndef TOOLS_BENCH_ZIPF_H
#define TOOLS_BENCH_ZIPF_H

#include <stdint.h>

struct zipf {
    uint64_t ranks;
    double exponent;
    double first, last, accept;         /* of the method; see zipf.c */
};

/* `ranks` at least 1. */
struct zipf zipf_make(uint64_t ranks, double exponent);

/* From 0, the most popular, to ranks - 1. */
uint64_t zipf_draw(const struct zipf *zipf, uint64_t *random);

#endif
