/* tools/bench/mix.h - how many of the questions are right, wrong, or of nobody
 *
 * "right=95,wrong=4,unknown=1": weights, not percents; what is not named has none.
 */
#ifndef TOOLS_BENCH_MIX_H
#define TOOLS_BENCH_MIX_H

#include "common/error.h"

#include <stdint.h>

/* What a server that is right would say, and why. */
enum expectation {
    EXPECT_RIGHT,               /* the account's password */
    EXPECT_WRONG,               /* an account that is there, and another password */
    EXPECT_UNKNOWN,             /* an account that nobody has */
    EXPECTATIONS
};

const char *expectation_word(enum expectation expectation);

struct mix { uint64_t weights[EXPECTATIONS]; };

/* Each weight; all of them together are more than 0. */
#define MIX_WEIGHT_MAX 1000000

enum error_code mix_parse(const char *text, struct mix *out, struct error *err);

enum expectation mix_draw(const struct mix *mix, uint64_t *random);

#endif
