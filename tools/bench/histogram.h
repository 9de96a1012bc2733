/* tools/bench/histogram.h - latencies, counted in buckets that grow with them
 *
 * Purpose  Percentiles of any number of latencies in a fixed room, none of them off by more than
 *          a chosen share of itself: powers of two, each cut into equally many linear buckets
 *          (the shape of Gil Tene's HdrHistogram).
 * Inputs   Nanoseconds. Below 0 counts as 0, above HISTOGRAM_MAX_NS as that.
 * Threads  One for each thread; merged when they are done.
 */
#ifndef TOOLS_BENCH_HISTOGRAM_H
#define TOOLS_BENCH_HISTOGRAM_H

#include <stdint.h>

struct histogram;

/* 137 s: more than any client waits. */
#define HISTOGRAM_MAX_NS ((INT64_C(1) << 37) - 1)

/* 2^-10: three significant digits, in 220 KiB of which only what is used is ever resident. */
#define HISTOGRAM_FINE 10
/* 2^-5: enough for a picture, in 8 KiB. */
#define HISTOGRAM_COARSE 5

/* A percentile is at most 2^-precision of itself too high, and never too low. NULL when there is no memory;
 * the caller frees it. */
struct histogram *histogram_new(unsigned precision);
void histogram_free(struct histogram *histogram);       /* NULL is fine */

void histogram_add(struct histogram *histogram, int64_t ns);

/* Both of the same precision. */
void histogram_merge(struct histogram *into, const struct histogram *from);

uint64_t histogram_count(const struct histogram *histogram);

/* What `share` (0 to 1) of them all are at or below; 0 when there are none. */
int64_t histogram_at(const struct histogram *histogram, double share);
int64_t histogram_max(const struct histogram *histogram);       /* exact */
double histogram_mean(const struct histogram *histogram);       /* exact; 0 when there are none */

#endif
