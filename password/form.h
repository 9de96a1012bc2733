/* password/form.h - the fields of a stored password, by a pattern
 *
 * Purpose  A layout is one line of a table: literal text, and %<field><coding> where a field
 *          stands. It reaches to the literal that comes next, or to the end, or has the
 *          number of characters written behind the "%". The same pattern reads and writes:
 *
 *              pbkdf2_sha256$%nd$%st$%kb       n: decimal, s: text, k: base64
 *
 *          Fields of bytes: s salt, k key, j second key. Any other letter is a number.
 *          Codings: t text, h hex, b base64, n base64 without padding, a that with "." for "+",
 *          A both of them with padding or without, u base64 with "-_"; d decimal, x hex number.
 * Errors   False: nothing else fits exactly. Numbers have no sign, blank, leading zero, overflow.
 * Threads  Values; nothing is shared.
 */
#ifndef PASSWORD_FORM_H
#define PASSWORD_FORM_H

#include "common/secret.h"

struct form {
    uint64_t numbers[26];       /* by letter */
    span salt, key, other;      /* borrowed from `decoded` or from what was read */
    struct secret decoded;      /* no longer than what it was decoded from */
};

/* Wipe *out afterwards, also when it was false: a key may be worth a password. */
bool form_read(const char *pattern, span data, struct form *out);
void form_wipe(struct form *form);

uint64_t form_number(const struct form *form, char letter);

/* False, and empty, when it does not fit. */
bool form_write(const char *pattern, const struct form *form, struct secret *out);

/* Appends; false, and unchanged, when it does not fit. */
bool form_append(struct secret *out, span more);

/* --- one field, for families without a pattern --- */

/* Appends what `text` stands for to *into; *out_bytes borrows from there. */
bool form_decode(char coding, span text, struct secret *into, span *out_bytes);

bool form_is_hex(span s);

/* The crypt(3) alphabet ./0-9A-Za-z: the value of a digit, -1 when it is none. */
int form_h64_digit(unsigned char c);
bool form_is_h64(span s);

/* phpass's and MD5-crypt's way: three bytes as a little-endian number, four digits, least first.
 * Writes the digits for `len` bytes, no terminator; returns how many. */
size_t form_h64_encode(const unsigned char *bytes, size_t len, char *out);

#endif
