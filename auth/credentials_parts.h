/* auth/credentials_parts.h - what credentials.c and credentials_peer.c share; nobody else includes it
 *
 *   credentials.c            the door; which stored password; credentials, real and made up
 *   credentials_dialogue.c   dialogues: all that a challenge serves, and how their proofs end
 *   credentials_peer.c       peers that verify by themselves: the auxprop wire's
 */
#ifndef AUTH_CREDENTIALS_PARTS_H
#define AUTH_CREDENTIALS_PARTS_H

#include "auth/engine.h"

/* Who asked: a flight of this action has one ticket, which is its first member. */
struct auth_credentials *credentials_asked_by(const struct flight *flight);

/* The mechanism that a dialogue wants; the first of a peer's. */
enum mechanism credentials_first_wanted(const struct auth_credentials *credentials);

/* Those that are wanted, and that the source of the row serves. */
unsigned credentials_mechanisms(const struct flight *flight);

/* Whether one of the row's stored passwords (NULL: its own) serves any of these, and what policy says
 * to whom it opens. */
bool credentials_serves(const struct flight *flight, const struct account_secret *secret,
                        unsigned mechanisms);
enum verdict_reason credentials_policy(const struct flight *flight,
                                       const struct account_secret *secret);

/* Salt and rounds for plaintext, and for nobody; in `salt`. As long as what Dovecot, PostgreSQL and
 * `clavigerctl hash` give a verifier. */
#define CREDENTIALS_SALT 16
struct credential_terms credentials_terms(const struct flight *flight, enum mechanism mechanism,
                                          unsigned char salt[CREDENTIALS_SALT]);

/* Which of the row's stored passwords serves. */
struct choice {
    bool found;
    const struct account_secret *secret;        /* NULL: the row's own */
    enum verdict_reason policy;
};

/* The first that serves any of these and may; else the first that serves. */
struct choice credentials_choose(const struct flight *flight, unsigned mechanisms);

/* The same, and the stored password itself. False: none serves, and the flight has ended. */
bool credentials_find(struct flight *flight, unsigned mechanisms, struct choice *choice_out,
                      struct stored_password *stored_out);

/* Of one mechanism. RIGHT: it is in *out, which the caller wipes. BAD also for a scheme that is refused. */
enum password_verdict credentials_make(struct flight *flight, const struct account_secret *secret,
                                       enum mechanism mechanism, struct credential *out,
                                       struct error *err);

/* One that no proof fits. */
void credentials_fake(struct flight *flight, enum mechanism mechanism);

/* Ends of a flight: all that was wanted is there, and something real in it; nobody can tell, with an
 * alarm; nothing that is stored serves; or for that reason there is none, which is told as a real one. */
void credentials_land_real(struct flight *flight, enum verdict_reason reason);
void credentials_land_fault(struct flight *flight, enum verdict_reason reason,
                            const struct error *err);
void credentials_land_unserved(struct flight *flight);
void credentials_land_without(struct flight *flight, enum verdict_reason reason);

/* There is a row, and a dialogue asked; then on a hash thread, if there is something to hash. */
void credentials_serve_dialogue(struct flight *flight);
void credentials_make_for_dialogue(struct flight *flight);

/* There is a row, and a peer asked; then on a hash thread, if there is something to hash. */
void credentials_serve_peer(struct flight *flight);
void credentials_give(struct flight *flight);

#endif
