/* common/base64.h - base64 with padding (RFC 4648, section 4)
 *
 * Purpose  What comes and goes in every line of a busy wire: libsodium's own takes 80 instructions
 *          for each byte, so that its time tells nothing at all. Here it tells the length, and to who
 *          shares the processor's cache perhaps which letters: of one message, once.
 * Errors   False for what is not exactly so: another letter, a blank, missing or surplus padding,
 *          bits after the last byte.
 * Threads  Any function from any thread.
 */
#ifndef COMMON_BASE64_H
#define COMMON_BASE64_H

#include "common/span.h"

/* How many bytes `len` letters decode to at most, and `len` bytes are encoded in. */
#define BASE64_DECODED_MAX(len) ((len) / 4 * 3)
#define BASE64_ENCODED(len) (((len) + 2) / 3 * 4)

/* `out` has room for BASE64_DECODED_MAX(text.len). When it is false, anything may be there. */
bool base64_decode(span text, unsigned char *out, size_t *len_out);

/* Returns BASE64_ENCODED(bytes.len); no terminator. */
size_t base64_encode(span bytes, unsigned char *out);

#endif
