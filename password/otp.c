/* password/otp.c - one-time-password states (RFC 2289) and S/Key, as stored passwords
 *
 * "algorithm sequence seed hash": the seed in small letters and the password are digested and folded
 * to 64 bits, and that again `sequence` times. Whoever knows the password can tell that it made
 * this; the state does not move on here.
 */
#include "password/scheme.h"

#include <sodium.h>
#include <string.h>

#define FOLDED_LEN 8
#define SEED_MAX 16

static const struct { const char *name; enum hash hash; } algorithms[] = {
    { "md4", HASH_MD4 }, { "md5", HASH_MD5 }, { "sha1", HASH_SHA1 },
};

static bool
is_seed(span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (form_h64_digit(s.ptr[i]) < 2)       /* no "." and "/": letters and digits */
            return false;
    return s.len > 0 && s.len <= SEED_MAX;
}

/* The caller wipes *form. */
static bool
read_value(span data, struct form *form, enum hash *hash)
{
    if (!form_read("%jt %nd %st %16kh", data, form) || form_number(form, 'n') == 0
        || !is_seed(form->salt))
        return false;
    for (size_t i = 0; i < COUNT(algorithms); i++) {
        *hash = algorithms[i].hash;
        if (span_is_nocase(form->other, algorithms[i].name))
            return true;
    }
    return false;
}

static bool
otp_check(const struct scheme *scheme, span data, const struct password_bounds *bounds,
          struct password_cost *cost_out, struct error *err)
{
    struct form form = { .decoded.len = 0 };
    enum hash hash;
    bool ok = read_value(data, &form, &hash) || bounds_malformed(err);

    (void)scheme;
    cost_out->ns = cost_ns(COST_OTP, form_number(&form, 'n'));
    ok = ok && bounds_allow(form_number(&form, 'n'), bounds->otp_rounds_max, "otp_rounds",
                            err);
    form_wipe(&form);
    return ok;
}

/* The halves of 16 bytes, xor. SHA-1 has five words: 0, 2, 4 and 1, 3, each the other way round. */
static void
fold(enum hash hash, const unsigned char digest[static HASH_LEN_MAX],
     unsigned char out[static FOLDED_LEN])
{
    unsigned char halves[FOLDED_LEN] = { 0 };

    for (size_t i = 0; i < hash_len(hash); i++) {
        const size_t at = hash == HASH_SHA1 ? (i / 4 % 2) * 4 + 3 - i % 4 : i % FOLDED_LEN;

        halves[at] ^= digest[i];
    }
    memcpy(out, halves, FOLDED_LEN);
    sodium_memzero(halves, sizeof(halves));
}

static bool
compute(enum hash hash, span password, const struct form *form,
        unsigned char out[static FOLDED_LEN])
{
    unsigned char seed[SEED_MAX], digest[HASH_LEN_MAX];
    const span first[] = { span_make(seed, form->salt.len), password };
    const span again = span_make(out, FOLDED_LEN);
    bool ok;

    for (size_t i = 0; i < form->salt.len; i++) {
        const unsigned char c = form->salt.ptr[i];

        seed[i] = c >= 'A' && c <= 'Z' ? (unsigned char)(c - 'A' + 'a') : c;
    }
    ok = hash_parts(hash, first, COUNT(first), digest);
    fold(hash, digest, out);
    for (uint64_t i = 0; ok && i < form_number(form, 'n'); i++) {
        ok = hash_bytes(hash, again, digest);
        fold(hash, digest, out);
    }
    sodium_memzero(digest, sizeof(digest));
    return ok;
}

static enum password_verdict
otp_verify(const struct scheme_trial *trial, struct error *err)
{
    enum password_verdict verdict = PASSWORD_BAD;
    struct form form = { .decoded.len = 0 };
    unsigned char made[FOLDED_LEN];
    enum hash hash;

    if (read_value(trial->data, &form, &hash))
        verdict = scheme_compare(compute(hash, trial->password, &form, made),
                                 span_make(made, sizeof(made)), form.key, err);
    sodium_memzero(made, sizeof(made));
    form_wipe(&form);
    return verdict;
}

const struct scheme otp_schemes[] = {
    { .name = "OTP", .forms = "{OTP} or {SKEY}algorithm sequence seed hash",
      .names = "SKEY DOVECOT-OTP DOVECOT-SKEY",
      .check = otp_check, .verify = otp_verify, .library = "libcrypto, own MD4",
      .class = PASSWORD_LEGACY },
    { .name = NULL },
};
