/* password/md5crypt.c - MD5-crypt that libcrypt does not know: Apache's, and LDAP's raw bytes
 *
 * Apache changed the magic of FreeBSD's algorithm to "$apr1$" and nothing else. {APR1} and {BSDMD5}
 * keep the 16 bytes of the result and the salt behind them, in base64, where a crypt(3) string
 * has them shuffled into 22 characters.
 */
#include "password/scheme.h"

#include <sodium.h>
#include <string.h>

struct layout {
    const char *magic;
    bool is_text;               /* a crypt(3) string; else bytes */
};

#define DIGEST_LEN 16
#define SALT_MAX 8
#define ROUNDS 1000

/* The crypt(3) string's order of the bytes. */
static const unsigned char order[DIGEST_LEN] = {
    12, 6, 0, 13, 7, 1, 14, 8, 2, 15, 9, 3, 5, 10, 4, 11,
};

static bool
read_value(const struct layout *layout, span data, span *salt_out, span *hash_out)
{
    if (!layout->is_text) {
        *hash_out = span_until(data, DIGEST_LEN);
        *salt_out = span_from(data, DIGEST_LEN);
        return hash_out->len == DIGEST_LEN && salt_out->len > 0 && salt_out->len <= SALT_MAX;
    }
    data = span_from(data, strlen(layout->magic));
    *salt_out = span_until(data, span_find(data, '$'));
    *hash_out = span_from(data, salt_out->len + 1);
    return salt_out->len <= SALT_MAX && hash_out->len == 22 && form_is_h64(*hash_out);
}

/* As many bytes of `digest` as the password has, and a zero or the password's first byte for each
 * bit of its length: the oddities of 1994. */
static bool
begin(span password, span salt, const char *magic, unsigned char h[static HASH_LEN_MAX])
{
    static const unsigned char zero[1] = { 0 };
    unsigned char digest[HASH_LEN_MAX];
    const span first[] = { password, salt, password };
    span parts[3 + SECRET_MAX / DIGEST_LEN + 1 + 16] = { password, span_of(magic), salt };
    size_t count = 3;
    bool ok = hash_parts(HASH_MD5, first, COUNT(first), digest);

    for (size_t left = password.len; left > 0; left -= parts[count++].len)
        parts[count] = span_make(digest, left < DIGEST_LEN ? left : DIGEST_LEN);
    for (size_t bits = password.len; bits > 0; bits >>= 1)
        parts[count++] = bits & 1 ? span_make(zero, 1) : span_until(password, 1);
    ok = ok && hash_parts(HASH_MD5, parts, count, h);
    sodium_memzero(digest, sizeof(digest));
    return ok;
}

static bool
compute(span password, span salt, const char *magic, unsigned char h[static HASH_LEN_MAX])
{
    const span result = span_make(h, DIGEST_LEN), none = span_make(NULL, 0);
    bool ok = begin(password, salt, magic, h);

    for (unsigned i = 0; ok && i < ROUNDS; i++) {
        const span parts[] = {
            i & 1 ? password : result, i % 3 ? salt : none, i % 7 ? password : none,
            i & 1 ? result : password,
        };

        ok = hash_parts(HASH_MD5, parts, COUNT(parts), h);
    }
    return ok;
}

/* Five groups of three bytes, each the last of its group first, and one alone. */
static void
shuffle(const unsigned char h[static DIGEST_LEN], char out[static 24])
{
    unsigned char shuffled[DIGEST_LEN];

    for (size_t i = 0; i < DIGEST_LEN; i++)
        shuffled[i] = h[order[i]];
    form_h64_encode(shuffled, DIGEST_LEN, out);
    sodium_memzero(shuffled, sizeof(shuffled));
}

static bool
md5crypt_check(const struct scheme *scheme, span data, const struct password_bounds *bounds,
               struct password_cost *cost_out, struct error *err)
{
    span salt, hash;

    (void)bounds;
    cost_out->ns = cost_ns(COST_PHPASS, ROUNDS);
    return read_value(scheme->layout, data, &salt, &hash) || bounds_malformed(err);
}

static enum password_verdict
md5crypt_verify(const struct scheme_trial *trial, struct error *err)
{
    const struct layout *layout = trial->scheme->layout;
    unsigned char h[HASH_LEN_MAX];
    char text[24];
    enum password_verdict verdict;
    span salt, hash;
    bool ok;

    if (!read_value(layout, trial->data, &salt, &hash))
        return PASSWORD_BAD;
    ok = compute(trial->password, salt, layout->magic, h);
    if (ok && layout->is_text)
        shuffle(h, text);
    verdict = scheme_compare(ok, layout->is_text ? span_make(text, 22) : span_make(h, DIGEST_LEN),
                             hash, err);
    sodium_memzero(h, sizeof(h));
    sodium_memzero(text, sizeof(text));
    return verdict;
}

#define LAYOUT(...) .layout = &(const struct layout){ __VA_ARGS__ }
#define MD5CRYPT_ROW .check = md5crypt_check, .verify = md5crypt_verify, \
    .library = "libcrypto", .class = PASSWORD_LEGACY

const struct scheme md5crypt_schemes[] = {
    { .name = "CRYPT-APR1", .forms = "$apr1$salt$hash (htpasswd)",
      .names = CRYPT_NAMES, .prefixes = "$apr1$", LAYOUT("$apr1$", true), MD5CRYPT_ROW },
    { .name = "LDAP-APR1", .forms = "{APR1}base64 of hash, salt",
      .names = "APR1", .coding = SCHEME_BASE64, LAYOUT("$apr1$", false), MD5CRYPT_ROW },
    { .name = "LDAP-BSDMD5", .forms = "{BSDMD5}base64 of hash, salt",
      .names = "BSDMD5", .coding = SCHEME_BASE64, LAYOUT("$1$", false), MD5CRYPT_ROW },
    { .name = NULL },
};
