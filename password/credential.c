/* password/credential.c - see credential.h; what each scheme gives is in its own file */
#include "password/credential.h"

#include "password/scheme.h"

#include <sodium.h>
#include <string.h>

static const char *const names[] = {
    [MECHANISM_CRAM_MD5]      = "CRAM-MD5",
    [MECHANISM_SCRAM_SHA_1]   = "SCRAM-SHA-1",
    [MECHANISM_SCRAM_SHA_256] = "SCRAM-SHA-256",
};
_Static_assert(COUNT(names) == MECHANISMS, "a mechanism lacks its name");

const char *
mechanism_name(enum mechanism mechanism)
{
    return names[mechanism];
}

bool
mechanism_find(span name, enum mechanism *out)
{
    for (unsigned i = 0; i < MECHANISMS; i++)
        if (span_is_nocase(name, names[i])) {
            *out = (enum mechanism)i;
            return true;
        }
    return false;
}

void
credential_wipe(struct credential *credential)
{
    sodium_memzero(credential, sizeof(*credential));
}

unsigned
credential_mechanisms(const struct stored_password *stored)
{
    struct error unheard;
    const struct scheme *scheme = scheme_of(stored, &unheard);

    return scheme ? scheme->mechanisms : 0;
}

unsigned
credential_mechanisms_of(span scheme_name)
{
    return scheme_mechanisms(scheme_name);
}

bool
credential_is_slow(const struct stored_password *stored, enum mechanism mechanism)
{
    struct error unheard;
    const struct scheme *scheme = scheme_of(stored, &unheard);

    return mechanism != MECHANISM_CRAM_MD5 && scheme && scheme->class == PASSWORD_PLAIN;
}

enum password_verdict
credential_make(const struct password_bounds *bounds, const struct stored_password *stored,
                enum mechanism mechanism, const struct credential_terms *terms,
                struct credential *out, struct error *err)
{
    struct recognised found;
    enum password_verdict verdict;

    error_clear(err);
    *out = (struct credential){ .mechanism = mechanism };
    verdict = scheme_admit(bounds, stored, &found, err);
    if (verdict == PASSWORD_RIGHT && !(found.scheme->mechanisms & MECHANISM_BIT(mechanism)))
        verdict = PASSWORD_WRONG;
    if (verdict == PASSWORD_RIGHT)
        verdict = found.scheme->credential(found.scheme, found.data, terms, out, err);
    secret_wipe(&found.decoded);
    return verdict;
}

bool
credential_plaintext(const struct stored_password *stored, struct secret *out)
{
    struct secret decoded = { .len = 0 };
    const struct scheme *scheme;
    struct error unheard;
    span data;

    out->len = 0;
    scheme = scheme_recognise(stored, &decoded, &data, &unheard);
    if (scheme && scheme->class == PASSWORD_PLAIN && scheme->mechanisms == MECHANISMS_ALL)
        secret_set(out, data);
    secret_wipe(&decoded);
    return out->len > 0;
}

void
credential_spoil(struct credential *credential)
{
    randombytes_buf(credential->stored_key, sizeof(credential->stored_key));
    randombytes_buf(credential->server_key, sizeof(credential->server_key));
}

void
credential_fake(enum mechanism mechanism, const struct credential_terms *terms,
                struct credential *out)
{
    *out = (struct credential){ .mechanism = mechanism };
    credential_spoil(out);
    out->key_len = CRAM_STATE_LEN;
    if (mechanism == MECHANISM_CRAM_MD5)
        return;
    out->key_len = hash_len(scram_hash(mechanism));
    out->rounds = terms->rounds;
    out->salt_len = terms->salt.len;
    memcpy(out->salt, terms->salt.ptr, terms->salt.len);
}
