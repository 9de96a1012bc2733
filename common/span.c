/* common/span.c - see span.h */
#include "common/span.h"

#include <string.h>

bool
span_equal(span a, span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool
span_is(span s, const char *text)
{
    return span_equal(s, span_of(text));
}

/* Not tolower(): what a name is must not depend on the process's locale. */
static unsigned char
fold(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c - 'A' + 'a') : c;
}

bool
span_equal_nocase(span a, span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (fold(a.ptr[i]) != fold(b.ptr[i]))
            return false;
    return true;
}

bool
span_is_nocase(span s, const char *text)
{
    return span_equal_nocase(s, span_of(text));
}

bool
span_starts(span s, const char *prefix)
{
    return span_is(span_until(s, strlen(prefix)), prefix);
}

size_t
span_find(span s, unsigned char byte)
{
    const unsigned char *at = s.len ? memchr(s.ptr, byte, s.len) : NULL;

    return at ? (size_t)(at - s.ptr) : s.len;
}

size_t
span_find_last(span s, unsigned char byte)
{
    const unsigned char *at = s.len ? memrchr(s.ptr, byte, s.len) : NULL;

    return at ? (size_t)(at - s.ptr) : s.len;
}

bool
span_has(span s, unsigned char byte)
{
    return span_find(s, byte) < s.len;
}

bool
span_take_counted(span *in, span *out)
{
    size_t len;

    if (in->len < 2)
        return false;
    len = (size_t)in->ptr[0] << 8 | in->ptr[1];
    if (in->len - 2 < len)
        return false;
    *out = span_make(in->ptr + 2, len);
    *in = span_from(*in, 2 + len);
    return true;
}

bool
span_to_u64(span s, uint64_t *out)
{
    uint64_t value = 0;

    if (s.len == 0 || (s.len > 1 && s.ptr[0] == '0'))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)s.ptr[i] - '0';

        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

/* How many bytes the character at the start of `s` has; 0 when it is ill-formed. */
static size_t
utf8_char_len(span s)
{
    static const struct { unsigned char mask, lead; uint32_t least; } forms[] = {
        { 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 },
    };

    for (size_t more = 0; more < sizeof(forms) / sizeof(forms[0]); more++) {
        uint32_t value;

        if ((s.ptr[0] & forms[more].mask) != forms[more].lead)
            continue;
        if (s.len <= more)
            return 0;
        value = s.ptr[0] & (unsigned char)~forms[more].mask;
        for (size_t i = 1; i <= more; i++) {
            if ((s.ptr[i] & 0xc0) != 0x80)
                return 0;
            value = value << 6 | (s.ptr[i] & 0x3f);
        }
        if (value < forms[more].least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
            return 0;
        return more + 1;
    }
    return 0;
}

bool
span_is_utf8(span s)
{
    while (s.len > 0) {
        size_t len = utf8_char_len(s);

        if (len == 0)
            return false;
        s = span_from(s, len);
    }
    return true;
}

bool
span_to_string(span s, char *out, size_t size)
{
    out[0] = '\0';
    if (s.len >= size || span_has(s, '\0'))
        return false;
    if (s.len > 0)
        memcpy(out, s.ptr, s.len);
    out[s.len] = '\0';
    return true;
}
