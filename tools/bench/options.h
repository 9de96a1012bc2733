/* tools/bench/options.h - the command line of claviger-bench
 *
 * Purpose  A table of options is parsed, checked, and printed as the help text.
 * Errors   ERROR_MALFORMED: what is wrong, and the nearest option that there is.
 */
#ifndef TOOLS_BENCH_OPTIONS_H
#define TOOLS_BENCH_OPTIONS_H

#include "tools/bench/mix.h"
#include "tools/bench/schedule.h"
#include "tools/bench/wire.h"

#include <stdbool.h>

struct bench_options {
    const char *socket;
    const struct wire *wire;
    uint64_t clients;           /* 0: an open loop */
    double rate;                /* 0: a closed one */
    enum arrivals arrivals;
    uint64_t threads, in_flight;
    double gather_ms;
    double seconds, warmup, timeout;
    uint64_t requests;          /* 0: as many as there is time for */

    const char *accounts;       /* a file; NULL: the patterns */
    const char *login, *password;
    uint64_t count;
    const char *service;
    struct mix mix;
    double zipf;
    bool in_turn;
    uint64_t wrong_passwords, addresses, seed;

    bool json;
    const char *svg;
    bool help, version;
};

/* Borrows argv, and puts what is no option at its end. With help or version the rest is not
 * looked at. */
enum error_code bench_options_parse(int argc, char **argv, struct bench_options *out,
                                    struct error *err);

void bench_options_print_help(void);

#endif
