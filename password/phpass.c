/* password/phpass.c - phpass ($P$, $H$) and Drupal 7 ($S$): a digest, over and over
 *
 *     h = H(salt | password), then 2^c times h = H(h | password)
 *
 * c is one h64 digit, the salt the eight characters behind it, as text. WordPress to 6.7, phpBB and
 * Joomla take MD5 and all of it; Drupal 7 takes SHA-512 and cuts the value to 55 characters. A
 * "U" in front is what Drupal's upgrade made of a site of MD5s: the password is then that MD5.
 */
#include "password/scheme.h"

#include <sodium.h>
#include <string.h>

struct layout {
    enum hash hash;
    size_t prefix_len;          /* up to and with the third "$" */
    size_t hash_chars;
    bool of_md5;                /* of the password's MD5 in small hex letters */
};

#define SALT_LEN 8
#define LOG2_MIN 7
#define LOG2_MAX 30

static bool
read_value(const struct layout *layout, span data, unsigned *log2_out, span *salt_out,
           span *hash_out)
{
    const span rest = span_from(data, layout->prefix_len);
    int log2;

    if (rest.len != 1 + SALT_LEN + layout->hash_chars)
        return false;
    log2 = form_h64_digit(rest.ptr[0]);
    *salt_out = span_until(span_from(rest, 1), SALT_LEN);
    *hash_out = span_from(rest, 1 + SALT_LEN);
    *log2_out = (unsigned)log2;
    return log2 >= LOG2_MIN && log2 <= LOG2_MAX && form_is_h64(*hash_out);
}

static bool
phpass_check(const struct scheme *scheme, span data, const struct password_bounds *bounds,
             struct password_cost *cost_out, struct error *err)
{
    const struct layout *layout = scheme->layout;
    const bool is_drupal = layout->hash == HASH_SHA512;
    unsigned log2;
    span salt, hash;

    if (!read_value(layout, data, &log2, &salt, &hash))
        return bounds_malformed(err);
    cost_out->ns = cost_ns(is_drupal ? COST_DRUPAL7 : COST_PHPASS, UINT64_C(1) << log2);
    return is_drupal ? bounds_allow(log2, bounds->drupal7_log2_max, "drupal7_log2", err)
                     : bounds_allow(log2, bounds->phpass_log2_max, "phpass_log2", err);
}

static bool
compute(enum hash hash, span password, span salt, unsigned log2, char out[static 96])
{
    const span parts[] = { salt, password };
    unsigned char h[HASH_LEN_MAX];
    bool ok = hash_parts(hash, parts, COUNT(parts), h)
        && hash_repeat(hash, UINT64_C(1) << log2, password, h);

    if (ok)
        form_h64_encode(h, hash_len(hash), out);
    sodium_memzero(h, sizeof(h));
    return ok;
}

static enum password_verdict
phpass_verify(const struct scheme_trial *trial, struct error *err)
{
    const struct layout *layout = trial->scheme->layout;
    unsigned char md5[HASH_LEN_MAX];
    char md5_hex[33], made[96];
    span password = trial->password, salt, hash;
    enum password_verdict verdict;
    unsigned log2;
    bool ok = true;

    if (!read_value(layout, trial->data, &log2, &salt, &hash))
        return PASSWORD_BAD;
    if (layout->of_md5) {
        ok = hash_bytes(HASH_MD5, password, md5);
        sodium_bin2hex(md5_hex, sizeof(md5_hex), md5, 16);
        password = span_make(md5_hex, 32);
    }
    verdict = scheme_compare(ok && compute(layout->hash, password, salt, log2, made),
                             span_make(made, layout->hash_chars), hash, err);
    sodium_memzero(made, sizeof(made));
    sodium_memzero(md5, sizeof(md5));
    sodium_memzero(md5_hex, sizeof(md5_hex));
    return verdict;
}

#define LAYOUT(...) .layout = &(const struct layout){ __VA_ARGS__ }
#define PHPASS_ROW .check = phpass_check, .verify = phpass_verify, .library = "libcrypto"

const struct scheme phpass_schemes[] = {
    { .name = "PHPASS", .forms = "$P$ or $H$, and 31 characters (WordPress, phpBB, Joomla)",
      .prefixes = "$P$ $H$", LAYOUT(HASH_MD5, 3, 22, false), PHPASS_ROW,
      .class = PASSWORD_LEGACY },
    { .name = "DRUPAL7", .forms = "$S$ and 52 characters",
      .prefixes = "$S$", LAYOUT(HASH_SHA512, 3, 43, false), PHPASS_ROW },
    { .name = "DRUPAL7-UPGRADED", .forms = "U$S$ and 52 characters",
      .names = "DRUPAL7", .prefixes = "U$S$", LAYOUT(HASH_SHA512, 4, 43, true), PHPASS_ROW },
    { .name = "DRUPAL7-UPGRADED-PHPASS", .forms = "U$P$ or U$H$, and 31 characters",
      .names = "DRUPAL7", .prefixes = "U$P$ U$H$", LAYOUT(HASH_MD5, 4, 22, true), PHPASS_ROW,
      .class = PASSWORD_LEGACY },
    { .name = NULL },
};
