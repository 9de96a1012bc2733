/* password/registry.c - every scheme: the families, and how a row is found
 *
 * The order is the order of recognition: where two rows share a name or a beginning, the one
 * with the narrower shape stands first. Sources: crypt(5) of libxcrypt, Dovecot's scheme names,
 * and what is said with each family.
 */
#include "password/scheme.h"

#include <string.h>

static const struct scheme *const families[] = {
    crypt_schemes, argon2_schemes, wrap_schemes, scrypt_schemes, pbkdf2_schemes, scram_schemes,
    phpass_schemes, md5crypt_schemes, digest_schemes, fshp_schemes, cram_md5_schemes, lanman_schemes,
    mysql_schemes, otp_schemes, plain_schemes,
};

/* The row after `scheme`, the first one after NULL; NULL at the end. */
static const struct scheme *
next(size_t *family, const struct scheme *scheme)
{
    scheme = scheme ? scheme + 1 : families[*family];
    while (!scheme->name) {
        if (++*family == COUNT(families))
            return NULL;
        scheme = families[*family];
    }
    return scheme;
}

#define FOR_EACH_SCHEME(scheme) \
    for (size_t family_ = 0, once_ = 1; once_; once_ = 0) \
        for (const struct scheme *scheme = next(&family_, NULL); scheme; \
             scheme = next(&family_, scheme))

const struct scheme *
scheme_at(size_t i)
{
    FOR_EACH_SCHEME(scheme)
        if (i-- == 0)
            return scheme;
    return NULL;
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
    FOR_EACH_SCHEME(scheme)
        if (has_name(scheme, name))
            return true;
    return false;
}

unsigned
scheme_mechanisms(span name)
{
    unsigned mechanisms = 0;

    FOR_EACH_SCHEME(scheme)
        if (has_name(scheme, name))
            mechanisms |= scheme->mechanisms;
    return mechanisms;
}

const struct scheme *
scheme_find(span name, span data)
{
    FOR_EACH_SCHEME(scheme)
        if (has_name(scheme, name) && fits(scheme, data))
            return scheme;
    return NULL;
}

const struct scheme *
scheme_find_bare(span value)
{
    FOR_EACH_SCHEME(scheme)
        if (scheme->prefixes && fits(scheme, value))
            return scheme;
    return NULL;
}
