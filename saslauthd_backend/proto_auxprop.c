/* saslauthd_backend/proto_auxprop.c - the wire of libclaviger_auxprop.so: see common/auxprop_wire.h */
#include "saslauthd_backend/proto.h"

#include "auth/credentials.h"
#include "common/auxprop_wire.h"
#include "common/macros.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the request ------------------------------------------------------------------- */

static enum proto_progress
malformed(struct error *err, const char *what)
{
    error_set(err, ERROR_MALFORMED, "%s", what);
    return PROTO_MALFORMED;
}

static enum proto_progress
parse(span wire, struct auth_request *out, struct error *err)
{
    struct auth_request r = { .action = AUTH_CREDENTIALS };
    span *const fields[] = { &r.login, &r.realm, &r.service, &r.remote };
    span left = span_from(wire, 2);

    if (wire.len >= 1 && wire.ptr[0] != AUXPROP_WIRE_VERSION)
        return malformed(err, "another version of the protocol: is libclaviger_auxprop.so of this "
                         "release?");
    if (wire.len >= 2 && (wire.ptr[1] == 0 || wire.ptr[1] >= 1 << AUXPROP_WIRE_KINDS))
        return malformed(err, "nothing is wanted, or what the protocol does not have");
    if (wire.len < 2)
        return PROTO_MORE;
    r.wanted = wire.ptr[1];
    for (size_t i = 0; i < COUNT(fields); i++) {
        if (left.len >= 2 && ((size_t)left.ptr[0] << 8 | left.ptr[1]) > AUXPROP_WIRE_FIELD_MAX)
            return malformed(err, "a field is too long");
        if (!span_take_counted(&left, fields[i]))
            return PROTO_MORE;
    }
    if (left.len > 0)
        return malformed(err, "more bytes than a request has");
    *out = r;
    return PROTO_REQUEST;
}

/* --- asking -------------------------------------------------------------------------- */

static const enum auxprop_wire_kind kinds[] = {
    [MECHANISM_CRAM_MD5]      = AUXPROP_WIRE_CRAM_MD5,
    [MECHANISM_SCRAM_SHA_1]   = AUXPROP_WIRE_SCRAM_SHA_1,
    [MECHANISM_SCRAM_SHA_256] = AUXPROP_WIRE_SCRAM_SHA_256,
};
_Static_assert(COUNT(kinds) == MECHANISMS, "a mechanism lacks its kind");

/* The mechanisms whose kinds are wanted; none: plaintext is. */
static unsigned
mechanisms_of(unsigned wanted)
{
    unsigned mechanisms = 0;

    for (unsigned i = 0; i < MECHANISMS; i++)
        if (wanted & 1u << kinds[i])
            mechanisms |= MECHANISM_BIT(i);
    return mechanisms;
}

struct held {
    struct auth_credentials credentials;        /* first: what its ticket points to */
    struct proto_held base;
    struct auth_ticket *ticket;                 /* the connection's */
    struct secret plaintext;
    unsigned char reply[AUXPROP_WIRE_REPLY_MAX];
    size_t reply_len;
};

static struct held *
held_of(struct proto_held *base)
{
    return (struct held *)((char *)base - offsetof(struct held, base));
}

static void
free_held(struct proto_held *base)
{
    struct held *held = held_of(base);

    auth_credentials_wipe(&held->credentials);
    sodium_memzero(held->reply, held->reply_len);
    free(held);
}

/* On a thread of auth. */
static void
credentials_came(struct auth_ticket *ticket)
{
    struct auth_ticket *connections = ((struct held *)ticket)->ticket;

    connections->verdict = ticket->verdict;
    connections->not_before_ms = ticket->not_before_ms;
    connections->done(connections);
}

static enum auth_answer
ask(struct auth *auth, const struct auth_request *request, struct auth_ticket *ticket,
    struct verdict *verdict, struct proto_held **held_out)
{
    const unsigned mechanisms = mechanisms_of(request->wanted);
    struct held *held = malloc(sizeof(*held));

    *held_out = NULL;
    if (!held) {
        *verdict = (struct verdict){ .must_change = false };
        verdict_set(verdict, REASON_INTERNAL, VIA_REQUEST);
        return AUTH_NOW;
    }
    held->credentials = (struct auth_credentials){
        .ticket.done = credentials_came, .for_peer = true, .wanted = mechanisms,
        .plaintext = mechanisms == 0 ? &held->plaintext : NULL,
    };
    held->base.free = free_held;
    held->ticket = ticket;
    held->plaintext.len = 0;
    held->reply_len = 0;
    *held_out = &held->base;
    return auth_credentials_ask(auth, request, &held->credentials, verdict);
}

/* --- the reply ------------------------------------------------------------------------ */

static void
put_value(struct held *held, enum auxprop_wire_kind kind, span value)
{
    unsigned char *at = held->reply + held->reply_len;

    held->reply[2]++;
    at[0] = (unsigned char)kind;
    at[1] = (unsigned char)(value.len >> 8);
    at[2] = (unsigned char)value.len;
    memcpy(at + 3, value.ptr, value.len);
    held->reply_len += 3 + value.len;
}

/* libsasl2 keeps the inner state first, and its words in network order; MD5's are little-endian. */
static void
put_cram_md5(struct held *held, enum auxprop_wire_kind kind, const struct credential *credential)
{
    unsigned char state[AUXPROP_WIRE_CRAM_MD5_LEN];
    const size_t half = sizeof(state) / 2;

    for (size_t i = 0; i < half; i++) {
        state[i] = credential->server_key[i ^ 3];
        state[half + i] = credential->stored_key[i ^ 3];
    }
    put_value(held, kind, span_make(state, sizeof(state)));
    sodium_memzero(state, sizeof(state));
}

static void
put_scram(struct held *held, enum auxprop_wire_kind kind, const struct credential *credential)
{
    enum { VARIANT = sodium_base64_VARIANT_ORIGINAL };
    char salt[sodium_base64_ENCODED_LEN(CREDENTIAL_SALT_MAX, VARIANT)];
    char stored[sodium_base64_ENCODED_LEN(CREDENTIAL_KEY_MAX, VARIANT)];
    char server[sizeof(stored)];
    char text[64 + sizeof(salt) + sizeof(stored) + sizeof(server)];

    sodium_bin2base64(salt, sizeof(salt), credential->salt, credential->salt_len, VARIANT);
    sodium_bin2base64(stored, sizeof(stored), credential->stored_key, credential->key_len, VARIANT);
    sodium_bin2base64(server, sizeof(server), credential->server_key, credential->key_len, VARIANT);
    snprintf(text, sizeof(text), "%s$%" PRIu64 ":%s$%s:%s", mechanism_name(credential->mechanism),
             credential->rounds, salt, stored, server);
    put_value(held, kind, span_of(text));
    sodium_memzero(stored, sizeof(stored));
    sodium_memzero(server, sizeof(server));
    sodium_memzero(text, sizeof(text));
}

static void
put_credential(struct held *held, enum auxprop_wire_kind kind,
               const struct credential *credential)
{
    if (kind == AUXPROP_WIRE_CRAM_MD5)
        put_cram_md5(held, kind, credential);
    else
        put_scram(held, kind, credential);
}

static const unsigned char answers[] = {
    [VERDICT_ACCEPTED]    = AUXPROP_WIRE_FOUND,
    [VERDICT_REJECTED]    = AUXPROP_WIRE_NOBODY,
    [VERDICT_UNAVAILABLE] = AUXPROP_WIRE_UNAVAILABLE,
};
_Static_assert(COUNT(answers) == VERDICT_OUTCOMES, "an outcome lacks its answer");
_Static_assert(AUXPROP_WIRE_VERSION == 1 && AUXPROP_WIRE_UNAVAILABLE == 2
               && AUXPROP_WIRE_MALFORMED == 3, "as the replies in octal below say");

static span
answer_held(struct proto_held *base, const struct verdict *verdict)
{
    struct held *held = base ? held_of(base) : NULL;

    if (!held)
        return (span)SPAN("\1\2\0");
    held->reply[0] = AUXPROP_WIRE_VERSION;
    held->reply[1] = answers[verdict->outcome];
    held->reply[2] = 0;
    held->reply_len = 3;
    /* A ticket that is still out may be filling what would be given. */
    if (verdict->outcome == VERDICT_UNAVAILABLE)
        return span_make(held->reply, held->reply_len);
    if (held->plaintext.len > 0)
        put_value(held, AUXPROP_WIRE_PLAINTEXT, secret_get(&held->plaintext));
    for (unsigned i = 0; i < MECHANISMS; i++)
        if (held->credentials.served & MECHANISM_BIT(i))
            put_credential(held, kinds[i], &held->credentials.credentials[i]);
    if (held->reply[2] > 0)
        held->reply[1] = AUXPROP_WIRE_FOUND;
    return span_make(held->reply, held->reply_len);
}

const struct proto proto_auxprop = {
    .protocol = LISTEN_AUXPROP, .kind = &conn_exchange,
    .request_max = AUXPROP_WIRE_REQUEST_MAX, .parse = parse, .malformed = SPAN("\1\3\0"),
    .ask = ask, .answer_held = answer_held,
};
