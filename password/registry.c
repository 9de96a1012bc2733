/* password/registry.c - every scheme: the families, and how a row is found
 *
 * The order is the order of recognition: where two rows share a name or a beginning, the one
 * with the narrower shape stands first. Sources: crypt(5) of libxcrypt, Dovecot's scheme names,
 * and what is said with each family.
 */
#include "password/scheme.h"

#include <assert.h>
#include <limits.h>
#include <pthread.h>
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

/* --- the index: every stored password is recognised, so no list is read for each ------- */

/* One word of a scheme's lists. */
struct entry { span word; const struct scheme *scheme; };

/* Names sorted, those of one spelling in the order of the table; prefixes by their first byte, and
 * then in that order. */
#define NAMES_MAX 1024
#define PREFIXES_MAX 256

static struct {
    pthread_once_t once;
    struct entry names[NAMES_MAX], prefixes[PREFIXES_MAX];
    size_t names_count, prefixes_count;
    unsigned short starts[UCHAR_MAX + 2];       /* where in `prefixes` those of a first byte are */
} registry_index = { .once = PTHREAD_ONCE_INIT };

static unsigned char
fold(unsigned char c)
{
    return c >= 'a' && c <= 'z' ? (unsigned char)(c - 'a' + 'A') : c;
}

/* Any order of names will do; this one looks at few bytes. */
static int
compare_names(span a, span b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    for (size_t i = 0; i < a.len; i++)
        if (fold(a.ptr[i]) != fold(b.ptr[i]))
            return fold(a.ptr[i]) < fold(b.ptr[i]) ? -1 : 1;
    return 0;
}

static void
add_name(span name, const struct scheme *scheme)
{
    size_t at = registry_index.names_count++;

    assert(at < NAMES_MAX);
    for (; at > 0 && compare_names(registry_index.names[at - 1].word, name) > 0; at--)
        registry_index.names[at] = registry_index.names[at - 1];
    registry_index.names[at] = (struct entry){ name, scheme };
}

static void
add_prefix(span prefix, const struct scheme *scheme)
{
    size_t at = registry_index.prefixes_count++;

    assert(at < PREFIXES_MAX);
    for (; at > 0 && registry_index.prefixes[at - 1].word.ptr[0] > prefix.ptr[0]; at--)
        registry_index.prefixes[at] = registry_index.prefixes[at - 1];
    registry_index.prefixes[at] = (struct entry){ prefix, scheme };
    for (size_t byte = prefix.ptr[0] + 1u; byte < COUNT(registry_index.starts); byte++)
        registry_index.starts[byte]++;
}

static void
add_scheme(const struct scheme *scheme)
{
    const char *names = scheme->names, *prefixes = scheme->prefixes;
    span word;

    add_name(span_of(scheme->name), scheme);
    while (take_word(&names, &word))
        add_name(word, scheme);
    while (take_word(&prefixes, &word))
        add_prefix(word, scheme);
}

static void
make_index(void)
{
    FOR_EACH_SCHEME(scheme)
        add_scheme(scheme);
}

/* The first entry of that name, and how many there are. */
static const struct entry *
find_names(span name, size_t *count_out)
{
    const struct entry *names = registry_index.names;
    size_t low = 0, high;

    pthread_once(&registry_index.once, make_index);
    high = registry_index.names_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_names(names[middle].word, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *count_out = 0;
    while (low + *count_out < registry_index.names_count
           && compare_names(names[low + *count_out].word, name) == 0)
        ++*count_out;
    return &names[low];
}

static bool
begins(span data, span prefix)
{
    return span_equal(span_until(data, prefix.len), prefix);
}

static bool
has_shape(const struct scheme *scheme, span data)
{
    return !scheme->shape || scheme->shape(data);
}

static bool
has_prefix(const struct scheme *scheme, span data)
{
    const char *prefixes = scheme->prefixes;
    span word;

    while (take_word(&prefixes, &word))
        if (begins(data, word))
            return true;
    return false;
}

bool
scheme_is_not_under(const struct scheme *scheme, span default_scheme)
{
    const char *names = scheme->not_under;
    span word;

    while (take_word(&names, &word))
        if (compare_names(word, default_scheme) == 0)
            return true;
    return false;
}

bool
scheme_known(span name)
{
    size_t count;

    find_names(name, &count);
    return count > 0;
}

unsigned
scheme_mechanisms(span name)
{
    unsigned mechanisms = 0;
    size_t count;
    const struct entry *entry = find_names(name, &count);

    for (; count > 0; count--, entry++)
        mechanisms |= entry->scheme->mechanisms;
    return mechanisms;
}

const struct scheme *
scheme_find(span name, span data)
{
    size_t count;
    const struct entry *entry = find_names(name, &count);

    for (; count > 0; count--, entry++)
        if ((!entry->scheme->prefixes || has_prefix(entry->scheme, data))
            && has_shape(entry->scheme, data))
            return entry->scheme;
    return NULL;
}

const struct scheme *
scheme_find_bare(span value)
{
    const unsigned short *starts;

    pthread_once(&registry_index.once, make_index);
    if (value.len == 0)
        return NULL;
    starts = &registry_index.starts[value.ptr[0]];
    for (size_t i = starts[0]; i < starts[1]; i++)
        if (begins(value, registry_index.prefixes[i].word)
            && has_shape(registry_index.prefixes[i].scheme, value))
            return registry_index.prefixes[i].scheme;
    return NULL;
}
