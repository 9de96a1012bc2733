/* sasl/dialogue.h - one challenge-response sign-in on its way
 *
 * Purpose  The server's side of CRAM-MD5 (RFC 2195), SCRAM-SHA-1 (RFC 5802) and SCRAM-SHA-256
 *          (RFC 7677) for whatever wire carries their bytes. PLAIN and LOGIN are not here: they
 *          are one auth_ask(). Nor are the -PLUS forms: no wire of ours carries the channel that
 *          they bind to, and a client that asks for one is refused.
 * Owner    Whoever made it; who also bounds how many there are and how long they live (the row
 *          that a verdict is of was read at the first step that named the account).
 * Errors   Three outcomes in turn->verdict, as everywhere. The client learns no reason.
 * Threads  One thread at a time, and it may be an event loop: nothing here blocks or burns. The
 *          ticket comes back on another thread.
 *
 *     dialogue_new ─▶ dialogue_step ─┬─▶ CONTINUE   send turn.server, step with what comes back
 *                         ▲          ├─▶ LATER      ticket->done(), then dialogue_resume()
 *                         └──────────┤                                  │ CONTINUE or DONE
 *                                    └─▶ DONE ◀──────────────────────── ┘
 */
#ifndef SASL_DIALOGUE_H
#define SASL_DIALOGUE_H

#include "auth/auth.h"
#include "password/credential.h"

struct sasl;                    /* opaque: what all dialogues of a daemon share */
struct dialogue;                /* opaque */

#define SASL_NONCE_ROOM 64

/* Where what cannot be foreseen comes from; a test has its own. */
struct sasl_world {
    const struct clock *clock;  /* its unix_s goes into CRAM-MD5 challenges */
    /* Printable ASCII without a comma, terminated, never the same twice. */
    void (*nonce)(void *context, char out[static SASL_NONCE_ROOM]);
    void *context;
    const char *host;           /* named in CRAM-MD5 challenges: a host name */
};

/* The machine's own: random nonces, its name. */
void sasl_world_system(struct sasl_world *out);

/* Borrows `auth`, copies `world` but for what it points to; both must outlive it. NULL: no memory. */
struct sasl *sasl_new(struct auth *auth, const struct sasl_world *world);
void sasl_free(struct sasl *sasl);      /* no dialogue is left; NULL is fine */

/* Whether any source can serve it: what is not served is not offered. */
bool sasl_offers(const struct sasl *sasl, enum mechanism mechanism);

/* Who asks; copied. */
struct dialogue_who {
    const struct auth_listener *listener;       /* borrowed until it ends, or moves */
    span service, remote;                       /* as in struct auth_request; what is longer
                                                 * than any name is nobody's */
};

enum dialogue_progress { DIALOGUE_CONTINUE, DIALOGUE_LATER, DIALOGUE_DONE };

struct dialogue_turn {
    span server;                /* CONTINUE: the challenge, may be empty. DONE and accepted: what
                                 * the mechanism says last (SCRAM: "v=..."), empty for CRAM-MD5.
                                 * Raw bytes, not base64; good until the next call */
    struct verdict verdict;     /* DONE */
    int64_t not_before_ms;      /* as in struct auth_ticket, for CONTINUE too; 0: at once */
};

/* The longest turn->server and the longest response that is read; what is longer is refused. */
#define DIALOGUE_SERVER_MAX 1024
#define DIALOGUE_CLIENT_MAX 2048

/* `ticket` is the caller's, with `done` set: as of auth_ask(), it is auth's while a step is LATER.
 * It must live as long as the dialogue. NULL: no memory. */
struct dialogue *dialogue_new(struct sasl *sasl, enum mechanism mechanism,
                              const struct dialogue_who *who, struct auth_ticket *ticket);

/* `response` NULL: the client sent no initial response (that is not an empty one). Borrowed for
 * the call. Not between LATER and dialogue_resume(), nor after DONE. */
enum dialogue_progress dialogue_step(struct dialogue *dialogue, const span *response,
                                     struct dialogue_turn *turn);

/* After ticket->done(): CONTINUE or DONE. */
enum dialogue_progress dialogue_resume(struct dialogue *dialogue, struct dialogue_turn *turn);

/* The login as the client spelled it, for the log; empty as long as it has named none. Borrows. */
span dialogue_login(const struct dialogue *dialogue);

/* Goes on under another configuration, whose it is from now on; between LATER and ticket->done() too. */
void dialogue_move(struct dialogue *dialogue, struct sasl *sasl,
                   const struct auth_listener *listener);

/* Wipes. Not between LATER and ticket->done(). NULL is fine. */
void dialogue_free(struct dialogue *dialogue);

#endif
