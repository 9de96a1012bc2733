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
 *
 * crypt16 has the length of a bigcrypt of two blocks.
 */
#include "password/scheme.h"

#include <crypt.h>
#include <string.h>

enum cost { COST_FITS, COST_MALFORMED, COST_BEYOND };

/* What a string makes libcrypt do, in its form's unit, and the memory for it. */
struct work { uint64_t count, memory; };

/* Takes the cost from the start of *rest; *work comes with what it is without one. */
typedef enum cost cost_fn(span *rest, const struct password_bounds *bounds, struct work *work);

#define SALT_NONE SIZE_MAX      /* not even its "$" */
#define SALT_ANY CRYPT_OUTPUT_SIZE

/* The last of the 22 characters of salt carries two bits, and the library writes back the one
 * character that has no others: what was stored with more can never be equal again. (The digits
 * are h64's in another order.) */
static bool
is_bcrypt(span s)
{
    return form_is_h64(s) && s.len > 21 && strchr(".Oeu", s.ptr[21]);
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

    if (in->len < len || !form_is_h64(span_until(*in, len)))
        return false;
    for (size_t i = len; i-- > 0; )
        value = value << 6 | (uint64_t)form_h64_digit(in->ptr[i]);
    *in = span_from(*in, len);
    *out = value;
    return true;
}

static enum cost
count_within(span number, uint64_t least, uint64_t most, uint64_t bound, uint64_t *count_out)
{
    if (!span_to_u64(number, count_out) || *count_out < least || *count_out > most)
        return COST_MALFORMED;
    return *count_out > bound ? COST_BEYOND : COST_FITS;
}

static enum cost
cost_none(span *rest, const struct password_bounds *bounds, struct work *work)
{
    (void)rest;
    (void)bounds;
    (void)work;
    return COST_FITS;
}

static enum cost
cost_bcrypt(span *rest, const struct password_bounds *bounds, struct work *work)
{
    span letter, field, digits;
    enum cost cost;

    if (!take_field(rest, &letter) || !take_field(rest, &field) || field.len != 2)
        return COST_MALFORMED;
    digits = span_from(field, field.ptr[0] == '0');     /* two digits: "04" to "31" */
    cost = count_within(digits, 4, 31, bounds->bcrypt_cost_max, &work->count);
    if (cost == COST_FITS)
        work->count = UINT64_C(1) << work->count;
    return cost;
}

/* glibc once took any N and meant at least 1000; libxcrypt refuses what it would not write. */
static enum cost
cost_sha(span *rest, const struct password_bounds *bounds, struct work *work)
{
    static const char word[] = "rounds=";
    span field;

    if (!span_starts(*rest, word))
        return COST_FITS;
    if (!take_field(rest, &field))
        return COST_MALFORMED;
    return count_within(span_from(field, sizeof(word) - 1), 1000, 999999999,
                        bounds->sha_rounds_max, &work->count);
}

static enum cost
cost_sha1(span *rest, const struct password_bounds *bounds, struct work *work)
{
    span field;

    if (!take_field(rest, &field))
        return COST_MALFORMED;
    return count_within(field, 1, UINT32_MAX, bounds->sha1_rounds_max, &work->count);
}

#define SUNMD5_ROUNDS 4096

/* N is on top of them; the largest is what keeps the sum in 32 bits. */
static enum cost
cost_sunmd5(span *rest, const struct password_bounds *bounds, struct work *work)
{
    static const char word[] = ",rounds=";
    enum cost cost;
    uint64_t more;
    span field;

    if (!take_field(rest, &field))
        return COST_MALFORMED;
    if (field.len == 0)
        return COST_FITS;
    if (!span_starts(field, word))
        return COST_MALFORMED;
    cost = count_within(span_from(field, sizeof(word) - 1), 1, UINT32_MAX - SUNMD5_ROUNDS,
                        bounds->sunmd5_rounds_max, &more);
    if (cost == COST_FITS)
        work->count += more;
    return cost;
}

static enum cost
cost_bsdi(span *rest, const struct password_bounds *bounds, struct work *work)
{
    if (!take_h64(rest, 4, &work->count) || work->count == 0)
        return COST_MALFORMED;
    return work->count > bounds->bsdi_rounds_max ? COST_BEYOND : COST_FITS;
}

static enum cost
memory_within(const struct password_bounds *bounds, uint64_t log2_n, uint64_t r, uint64_t passes,
              struct work *work)
{
    if (log2_n == 0 || log2_n > 63 || r == 0 || passes == 0)
        return COST_MALFORMED;
    if (!bounds_allow_memory(bounds, (unsigned)log2_n, r, passes))
        return COST_BEYOND;
    work->count = (r << log2_n) * passes;
    work->memory = (r << log2_n) * 128;
    return COST_FITS;
}

static enum cost
cost_scrypt(span *rest, const struct password_bounds *bounds, struct work *work)
{
    uint64_t log2_n, r, p;

    if (!take_h64(rest, 1, &log2_n) || !take_h64(rest, 5, &r) || !take_h64(rest, 5, &p))
        return COST_MALFORMED;
    return memory_within(bounds, log2_n, r, p, work);
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
cost_yescrypt(span *rest, const struct password_bounds *bounds, struct work *work)
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
    return memory_within(bounds, log2_n, r, p * (t + 1), work);
}

static const struct crypt_form {
    const char *prefix;
    cost_fn *cost;
    const char *bound;          /* the configuration's key */
    size_t salt_min, salt_max;
    size_t hash_len;            /* 0: any, its shape was seen before */
    bool (*is_hash)(span s);
    enum cost_unit unit;
    uint64_t count;             /* where the string does not say */
} forms[] = {
    { "$1$",    cost_none,     NULL,                0,         8,         22, form_is_h64,
      COST_PHPASS, 1000 },
    { "$2",     cost_bcrypt,   "bcrypt_cost",   SALT_NONE, SALT_NONE, 53, is_bcrypt,
      COST_BCRYPT, 0 },
    { "$3$",    cost_none,     NULL,                0,         0,         32, form_is_hex,
      COST_PHPASS, 1 },
    { "$5$",    cost_sha,      "sha_rounds",    0,         16,        43, form_is_h64,
      COST_SHA256_CRYPT, 5000 },
    { "$6$",    cost_sha,      "sha_rounds",    0,         16,        86, form_is_h64,
      COST_SHA512_CRYPT, 5000 },
    { "$7$",    cost_scrypt,   "scrypt_memory",     0,         SALT_ANY,  43, form_is_h64,
      COST_SCRYPT, 0 },
    { "$y$",    cost_yescrypt, "scrypt_memory",     0,         SALT_ANY,  43, form_is_h64,
      COST_SCRYPT, 0 },
    { "$gy$",   cost_yescrypt, "scrypt_memory",     0,         SALT_ANY,  43, form_is_h64,
      COST_SCRYPT, 0 },
    { "$md5",   cost_sunmd5,   "sunmd5_rounds", 0,         SALT_ANY,  22, form_is_h64,
      COST_SUNMD5, SUNMD5_ROUNDS },
    { "$sha1$", cost_sha1,     "sha1_rounds",   1,         64,        28, form_is_h64,
      COST_SHA1_CRYPT, 0 },
    { "_",      cost_bsdi,     "bsdi_rounds",   SALT_NONE, SALT_NONE, 15, form_is_h64,
      COST_BSDI, 0 },
    { "",       cost_none,     NULL,                SALT_NONE, SALT_NONE, 0,  form_is_h64,
      COST_BSDI, 25 },
};

bool
crypt_is_des(span data)
{
    return data.len == 13 && form_is_h64(data);
}

bool
crypt_is_crypt16(span data)
{
    return data.len == 2 + 2 * 11 && form_is_h64(data);
}

/* libcrypt hashes 16 blocks of 8 bytes and no more; one block is DES. */
bool
crypt_is_bigcrypt(span data)
{
    return data.len >= 13 + 11 && data.len <= 2 + 16 * 11 && (data.len - 2) % 11 == 0
        && form_is_h64(data);
}

bool
crypt_is_bsdi(span data)
{
    return data.len == 20 && form_is_h64(span_from(data, 1));
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

static enum cost
read_string(const struct crypt_form *form, span data, const struct password_bounds *bounds,
            struct work *work)
{
    span rest = span_from(data, strlen(form->prefix));
    enum cost cost;

    if (!is_crypt_text(data))
        return COST_MALFORMED;
    cost = form->cost(&rest, bounds, work);
    return cost == COST_FITS && !has_hash(form, rest) ? COST_MALFORMED : cost;
}

bool
crypt_check(const struct scheme *scheme, span data, const struct password_bounds *bounds,
            struct password_cost *cost_out, struct error *err)
{
    const struct crypt_form *form = form_of(data);
    struct work work = { .count = form->count };
    enum cost cost = read_string(form, data, bounds, &work);

    (void)scheme;
    if (cost == COST_MALFORMED)
        return bounds_malformed(err);
    if (cost == COST_BEYOND)
        error_set(err, ERROR_CONFIG, "it would cost more than %s allows", form->bound);
    *cost_out = (struct password_cost){ work.memory, cost_ns(form->unit, work.count) };
    return cost == COST_FITS;
}
