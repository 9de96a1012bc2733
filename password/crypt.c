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
    work = work_new();
    if (!work || !span_to_string(trial->password, work->input, sizeof(work->input))
        || !span_to_string(trial->data, work->setting, sizeof(work->setting))) {
        error_set(err, ERROR_UNAVAILABLE, "no memory");
        verdict = PASSWORD_FAILED;
        goto done;
    }
    make_hex_small(work->setting);
    made = hash(work, &verdict, err);
    if (made && secret_equal(span_of(made), span_of(work->setting)))
        verdict = PASSWORD_RIGHT;

done:
    work_free(work);
    return verdict;
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
enum error_code
crypt_make(const struct scheme *scheme, unsigned long cost, span password, struct secret *out,
           struct error *err)
{
    struct crypt_data *work = work_new();
    enum error_code code = ERROR_NONE;
    enum password_verdict verdict;
    const char *made = NULL;
    char prefix[8];

    first_prefix(scheme, prefix);
    if (!work || !span_to_string(password, work->input, sizeof(work->input))
        || !crypt_gensalt_rn(prefix, cost, NULL, 0, work->setting, sizeof(work->setting)))
        code = error_set(err, ERROR_UNAVAILABLE, "no memory, or no random bytes, for a salt");
    else
        made = hash(work, &verdict, err);
    if (made)
        secret_set(out, span_of(made));
    else if (code == ERROR_NONE)
        code = error_prefix(err, "%s", scheme->name);
    work_free(work);
    return code;
}
