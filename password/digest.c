/* password/digest.c - one digest over the password, and a salt or none
 *
 * Most of what web applications, LDAP directories and old databases hold. What differs is the
 * digest, what goes into it and in which order (a recipe), and how the value is written: bytes,
 * in hex or base64, with whatever is behind the digest as salt; or text with a pattern of form.h.
 * A recipe has a letter for each part: p password, s salt, l login, u and r the login in front of
 * and behind its last "@"; any other byte stands for itself.
 */
#include "password/scheme.h"

#include <sodium.h>
#include <string.h>

/* What is digested in the password's place. */
enum text {
    TEXT_BYTES,                 /* as the client sent it */
    TEXT_UTF16,                 /* its characters, little-endian: Windows */
    TEXT_WIDE,                  /* its bytes, each with a zero behind it: Dovecot's NTLM */
    TEXT_WIDE_FRONT,            /* or in front: RPA */
    TEXT_NTLM,                  /* either TEXT_UTF16 or TEXT_WIDE */
};

struct layout {
    enum hash hash;
    const char *recipe;
    const char *pattern;        /* NULL: bytes */
    enum text text;
    bool twice;                 /* the digest of the digest */
};

/* One byte of salt is one: Dovecot's is whatever is left. */
static bool
has_right_salt(const struct layout *layout, span salt)
{
    return (strchr(layout->recipe, 's') != NULL) == (salt.len > 0);
}

/* The caller wipes *form. */
static bool
read_value(const struct layout *layout, span data, struct form *form)
{
    const size_t len = hash_len(layout->hash);

    if (layout->pattern)
        return form_read(layout->pattern, data, form) && form->key.len == len;
    form->key = span_until(data, len);
    form->salt = span_from(data, len);
    return form->key.len == len && has_right_salt(layout, form->salt);
}

static bool
digest_check(const struct scheme *scheme, span data, const struct password_bounds *bounds,
             struct password_cost *cost_out, struct error *err)
{
    struct form form = { .decoded.len = 0 };
    const struct layout *layout = scheme->layout;
    bool ok = read_value(layout, data, &form) || bounds_malformed(err);

    (void)bounds;
    (void)cost_out;
    form_wipe(&form);
    if (ok && !hash_is_known(layout->hash)) {
        error_set(err, ERROR_CONFIG, "there is no library here that computes it");
        ok = false;
    }
    return ok;
}

/* --- the password in other widths -------------------------------------------------- */

struct wide { size_t len; unsigned char bytes[2 * SECRET_MAX]; };

static void
put_unit(struct wide *out, unsigned low, unsigned high)
{
    out->bytes[out->len++] = (unsigned char)low;
    out->bytes[out->len++] = (unsigned char)high;
}

/* Each byte of UTF-8 makes two of UTF-16 at the most. */
static void
put_character(struct wide *out, uint32_t c)
{
    if (c >= 0x10000) {
        c -= 0x10000;
        put_unit(out, c >> 10 & 0xff, 0xd8 | c >> 18);
        c = 0xdc00 | (c & 0x3ff);
    }
    put_unit(out, c & 0xff, c >> 8);
}

/* False for what is not UTF-8. */
static bool
to_utf16(span text, struct wide *out)
{
    if (!span_is_utf8(text))
        return false;
    for (size_t i = 0; i < text.len; ) {
        const unsigned lead = text.ptr[i++];
        const unsigned more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
        uint32_t c = more == 0 ? lead : lead & (0x3fU >> more);

        for (unsigned k = 0; k < more; k++)
            c = c << 6 | (text.ptr[i++] & 0x3fU);
        put_character(out, c);
    }
    return true;
}

static bool
widen(enum text text, span password, struct wide *out)
{
    out->len = 0;
    if (text == TEXT_UTF16)
        return to_utf16(password, out);
    for (size_t i = 0; i < password.len; i++)
        put_unit(out, text == TEXT_WIDE ? password.ptr[i] : 0,
                 text == TEXT_WIDE ? 0 : password.ptr[i]);
    return true;
}

/* --- the recipe -------------------------------------------------------------------- */

#define PARTS_MAX 8

static span
part_of(char letter, span password, span salt, span login)
{
    const size_t at = span_find_last(login, '@');

    switch (letter) {
    case 'p': return password;
    case 's': return salt;
    case 'l': return login;
    case 'u': return span_until(login, at);
    default:  return span_from(login, at + 1);
    }
}

static bool
compute(const struct layout *layout, span password, span salt, span login,
        unsigned char out[static HASH_LEN_MAX])
{
    span parts[PARTS_MAX];
    size_t count = 0;
    bool ok;

    for (const char *letter = layout->recipe; *letter; letter++)
        parts[count++] = strchr("pslur", *letter) ? part_of(*letter, password, salt, login)
                                                  : span_make(letter, 1);
    ok = hash_parts(layout->hash, parts, count, out);
    if (layout->twice)
        ok = ok && hash_bytes(layout->hash, span_make(out, hash_len(layout->hash)), out);
    return ok;
}

static enum password_verdict
try_bytes(const struct scheme_trial *trial, span password, const struct form *form,
          struct error *err)
{
    const struct layout *layout = trial->scheme->layout;
    unsigned char made[HASH_LEN_MAX];
    bool ok = compute(layout, password, form->salt, trial->login, made);
    enum password_verdict verdict = scheme_compare(ok, span_make(made, hash_len(layout->hash)),
                                                   form->key, err);

    sodium_memzero(made, sizeof(made));
    return verdict;
}

static enum password_verdict
try_text(const struct scheme_trial *trial, enum text text, const struct form *form,
         struct error *err)
{
    enum password_verdict verdict = PASSWORD_WRONG;
    struct wide wide;

    if (text == TEXT_BYTES)
        return try_bytes(trial, trial->password, form, err);
    if (widen(text, trial->password, &wide))
        verdict = try_bytes(trial, span_make(wide.bytes, wide.len), form, err);
    sodium_memzero(&wide, sizeof(wide));
    return verdict;
}

static enum password_verdict
digest_verify(const struct scheme_trial *trial, struct error *err)
{
    const struct layout *layout = trial->scheme->layout;
    const bool either = layout->text == TEXT_NTLM;
    enum password_verdict verdict = PASSWORD_BAD;
    struct form form = { .decoded.len = 0 };

    if (read_value(layout, trial->data, &form))
        verdict = try_text(trial, either ? TEXT_UTF16 : layout->text, &form, err);
    if (either && verdict == PASSWORD_WRONG)
        verdict = try_text(trial, TEXT_WIDE, &form, err);
    form_wipe(&form);
    return verdict;
}

/* --- making: salted bytes, for directories and managers that read nothing better ---- */

#define SALT_LEN 8

static enum error_code
digest_make(const struct scheme *scheme, unsigned long cost, span password, struct secret *out,
            struct error *err)
{
    const struct layout *layout = scheme->layout;
    const size_t len = hash_len(layout->hash);
    unsigned char made[HASH_LEN_MAX + SALT_LEN], salt[SALT_LEN];
    struct form form = { .key = span_make(made, len + SALT_LEN) };
    bool ok;

    (void)cost;
    randombytes_buf(salt, sizeof(salt));
    ok = compute(layout, password, span_make(salt, SALT_LEN), span_make(NULL, 0), made);
    memcpy(made + len, salt, SALT_LEN);
    ok = ok && form_write("%kb", &form, out);
    sodium_memzero(made, sizeof(made));
    return scheme_made(ok, err);
}

/* --- what tells rows apart ---------------------------------------------------------- */

static bool
is_joomla_sha256(span data)
{
    return data.len > 64 && data.ptr[64] == ':' && form_is_hex(span_until(data, 64));
}

static bool
is_postgresql_md5(span data)
{
    return data.len == 3 + 32 && form_is_hex(span_from(data, 3));
}

static bool
is_mysql41(span data)
{
    return data.len == 1 + 40 && form_is_hex(span_from(data, 1));
}

/* --- the rows ------------------------------------------------------------------------ */

#define LAYOUT(hash_, recipe_, ...) \
    .layout = &(const struct layout){ .hash = hash_, .recipe = recipe_, __VA_ARGS__ }
#define DIGEST_ROW .check = digest_check, .verify = digest_verify, .class = PASSWORD_LEGACY
#define BY_LIBCRYPTO DIGEST_ROW, .library = "libcrypto"
#define BY_OWN_MD4 DIGEST_ROW, .library = "own MD4"
#define BY_LIBGCRYPT DIGEST_ROW, .library = "libgcrypt"
#define EITHER(len) .coding = SCHEME_HEX_OR_BASE64, .bytes_len = len
#define SALTED .coding = SCHEME_BASE64
#define MAKES .make = digest_make, .password_max = SECRET_MAX

const struct scheme digest_schemes[] = {
    /* What managers and directories name in braces. {MD5}$1$... is crypt.c's. */
    { .name = "PLAIN-MD5", .forms = "{PLAIN-MD5}, {LDAP-MD5}, {MD5} or {MD5RAW}, hex or base64",
      .names = "MD5 LDAP-MD5 MD5RAW DOVECOT-MD5 DOVECOT-PLAIN-MD5 DOVECOT-LDAP-MD5 COURIER-MD5"
               " COURIER-MD5RAW EXIM-MD5 DJANGO-UNSALTED-MD5",
      EITHER(16), LAYOUT(HASH_MD5, "p"), BY_LIBCRYPTO },
    { .name = "PLAIN-MD4", .forms = "{PLAIN-MD4}, hex or base64", .names = "DOVECOT-PLAIN-MD4",
      EITHER(16), LAYOUT(HASH_MD4, "p"), BY_OWN_MD4 },
    { .name = "SHA", .forms = "{SHA} or {SHA1}, hex or base64",
      .names = "SHA1 DOVECOT-SHA DOVECOT-SHA1 LDAP-SHA APACHE-SHA COURIER-SHA EXIM-SHA1",
      EITHER(20), LAYOUT(HASH_SHA1, "p"), BY_LIBCRYPTO },
    { .name = "JOOMLA-SHA256", .forms = "{SHA256}hex:salt", .names = "SHA256",
      .shape = is_joomla_sha256, LAYOUT(HASH_SHA256, "ps", .pattern = "%64kh:%st"), BY_LIBCRYPTO },
    { .name = "SHA256", .forms = "{SHA256}, hex or base64",
      .names = "DOVECOT-SHA256 LDAP-SHA256 COURIER-SHA256",
      EITHER(32), LAYOUT(HASH_SHA256, "p"), BY_LIBCRYPTO },
    { .name = "LDAP-SHA384", .forms = "{SHA384}, hex or base64", .names = "SHA384",
      EITHER(48), LAYOUT(HASH_SHA384, "p"), BY_LIBCRYPTO },
    { .name = "SHA512", .forms = "{SHA512}, hex or base64",
      .names = "DOVECOT-SHA512 LDAP-SHA512 COURIER-SHA512",
      EITHER(64), LAYOUT(HASH_SHA512, "p"), BY_LIBCRYPTO },
    { .name = "SMD5", .forms = "{SMD5}base64 of digest, salt", .names = "DOVECOT-SMD5 LDAP-SMD5",
      SALTED, LAYOUT(HASH_MD5, "ps"), BY_LIBCRYPTO },
    { .name = "SSHA", .forms = "{SSHA}base64 of digest, salt",
      .names = "DOVECOT-SSHA LDAP-SSHA COURIER-SSHA RAW-SSHA-B64",
      SALTED, LAYOUT(HASH_SHA1, "ps"), BY_LIBCRYPTO },
    { .name = "SSHA256", .forms = "{SSHA256}base64 of digest, salt",
      .names = "DOVECOT-SSHA256 LDAP-SSHA256",
      SALTED, LAYOUT(HASH_SHA256, "ps"), BY_LIBCRYPTO, MAKES },
    { .name = "LDAP-SSHA384", .forms = "{SSHA384}base64 of digest, salt", .names = "SSHA384",
      SALTED, LAYOUT(HASH_SHA384, "ps"), BY_LIBCRYPTO },
    { .name = "SSHA512", .forms = "{SSHA512}base64 of digest, salt (iRedMail)",
      .names = "DOVECOT-SSHA512 LDAP-SSHA512",
      SALTED, LAYOUT(HASH_SHA512, "ps"), BY_LIBCRYPTO, MAKES },
    { .name = "DIGEST-MD5", .forms = "{DIGEST-MD5} of user:realm:password, hex or base64",
      .names = "DOVECOT-DIGEST-MD5", EITHER(16), LAYOUT(HASH_MD5, "u:r:p"), BY_LIBCRYPTO,
      .hears_login = true },
    { .name = "NTLM", .forms = "{NTLM}, hex or base64", .names = "DOVECOT-NTLM",
      EITHER(16), LAYOUT(HASH_MD4, "p", .text = TEXT_NTLM), BY_OWN_MD4 },
    { .name = "RPA", .forms = "{RPA}, hex or base64", .names = "DOVECOT-RPA",
      EITHER(16), LAYOUT(HASH_MD5, "p", .text = TEXT_WIDE_FRONT), BY_LIBCRYPTO },
    { .name = "LDAP-NS-MTA-MD5", .forms = "{NS-MTA-MD5}hex and 32 characters of salt",
      .names = "NS-MTA-MD5", LAYOUT(HASH_MD5, "s\x59p\xf7s", .pattern = "%32kh%32st"), BY_LIBCRYPTO },

    /* What names itself. */
    { .name = "DJANGO-MD5", .forms = "md5$salt$hex, md5$$hex", .prefixes = "md5$",
      LAYOUT(HASH_MD5, "sp", .pattern = "md5$%st$%kh"), BY_LIBCRYPTO },
    { .name = "DJANGO-SHA1", .forms = "sha1$salt$hex, sha1$$hex",
      .names = "DJANGO-UNSALTED-SHA1", .prefixes = "sha1$",
      LAYOUT(HASH_SHA1, "sp", .pattern = "sha1$%st$%kh"), BY_LIBCRYPTO },
    { .name = "MADDY-SHA256", .forms = "sha256:salt:digest, base64", .prefixes = "sha256:",
      LAYOUT(HASH_SHA256, "sp", .pattern = "sha256:%sb:%kb"), BY_LIBCRYPTO },
    { .name = "MYSQL-41", .forms = "* and 40 hex digits (PASSWORD())",
      .prefixes = "*", .shape = is_mysql41,
      LAYOUT(HASH_SHA1, "p", .pattern = "*%kh", .twice = true), BY_LIBCRYPTO },
    { .name = "PG-MD5", .forms = "md5 and 32 hex digits (PostgreSQL)",
      .prefixes = "md5", .shape = is_postgresql_md5,
      LAYOUT(HASH_MD5, "pl", .pattern = "md5%kh"), BY_LIBCRYPTO, .hears_login = true },

    /* What only a default scheme can name. */
    { .name = "JOOMLA15", .forms = "hex MD5:salt", LAYOUT(HASH_MD5, "ps", .pattern = "%32kh:%st"),
      BY_LIBCRYPTO },
    { .name = "HMAILSERVER-SHA256", .forms = "6 characters of salt and 64 hex digits",
      LAYOUT(HASH_SHA256, "sp", .pattern = "%6st%64kh"), BY_LIBCRYPTO },
    { .name = "RAW-MD4-HEX", .forms = "32 hex digits", .coding = SCHEME_HEX,
      LAYOUT(HASH_MD4, "p"), BY_OWN_MD4 },
    { .name = "RAW-NT-HEX", .forms = "32 hex digits (Samba)", .coding = SCHEME_HEX,
      LAYOUT(HASH_MD4, "p", .text = TEXT_UTF16), BY_OWN_MD4 },
    { .name = "RAW-MD5-HEX", .forms = "32 hex digits", .coding = SCHEME_HEX,
      LAYOUT(HASH_MD5, "p"), BY_LIBCRYPTO },
    { .name = "RAW-SHA1-HEX", .forms = "40 hex digits", .coding = SCHEME_HEX,
      LAYOUT(HASH_SHA1, "p"), BY_LIBCRYPTO },
    { .name = "RAW-SHA224-HEX", .forms = "56 hex digits", .coding = SCHEME_HEX,
      LAYOUT(HASH_SHA224, "p"), BY_LIBCRYPTO },
    { .name = "RAW-SHA256-HEX", .forms = "64 hex digits", .coding = SCHEME_HEX,
      LAYOUT(HASH_SHA256, "p"), BY_LIBCRYPTO },
    { .name = "RAW-SHA384-HEX", .forms = "96 hex digits", .coding = SCHEME_HEX,
      LAYOUT(HASH_SHA384, "p"), BY_LIBCRYPTO },
    { .name = "RAW-SHA512-HEX", .forms = "128 hex digits", .coding = SCHEME_HEX,
      LAYOUT(HASH_SHA512, "p"), BY_LIBCRYPTO },
    { .name = "RAW-WHIRLPOOL-HEX", .forms = "128 hex digits (DBMail; needs libgcrypt)",
      .coding = SCHEME_HEX, LAYOUT(HASH_WHIRLPOOL, "p"), BY_LIBGCRYPT },
    { .name = "RAW-TIGER-HEX", .forms = "48 hex digits (DBMail; needs libgcrypt)",
      .coding = SCHEME_HEX, LAYOUT(HASH_TIGER, "p"), BY_LIBGCRYPT },
    { .name = "RAW-MD5-B64", .forms = "24 characters of base64", .coding = SCHEME_BASE64,
      LAYOUT(HASH_MD5, "p"), BY_LIBCRYPTO },
    { .name = "RAW-SHA1-B64", .forms = "28 characters of base64", .coding = SCHEME_BASE64,
      LAYOUT(HASH_SHA1, "p"), BY_LIBCRYPTO },
    { .name = "RAW-SHA256-B64", .forms = "44 characters of base64", .coding = SCHEME_BASE64,
      LAYOUT(HASH_SHA256, "p"), BY_LIBCRYPTO },
    { .name = "RAW-SHA512-B64", .forms = "88 characters of base64", .coding = SCHEME_BASE64,
      LAYOUT(HASH_SHA512, "p"), BY_LIBCRYPTO },
    { .name = NULL },
};
