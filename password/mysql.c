/* password/mysql.c - MySQL's PASSWORD() before 4.1: 31 and 31 bits of arithmetic
 *
 * Blanks and tabs in the password count for nothing, and other passwords with the same value are
 * found in no time. (PASSWORD() since 4.1 is two SHA-1s: digest.c.)
 */
#include "password/scheme.h"

#include <sodium.h>

#define HASH_BYTES 8

static bool
old_check(const struct scheme *scheme, span data, const struct password_bounds *bounds,
          struct password_cost *cost_out, struct error *err)
{
    (void)scheme;
    (void)bounds;
    (void)cost_out;
    return data.len == HASH_BYTES || bounds_malformed(err);
}

static void
put_word(uint32_t word, unsigned char out[static 4])
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = (unsigned char)(word >> (24 - 8 * i));
}

/* Only the low 31 bits of each word are kept, and no higher bit ever moves down. */
static enum password_verdict
old_verify(const struct scheme_trial *trial, struct error *err)
{
    uint32_t first = 1345345333, second = 0x12345671, sum = 7;
    unsigned char made[HASH_BYTES];
    enum password_verdict verdict;

    for (size_t i = 0; i < trial->password.len; i++) {
        const uint32_t c = trial->password.ptr[i];

        if (c == ' ' || c == '\t')
            continue;
        first ^= ((first & 63) + sum) * c + (first << 8);
        second += (second << 8) ^ first;
        sum += c;
    }
    put_word(first & 0x7fffffff, made);
    put_word(second & 0x7fffffff, made + 4);
    verdict = scheme_compare(true, span_make(made, sizeof(made)), trial->data, err);
    sodium_memzero(made, sizeof(made));
    return verdict;
}

const struct scheme mysql_schemes[] = {
    { .name = "MYSQL-323", .forms = "16 hex digits with it as the default scheme",
      .coding = SCHEME_HEX, .check = old_check, .verify = old_verify,
      .library = "own", .class = PASSWORD_LEGACY },
    { .name = NULL },
};
