/* tools/bench/tally.h - what came back, counted
 *
 * Purpose  Answers by what was expected and what was said, their latencies, and the same over
 *          time for a picture.
 * Threads  One for each thread, merged when they are done.
 */
#ifndef TOOLS_BENCH_TALLY_H
#define TOOLS_BENCH_TALLY_H

#include "tools/bench/histogram.h"
#include "tools/bench/mix.h"
#include "tools/bench/wire.h"

/* A run is cut into so many equal slices for the picture. */
#define TALLY_SLICES 120

struct tally_slice {
    uint64_t answers, mistakes, silences;
    struct histogram *latency[EXPECTATIONS];    /* coarse; NULL: nothing there */
};

struct tally {
    uint64_t answers[EXPECTATIONS][ANSWERS];
    struct histogram *latency[EXPECTATIONS];    /* of what was answered, and of what timed out */
    uint64_t not_sent;                          /* due in an open loop, but never begun */
    uint64_t in_time;                           /* answers, of whenever asked, that came from first_ns
                                                 * to end_ns: of these is a rate made, for what
                                                 * was in flight at the end was not done in the time */
    int64_t first_ns, end_ns;
    int64_t slice_ns, last_ns;                  /* of a slice; of the last answer */
    struct tally_slice slices[TALLY_SLICES];
};

/* What begins before `first_ns` is warm-up and not counted. NULL when there is no memory; the
 * caller frees it. */
struct tally *tally_new(int64_t first_ns, int64_t duration_ns);
void tally_free(struct tally *tally);           /* NULL is fine */

void tally_add(struct tally *tally, enum expectation expectation, enum answer answer,
               int64_t began_ns, int64_t ended_ns);

/* Both of the same times. */
void tally_merge(struct tally *into, const struct tally *from);

/* Answered wrongly: a right password rejected, or another one accepted. */
bool tally_is_mistake(enum expectation expectation, enum answer answer);

/* Of one row; the kinds of silence together. */
uint64_t tally_asked(const struct tally *tally, enum expectation expectation);
uint64_t tally_silences(const struct tally *tally, enum expectation expectation);

/* Over all rows: right passwords rejected, others accepted; and all that was asked or answered. */
uint64_t tally_right_rejected(const struct tally *tally);
uint64_t tally_wrong_accepted(const struct tally *tally);
uint64_t tally_asked_in_all(const struct tally *tally);
uint64_t tally_answered_in_all(const struct tally *tally);

#endif
