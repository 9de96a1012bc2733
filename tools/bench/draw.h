/* tools/bench/draw.h - what is asked next
 *
 * Purpose  Turn the plan of a run into one question after the other: whose, with which password,
 *          from where, and what a server that is right would say to it.
 * Threads  A plan is shared, a draw belongs to one thread.
 */
#ifndef TOOLS_BENCH_DRAW_H
#define TOOLS_BENCH_DRAW_H

#include "tools/bench/accounts.h"
#include "tools/bench/mix.h"
#include "tools/bench/wire.h"
#include "tools/bench/zipf.h"

#include <stdatomic.h>

struct draw_plan {
    const struct wire *wire;
    const struct accounts *accounts;
    struct mix mix;
    struct zipf popularity;
    bool in_turn;               /* one account after the other, and not by popularity */
    uint64_t wrong_passwords;   /* how many different ones; 0: never the same twice */
    uint64_t addresses;         /* how many remote ones; 0: none is told */
    uint64_t requests_max;      /* 0: without end */
    const char *service;        /* at most ACCOUNTS_TEXT_MAX bytes */
    uint64_t seed;
    atomic_uint_fast64_t turn;  /* how many were drawn, where that is asked for */
};

/* Addresses are of 10.0.0.0/8. */
#define DRAW_ADDRESSES_MAX (1 << 24)

struct draw {
    struct draw_plan *plan;
    uint64_t random;
};

struct drawn {
    enum expectation expectation;
    size_t len;
    unsigned char bytes[WIRE_QUESTION_MAX];
};

/* Threads of the same plan differ in `index`. */
struct draw draw_make(struct draw_plan *plan, unsigned index);

/* False when the plan's requests are used up. The caller wipes *out when it is done with all. */
bool draw_next(struct draw *draw, struct drawn *out);

#endif
