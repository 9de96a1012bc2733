/* password/crypt.c - crypt(3), by libxcrypt
 *
 * Everything goes through crypt_rn() and a work space of our own, because crypt() has one for the
 * whole process. The work space holds the password, so it lives on the heap for one
 * call and is wiped whole. A failure of crypt_rn() is NULL here, never one of crypt()'s
 * failure tokens ("*0"), which a row could hold.
 */
#include "password/scheme.h"

#include <crypt.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(CRYPT_PASSWORD_MAX == CRYPT_MAX_PASSPHRASE_SIZE - 1, "not libcrypt's own limit");

static struct crypt_data *
work_new(void)
{
    return calloc(1, sizeof(struct crypt_data));
}

static void
work_free(struct crypt_data *work)
{
    if (work)
        sodium_memzero(work, sizeof(*work));
    free(work);
}

/* The hash of work->input by work->setting, borrowed from the work space; NULL, with *verdict_out
 * and *err set, when libcrypt has none. */
static const char *
hash(struct crypt_data *work, enum password_verdict *verdict_out, struct error *err)
{
    const char *made;

    errno = 0;
    made = crypt_rn(work->input, work->setting, work, (int)sizeof(*work));
    if (made)
        return made;
    if (errno == EINVAL) {
        *verdict_out = PASSWORD_BAD;
        error_set(err, ERROR_CONFIG, "libcrypt refuses it, or was built without it");
    } else {
        *verdict_out = PASSWORD_FAILED;
        error_set(err, ERROR_UNAVAILABLE, "libcrypt: %s", strerror(errno));
    }
    return NULL;
}

/* libcrypt writes $3$ in small letters, and hex has no case. */
static void
make_hex_small(char *setting)
{
    if (strncmp(setting, "$3$", 3) != 0)
        return;
    for (; *setting; setting++)
        if (*setting >= 'A' && *setting <= 'F')
            *setting = (char)(*setting - 'A' + 'a');
}

/* NULL, with *verdict_out and *err set, without memory or for what is no string. */
static struct crypt_data *
prepare(span password, span setting, enum password_verdict *verdict_out, struct error *err)
{
    struct crypt_data *work = work_new();

    if (work && span_to_string(password, work->input, sizeof(work->input))
        && span_to_string(setting, work->setting, sizeof(work->setting)))
        return work;
    error_set(err, ERROR_UNAVAILABLE, "no memory");
    *verdict_out = PASSWORD_FAILED;
    work_free(work);
    return NULL;
}

enum password_verdict
crypt_hash(span password, span setting, struct secret *out, struct error *err)
{
    enum password_verdict verdict = PASSWORD_WRONG;
    struct crypt_data *work = prepare(password, setting, &verdict, err);
    const char *made = work ? hash(work, &verdict, err) : NULL;

    secret_wipe(out);
    if (made)
        secret_set(out, span_of(made));
    work_free(work);
    return verdict;
}

/* The hash has to be equal to all of the stored password: crypt_check() has seen to it that
 * this is a whole one. Longer passwords than libcrypt takes are hashed by PHP and others, but
 * nobody can tell here: the password is wrong, the row is not. */
enum password_verdict
crypt_verify(const struct scheme_trial *trial, struct error *err)
{
    enum password_verdict verdict = PASSWORD_WRONG;
    struct crypt_data *work;
    const char *made;

    if (trial->password.len > CRYPT_PASSWORD_MAX)
        return PASSWORD_WRONG;
    work = prepare(trial->password, trial->data, &verdict, err);
    if (!work)
        return verdict;
    make_hex_small(work->setting);
    made = hash(work, &verdict, err);
    if (made && secret_equal(span_of(made), span_of(work->setting)))
        verdict = PASSWORD_RIGHT;
    work_free(work);
    return verdict;
}

/* --- crypt16 ---------------------------------------------------------------------- */

/* 11 digits for 8 bytes of the password: DES with `rounds` rounds is what BSDi's form of crypt(3)
 * does with 12 bits of salt and no second half. */
static bool
crypt16_block(span password, const char *rounds, span salt, struct secret *out,
              struct error *err)
{
    struct secret setting = { .len = 0 }, made = { .len = 0 };
    bool ok;

    ok = form_append(&setting, span_of(rounds)) && form_append(&setting, salt)
        && form_append(&setting, span_of(".."))
        && crypt_hash(password, secret_get(&setting), &made, err) == PASSWORD_WRONG
        && form_append(out, span_from(secret_get(&made), 9));
    secret_wipe(&made);
    return ok;
}

/* Ultrix's: 20 rounds for the first 8 bytes and 5 for the second. Exim's {crypt16} once was a
 * bigcrypt of the same length, and nothing tells them apart. */
static enum password_verdict
crypt16_verify(const struct scheme_trial *trial, struct error *err)
{
    const span salt = span_until(trial->data, 2);
    struct secret made = { .len = 0 };
    enum password_verdict verdict = PASSWORD_FAILED;

    if (form_append(&made, salt)
        && crypt16_block(span_until(trial->password, 8), "_I...", salt, &made, err)
        && crypt16_block(span_until(span_from(trial->password, 8), 8), "_3...", salt, &made, err))
        verdict = secret_equal(secret_get(&made), trial->data) ? PASSWORD_RIGHT : PASSWORD_WRONG;
    secret_wipe(&made);
    return verdict == PASSWORD_WRONG ? crypt_verify(trial, err) : verdict;
}

/* --- making ----------------------------------------------------------------------- */

bool
crypt_setting(const char *prefix, unsigned long cost, struct secret *out, struct error *err)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];

    if (!crypt_gensalt_rn(prefix, cost, NULL, 0, setting, sizeof(setting))) {
        error_set(err, ERROR_UNAVAILABLE, "no random bytes for a salt");
        return false;
    }
    return secret_set(out, span_of(setting));
}

/* The setting's prefix: the first of the row's. */
static void
first_prefix(const struct scheme *scheme, char out[static 8])
{
    span prefixes = span_of(scheme->prefixes);

    span_to_string(span_until(prefixes, span_find(prefixes, ' ')), out, 8);
}

/* What is made begins with its own prefix and so carries no {NAME}: every reader of crypt(3)
 * strings knows it, Dovecot included. The salt is the kernel's random bytes, by libcrypt. */
static enum error_code
crypt_make(const struct scheme *scheme, unsigned long cost, span password, struct secret *out,
           struct error *err)
{
    struct secret setting = { .len = 0 };
    char prefix[8];

    first_prefix(scheme, prefix);
    if (!crypt_setting(prefix, cost, &setting, err)
        || crypt_hash(password, secret_get(&setting), out, err) != PASSWORD_WRONG)
        return error_prefix(err, "%s", scheme->name);
    return ERROR_NONE;
}

/* --- the rows --------------------------------------------------------------------- */

#define CRYPT_ROW .check = crypt_check, .verify = crypt_verify, .library = "libxcrypt"

/* Dovecot's names for crypt(3) do not bind: {SHA256-CRYPT}$6$... verifies there, so what is
 * behind the name decides. Only {BLF-CRYPT} insists on its own. Modoboa, PostfixAdmin's sha512.b64
 * and others write {SHA512-CRYPT.B64}; {MD5}$1$... is what {MD5} means to Dovecot.
 *
 * Costs of made values: about 50 ms each on one core of the early 2020s; the most is what
 * password_bounds_default() still verifies. */
const struct scheme crypt_schemes[] = {
    { .name = "SHA512-CRYPT", .forms = "$6$[rounds=N$]salt$hash",
      .names = "CRYPT-SHA512 " CRYPT_NAMES, .prefixes = "$6$", CRYPT_ROW,
      .make = crypt_make, .password_max = CRYPT_PASSWORD_MAX,
      .cost_default = 100000, .cost_min = 1000, .cost_max = 5000000 },
    { .name = "SHA256-CRYPT", .forms = "$5$[rounds=N$]salt$hash",
      .names = "CRYPT-SHA256 " CRYPT_NAMES, .prefixes = "$5$", CRYPT_ROW,
      .make = crypt_make, .password_max = CRYPT_PASSWORD_MAX,
      .cost_default = 100000, .cost_min = 1000, .cost_max = 5000000 },
    { .name = "BLF-CRYPT", .forms = "$2y$NN$..., $2b$, $2a$ (bcrypt)",
      .names = "CRYPT-BCRYPT DOVECOT-BLF-CRYPT " CRYPT_NAMES, .prefixes = "$2y$ $2b$ $2a$",
      CRYPT_ROW, .make = crypt_make, .password_max = BCRYPT_PASSWORD_MAX,
      .hears = BCRYPT_PASSWORD_MAX,
      .not_under = "WORDPRESS-BCRYPT DJANGO-BCRYPT-SHA256 PASSLIB-BCRYPT-SHA256",
      .cost_default = 10, .cost_min = 4, .cost_max = 15 },
    { .name = "BLF-CRYPT-2X", .forms = "$2x$NN$... (crypt_blowfish before 2011)",
      .names = "CRYPT-BCRYPT-2X BLF-CRYPT " CRYPT_NAMES, .prefixes = "$2x$", CRYPT_ROW,
      .not_under = "CRYPT-BCRYPT WORDPRESS-BCRYPT DJANGO-BCRYPT-SHA256 PASSLIB-BCRYPT-SHA256",
      .hears = BCRYPT_PASSWORD_MAX, .class = PASSWORD_LEGACY },
    { .name = "YESCRYPT", .forms = "$y$parameters$salt$hash",
      .names = "CRYPT-YESCRYPT " CRYPT_NAMES, .prefixes = "$y$", CRYPT_ROW,
      .make = crypt_make, .password_max = CRYPT_PASSWORD_MAX,
      .cost_default = 5, .cost_min = 1, .cost_max = 10 },      /* 16 MiB; 1 MiB; 512 MiB */
    { .name = "GOST-YESCRYPT", .forms = "$gy$parameters$salt$hash",
      .names = "CRYPT-GOST-YESCRYPT GOST_YESCRYPT " CRYPT_NAMES, .prefixes = "$gy$", CRYPT_ROW },
    { .name = "SCRYPT7", .forms = "$7$parameters+salt$hash",
      .names = "CRYPT-SCRYPT7 " CRYPT_NAMES, .prefixes = "$7$", CRYPT_ROW },
    { .name = "MD5-CRYPT", .forms = "$1$salt$hash, also behind {MD5}",
      .names = "MD5 CRYPT-MD5 DOVECOT-MD5 " CRYPT_NAMES, .prefixes = "$1$", CRYPT_ROW,
      .class = PASSWORD_LEGACY },
    { .name = "SUNMD5", .forms = "$md5[,rounds=N]$salt$[$]hash",
      .names = "CRYPT-SUNMD5 " CRYPT_NAMES, .prefixes = "$md5$ $md5,", CRYPT_ROW,
      .class = PASSWORD_LEGACY },
    { .name = "SHA1-CRYPT", .forms = "$sha1$N$salt$hash",
      .names = "CRYPT-SHA1 " CRYPT_NAMES, .prefixes = "$sha1$", CRYPT_ROW },
    { .name = "NT-CRYPT", .forms = "$3$$hash",
      .names = "CRYPT-NT " CRYPT_NAMES, .prefixes = "$3$", CRYPT_ROW,
      .class = PASSWORD_LEGACY },
    { .name = "BSDI-CRYPT", .forms = "_ and 19 characters",
      .names = "CRYPT-BSDI " CRYPT_NAMES, .prefixes = "_", .shape = crypt_is_bsdi, CRYPT_ROW,
      .class = PASSWORD_LEGACY },
    { .name = "DES-CRYPT", .forms = "13 characters behind {CRYPT}, or as the default scheme",
      .names = "CRYPT-DES CRYPT-BIGCRYPT " CRYPT_NAMES, .shape = crypt_is_des, CRYPT_ROW,
      .hears = 8, .class = PASSWORD_LEGACY },
    { .name = "CRYPT16", .forms = "{CRYPT16} and 24 characters (Ultrix, Exim)",
      .names = "CRYPT-CRYPT16", .shape = crypt_is_crypt16,
      .check = crypt_check, .verify = crypt16_verify, .library = "libxcrypt",
      .hears = 16, .class = PASSWORD_LEGACY },
    { .name = "BIGCRYPT",
      .forms = "24, 35 ... 178 characters behind {CRYPT}, or as the default scheme",
      .names = "CRYPT-BIGCRYPT " CRYPT_NAMES, .shape = crypt_is_bigcrypt, CRYPT_ROW,
      .hears = 128, .class = PASSWORD_LEGACY },
    { .name = NULL },
};
