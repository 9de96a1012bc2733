/* tools/bench/report.h - what a run has shown, for people and for programs */
#ifndef TOOLS_BENCH_REPORT_H
#define TOOLS_BENCH_REPORT_H

#include "tools/bench/options.h"
#include "tools/bench/tally.h"

/* Answers a second: of the time that was wanted, or taken when it ended early. */
double report_rate(const struct bench_options *options, const struct tally *tally);

void report_print_text(const struct bench_options *options, const struct tally *tally);

/* One object, and a line end. Latencies are in milliseconds. */
enum error_code report_print_json(const struct bench_options *options, const struct tally *tally,
                                  struct error *err);

#endif
