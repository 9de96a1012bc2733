/* password/form.c - see form.h */
#include "password/form.h"

#include "common/macros.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const char h64_digits[] =
    "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

int
form_h64_digit(unsigned char c)
{
    const char *at = c ? strchr(h64_digits, c) : NULL;

    return at ? (int)(at - h64_digits) : -1;
}

bool
form_is_h64(span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (form_h64_digit(s.ptr[i]) < 0)
            return false;
    return true;
}

bool
form_is_hex(span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '\0' || !strchr("0123456789abcdefABCDEF", s.ptr[i]))
            return false;
    return true;
}

size_t
form_h64_encode(const unsigned char *bytes, size_t len, char *out)
{
    size_t digits = 0;

    for (size_t i = 0; i < len; i += 3) {
        uint32_t value = bytes[i];
        size_t more = len - i < 3 ? len - i : 3;

        for (size_t k = 1; k < more; k++)
            value |= (uint32_t)bytes[i + k] << (8 * k);
        for (size_t k = 0; k <= more; k++, value >>= 6)
            out[digits++] = h64_digits[value & 63];
    }
    return digits;
}

/* --- bytes as text ---------------------------------------------------------------- */

static bool
hex_decode(span text, unsigned char *out, size_t size, size_t *len_out)
{
    return text.len % 2 == 0
        && sodium_hex2bin(out, size, (const char *)text.ptr, text.len, NULL, len_out, NULL) == 0;
}

/* libsodium takes a byte beyond ASCII for the digit that has its low seven bits. */
static bool
is_ascii(span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] >= 0x80)
            return false;
    return true;
}

/* Refuses foreign characters, missing or superfluous padding, and bits beyond the last byte. */
static bool
base64_decode(span text, int variant, unsigned char *out, size_t size, size_t *len_out)
{
    return is_ascii(text)
        && sodium_base642bin(out, size, (const char *)text.ptr, text.len, NULL, len_out,
                             NULL, variant) == 0;
}

/* "." for "+", and with `padded`: both, and padding or none. */
static bool
adapted_decode(span text, bool padded, unsigned char *out, size_t size, size_t *len_out)
{
    struct secret plain = { .len = 0 };
    bool ok;

    if (padded && text.len % 4 == 0)
        for (size_t i = 0; i < 2 && text.len > 0 && text.ptr[text.len - 1] == '='; i++)
            text.len--;
    if ((!padded && span_has(text, '+')) || !secret_set(&plain, text))
        return false;
    for (size_t i = 0; i < plain.len; i++)
        if (plain.bytes[i] == '.')
            plain.bytes[i] = '+';
    ok = base64_decode(secret_get(&plain), sodium_base64_VARIANT_ORIGINAL_NO_PADDING, out, size,
                       len_out);
    secret_wipe(&plain);
    return ok;
}

static const struct { char coding; int variant; } variants[] = {
    { 'b', sodium_base64_VARIANT_ORIGINAL },
    { 'n', sodium_base64_VARIANT_ORIGINAL_NO_PADDING },
    { 'a', sodium_base64_VARIANT_ORIGINAL_NO_PADDING },
    { 'A', sodium_base64_VARIANT_ORIGINAL_NO_PADDING },
    { 'u', sodium_base64_VARIANT_URLSAFE },
};

static int
variant_of(char coding)
{
    for (size_t i = 0; i < COUNT(variants); i++)
        if (variants[i].coding == coding)
            return variants[i].variant;
    return 0;
}

bool
form_decode(char coding, span text, struct secret *into, span *out_bytes)
{
    unsigned char *out = into->bytes + into->len;
    const size_t size = sizeof(into->bytes) - into->len;
    size_t len = 0;
    bool ok;

    if (coding == 'h')
        ok = hex_decode(text, out, size, &len);
    else if (coding == 'a' || coding == 'A')
        ok = adapted_decode(text, coding == 'A', out, size, &len);
    else
        ok = base64_decode(text, variant_of(coding), out, size, &len);
    if (!ok) {
        sodium_memzero(out, size);      /* what is decoded in vain may be most of a secret */
        return false;
    }
    *out_bytes = span_make(out, len);
    into->len += len;
    return true;
}

/* --- patterns --------------------------------------------------------------------- */

/* "%32kh": 32 characters for the field k, in hex. */
struct field {
    size_t width;               /* 0: to the literal behind it */
    char letter, coding;
};

static struct field
take_field(const char **pattern)
{
    struct field field = { .width = 0 };

    for (++*pattern; **pattern >= '0' && **pattern <= '9'; ++*pattern)
        field.width = field.width * 10 + (size_t)(**pattern - '0');
    field.letter = *(*pattern)++;
    field.coding = *(*pattern)++;
    return field;
}

static bool
read_hex_number(span text, uint64_t *out)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t value = 0;

    if (text.len == 0 || text.len > 16 || text.ptr[0] == '0')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        const char *at = text.ptr[i] ? strchr(digits, text.ptr[i]) : NULL;

        if (!at)
            return false;
        value = value << 4 | (uint64_t)(at - digits);
    }
    *out = value;
    return true;
}

static span *
bytes_of(struct form *form, char letter)
{
    return letter == 's' ? &form->salt : letter == 'k' ? &form->key
        : letter == 'j' ? &form->other : NULL;
}

static bool
read_field(struct field field, span text, struct form *out)
{
    span *bytes = bytes_of(out, field.letter);

    if (field.coding == 'd')
        return span_to_u64(text, &out->numbers[field.letter - 'a']);
    if (field.coding == 'x')
        return read_hex_number(text, &out->numbers[field.letter - 'a']);
    if (field.coding != 't')
        return form_decode(field.coding, text, &out->decoded, bytes);
    *bytes = text;
    return true;
}

bool
form_read(const char *pattern, span data, struct form *out)
{
    memset(out->numbers, 0, sizeof(out->numbers));
    out->salt = out->key = out->other = span_make(NULL, 0);
    out->decoded.len = 0;
    while (*pattern) {
        struct field field;
        size_t end = data.len;

        if (*pattern != '%') {
            if (data.len == 0 || data.ptr[0] != (unsigned char)*pattern++)
                return false;
            data = span_from(data, 1);
            continue;
        }
        field = take_field(&pattern);
        if (field.width > 0)
            end = field.width;
        else if (*pattern)
            end = span_find(data, (unsigned char)*pattern);
        if (end > data.len || !read_field(field, span_until(data, end), out))
            return false;
        data = span_from(data, end);
    }
    return data.len == 0;
}

void
form_wipe(struct form *form)
{
    secret_wipe(&form->decoded);
    form->salt = form->key = form->other = span_make(NULL, 0);
}

uint64_t
form_number(const struct form *form, char letter)
{
    return form->numbers[letter - 'a'];
}

/* --- writing ---------------------------------------------------------------------- */

bool
form_append(struct secret *out, span more)
{
    if (more.len > sizeof(out->bytes) - out->len)
        return false;
    if (more.len > 0)
        memcpy(out->bytes + out->len, more.ptr, more.len);
    out->len += more.len;
    return true;
}

static bool
write_bytes(char coding, span bytes, struct secret *out)
{
    char *at = (char *)out->bytes + out->len;
    const size_t room = sizeof(out->bytes) - out->len;
    size_t len;

    if (coding == 't')
        return form_append(out, bytes);
    if (room < bytes.len * 2 + 5)       /* base64 and hex with their terminators */
        return false;
    if (coding == 'h')
        sodium_bin2hex(at, room, bytes.ptr, bytes.len);
    else
        sodium_bin2base64(at, room, bytes.ptr, bytes.len, variant_of(coding));
    len = strlen(at);
    for (size_t i = 0; i < len && (coding == 'a' || coding == 'A'); i++)
        if (at[i] == '+')
            at[i] = '.';
    out->len += len;
    return true;
}

static bool
write_field(struct field field, const struct form *form, struct secret *out)
{
    struct form *fields = (struct form *)(uintptr_t)form;       /* bytes_of() serves both ways */
    char digits[24];

    if (field.coding != 'd' && field.coding != 'x')
        return write_bytes(field.coding, *bytes_of(fields, field.letter), out);
    snprintf(digits, sizeof(digits), field.coding == 'd' ? "%" PRIu64 : "%" PRIx64,
             form_number(form, field.letter));
    return form_append(out, span_of(digits));
}

bool
form_write(const char *pattern, const struct form *form, struct secret *out)
{
    bool ok = true;

    secret_wipe(out);
    while (ok && *pattern)
        ok = *pattern == '%' ? write_field(take_field(&pattern), form, out)
                             : form_append(out, span_make(pattern++, 1));
    if (!ok)
        secret_wipe(out);
    return ok;
}
