/* password/scram.c - what a SCRAM server keeps (RFC 5802): Dovecot's, PostgreSQL's, passlib's
 *
 *     Salted = PBKDF2(password, salt, rounds)
 *     StoredKey = H(HMAC(Salted, "Client Key"))    ServerKey = HMAC(Salted, "Server Key")
 *
 * Both keys have to be right. passlib keeps Salted itself, for several digests. Dovecot hashes
 * the password as it comes; PostgreSQL prepares it (SASLprep) and takes it as it comes when that
 * fails; passlib prepares it or refuses it.
 */
#include "password/scheme.h"

#include <sodium.h>
#include <string.h>

struct layout {
    enum hash hash;
    const char *pattern;        /* of form.h: n rounds, s salt, k StoredKey, j ServerKey */
    uint64_t rounds_min;
    bool prepares;
};

/* The caller wipes *form. */
static bool
read_keys(const struct layout *layout, span data, struct form *form)
{
    return form_read(layout->pattern, data, form) && form_number(form, 'n') >= layout->rounds_min
        && form->salt.len > 0
        && form->key.len == hash_len(layout->hash) && form->other.len == hash_len(layout->hash);
}

static enum cost_unit
unit_of(enum hash hash)
{
    return hash == HASH_SHA1 ? COST_PBKDF2_SHA1
        : hash == HASH_SHA256 ? COST_PBKDF2_SHA256 : COST_PBKDF2_SHA512;
}

static bool
keys_check(const struct scheme *scheme, span data, const struct password_bounds *bounds,
           struct password_cost *cost_out, struct error *err)
{
    const struct layout *layout = scheme->layout;
    struct form form = { .decoded.len = 0 };
    bool ok = read_keys(layout, data, &form) || bounds_malformed(err);
    const uint64_t rounds = form_number(&form, 'n');

    ok = ok && bounds_allow(rounds, bounds->pbkdf2_rounds_max, "pbkdf2_rounds", err);
    if (ok)     /* twice where the first try may be the prepared one */
        cost_out->ns = cost_ns(unit_of(layout->hash), layout->prepares ? 2 * rounds : rounds);
    form_wipe(&form);
    return ok;
}

struct keys { unsigned char stored[HASH_LEN_MAX], server[HASH_LEN_MAX]; };

static bool
split_keys(enum hash hash, span salted, unsigned char stored_key[static HASH_LEN_MAX],
           unsigned char server_key[static HASH_LEN_MAX])
{
    unsigned char client[HASH_LEN_MAX];
    bool ok = hash_hmac(hash, salted, span_of("Client Key"), client)
        && hash_bytes(hash, span_make(client, hash_len(hash)), stored_key)
        && hash_hmac(hash, salted, span_of("Server Key"), server_key);

    sodium_memzero(client, sizeof(client));
    return ok;
}

bool
scram_keys(enum hash hash, span password, span salt, uint64_t rounds,
           unsigned char stored_key[static HASH_LEN_MAX],
           unsigned char server_key[static HASH_LEN_MAX])
{
    unsigned char salted[HASH_LEN_MAX];
    const span salted_key = span_make(salted, hash_len(hash));
    bool ok = hash_pbkdf2(hash, password, salt, rounds, salted, salted_key.len)
        && split_keys(hash, salted_key, stored_key, server_key);

    sodium_memzero(salted, sizeof(salted));
    return ok;
}

static bool
derive(enum hash hash, span password, span salt, uint64_t rounds, struct keys *out)
{
    return scram_keys(hash, password, salt, rounds, out->stored, out->server);
}

static enum password_verdict
try_keys(enum hash hash, span password, const struct form *form, struct error *err)
{
    const size_t len = hash_len(hash);
    enum password_verdict stored, server;
    struct keys made;
    bool ok = derive(hash, password, form->salt, form_number(form, 'n'), &made);

    stored = scheme_compare(ok, span_make(made.stored, len), form->key, err);
    server = scheme_compare(ok, span_make(made.server, len), form->other, err);
    sodium_memzero(&made, sizeof(made));
    return stored == PASSWORD_RIGHT ? server : stored;
}

static enum password_verdict
keys_verify(const struct scheme_trial *trial, struct error *err)
{
    const struct layout *layout = trial->scheme->layout;
    enum password_verdict verdict = PASSWORD_BAD;
    struct secret prepared = { .len = 0 };
    struct form form = { .decoded.len = 0 };

    if (!read_keys(layout, trial->data, &form))
        goto done;
    verdict = PASSWORD_WRONG;
    if (layout->prepares && saslprep(trial->password, &prepared)
        && !secret_equal(secret_get(&prepared), trial->password))
        verdict = try_keys(layout->hash, secret_get(&prepared), &form, err);
    if (verdict == PASSWORD_WRONG)
        verdict = try_keys(layout->hash, trial->password, &form, err);

done:
    secret_wipe(&prepared);
    form_wipe(&form);
    return verdict;
}

#define SALT_LEN 16

static enum error_code
keys_make(const struct scheme *scheme, unsigned long cost, span password, struct secret *out,
          struct error *err)
{
    const struct layout *layout = scheme->layout;
    struct secret prepared = { .len = 0 };
    unsigned char salt[SALT_LEN] = { 0 };
    struct form form = { .salt = span_make(salt, SALT_LEN) };
    struct keys made;
    bool ok;

    randombytes_buf(salt, sizeof(salt));
    if (layout->prepares && saslprep(password, &prepared))
        password = secret_get(&prepared);
    form.numbers['n' - 'a'] = cost;
    form.key = span_make(made.stored, hash_len(layout->hash));
    form.other = span_make(made.server, hash_len(layout->hash));
    ok = derive(layout->hash, password, form.salt, cost, &made)
        && form_write(layout->pattern, &form, out);
    sodium_memzero(&made, sizeof(made));
    secret_wipe(&prepared);
    return scheme_made(ok, err);
}

/* --- for the mechanism itself ------------------------------------------------------- */

enum hash
scram_hash(enum mechanism mechanism)
{
    return mechanism == MECHANISM_SCRAM_SHA_1 ? HASH_SHA1 : HASH_SHA256;
}

/* WRONG: a salt that no client is told, or one that is too long. */
static enum password_verdict
fill_credential(const struct form *form, span stored_key, span server_key, struct credential *out)
{
    if (form->salt.len > CREDENTIAL_SALT_MAX)
        return PASSWORD_WRONG;
    out->rounds = form_number(form, 'n');
    out->salt_len = form->salt.len;
    memcpy(out->salt, form->salt.ptr, form->salt.len);
    out->key_len = stored_key.len;
    memcpy(out->stored_key, stored_key.ptr, stored_key.len);
    memcpy(out->server_key, server_key.ptr, server_key.len);
    return PASSWORD_RIGHT;
}

static enum password_verdict
keys_credential(const struct scheme *scheme, span data, const struct credential_terms *terms,
                struct credential *out, struct error *err)
{
    enum password_verdict verdict = PASSWORD_BAD;
    struct form form = { .decoded.len = 0 };

    (void)terms;
    (void)err;
    if (read_keys(scheme->layout, data, &form))
        verdict = fill_credential(&form, form.key, form.other, out);
    form_wipe(&form);
    return verdict;
}

/* ClientKey is ClientProof xor ClientSignature; is H(ClientKey) the StoredKey? */
static enum password_verdict
check_proof(enum hash hash, span stored_key, span auth_message, span proof, struct error *err)
{
    unsigned char signature[HASH_LEN_MAX], client_key[HASH_LEN_MAX], made[HASH_LEN_MAX];
    bool ok = hash_hmac(hash, stored_key, auth_message, signature);
    enum password_verdict verdict;

    for (size_t i = 0; i < proof.len; i++)
        client_key[i] = proof.ptr[i] ^ signature[i];
    ok = ok && hash_bytes(hash, span_make(client_key, proof.len), made);
    verdict = scheme_compare(ok, span_make(made, proof.len), stored_key, err);
    sodium_memzero(signature, sizeof(signature));
    sodium_memzero(client_key, sizeof(client_key));
    return verdict;
}

enum password_verdict
credential_check_scram(const struct credential *credential, span auth_message, span proof,
                       unsigned char signature_out[CREDENTIAL_KEY_MAX], struct error *err)
{
    const enum hash hash = scram_hash(credential->mechanism);
    const span stored_key = span_make(credential->stored_key, credential->key_len);
    const span server_key = span_make(credential->server_key, credential->key_len);
    unsigned char signature[HASH_LEN_MAX];
    enum password_verdict verdict;

    if (proof.len != credential->key_len)
        return PASSWORD_WRONG;
    verdict = check_proof(hash, stored_key, auth_message, proof, err);
    if (verdict != PASSWORD_RIGHT)
        return verdict;
    verdict = scheme_computed(hash_hmac(hash, server_key, auth_message, signature), err);
    memcpy(signature_out, signature, proof.len);
    return verdict;
}

/* --- passlib: $scram$rounds$salt$sha-1=...,sha-256=... ----------------------------- */

static const struct { const char *name; enum hash hash; } digests[] = {
    { "md5=", HASH_MD5 }, { "sha-1=", HASH_SHA1 }, { "sha-224=", HASH_SHA224 },
    { "sha-256=", HASH_SHA256 }, { "sha-384=", HASH_SHA384 }, { "sha-512=", HASH_SHA512 },
};

/* Moves the next "name=key" from *list. False for a malformed one and for a digest that we do
 * not know: nothing may stand beside a key that is right and not be looked at. */
static bool
take_digest(span *list, struct secret *decoded, enum hash *hash_out, span *key_out)
{
    const size_t comma = span_find(*list, ',');
    const span item = span_until(*list, comma);
    const size_t name_len = span_find(item, '=') + 1;

    if (name_len > item.len || comma + 1 == list->len)
        return false;
    *list = span_from(*list, comma + 1);
    decoded->len = 0;
    if (!form_decode('a', span_from(item, name_len), decoded, key_out))
        return false;
    for (size_t i = 0; i < COUNT(digests); i++) {
        *hash_out = digests[i].hash;
        if (span_is(span_until(item, name_len), digests[i].name))
            return key_out->len == hash_len(digests[i].hash);
    }
    return false;
}

/* What the whole list costs. */
static bool
weigh_digests(span list, uint64_t rounds, uint64_t *ns_out)
{
    struct secret decoded = { .len = 0 };
    enum hash hash;
    bool ok = list.len > 0;
    span key;

    *ns_out = 0;
    while (ok && list.len > 0) {
        ok = take_digest(&list, &decoded, &hash, &key);
        if (ok)
            *ns_out += cost_ns(unit_of(hash), rounds);
    }
    secret_wipe(&decoded);
    return ok;
}

#define LIST_PATTERN "$scram$%nd$%sa$%kt"

static bool
list_check(const struct scheme *scheme, span data, const struct password_bounds *bounds,
           struct password_cost *cost_out, struct error *err)
{
    struct form form = { .decoded.len = 0 };
    bool ok = form_read(LIST_PATTERN, data, &form) && form_number(&form, 'n') > 0;

    (void)scheme;
    ok = ok ? bounds_allow(form_number(&form, 'n'), bounds->pbkdf2_rounds_max,
                           "pbkdf2_rounds", err) : bounds_malformed(err);
    if (ok && !weigh_digests(form.key, form_number(&form, 'n'), &cost_out->ns))
        ok = bounds_malformed(err);
    form_wipe(&form);
    return ok;
}

static enum password_verdict
try_digest(enum hash hash, span password, const struct form *form, span key, struct error *err)
{
    unsigned char made[HASH_LEN_MAX];
    bool ok = hash_pbkdf2(hash, password, form->salt, form_number(form, 'n'), made, key.len);
    enum password_verdict verdict = scheme_compare(ok, span_make(made, key.len), key, err);

    sodium_memzero(made, sizeof(made));
    return verdict;
}

/* Every one has to be right. */
static enum password_verdict
list_verify(const struct scheme_trial *trial, struct error *err)
{
    struct secret prepared = { .len = 0 }, decoded = { .len = 0 };
    struct form form = { .decoded.len = 0 };
    enum password_verdict verdict = PASSWORD_WRONG;
    enum hash hash;
    span key;

    if (!form_read(LIST_PATTERN, trial->data, &form) || !saslprep(trial->password, &prepared))
        goto done;
    verdict = PASSWORD_RIGHT;
    while (verdict == PASSWORD_RIGHT && form.key.len > 0) {
        if (!take_digest(&form.key, &decoded, &hash, &key))
            verdict = PASSWORD_BAD;
        else
            verdict = try_digest(hash, secret_get(&prepared), &form, key, err);
    }

done:
    secret_wipe(&prepared);
    secret_wipe(&decoded);
    form_wipe(&form);
    return verdict;
}

/* From the digest of the list that is the mechanism's; WRONG when there is none. */
static enum password_verdict
list_credential(const struct scheme *scheme, span data, const struct credential_terms *terms,
                struct credential *out, struct error *err)
{
    const enum hash wanted = scram_hash(out->mechanism);
    enum password_verdict verdict = PASSWORD_WRONG;
    struct form form = { .decoded.len = 0 };
    struct secret decoded = { .len = 0 };
    struct keys keys;
    enum hash hash;
    span key;

    (void)scheme;
    (void)terms;
    if (!form_read(LIST_PATTERN, data, &form))
        goto done;
    while (verdict == PASSWORD_WRONG && take_digest(&form.key, &decoded, &hash, &key)) {
        if (hash != wanted)
            continue;
        verdict = scheme_computed(split_keys(hash, key, keys.stored, keys.server), err);
        if (verdict == PASSWORD_RIGHT)
            verdict = fill_credential(&form, span_make(keys.stored, hash_len(hash)),
                                      span_make(keys.server, hash_len(hash)), out);
        break;
    }

done:
    sodium_memzero(&keys, sizeof(keys));
    secret_wipe(&decoded);
    form_wipe(&form);
    return verdict;
}

#define LAYOUT(hash_, pattern_, least, ...) .layout = &(const struct layout){ \
    .hash = hash_, .pattern = pattern_, .rounds_min = least, __VA_ARGS__ }
#define KEYS_ROW .check = keys_check, .verify = keys_verify, .library = "libcrypto", \
    .make = keys_make, .password_max = SECRET_MAX, \
    .cost_min = 4096, .cost_max = 5000000
/* libsasl2's clients refuse more (MAX_ITERATION_COUNTER of its scram.c; measured with 2.1.28). */
#define CLIENTS_TAKE 65536
#define SERVES(digest) .mechanisms = MECHANISM_BIT(MECHANISM_SCRAM_##digest), \
    .credential = keys_credential

const struct scheme scram_schemes[] = {
    { .name = "SCRAM-SHA-256", .forms = "{SCRAM-SHA-256}rounds,salt,StoredKey,ServerKey",
      .names = "DOVECOT-SCRAM-SHA-256",
      LAYOUT(HASH_SHA256, "%nd,%sb,%kb,%jb", 4096), KEYS_ROW, SERVES(SHA_256), .cost_default = CLIENTS_TAKE },
    { .name = "SCRAM-SHA-1", .forms = "{SCRAM-SHA-1}rounds,salt,StoredKey,ServerKey",
      .names = "DOVECOT-SCRAM-SHA-1",
      LAYOUT(HASH_SHA1, "%nd,%sb,%kb,%jb", 4096), KEYS_ROW, SERVES(SHA_1), .cost_default = CLIENTS_TAKE },
    { .name = "PG-SCRAM-SHA-256",
      .forms = "SCRAM-SHA-256$rounds:salt$StoredKey:ServerKey (PostgreSQL)",
      .prefixes = "SCRAM-SHA-256$",
      LAYOUT(HASH_SHA256, "SCRAM-SHA-256$%nd:%sb$%kb:%jb", 1, .prepares = true), KEYS_ROW,
      SERVES(SHA_256),
      .cost_default = CLIENTS_TAKE },
    { .name = "PASSLIB-SCRAM", .forms = "$scram$rounds$salt$sha-1=key,sha-256=key...",
      .prefixes = "$scram$",
      .check = list_check, .verify = list_verify, .library = "libcrypto",
      .mechanisms = MECHANISMS_SCRAM, .credential = list_credential },
    { .name = NULL },
};
