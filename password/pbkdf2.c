/* password/pbkdf2.c - PBKDF2 (RFC 8018), in every spelling
 *
 * What differs is where the count, the salt and the key stand, how they are written, and whether the
 * salt is what they decode to or the text itself. The key has to have its full length: a
 * shorter one is a prefix of it, so "as many bytes as are stored" would accept one password in
 * 256 for a value cut to one byte. A count of 0 makes a constant key in some libraries.
 */
#include "password/scheme.h"

#include <sodium.h>
#include <string.h>

struct layout {
    enum hash hash;
    const char *pattern;        /* of form.h: n count, l length of the key, s salt, k key */
    size_t key_len;             /* 0: what l says */
    size_t salt_in_key;         /* bytes in front of the key that are salt */
    size_t count_in_key;        /* bytes in front of those: the count, big-endian */
    uint64_t count;             /* where the pattern has none */
    size_t whole_salt;          /* the salt is the text of the value itself, up to the key: characters
                                 * of the key */
};

#define KEY_MIN 16              /* bytes, where the value says how many */
#define KEY_MAX 256

/* Takes the first `len` bytes of *from. */
static bool
take(span *from, size_t len, span *out)
{
    if (from->len < len)
        return false;
    *out = span_until(*from, len);
    *from = span_from(*from, len);
    return true;
}

/* What a directory or a program keeps in one piece: count, salt, key. */
static bool
unpack(const struct layout *layout, struct form *form, uint64_t *count)
{
    span number = { 0 };

    if (layout->salt_in_key == 0)
        return true;
    if (!take(&form->key, layout->count_in_key, &number)
        || !take(&form->key, layout->salt_in_key, &form->salt))
        return false;
    for (size_t i = 0; i < number.len; i++)
        *count = (i > 0 ? *count << 8 : 0) | number.ptr[i];
    return true;
}

static bool
has_right_key(const struct layout *layout, const struct form *form)
{
    const uint64_t len = form_number(form, 'l');

    if (layout->key_len > 0)
        return form->key.len == layout->key_len;
    return form->key.len == len && len >= KEY_MIN && len <= KEY_MAX;
}

/* The caller wipes *form, also when it was false. */
static bool
read_value(const struct layout *layout, span data, struct form *form, uint64_t *count)
{
    if (!form_read(layout->pattern, data, form))
        return false;
    *count = layout->count > 0 ? layout->count : form_number(form, 'n');
    if (layout->whole_salt > 0)
        form->salt = span_until(data, data.len - layout->whole_salt - 1);
    return unpack(layout, form, count) && has_right_key(layout, form) && *count > 0;
}

static enum cost_unit
unit_of(enum hash hash)
{
    return hash == HASH_SHA1 ? COST_PBKDF2_SHA1
        : hash_len(hash) > 32 ? COST_PBKDF2_SHA512 : COST_PBKDF2_SHA256;
}

static bool
pbkdf2_check(const struct scheme *scheme, span data, const struct password_bounds *bounds,
             struct password_cost *cost_out, struct error *err)
{
    const struct layout *layout = scheme->layout;
    const size_t block = hash_len(layout->hash);
    struct form form = { .decoded.len = 0 };
    uint64_t count = 0;
    bool ok = read_value(layout, data, &form, &count) || bounds_malformed(err);

    ok = ok && bounds_allow(count, bounds->pbkdf2_rounds_max, "pbkdf2_rounds", err);
    if (ok)
        cost_out->ns = cost_ns(unit_of(layout->hash),
                               count * ((form.key.len + block - 1) / block));
    form_wipe(&form);
    return ok;
}

static enum password_verdict
pbkdf2_verify(const struct scheme_trial *trial, struct error *err)
{
    const struct layout *layout = trial->scheme->layout;
    enum password_verdict verdict = PASSWORD_BAD;
    struct form form = { .decoded.len = 0 };
    unsigned char made[KEY_MAX];
    uint64_t count = 0;

    if (read_value(layout, trial->data, &form, &count))
        verdict = scheme_compare(hash_pbkdf2(layout->hash, trial->password, form.salt, count,
                                             made, form.key.len),
                                 span_make(made, form.key.len), form.key, err);
    sodium_memzero(made, sizeof(made));
    form_wipe(&form);
    return verdict;
}

#define SALT_LEN 16             /* bytes; as text, in hex, twice as many characters */

static enum error_code
pbkdf2_make(const struct scheme *scheme, unsigned long cost, span password, struct secret *out,
            struct error *err)
{
    const struct layout *layout = scheme->layout;
    unsigned char salt[SALT_LEN], made[KEY_MAX] = { 0 };
    char salt_text[2 * SALT_LEN + 1];
    struct form form = { .key = span_make(made, layout->key_len) };
    bool ok;

    randombytes_buf(salt, sizeof(salt));
    sodium_bin2hex(salt_text, sizeof(salt_text), salt, sizeof(salt));
    form.salt = strstr(layout->pattern, "%st") ? span_of(salt_text) : span_make(salt, SALT_LEN);
    form.numbers['n' - 'a'] = cost;
    ok = hash_pbkdf2(layout->hash, password, form.salt, cost, made, layout->key_len)
        && form_write(layout->pattern, &form, out);
    sodium_memzero(made, sizeof(made));
    return scheme_made(ok, err);
}

#define LAYOUT(hash_, pattern_, ...) \
    .layout = &(const struct layout){ .hash = hash_, .pattern = pattern_, __VA_ARGS__ }
#define PBKDF2_ROW .check = pbkdf2_check, .verify = pbkdf2_verify, .library = "libcrypto"
#define MAKES .make = pbkdf2_make, .password_max = SECRET_MAX, \
    .cost_default = 600000, .cost_min = 1000, .cost_max = 10000000

/* A value of Dovecot's begins like an MD5-crypt string, and so is never stored without its name. */
static bool
begins_like_md5crypt(span data)
{
    return span_starts(data, "$1$");
}

/* Two programs share "$p5k2$": 20 bytes in base64 end in a "=", 24 have none. */
static bool
ends_in_padding(span data)
{
    return data.len > 0 && data.ptr[data.len - 1] == '=';
}

/* {PBKDF2} is Dovecot's, OpenLDAP's and Mailu's (which put it before passlib's strings until 1.8).
 * Names of LDAP servers take both alphabets and padding or none: passlib and slapd write ab64,
 * FreeIPA and mailcow base64. */
const struct scheme pbkdf2_schemes[] = {
    { .name = "PHC-PBKDF2-SHA256", .forms = "$pbkdf2-sha256$i=rounds,l=bytes$salt$key (RustCrypto, Stalwart)",
      .names = "PBKDF2", .prefixes = "$pbkdf2-sha256$i=",
      LAYOUT(HASH_SHA256, "$pbkdf2-sha256$i=%nd,l=%ld$%sn$%kn"), PBKDF2_ROW },
    { .name = "PHC-PBKDF2-SHA512", .forms = "$pbkdf2-sha512$i=rounds,l=bytes$salt$key (RustCrypto, Stalwart)",
      .names = "PBKDF2", .prefixes = "$pbkdf2-sha512$i=",
      LAYOUT(HASH_SHA512, "$pbkdf2-sha512$i=%nd,l=%ld$%sn$%kn"), PBKDF2_ROW },
    { .name = "PASSLIB-PBKDF2-SHA1", .forms = "$pbkdf2$rounds$salt$key (passlib, Mailu)",
      .names = "PBKDF2 MAILU-PBKDF2", .prefixes = "$pbkdf2$",
      LAYOUT(HASH_SHA1, "$pbkdf2$%nd$%sa$%ka", .key_len = 20), PBKDF2_ROW },
    { .name = "PASSLIB-PBKDF2-SHA256", .forms = "$pbkdf2-sha256$rounds$salt$key (passlib, Mailu)",
      .names = "PBKDF2 MAILU-PBKDF2", .prefixes = "$pbkdf2-sha256$",
      LAYOUT(HASH_SHA256, "$pbkdf2-sha256$%nd$%sa$%ka", .key_len = 32), PBKDF2_ROW, MAKES },
    { .name = "PASSLIB-PBKDF2-SHA512", .forms = "$pbkdf2-sha512$rounds$salt$key (passlib, Mailu)",
      .names = "PBKDF2 MAILU-PBKDF2", .prefixes = "$pbkdf2-sha512$",
      LAYOUT(HASH_SHA512, "$pbkdf2-sha512$%nd$%sa$%ka", .key_len = 64), PBKDF2_ROW, MAKES },
    { .name = "PBKDF2", .forms = "{PBKDF2}$1$salt$rounds$hex (Dovecot)",
      .names = "DOVECOT-PBKDF2", .shape = begins_like_md5crypt,
      LAYOUT(HASH_SHA1, "$1$%st$%nd$%kh", .key_len = 20), PBKDF2_ROW },
    { .name = "LDAP-PBKDF2", .forms = "{PBKDF2}rounds$salt$key (OpenLDAP)",
      .names = "PBKDF2 LDAP-PBKDF2-SHA1 PBKDF2-SHA1",
      LAYOUT(HASH_SHA1, "%nd$%sA$%kA", .key_len = 20), PBKDF2_ROW },
    { .name = "LDAP-PBKDF2-SHA224", .forms = "{PBKDF2-SHA224}rounds$salt$key (OpenLDAP, FreeIPA, mailcow)",
      .names = "PBKDF2-SHA224",
      LAYOUT(HASH_SHA224, "%nd$%sA$%kA", .key_len = 28), PBKDF2_ROW },
    { .name = "LDAP-PBKDF2-SHA256", .forms = "{PBKDF2-SHA256}rounds$salt$key (OpenLDAP, FreeIPA, mailcow)",
      .names = "PBKDF2-SHA256",
      LAYOUT(HASH_SHA256, "%nd$%sA$%kA", .key_len = 32), PBKDF2_ROW },
    { .name = "LDAP-PBKDF2-SHA384", .forms = "{PBKDF2-SHA384}rounds$salt$key (OpenLDAP, FreeIPA, mailcow)",
      .names = "PBKDF2-SHA384",
      LAYOUT(HASH_SHA384, "%nd$%sA$%kA", .key_len = 48), PBKDF2_ROW },
    { .name = "LDAP-PBKDF2-SHA512", .forms = "{PBKDF2-SHA512}rounds$salt$key (OpenLDAP, FreeIPA, mailcow)",
      .names = "PBKDF2-SHA512",
      LAYOUT(HASH_SHA512, "%nd$%sA$%kA", .key_len = 64), PBKDF2_ROW },
    { .name = "LDAP-389DS-PBKDF2", .forms = "{PBKDF2_SHA256}base64 of rounds, salt, key (389 Directory Server)",
      .names = "PBKDF2_SHA256",
      LAYOUT(HASH_SHA256, "%kb", .key_len = 256, .salt_in_key = 64, .count_in_key = 4), PBKDF2_ROW },
    { .name = "PASSLIB-ATLASSIAN", .forms = "{PKCS5S2}base64 of salt, key",
      .names = "PKCS5S2",
      LAYOUT(HASH_SHA1, "%kb", .key_len = 32, .salt_in_key = 16, .count = 10000), PBKDF2_ROW },
    { .name = "DJANGO-PBKDF2-SHA256", .forms = "pbkdf2_sha256$rounds$salt$key",
      .prefixes = "pbkdf2_sha256$",
      LAYOUT(HASH_SHA256, "pbkdf2_sha256$%nd$%st$%kb", .key_len = 32), PBKDF2_ROW, MAKES },
    { .name = "DJANGO-PBKDF2-SHA1", .forms = "pbkdf2_sha1$rounds$salt$key",
      .prefixes = "pbkdf2_sha1$",
      LAYOUT(HASH_SHA1, "pbkdf2_sha1$%nd$%st$%kb", .key_len = 20), PBKDF2_ROW },
    { .name = "WERKZEUG-PBKDF2-SHA1", .forms = "pbkdf2:sha1:rounds$salt$hex",
      .names = "WERKZEUG-PBKDF2", .prefixes = "pbkdf2:sha1:",
      LAYOUT(HASH_SHA1, "pbkdf2:sha1:%nd$%st$%kh", .key_len = 20), PBKDF2_ROW },
    { .name = "WERKZEUG-PBKDF2-SHA224", .forms = "pbkdf2:sha224:rounds$salt$hex",
      .names = "WERKZEUG-PBKDF2", .prefixes = "pbkdf2:sha224:",
      LAYOUT(HASH_SHA224, "pbkdf2:sha224:%nd$%st$%kh", .key_len = 28), PBKDF2_ROW },
    { .name = "WERKZEUG-PBKDF2-SHA256", .forms = "pbkdf2:sha256:rounds$salt$hex",
      .names = "WERKZEUG-PBKDF2", .prefixes = "pbkdf2:sha256:",
      LAYOUT(HASH_SHA256, "pbkdf2:sha256:%nd$%st$%kh", .key_len = 32), PBKDF2_ROW },
    { .name = "WERKZEUG-PBKDF2-SHA384", .forms = "pbkdf2:sha384:rounds$salt$hex",
      .names = "WERKZEUG-PBKDF2", .prefixes = "pbkdf2:sha384:",
      LAYOUT(HASH_SHA384, "pbkdf2:sha384:%nd$%st$%kh", .key_len = 48), PBKDF2_ROW },
    { .name = "WERKZEUG-PBKDF2-SHA512", .forms = "pbkdf2:sha512:rounds$salt$hex",
      .names = "WERKZEUG-PBKDF2", .prefixes = "pbkdf2:sha512:",
      LAYOUT(HASH_SHA512, "pbkdf2:sha512:%nd$%st$%kh", .key_len = 64), PBKDF2_ROW },
    { .name = "PASSLIB-GRUB", .forms = "grub.pbkdf2.sha512.rounds.hex salt.hex key",
      .prefixes = "grub.pbkdf2.sha512.",
      LAYOUT(HASH_SHA512, "grub.pbkdf2.sha512.%nd.%sh.%kh", .key_len = 64), PBKDF2_ROW },
    { .name = "PASSLIB-CTA-PBKDF2", .forms = "$p5k2$hex rounds$salt$key=",
      .prefixes = "$p5k2$", .shape = ends_in_padding,
      LAYOUT(HASH_SHA1, "$p5k2$%nx$%su$%ku", .key_len = 20), PBKDF2_ROW },
    { .name = "PASSLIB-DLITZ-PBKDF2-400", .forms = "$p5k2$$salt$key: 400 rounds",
      .names = "PASSLIB-DLITZ-PBKDF2",
      .prefixes = "$p5k2$$",
      LAYOUT(HASH_SHA1, "$p5k2$$%st$%ka", .key_len = 24, .count = 400, .whole_salt = 32), PBKDF2_ROW },
    { .name = "PASSLIB-DLITZ-PBKDF2", .forms = "$p5k2$hex rounds$salt$key",
      .prefixes = "$p5k2$",
      LAYOUT(HASH_SHA1, "$p5k2$%nx$%st$%ka", .key_len = 24, .whole_salt = 32), PBKDF2_ROW },
    { .name = NULL },
};
