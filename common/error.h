/* common/error.h - what went wrong: a code for the program, a reason for the operator
 *
 * Purpose  Carry both through every floor. The remote sees neither. A reason names the
 *          thing, the value and the way out, and never a secret.
 * Threads  An error belongs to one thread at a time.
 */
#ifndef COMMON_ERROR_H
#define COMMON_ERROR_H

#include "common/macros.h"

enum error_code {
    ERROR_NONE,
    ERROR_REJECTED,             /* wrong credential: asking again won't help */
    ERROR_UNAVAILABLE,          /* nobody could tell: asking later may help */
    ERROR_MALFORMED,            /* the peer broke its protocol */
    ERROR_CONFIG,               /* the operator has to change something */
    ERROR_CODES                 /* how many there are */
};

/* Long enough for two paths and a sentence. */
struct error { enum error_code code; char reason[480]; };

/* No error, empty reason. */
void error_clear(struct error *err);

/* Returns `code`, so that "return error_set(...)" reads well. Bytes of the
 * result that are control characters become '?'. */
enum error_code error_set(struct error *err, enum error_code code,
                          const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "format: " before the reason that is there; the code stays. Returns it. */
enum error_code error_prefix(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
