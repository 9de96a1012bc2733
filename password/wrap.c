/* password/wrap.c - formats that put something around another one
 *
 * Django, Nextcloud and maddy write a word in front of a bcrypt or Argon2 string. Django, passlib
 * and WordPress also digest the password before bcrypt, which hears 72 bytes only. Here the
 * wrapping is taken off; what is inside is a value of its own, which its own row checks and
 * verifies, against the password or what has been made of it. A bcrypt inside is a sound one: the
 * first of these programs is younger than "$2x$", and none ever wrote it.
 */
#include "password/scheme.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

struct layout {
    size_t strip;                       /* characters in front of the value inside */
    bool (*unwrap)(span data, struct secret *out);      /* instead, where it stands in pieces */
    const char *inside;                 /* the scheme's name */
    bool (*prepare)(span password, span inside, struct secret *out);    /* NULL: as it is */
};

/* --- what is made of the password ------------------------------------------------- */

static bool
to_base64(span bytes, struct secret *out)
{
    sodium_bin2base64((char *)out->bytes, sizeof(out->bytes), bytes.ptr, bytes.len,
                      sodium_base64_VARIANT_ORIGINAL);
    out->len = span_of((const char *)out->bytes).len;
    return true;
}

static bool
hmac_base64(enum hash hash, span key, span password, struct secret *out)
{
    unsigned char mac[HASH_LEN_MAX];
    bool ok = hash_hmac(hash, key, password, mac)
        && to_base64(span_make(mac, hash_len(hash)), out);

    sodium_memzero(mac, sizeof(mac));
    return ok;
}

/* passlib's second version: keyed with the 22 characters of salt behind "$2b$12$". */
static bool
hmac_by_salt(span password, span inside, struct secret *out)
{
    return hmac_base64(HASH_SHA256, span_until(span_from(inside, 7), 22), password, out);
}

static bool
wordpress_hmac(span password, span inside, struct secret *out)
{
    (void)inside;
    return hmac_base64(HASH_SHA384, span_of("wp-sha384"), password, out);
}

static bool
sha256_base64(span password, span inside, struct secret *out)
{
    unsigned char digest[HASH_LEN_MAX];
    bool ok = hash_bytes(HASH_SHA256, password, digest) && to_base64(span_make(digest, 32), out);

    (void)inside;
    sodium_memzero(digest, sizeof(digest));
    return ok;
}

static bool
sha256_hex(span password, span inside, struct secret *out)
{
    unsigned char digest[HASH_LEN_MAX];
    bool ok = hash_bytes(HASH_SHA256, password, digest);

    (void)inside;
    if (ok)
        sodium_bin2hex((char *)out->bytes, sizeof(out->bytes), digest, 32);
    out->len = ok ? 64 : 0;
    sodium_memzero(digest, sizeof(digest));
    return ok;
}

/* --- what stands in pieces -------------------------------------------------------- */

/* passlib's: the cost has no leading zero there, and two digits in bcrypt. */
static bool
unwrap_passlib(const char *pattern, span data, struct secret *out)
{
    struct form form = { .decoded.len = 0 };
    char ident[16];

    if (!form_read(pattern, data, &form) || form_number(&form, 'n') > 31)
        return false;
    snprintf(ident, sizeof(ident), "$%.2s$%02u$",
             form.other.len == 2 ? (const char *)form.other.ptr : "2b",
             (unsigned)form_number(&form, 'n'));
    return form_append(out, span_of(ident)) && form_append(out, form.salt)
        && form_append(out, form.key);
}

#define PASSLIB1 "$bcrypt-sha256$%2jt,%nd$%22st$%31kt"         /* 2b, 2a or 2y */
#define PASSLIB2 "$bcrypt-sha256$v=2,t=2b,r=%nd$%22st$%31kt"

static bool
unwrap_passlib1(span data, struct secret *out)
{
    return unwrap_passlib(PASSLIB1, data, out);
}

static bool
unwrap_passlib2(span data, struct secret *out)
{
    return unwrap_passlib(PASSLIB2, data, out);
}

/* Django's crypt: the salt is in the hash, and before it again, as long as it once was drawn
 * (only two characters of it counted), or not at all. */
static bool
unwrap_django_crypt(span data, struct secret *out)
{
    struct form form = { .decoded.len = 0 };

    return form_read("crypt$%st$%kt", data, &form)
        && (form.salt.len == 0
            || span_equal(span_until(form.salt, 2), span_until(form.key, 2)))
        && secret_set(out, form.key);
}

/* --- the family ------------------------------------------------------------------- */

/* NULL: nothing that its name promises is inside. The caller wipes *inside. */
static const struct scheme *
unwrap(const struct layout *layout, span data, struct secret *inside)
{
    if (!(layout->unwrap ? layout->unwrap(data, inside)
                         : secret_set(inside, span_from(data, layout->strip))))
        return NULL;
    return scheme_find(span_of(layout->inside), secret_get(inside));
}

static bool
wrap_check(const struct scheme *scheme, span data, const struct password_bounds *bounds,
           struct password_cost *cost_out, struct error *err)
{
    struct secret inside = { .len = 0 };
    const struct scheme *found = unwrap(scheme->layout, data, &inside);
    bool ok = found ? found->check(found, secret_get(&inside), bounds, cost_out, err)
                    : bounds_malformed(err);

    secret_wipe(&inside);
    return ok;
}

static enum password_verdict
wrap_verify(const struct scheme_trial *trial, struct error *err)
{
    const struct layout *layout = trial->scheme->layout;
    struct secret inside = { .len = 0 }, prepared = { .len = 0 };
    struct scheme_trial inner = *trial;
    enum password_verdict verdict = PASSWORD_BAD;

    inner.scheme = unwrap(layout, trial->data, &inside);
    inner.data = secret_get(&inside);
    if (!inner.scheme)
        goto done;
    verdict = PASSWORD_FAILED;
    if (layout->prepare) {
        if (!layout->prepare(trial->password, inner.data, &prepared))
            goto done;
        inner.password = secret_get(&prepared);
    }
    verdict = inner.scheme->verify(&inner, err);

done:
    secret_wipe(&inside);
    secret_wipe(&prepared);
    return verdict;
}

/* --- making: Mailu's, by passlib's second version ---------------------------------- */

#define BCRYPT_SETTING_LEN 29   /* $2b$12$ and 22 characters of salt */

static enum error_code
bcrypt_sha256_make(const struct scheme *scheme, unsigned long cost, span password,
                   struct secret *out, struct error *err)
{
    struct secret setting = { .len = 0 }, prepared = { .len = 0 }, made = { .len = 0 };
    struct form form = { .decoded.len = 0 };
    bool ok;

    ok = crypt_setting("$2b$", cost, &setting, err)
        && hmac_by_salt(password, secret_get(&setting), &prepared)
        && crypt_hash(secret_get(&prepared), secret_get(&setting), &made, err) == PASSWORD_WRONG;
    form.numbers['n' - 'a'] = cost;
    form.salt = span_from(span_until(secret_get(&made), BCRYPT_SETTING_LEN), 7);
    form.key = span_from(secret_get(&made), BCRYPT_SETTING_LEN);
    ok = ok && form_write(PASSLIB2, &form, out);
    secret_wipe(&prepared);
    secret_wipe(&made);
    return ok ? ERROR_NONE : error_prefix(err, "%s", scheme->name);
}

#define LAYOUT(...) .layout = &(const struct layout){ __VA_ARGS__ }
#define WRAP_ROW .check = wrap_check, .verify = wrap_verify
#define IN_LIBXCRYPT .library = "libcrypto, libxcrypt"

const struct scheme wrap_schemes[] = {
    { .name = "PASSLIB-BCRYPT-SHA256", .forms = "$bcrypt-sha256$v=2,t=2b,r=NN$salt$hash (Mailu)",
      .prefixes = "$bcrypt-sha256$v=2,",
      LAYOUT(.unwrap = unwrap_passlib2, .inside = "CRYPT-BCRYPT", .prepare = hmac_by_salt),
      WRAP_ROW, IN_LIBXCRYPT, .make = bcrypt_sha256_make, .password_max = SECRET_MAX,
      .cost_default = 10, .cost_min = 4, .cost_max = 15 },
    { .name = "PASSLIB-BCRYPT-SHA256-V1", .forms = "$bcrypt-sha256$2b,NN$salt$hash",
      .names = "PASSLIB-BCRYPT-SHA256", .prefixes = "$bcrypt-sha256$",
      LAYOUT(.unwrap = unwrap_passlib1, .inside = "CRYPT-BCRYPT", .prepare = sha256_base64),
      WRAP_ROW, IN_LIBXCRYPT },
    { .name = "WORDPRESS-BCRYPT", .forms = "$wp$2y$NN$... (WordPress 6.8)",
      .prefixes = "$wp$2",
      LAYOUT(.strip = 3, .inside = "CRYPT-BCRYPT", .prepare = wordpress_hmac),
      WRAP_ROW, IN_LIBXCRYPT },
    { .name = "DJANGO-BCRYPT-SHA256", .forms = "bcrypt_sha256$$2b$NN$...",
      .prefixes = "bcrypt_sha256$",
      LAYOUT(.strip = 14, .inside = "CRYPT-BCRYPT", .prepare = sha256_hex), WRAP_ROW, IN_LIBXCRYPT },
    { .name = "DJANGO-BCRYPT", .forms = "bcrypt$$2b$NN$...",
      .prefixes = "bcrypt$",
      LAYOUT(.strip = 7, .inside = "CRYPT-BCRYPT"), WRAP_ROW, .hears = BCRYPT_PASSWORD_MAX,
      .library = "libxcrypt" },
    { .name = "DJANGO-ARGON2", .forms = "argon2$argon2id$v=19$...",
      .prefixes = "argon2$",
      LAYOUT(.strip = 6, .inside = "ARGON2"), WRAP_ROW, .hears_nul = true,
      .library = "libargon2" },
    { .name = "DJANGO-CRYPT", .forms = "crypt$[salt]$hash of 13 characters",
      .prefixes = "crypt$",
      LAYOUT(.unwrap = unwrap_django_crypt, .inside = "CRYPT-DES"), WRAP_ROW, .hears = 8,
      .library = "libxcrypt", .class = PASSWORD_LEGACY },
    { .name = "MADDY-BCRYPT", .forms = "bcrypt:$2a$NN$...",
      .prefixes = "bcrypt:",
      LAYOUT(.strip = 7, .inside = "CRYPT-BCRYPT"), WRAP_ROW, .hears = BCRYPT_PASSWORD_MAX,
      .library = "libxcrypt" },
    { .name = "POSTFIXADMIN-SHA512-B64", .forms = "base64 of $6$..., as behind {SHA512-CRYPT.B64}",
      .coding = SCHEME_BASE64,
      LAYOUT(.strip = 0, .inside = "CRYPT-SHA512"), WRAP_ROW, .library = "libxcrypt" },
    { .name = "NEXTCLOUD", .forms = "1|$2y$NN$...",
      .prefixes = "1|$2",
      LAYOUT(.strip = 2, .inside = "CRYPT-BCRYPT"), WRAP_ROW, .hears = BCRYPT_PASSWORD_MAX,
      .library = "libxcrypt" },
    { .name = "NEXTCLOUD-ARGON2", .forms = "2|$argon2i$..., 3|$argon2id$...",
      .names = "NEXTCLOUD", .prefixes = "2|$argon2i$ 3|$argon2id$",
      LAYOUT(.strip = 2, .inside = "ARGON2"), WRAP_ROW, .hears_nul = true,
      .library = "libargon2" },
    { .name = NULL },
};
