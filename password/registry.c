/* password/registry.c - every scheme, a row each
 *
 * The order is the order of recognition: where two rows share a name or a beginning, the one
 * with the narrower shape stands first. Sources: crypt(5) of libxcrypt, Dovecot's scheme names.
 *
 * Dovecot's names for crypt(3) do not bind: {SHA256-CRYPT}$6$... verifies there, so what is
 * behind the name decides. Only {BLF-CRYPT} insists on its own.
 *
 * Costs of made values: about 50 ms each on one core of the early 2020s; the most is what
 * password_bounds_default() still verifies.
 */
#include "password/scheme.h"

#include <string.h>

#define CRYPT_NAMES "CRYPT MD5-CRYPT SHA256-CRYPT SHA512-CRYPT DES-CRYPT"

static const struct scheme schemes[] = {
    { .name = "SHA512-CRYPT", .forms = "$6$[rounds=N$]salt$hash",
      .names = CRYPT_NAMES, .prefixes = "$6$",
      .check = crypt_check, .verify = crypt_verify,
      .make = crypt_make, .password_max = CRYPT_PASSWORD_MAX,
      .cost_default = 100000, .cost_min = 1000, .cost_max = 5000000 },
    { .name = "SHA256-CRYPT", .forms = "$5$[rounds=N$]salt$hash",
      .names = CRYPT_NAMES, .prefixes = "$5$",
      .check = crypt_check, .verify = crypt_verify,
      .make = crypt_make, .password_max = CRYPT_PASSWORD_MAX,
      .cost_default = 100000, .cost_min = 1000, .cost_max = 5000000 },
    { .name = "BLF-CRYPT", .forms = "$2y$NN$..., $2b$, $2a$ (bcrypt)",
      .names = CRYPT_NAMES, .prefixes = "$2y$ $2b$ $2a$",
      .check = crypt_check, .verify = crypt_verify,
      .make = crypt_make, .password_max = 72,   /* bcrypt hears no more */
      .cost_default = 10, .cost_min = 4, .cost_max = 15 },
    { .name = "BLF-CRYPT-2X", .forms = "$2x$NN$... (crypt_blowfish before 2011)",
      .names = "BLF-CRYPT " CRYPT_NAMES, .prefixes = "$2x$",
      .check = crypt_check, .verify = crypt_verify, .weak = true },
    { .name = "YESCRYPT", .forms = "$y$parameters$salt$hash",
      .names = CRYPT_NAMES, .prefixes = "$y$",
      .check = crypt_check, .verify = crypt_verify,
      .make = crypt_make, .password_max = CRYPT_PASSWORD_MAX,
      .cost_default = 5, .cost_min = 1, .cost_max = 10 },      /* 16 MiB; 1 MiB; 512 MiB */
    { .name = "GOST-YESCRYPT", .forms = "$gy$parameters$salt$hash",
      .names = "GOST_YESCRYPT " CRYPT_NAMES, .prefixes = "$gy$",
      .check = crypt_check, .verify = crypt_verify },
    { .name = "SCRYPT7", .forms = "$7$parameters+salt$hash",
      .names = CRYPT_NAMES, .prefixes = "$7$",
      .check = crypt_check, .verify = crypt_verify },
    { .name = "MD5-CRYPT", .forms = "$1$salt$hash",
      .names = CRYPT_NAMES, .prefixes = "$1$",
      .check = crypt_check, .verify = crypt_verify, .weak = true },
    { .name = "SUNMD5", .forms = "$md5[,rounds=N]$salt$[$]hash",
      .names = CRYPT_NAMES, .prefixes = "$md5$ $md5,",
      .check = crypt_check, .verify = crypt_verify, .weak = true },
    { .name = "SHA1-CRYPT", .forms = "$sha1$N$salt$hash",
      .names = CRYPT_NAMES, .prefixes = "$sha1$",
      .check = crypt_check, .verify = crypt_verify },
    { .name = "NT-CRYPT", .forms = "$3$$hash",
      .names = CRYPT_NAMES, .prefixes = "$3$",
      .check = crypt_check, .verify = crypt_verify, .weak = true },
    { .name = "BSDI-CRYPT", .forms = "_ and 19 characters",
      .names = CRYPT_NAMES, .prefixes = "_", .shape = crypt_is_bsdi,
      .check = crypt_check, .verify = crypt_verify, .weak = true },
    { .name = "DES-CRYPT", .forms = "13 characters behind {CRYPT}, or as the default scheme",
      .names = CRYPT_NAMES, .shape = crypt_is_des,
      .check = crypt_check, .verify = crypt_verify, .weak = true },
    { .name = "BIGCRYPT",
      .forms = "24, 35 ... 178 characters behind {CRYPT}, or as the default scheme",
      .names = CRYPT_NAMES, .shape = crypt_is_bigcrypt,
      .check = crypt_check, .verify = crypt_verify, .weak = true },
    { .name = "PLAIN", .forms = "{PLAIN}text, or text with it as the default scheme",
      .names = "CLEAR CLEARTEXT",
      .check = plain_check, .verify = plain_verify,
      .make = plain_make, .password_max = SECRET_MAX - (sizeof(PLAIN_PREFIX) - 1),
      .weak = true, .text = true },
};

const struct scheme *
scheme_at(size_t i)
{
    return i < COUNT(schemes) ? &schemes[i] : NULL;
}

/* Moves the first word of *list to *word_out; false when there is none. */
static bool
take_word(const char **list, span *word_out)
{
    size_t len = *list ? strcspn(*list, " ") : 0;

    if (len == 0)
        return false;
    *word_out = span_make(*list, len);
    *list += len + ((*list)[len] == ' ');
    return true;
}

static bool
has_name(const struct scheme *scheme, span name)
{
    const char *names = scheme->names;
    span word;

    if (span_is_nocase(name, scheme->name))
        return true;
    while (take_word(&names, &word))
        if (span_equal_nocase(name, word))
            return true;
    return false;
}

static bool
has_prefix(const struct scheme *scheme, span data)
{
    const char *prefixes = scheme->prefixes;
    span word;

    while (take_word(&prefixes, &word))
        if (span_equal(span_until(data, word.len), word))
            return true;
    return false;
}

static bool
fits(const struct scheme *scheme, span data)
{
    return (!scheme->prefixes || has_prefix(scheme, data))
        && (!scheme->shape || scheme->shape(data));
}

bool
scheme_known(span name)
{
    for (size_t i = 0; i < COUNT(schemes); i++)
        if (has_name(&schemes[i], name))
            return true;
    return false;
}

const struct scheme *
scheme_find(span name, span data)
{
    for (size_t i = 0; i < COUNT(schemes); i++)
        if (has_name(&schemes[i], name) && fits(&schemes[i], data))
            return &schemes[i];
    return NULL;
}

const struct scheme *
scheme_find_bare(span value)
{
    for (size_t i = 0; i < COUNT(schemes); i++)
        if (schemes[i].prefixes && fits(&schemes[i], value))
            return &schemes[i];
    return NULL;
}
