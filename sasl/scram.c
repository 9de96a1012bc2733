/* sasl/scram.c - SCRAM-SHA-1 (RFC 5802) and SCRAM-SHA-256 (RFC 7677)
 *
 *     C: n,[a=authzid],n=login,r=NONCE            GS2 header, client-first-message-bare
 *     S: r=NONCENONCE,s=salt,i=rounds             server-first-message
 *     C: c=GS2 header,r=NONCENONCE,p=proof        client-final-message
 *     S: v=signature
 *
 * The proof is over all but itself: bare "," server-first "," final without ",p=...".
 */
#include "common/macros.h"
#include "sasl/inside.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define BASE64 sodium_base64_VARIANT_ORIGINAL

/* --- attributes ------------------------------------------------------------------------ */

/* Moves "x=value" and the comma behind it. False: *in begins with something else. */
static bool
take_attribute(span *in, char name, span *value_out)
{
    const size_t end = span_find(*in, ',');

    if (in->len < 2 || in->ptr[0] != (unsigned char)name || in->ptr[1] != '=')
        return false;
    *value_out = span_from(span_until(*in, end), 2);
    *in = span_from(*in, end + 1);
    return true;
}

/* "=2C" is a comma and "=3D" the sign itself; nothing else may follow one. */
static bool
decode_name(span name, char *out, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < name.len; i++) {
        const span rest = span_from(name, i);
        const bool is_escape = rest.ptr[0] == '=';
        const bool is_comma = is_escape && span_starts(rest, "=2C");

        if (rest.ptr[0] == '\0' || len + 1 >= size
            || (is_escape && !is_comma && !span_starts(rest, "=3D")))
            return false;
        out[len++] = is_comma ? ',' : (char)rest.ptr[0];
        i += is_escape ? 2 : 0;
    }
    out[len] = '\0';
    return len > 0;
}

static bool
is_nonce(span nonce)
{
    for (size_t i = 0; i < nonce.len; i++)
        if (nonce.ptr[i] <= 0x20 || nonce.ptr[i] >= 0x7f)
            return false;
    return nonce.len > 0 && nonce.len <= SASL_CLIENT_NONCE_MAX;
}

static bool
is_base64_of(span text, span bytes)
{
    unsigned char decoded[DIALOGUE_CLIENT_MAX];
    size_t len = 0;

    return sodium_base642bin(decoded, sizeof(decoded), (const char *)text.ptr, text.len, NULL,
                             &len, NULL, BASE64) == 0
        && span_equal(span_make(decoded, len), bytes);
}

/* --- the first message ------------------------------------------------------------------ */

struct first { char login[ACCOUNT_LOGIN_MAX + 2], authzid[ACCOUNT_LOGIN_MAX + 2]; span nonce; };

/* "n,," or "y,," or with an authorization identity. "p=..." binds to a channel that is not here. */
static bool
take_gs2_header(span *in, struct first *out)
{
    span authzid;

    out->authzid[0] = '\0';
    if (!span_starts(*in, "n,") && !span_starts(*in, "y,"))
        return false;
    *in = span_from(*in, 2);
    if (take_attribute(in, 'a', &authzid))
        return decode_name(authzid, out->authzid, sizeof(out->authzid));
    if (!span_starts(*in, ","))
        return false;
    *in = span_from(*in, 1);
    return true;
}

/* What stands behind the nonce are extensions that may be ignored; one that may not ("m=") would
 * stand first. */
static bool
read_first(span message, struct first *out, size_t *bare_at_out)
{
    span rest = message, login;

    if (!take_gs2_header(&rest, out))
        return false;
    *bare_at_out = message.len - rest.len;
    return take_attribute(&rest, 'n', &login)
        && decode_name(login, out->login, sizeof(out->login))
        && take_attribute(&rest, 'r', &out->nonce) && is_nonce(out->nonce);
}

static enum dialogue_progress
begin(struct dialogue *dialogue, span message, struct dialogue_turn *turn)
{
    const struct sasl_world *world = &dialogue->sasl->world;
    char nonce[SASL_NONCE_ROOM];
    struct first first;
    int len;

    if (!read_first(message, &first, &dialogue->bare_at))
        return dialogue_refuse(dialogue, REASON_MALFORMED, turn);
    memcpy(dialogue->client, message.ptr, message.len);
    dialogue->client_len = message.len;
    world->nonce(world->context, nonce);
    len = snprintf(dialogue->server, sizeof(dialogue->server), "r=%.*s%s", (int)first.nonce.len,
                   (const char *)first.nonce.ptr, nonce);
    dialogue->nonce_len = (size_t)len - 2;
    return dialogue_send_for(dialogue, span_of(first.login), span_of(first.authzid), turn);
}

static enum dialogue_progress
resume(struct dialogue *dialogue, struct dialogue_turn *turn)
{
    const struct credential *credential = &dialogue->credentials.credentials[dialogue->mechanism];
    char salt[sodium_base64_ENCODED_LEN(CREDENTIAL_SALT_MAX, BASE64)];
    const size_t used = 2 + dialogue->nonce_len;

    sodium_bin2base64(salt, sizeof(salt), credential->salt, credential->salt_len, BASE64);
    snprintf(dialogue->server + used, sizeof(dialogue->server) - used, ",s=%s,i=%" PRIu64, salt,
             credential->rounds);
    return dialogue_say(dialogue, turn);
}

/* --- the final message ------------------------------------------------------------------ */

struct final { span without_proof, proof; };

/* Extensions may stand between nonce and proof; the proof is last. */
static bool
read_final(const struct dialogue *dialogue, span message, struct final *out)
{
    const span header = span_make(dialogue->client, dialogue->bare_at);
    const span wanted = span_make(dialogue->server + 2, dialogue->nonce_len);
    const size_t comma = span_find_last(message, ',');
    span rest = message, last = span_from(message, comma + 1), binding, nonce;

    out->without_proof = span_until(message, comma);
    return take_attribute(&rest, 'c', &binding) && is_base64_of(binding, header)
        && take_attribute(&rest, 'r', &nonce) && span_equal(nonce, wanted)
        && take_attribute(&last, 'p', &out->proof);
}

static span
put(unsigned char *buffer, size_t *used, span bytes)
{
    memcpy(buffer + *used, bytes.ptr, bytes.len);
    *used += bytes.len;
    return span_make(buffer, *used);
}

/* All but the last is checked against each stored password. */
struct proof { struct dialogue *dialogue; span auth_message, proof; };

/* Who is right is told that the server knows his password too. */
static enum password_verdict
check(void *context, const struct credential *credential)
{
    const struct proof *proof = context;
    char *final = proof->dialogue->final;
    unsigned char signature[CREDENTIAL_KEY_MAX];
    struct error err;
    const enum password_verdict verdict =
        credential_check_scram(credential, proof->auth_message, proof->proof, signature, &err);

    if (verdict == PASSWORD_RIGHT) {
        memcpy(final, "v=", 2);
        sodium_bin2base64(final + 2, sizeof(proof->dialogue->final) - 2, signature,
                          credential->key_len, BASE64);
    }
    return verdict;
}

static enum dialogue_progress
end(struct dialogue *dialogue, span message, struct dialogue_turn *turn)
{
    unsigned char auth_message[2 * DIALOGUE_CLIENT_MAX + DIALOGUE_SERVER_MAX + 2];
    unsigned char bytes[CREDENTIAL_KEY_MAX];
    struct proof proof = { .dialogue = dialogue };
    size_t used = 0, len = 0;
    struct final final;

    if (!read_final(dialogue, message, &final))
        return dialogue_refuse(dialogue, REASON_MALFORMED, turn);
    if (sodium_base642bin(bytes, sizeof(bytes), (const char *)final.proof.ptr, final.proof.len,
                          NULL, &len, NULL, BASE64) != 0)
        len = 0;                /* as wrong as any other */
    proof.proof = span_make(bytes, len);
    put(auth_message, &used, span_from(span_make(dialogue->client, dialogue->client_len),
                                       dialogue->bare_at));
    put(auth_message, &used, span_of(","));
    put(auth_message, &used, span_of(dialogue->server));
    put(auth_message, &used, span_of(","));
    proof.auth_message = put(auth_message, &used, final.without_proof);
    return dialogue_settle(dialogue, check, &proof, dialogue->final, turn);
}

/* --- its turns ---------------------------------------------------------------------------- */

static enum dialogue_progress
step(struct dialogue *dialogue, const span *response, struct dialogue_turn *turn)
{
    if (!response && dialogue->turns == 0 && !dialogue->was_asked) {
        dialogue->was_asked = true;
        return dialogue_say(dialogue, turn);
    }
    if (!response || dialogue->turns > 1)
        return dialogue_refuse(dialogue, REASON_MALFORMED, turn);
    return dialogue->turns++ == 0 ? begin(dialogue, *response, turn)
                                  : end(dialogue, *response, turn);
}

const struct mechanism_row mechanism_scram = { step, resume };
