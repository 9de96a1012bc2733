/* sasl/inside.h - what the files of this room share; nobody else includes it
 *
 *   dialogue.c   the frame of every dialogue: the ticket, the three outcomes
 *   scram.c      SCRAM-SHA-1 and SCRAM-SHA-256
 *   cram_md5.c   CRAM-MD5
 */
#ifndef SASL_INSIDE_H
#define SASL_INSIDE_H

#include "auth/credentials.h"
#include "auth/service.h"
#include "sasl/dialogue.h"

struct sasl { struct auth *auth; struct sasl_world world; };

/* The longest nonce of a client that is answered, so that the answer fits its room. */
#define SASL_CLIENT_NONCE_MAX 512

/* "ffff:...:ffff;65535" and more. */
#define DIALOGUE_REMOTE_MAX 127

struct mechanism_row {
    /* The client said something, or (NULL) nothing yet. */
    enum dialogue_progress (*step)(struct dialogue *dialogue, const span *response,
                                   struct dialogue_turn *turn);
    /* dialogue->credentials is filled. */
    enum dialogue_progress (*resume)(struct dialogue *dialogue, struct dialogue_turn *turn);
};
extern const struct mechanism_row mechanism_cram_md5, mechanism_scram;

struct dialogue {
    struct auth_credentials credentials;        /* first: what its ticket points to */
    struct auth_ticket *ticket;                 /* the caller's */
    struct sasl *sasl;
    const struct mechanism_row *row;
    enum mechanism mechanism;
    const struct auth_listener *listener;
    char service[SERVICE_NAME_MAX + 2];         /* one more than a name has: too long stays so */
    char remote[DIALOGUE_REMOTE_MAX + 1];
    char login[ACCOUNT_LOGIN_MAX + 2];
    unsigned turns;                             /* of the client */
    bool was_asked;                             /* SCRAM: to begin, which is done once */
    char server[DIALOGUE_SERVER_MAX + 1];       /* what was said last; SCRAM: its first message */
    char final[128];                            /* SCRAM: "v=..." */
    unsigned char client[DIALOGUE_CLIENT_MAX];  /* SCRAM: its first message; CRAM-MD5: digest */
    size_t client_len, bare_at, nonce_len;      /* SCRAM: where the GS2 header ends; of both nonces */
};

/* Ways to end a step. */
enum dialogue_progress dialogue_say(struct dialogue *dialogue, struct dialogue_turn *turn);
enum dialogue_progress dialogue_refuse(struct dialogue *dialogue, enum verdict_reason reason,
                                       struct dialogue_turn *turn);

/* By what `check` says of each stored password that the proof may be of; `final` is what the mechanism
 * says last where one is right, and is read after that. */
typedef enum password_verdict proof_check(void *context, const struct credential *credential);
enum dialogue_progress dialogue_settle(struct dialogue *dialogue, proof_check *check, void *context,
                                       const char *final, struct dialogue_turn *turn);

/* Sends for the credential of `login`: then resume. `authzid` as in struct auth_request. */
enum dialogue_progress dialogue_send_for(struct dialogue *dialogue, span login, span authzid,
                                         struct dialogue_turn *turn);

#endif
