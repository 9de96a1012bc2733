/* sasl/rehearsal.c - see rehearsal.h: the client's side of RFC 2195, RFC 5802 and RFC 7677 */
#include "sasl/rehearsal.h"

#include "common/macros.h"
#include "password/hash.h"
#include "sasl/inside.h"

#include <semaphore.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define BASE64 sodium_base64_VARIANT_ORIGINAL
#define NONCE "rehearsal"       /* the server adds what makes it one */

struct client {
    const struct rehearsal *rehearsal;
    char bare[3 * ACCOUNT_LOGIN_MAX + 64];      /* SCRAM: client-first-message-bare */
    char says[DIALOGUE_CLIENT_MAX];
    char expects[128];                          /* SCRAM: the server's last word */
};

/* --- CRAM-MD5 -------------------------------------------------------------------------- */

static bool
answer_cram_md5(struct client *client, span challenge)
{
    unsigned char digest[HASH_LEN_MAX];
    char hex[2 * 16 + 1];
    const span login = client->rehearsal->login;

    if (!hash_hmac(HASH_MD5, client->rehearsal->password, challenge, digest))
        return false;
    sodium_bin2hex(hex, sizeof(hex), digest, 16);
    snprintf(client->says, sizeof(client->says), "%.*s %s", (int)login.len,
             (const char *)login.ptr, hex);
    return true;
}

/* --- SCRAM ------------------------------------------------------------------------------ */

/* False: nobody has so long a name. */
static bool
begin_scram(struct client *client)
{
    const span login = client->rehearsal->login;
    size_t used = 2;

    if (login.len > ACCOUNT_LOGIN_MAX)
        return false;
    memcpy(client->bare, "n=", 2);
    for (size_t i = 0; i < login.len; i++) {
        const char c = (char)login.ptr[i];
        const char *const written = c == ',' ? "=2C" : c == '=' ? "=3D" : (char[]){ c, '\0' };

        memcpy(client->bare + used, written, strlen(written));
        used += strlen(written);
    }
    snprintf(client->bare + used, sizeof(client->bare) - used, ",r=" NONCE);
    snprintf(client->says, sizeof(client->says), "n,,%s", client->bare);
    return true;
}

struct challenge { char nonce[DIALOGUE_SERVER_MAX], salt[256]; unsigned long rounds; };

static bool
read_challenge(span server, struct challenge *out)
{
    char text[DIALOGUE_SERVER_MAX + 1];

    return span_to_string(server, text, sizeof(text))
        && sscanf(text, "r=%1023[^,],s=%255[^,],i=%lu", out->nonce, out->salt, &out->rounds) == 3;
}

struct client_keys { unsigned char client[HASH_LEN_MAX], stored[HASH_LEN_MAX], server[HASH_LEN_MAX]; };

static bool
derive(enum hash hash, span password, const struct challenge *challenge, struct client_keys *out)
{
    unsigned char salt[CREDENTIAL_SALT_MAX], salted[HASH_LEN_MAX];
    const span salted_key = span_make(salted, hash_len(hash));
    size_t salt_len = 0;
    bool ok;

    ok = sodium_base642bin(salt, sizeof(salt), challenge->salt, strlen(challenge->salt), NULL,
                           &salt_len, NULL, BASE64) == 0
        && hash_pbkdf2(hash, password, span_make(salt, salt_len), challenge->rounds, salted,
                       salted_key.len)
        && hash_hmac(hash, salted_key, span_of("Client Key"), out->client)
        && hash_bytes(hash, span_make(out->client, salted_key.len), out->stored)
        && hash_hmac(hash, salted_key, span_of("Server Key"), out->server);
    sodium_memzero(salted, sizeof(salted));
    return ok;
}

/* Proof and expectation, both over the AuthMessage. */
static bool
sign(enum hash hash, const struct client_keys *keys, span auth_message, char proof_out[64],
     char expects_out[128])
{
    unsigned char signature[HASH_LEN_MAX], proof[HASH_LEN_MAX];
    const size_t len = hash_len(hash);

    if (!hash_hmac(hash, span_make(keys->stored, len), auth_message, signature))
        return false;
    for (size_t i = 0; i < len; i++)
        proof[i] = keys->client[i] ^ signature[i];
    sodium_bin2base64(proof_out, 64, proof, len, BASE64);
    if (!hash_hmac(hash, span_make(keys->server, len), auth_message, signature))
        return false;
    memcpy(expects_out, "v=", 2);
    sodium_bin2base64(expects_out + 2, 126, signature, len, BASE64);
    return true;
}

static bool
end_scram(struct client *client, span server)
{
    const struct rehearsal *rehearsal = client->rehearsal;
    const enum hash hash = rehearsal->mechanism == MECHANISM_SCRAM_SHA_1 ? HASH_SHA1 : HASH_SHA256;
    char message[sizeof(client->bare) + 2 * DIALOGUE_SERVER_MAX + 64], proof[64];
    struct challenge challenge;
    struct client_keys keys;
    bool ok;

    if (!read_challenge(server, &challenge))
        return false;
    snprintf(message, sizeof(message), "%s,%.*s,c=biws,r=%s", client->bare, (int)server.len,
             (const char *)server.ptr, challenge.nonce);
    ok = derive(hash, rehearsal->password, &challenge, &keys)
        && sign(hash, &keys, span_of(message), proof, client->expects);
    sodium_memzero(&keys, sizeof(keys));
    snprintf(client->says, sizeof(client->says), "c=biws,r=%s,p=%s", challenge.nonce,
             ok ? proof : "");
    return ok;
}

/* --- the dialogue ------------------------------------------------------------------------- */

struct stage { struct auth_ticket ticket; sem_t came; };        /* the ticket first */

static void
account_came(struct auth_ticket *ticket)
{
    sem_post(&((struct stage *)ticket)->came);
}

static enum dialogue_progress
step(struct stage *stage, struct dialogue *dialogue, const char *says, struct dialogue_turn *turn)
{
    const span response = span_of(says);
    enum dialogue_progress progress = dialogue_step(dialogue, says ? &response : NULL, turn);

    if (progress != DIALOGUE_LATER)
        return progress;
    while (sem_wait(&stage->came) != 0)
        ;
    return dialogue_resume(dialogue, turn);
}

/* All its turns; *turn is the last one. False: the client gave up. */
static bool
speak(struct stage *stage, struct dialogue *dialogue, struct client *client,
      struct dialogue_turn *turn)
{
    const bool is_cram = client->rehearsal->mechanism == MECHANISM_CRAM_MD5;

    if (!is_cram && !begin_scram(client))
        return false;
    if (step(stage, dialogue, is_cram ? NULL : client->says, turn) == DIALOGUE_DONE)
        return true;
    if (!(is_cram ? answer_cram_md5(client, turn->server) : end_scram(client, turn->server)))
        return false;
    return step(stage, dialogue, client->says, turn) == DIALOGUE_DONE
        && (turn->verdict.outcome != VERDICT_ACCEPTED || span_is(turn->server, client->expects));
}

void
sasl_rehearse(struct sasl *sasl, const struct rehearsal *rehearsal, struct verdict *verdict)
{
    struct stage stage = { .ticket.done = account_came };
    struct client client = { .rehearsal = rehearsal };
    struct dialogue_turn turn = { .not_before_ms = 0 };
    struct dialogue *dialogue;

    sem_init(&stage.came, 0, 0);
    dialogue = dialogue_new(sasl, rehearsal->mechanism, &rehearsal->who, &stage.ticket);
    if (!dialogue || !speak(&stage, dialogue, &client, &turn))
        verdict_set(&turn.verdict, REASON_INTERNAL, VIA_REQUEST);
    *verdict = turn.verdict;
    dialogue_free(dialogue);
    sem_destroy(&stage.came);
    sodium_memzero(&client, sizeof(client));
}
