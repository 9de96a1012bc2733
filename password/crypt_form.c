/* password/crypt_form.c - what a crypt(3) string looks like, and what it costs
 *
 * libcrypt looks only at the setting, the part in front of the hash, and takes any cost. So each
 * string is read here first: the whole of it has to have the form that the library writes,
 * to the exact length (a column cut short is not a stored password), and the cost has to be
 * within the bounds. crypt(5) of libxcrypt 4.4 has the forms:
 *
 *     prefix  cost              salt     hash, h64 (./0-9A-Za-z) unless said
 *     $1$                       0-8   $  22
 *     $2y$    NN$                        53, the first 22 of them salt
 *     $3$                       none  $  32 hex
 *     $5$     [rounds=N$]       0-16  $  43
 *     $6$     [rounds=N$]       0-16  $  86
 *     $7$     N(1) r(5) p(5)    any   $  43
 *     $gy$    flavour N r ...$  any   $  43        also $y$
 *     $md5    [,rounds=N]$      any   $  [$]22
 *     $sha1$  N$                1-64  $  28
 *     _       N(4)                       15, the first 4 of them salt
 *                                        13 or 13 + 11 k: DES and bigcrypt, told by length
 */
#include "password/scheme.h"

#include <crypt.h>
#include <string.h>

enum cost { COST_FITS, COST_MALFORMED, COST_BEYOND };

/* Takes the cost from the start of *rest. */
typedef enum cost cost_fn(span *rest, const struct password_bounds *bounds);

#define SALT_NONE SIZE_MAX      /* not even its "$" */
#define SALT_ANY CRYPT_OUTPUT_SIZE

/* The value of an h64 digit; -1 when it is none. */
static int
h64_digit(unsigned char c)
{
    static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

static bool
is_h64(span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (h64_digit(s.ptr[i]) < 0)
            return false;
    return true;
}

static bool
is_hex(span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!strchr("0123456789abcdefABCDEF", s.ptr[i]) || s.ptr[i] == '\0')
            return false;
    return true;
}

/* The last of the 22 characters of salt carries two bits, and the library writes back the one
 * character that has no others: what was stored with more can never be equal again. (The digits
 * are h64's in another order.) */
static bool
is_bcrypt(span s)
{
    return is_h64(s) && s.len > 21 && strchr(".Oeu", s.ptr[21]);
}

/* Moves what is in front of the next "$", and that, from *in. */
static bool
take_field(span *in, span *field_out)
{
    size_t dollar = span_find(*in, '$');

    if (dollar == in->len)
        return false;
    *field_out = span_until(*in, dollar);
    *in = span_from(*in, dollar + 1);
    return true;
}

/* `len` h64 digits, the least first. */
static bool
take_h64(span *in, size_t len, uint64_t *out)
{
    uint64_t value = 0;

    if (in->len < len || !is_h64(span_until(*in, len)))
        return false;
    for (size_t i = len; i-- > 0; )
        value = value << 6 | (uint64_t)h64_digit(in->ptr[i]);
    *in = span_from(*in, len);
    *out = value;
    return true;
}

static enum cost
count_within(span number, uint64_t least, uint64_t most, uint64_t bound)
{
    uint64_t count;

    if (!span_to_u64(number, &count) || count < least || count > most)
        return COST_MALFORMED;
    return count > bound ? COST_BEYOND : COST_FITS;
}

static enum cost
cost_none(span *rest, const struct password_bounds *bounds)
{
    (void)rest;
    (void)bounds;
    return COST_FITS;
}

static enum cost
cost_bcrypt(span *rest, const struct password_bounds *bounds)
{
    span letter, field, digits;

    if (!take_field(rest, &letter) || !take_field(rest, &field) || field.len != 2)
        return COST_MALFORMED;
    digits = span_from(field, field.ptr[0] == '0');     /* two digits: "04" to "31" */
    return count_within(digits, 4, 31, bounds->bcrypt_cost_max);
}

/* glibc once took any N and meant at least 1000; libxcrypt refuses what it would not write. */
static enum cost
cost_sha(span *rest, const struct password_bounds *bounds)
{
    static const char word[] = "rounds=";
    span field;

    if (!span_starts(*rest, word))
        return COST_FITS;
    if (!take_field(rest, &field))
        return COST_MALFORMED;
    return count_within(span_from(field, sizeof(word) - 1), 1000, 999999999,
                        bounds->sha_rounds_max);
}

static enum cost
cost_sha1(span *rest, const struct password_bounds *bounds)
{
    span field;

    if (!take_field(rest, &field))
        return COST_MALFORMED;
    return count_within(field, 1, UINT32_MAX, bounds->sha1_rounds_max);
}

/* N is on top of 4096; the largest is what keeps the sum in 32 bits. */
static enum cost
cost_sunmd5(span *rest, const struct password_bounds *bounds)
{
    static const char word[] = ",rounds=";
    span field;

    if (!take_field(rest, &field))
        return COST_MALFORMED;
    if (field.len == 0)
        return COST_FITS;
    if (!span_starts(field, word))
        return COST_MALFORMED;
    return count_within(span_from(field, sizeof(word) - 1), 1, UINT32_MAX - 4096,
                        bounds->sunmd5_rounds_max);
}

static enum cost
cost_bsdi(span *rest, const struct password_bounds *bounds)
{
    uint64_t count;

    if (!take_h64(rest, 4, &count) || count == 0)
        return COST_MALFORMED;
    return count > bounds->bsdi_rounds_max ? COST_BEYOND : COST_FITS;
}

static enum cost
memory_within(const struct password_bounds *bounds, uint64_t log2_n, uint64_t r, uint64_t passes)
{
    if (log2_n == 0 || log2_n > 63 || r == 0 || passes == 0)
        return COST_MALFORMED;
    return bounds_allow_memory(bounds, (unsigned)log2_n, r, passes) ? COST_FITS : COST_BEYOND;
}

static enum cost
cost_scrypt(span *rest, const struct password_bounds *bounds)
{
    uint64_t log2_n, r, p;

    if (!take_h64(rest, 1, &log2_n) || !take_h64(rest, 5, &r) || !take_h64(rest, 5, &p))
        return COST_MALFORMED;
    return memory_within(bounds, log2_n, r, p);
}

/* yescrypt's numbers: the first digit says by its size how many follow (48 first digits stand
 * alone, the next 8 are followed by one, then 4 by two, ...), and values go on where those of the
 * shorter form end. `least` is what the smallest stands for. Numbers of six digits are refused: none
 * is within any bound. */
static bool
take_yescrypt(span *in, uint64_t least, uint64_t *out)
{
    uint64_t start = 0, end = 48, value = least, digit;
    unsigned more = 0;

    if (!take_h64(in, 1, &digit))
        return false;
    while (digit >= end) {
        more++;
        value += (end - start) << 6 * (more - 1);
        start = end;
        end += (64 - end) / 2;
        if (start == end)
            return false;
    }
    value += (digit - start) << 6 * more;
    while (more-- > 0) {
        if (!take_h64(in, 1, &digit))
            return false;
        value += digit << 6 * more;
    }
    *out = value;
    return value <= UINT32_MAX;
}

/* flavour, log2 N, r, and then, when there is more, a set of flags and the value of each: p, t.
 * Two further flags, for hash upgrades and a ROM, libcrypt does not know. t adds time, at most
 * as much as that many more passes. */
static enum cost
cost_yescrypt(span *rest, const struct password_bounds *bounds)
{
    enum { HAS_P = 1, HAS_T = 2 };
    uint64_t flavour, log2_n, r, flags = 0, p = 1, t = 0;
    span field;

    if (!take_field(rest, &field) || !take_yescrypt(&field, 0, &flavour)
        || !take_yescrypt(&field, 1, &log2_n) || !take_yescrypt(&field, 1, &r))
        return COST_MALFORMED;
    if (field.len > 0 && !take_yescrypt(&field, 1, &flags))
        return COST_MALFORMED;
    if (flags > (HAS_P | HAS_T)
        || ((flags & HAS_P) && !take_yescrypt(&field, 2, &p))
        || ((flags & HAS_T) && !take_yescrypt(&field, 1, &t)) || field.len > 0)
        return COST_MALFORMED;
    return memory_within(bounds, log2_n, r, p * (t + 1));
}

static const struct crypt_form {
    const char *prefix;
    cost_fn *cost;
    const char *bound;          /* in struct password_bounds, and the configuration's key */
    size_t salt_min, salt_max;
    size_t hash_len;            /* 0: any, its shape was seen before */
    bool (*is_hash)(span s);
} forms[] = {
    { "$1$",    cost_none,     NULL,                0,         8,         22, is_h64 },
    { "$2",     cost_bcrypt,   "bcrypt_cost_max",   SALT_NONE, SALT_NONE, 53, is_bcrypt },
    { "$3$",    cost_none,     NULL,                0,         0,         32, is_hex },
    { "$5$",    cost_sha,      "sha_rounds_max",    0,         16,        43, is_h64 },
    { "$6$",    cost_sha,      "sha_rounds_max",    0,         16,        86, is_h64 },
    { "$7$",    cost_scrypt,   "memory_max",        0,         SALT_ANY,  43, is_h64 },
    { "$y$",    cost_yescrypt, "memory_max",        0,         SALT_ANY,  43, is_h64 },
    { "$gy$",   cost_yescrypt, "memory_max",        0,         SALT_ANY,  43, is_h64 },
    { "$md5",   cost_sunmd5,   "sunmd5_rounds_max", 0,         SALT_ANY,  22, is_h64 },
    { "$sha1$", cost_sha1,     "sha1_rounds_max",   1,         64,        28, is_h64 },
    { "_",      cost_bsdi,     "bsdi_rounds_max",   SALT_NONE, SALT_NONE, 15, is_h64 },
    { "",       cost_none,     NULL,                SALT_NONE, SALT_NONE, 0,  is_h64 },
};

bool
crypt_is_des(span data)
{
    return data.len == 13 && is_h64(data);
}

/* libcrypt hashes 16 blocks of 8 bytes and no more; one block is DES. */
bool
crypt_is_bigcrypt(span data)
{
    return data.len >= 13 + 11 && data.len <= 2 + 16 * 11 && (data.len - 2) % 11 == 0
        && is_h64(data);
}

bool
crypt_is_bsdi(span data)
{
    return data.len == 20 && is_h64(span_from(data, 1));
}

/* libcrypt refuses these anywhere: they would break a line of /etc/shadow, or are no ASCII. */
static bool
is_crypt_text(span data)
{
    for (size_t i = 0; i < data.len; i++)
        if (data.ptr[i] <= ' ' || data.ptr[i] >= 0x7f || strchr("!*:;\\", data.ptr[i]))
            return false;
    return data.len < CRYPT_OUTPUT_SIZE;
}

static const struct crypt_form *
form_of(span data)
{
    size_t i = 0;

    while (!span_starts(data, forms[i].prefix))         /* the last has none */
        i++;
    return &forms[i];
}

/* The salt and the hash, which is all that is left. */
static bool
has_hash(const struct crypt_form *form, span rest)
{
    span salt;

    if (form->salt_min != SALT_NONE) {
        if (!take_field(&rest, &salt) || salt.len < form->salt_min || salt.len > form->salt_max)
            return false;
        if (form->cost == cost_sunmd5 && span_starts(rest, "$"))
            rest = span_from(rest, 1);  /* both spellings exist, with different hashes */
    }
    return (form->hash_len == 0 || rest.len == form->hash_len) && form->is_hash(rest);
}

bool
crypt_check(span data, const struct password_bounds *bounds, struct error *err)
{
    const struct crypt_form *form = form_of(data);
    span rest = span_from(data, strlen(form->prefix));
    enum cost cost = COST_MALFORMED;

    if (is_crypt_text(data))
        cost = form->cost(&rest, bounds);
    if (cost == COST_FITS && !has_hash(form, rest))
        cost = COST_MALFORMED;
    if (cost == COST_MALFORMED)
        error_set(err, ERROR_CONFIG, "malformed, or cut short");
    if (cost == COST_BEYOND)
        error_set(err, ERROR_CONFIG, "it would cost more than %s allows", form->bound);
    return cost == COST_FITS;
}
