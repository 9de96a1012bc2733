/* tools/bench/plot.h - latency and rate over time, as an SVG picture
 *
 * Purpose  Show what a percentile hides: when it was slow. Above, latencies on a logarithmic
 *          scale, p50 and p99 of what was expected to be right, wrong and unknown; below, answers
 *          a second, and in red those that were wrong or missing.
 * Errors   ERROR_UNAVAILABLE when the file cannot be written.
 */
#ifndef TOOLS_BENCH_PLOT_H
#define TOOLS_BENCH_PLOT_H

#include "tools/bench/tally.h"

#include <stdio.h>

/* Whether plot_write() could, as far as that is known before; leaves everything as it is. */
enum error_code plot_check(const char *path, struct error *err);
enum error_code plot_write(const char *path, const char *title, const struct tally *tally,
                           struct error *err);

/* The same to a stream; `title` is escaped. */
void plot_print(FILE *out, const char *title, const struct tally *tally);

#endif
