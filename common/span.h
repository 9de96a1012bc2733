/* common/span.h - bytes that belong to somebody else
 *
 * Purpose  Carry bytes from outside (a wire, a row, a file) with their length,
 *          so that nothing trusts a terminator. A C string is made last.
 * Errors   None: a function says false, and leaves what it was given alone.
 * Threads  Values; nothing is shared.
 */
#ifndef COMMON_SPAN_H
#define COMMON_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct span { const unsigned char *ptr; size_t len; } span;

/* A string literal as a span, without its terminator; a constant expression. */
#define SPAN(literal) \
    { (const unsigned char *)(literal), sizeof(literal) - 1 }

static inline span
span_make(const void *ptr, size_t len)
{
    return (span){ ptr, len };
}

/* NULL gives the empty span. */
static inline span
span_of(const char *text)
{
    return span_make(text, text ? strlen(text) : 0);
}

bool span_is(span s, const char *text);         /* the same bytes */
bool span_is_nocase(span s, const char *text);  /* ASCII letters without case */
bool span_equal(span a, span b);                /* for public bytes only: stops early */
bool span_equal_nocase(span a, span b);         /* that, and as span_is_nocase() */
bool span_has(span s, unsigned char byte);
bool span_starts(span s, const char *prefix);

/* Where `byte` first and last stands; `s.len` when nowhere. */
size_t span_find(span s, unsigned char byte);
size_t span_find_last(span s, unsigned char byte);

/* The bytes from `from` on, and those before `to`; cut to what is there. */
static inline span
span_from(span s, size_t from)
{
    if (from > s.len)
        from = s.len;
    return from == 0 ? s : span_make(s.ptr + from, s.len - from);
}

static inline span
span_until(span s, size_t to)
{
    return span_make(s.ptr, to < s.len ? to : s.len);
}

/* Move a big-endian u16 length and its bytes from *in; *out gets the bytes.
 * False, with both untouched, when *in ends first. */
bool span_take_counted(span *in, span *out);

/* A decimal number without sign, blank, leading zero or overflow. */
bool span_to_u64(span s, uint64_t *out);

/* Well-formed UTF-8 (RFC 3629): no overlong form, surrogate, or value past U+10FFFF. */
bool span_is_utf8(span s);

/* Copies and terminates. False, and an empty string, when `s` and its
 * terminator do not fit or `s` holds a NUL: never cut. */
bool span_to_string(span s, char *out, size_t size);

#endif
