/* password/plain.c - the password itself: {PLAIN}, {CLEAR}, {CLEARTEXT}; or its beginning
 *
 * What is behind the name is the password, to the last byte: blanks at its ends, braces and what
 * looks like a hash included. Dovecot lets {PLAIN} with nothing behind it match an
 * empty password; here nothing does (recognise.c), nor a text of blanks alone, which is
 * what a CHAR(n) column makes of nothing.
 */
#include "password/scheme.h"

#include <sodium.h>
#include <string.h>

static bool
is_more_than_blanks(span data)
{
    for (size_t i = 0; i < data.len; i++)
        if (data.ptr[i] != ' ')
            return true;
    return false;
}

static bool
plain_check(const struct scheme *scheme, span data, const struct password_bounds *bounds,
            struct password_cost *cost_out, struct error *err)
{
    (void)scheme;
    (void)bounds;
    (void)cost_out;
    if (!is_more_than_blanks(data))
        error_set(err, ERROR_CONFIG, "nothing but blanks");
    return is_more_than_blanks(data);
}

static enum password_verdict
plain_verify(const struct scheme_trial *trial, struct error *err)
{
    (void)err;
    return secret_equal(trial->data, trial->password) ? PASSWORD_RIGHT : PASSWORD_WRONG;
}

static enum error_code
plain_make(const struct scheme *scheme, unsigned long cost, span password, struct secret *out,
           struct error *err)
{
    (void)scheme;
    (void)cost;
    if (!is_more_than_blanks(password))
        return error_set(err, ERROR_REJECTED, "a plain password is not of blanks alone");
    secret_set(out, password);
    return ERROR_NONE;
}

static enum password_verdict
credential_of_cram_md5(span password, struct credential *out, struct error *err)
{
    unsigned char states[2 * CRAM_STATE_LEN];
    bool ok = cram_md5_states(password, states);

    out->key_len = CRAM_STATE_LEN;
    memcpy(out->stored_key, states, CRAM_STATE_LEN);
    memcpy(out->server_key, states + CRAM_STATE_LEN, CRAM_STATE_LEN);
    sodium_memzero(states, sizeof(states));
    return scheme_computed(ok, err);
}

/* The client prepares what is typed (RFC 5802, 2.2), so the server prepares what is stored, or
 * takes it as it comes when it cannot be prepared. */
static enum password_verdict
credential_of_scram(span password, const struct credential_terms *terms, struct credential *out,
                    struct error *err)
{
    const enum hash hash = scram_hash(out->mechanism);
    unsigned char stored[HASH_LEN_MAX], server[HASH_LEN_MAX];
    struct secret prepared = { .len = 0 };
    bool ok;

    if (saslprep(password, &prepared) && prepared.len > 0)
        password = secret_get(&prepared);
    ok = scram_keys(hash, password, terms->salt, terms->rounds, stored, server);
    out->rounds = terms->rounds;
    out->salt_len = terms->salt.len;
    memcpy(out->salt, terms->salt.ptr, terms->salt.len);
    out->key_len = hash_len(hash);
    memcpy(out->stored_key, stored, out->key_len);
    memcpy(out->server_key, server, out->key_len);
    sodium_memzero(stored, sizeof(stored));
    sodium_memzero(server, sizeof(server));
    secret_wipe(&prepared);
    return scheme_computed(ok, err);
}

static enum password_verdict
plain_credential(const struct scheme *scheme, span data, const struct credential_terms *terms,
                 struct credential *out, struct error *err)
{
    (void)scheme;
    return out->mechanism == MECHANISM_CRAM_MD5 ? credential_of_cram_md5(data, out, err)
                                                : credential_of_scram(data, terms, out, err);
}

/* --- PLAIN-TRUNC ------------------------------------------------------------------ */

/* "n-text": when the text has n bytes, any password that begins so; else just the text. A short
 * beginning opens the account to many passwords, but that is what was stored. */
static bool
read_trunc(span data, span *text_out, bool *is_beginning_out)
{
    struct form form = { .decoded.len = 0 };

    if (!form_read("%nd-%kt", data, &form) || form.key.len == 0
        || form_number(&form, 'n') == 0)
        return false;
    *text_out = form.key;
    *is_beginning_out = form.key.len == form_number(&form, 'n');
    return true;
}

static bool
trunc_check(const struct scheme *scheme, span data, const struct password_bounds *bounds,
            struct password_cost *cost_out, struct error *err)
{
    bool is_beginning;
    span text;

    (void)scheme;
    (void)bounds;
    (void)cost_out;
    return read_trunc(data, &text, &is_beginning) || bounds_malformed(err);
}

static enum password_verdict
trunc_verify(const struct scheme_trial *trial, struct error *err)
{
    bool is_beginning;
    span text, heard = trial->password;

    (void)err;
    if (!read_trunc(trial->data, &text, &is_beginning))
        return PASSWORD_BAD;
    if (is_beginning)
        heard = span_until(heard, text.len);
    return secret_equal(text, heard) ? PASSWORD_RIGHT : PASSWORD_WRONG;
}

const struct scheme plain_schemes[] = {
    { .name = "PLAIN", .forms = "{PLAIN}text, or text with it as the default scheme",
      .names = "CLEAR CLEARTEXT PLAINTEXT DOVECOT-PLAIN DOVECOT-CLEAR DOVECOT-CLEARTEXT"
               " LDAP-CLEARTEXT PASSLIB-ROUNDUP RAW-PLAIN",
      .check = plain_check, .verify = plain_verify,
      .make = plain_make, .mechanisms = MECHANISMS_ALL, .credential = plain_credential,
      .password_max = SECRET_MAX - (sizeof("{PLAIN}") - 1),
      .library = "libsodium", .class = PASSWORD_PLAIN },
    { .name = "PLAIN-TRUNC", .forms = "{PLAIN-TRUNC}n-text: the first n bytes count",
      .names = "DOVECOT-PLAIN-TRUNC",
      .check = trunc_check, .verify = trunc_verify,
      .library = "libsodium", .class = PASSWORD_PLAIN },
    { .name = NULL },
};
