/* tools/input_pair.h - two values on one input: a stored password and a password
 *
 * Purpose  From a terminal each is asked for, with echo off; from anything else they are the whole input.
 * Errors   ERROR_UNAVAILABLE: cannot be read. ERROR_MALFORMED: not two, or far too long. Of a terminal
 *          those of password_input.h.
 * Threads  One, as password_input.h.
 */
#ifndef TOOLS_INPUT_PAIR_H
#define TOOLS_INPUT_PAIR_H

#include "common/error.h"
#include "common/span.h"

/* Longer than any stored password and any password may be, so that it is the bounds that say so. */
#define INPUT_PAIR_MAX (128 * 1024)

struct input_pair {
    span first, second;         /* borrowed from `bytes` */
    bool ends_in_null;          /* by NUL: one stood behind the second */
    size_t len;
    unsigned char bytes[INPUT_PAIR_MAX];
};

/* To the end of the input. By lines, each may lack its '\n' at the end of the input, and there are
 * no more; by NUL, the second reaches to the end, without one NUL that ends it, unless it is that
 * NUL alone. The caller wipes *out. */
enum error_code input_pair_read(int fd, bool by_null, struct input_pair *out, struct error *err);
void input_pair_wipe(struct input_pair *pair);

#endif
