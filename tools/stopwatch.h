/* tools/stopwatch.h - how long making a stored password takes here */
#ifndef TOOLS_STOPWATCH_H
#define TOOLS_STOPWATCH_H

#include "common/error.h"

/* Milliseconds of wall time for one at that cost (0: the scheme's default). Negative, with *err
 * set, when it cannot be made. */
double stopwatch_make_ms(const char *scheme, unsigned long cost, struct error *err);

#endif
