/* auth/credentials_parts.h - what credentials.c and credentials_peer.c share; nobody else includes it
 *
 *   credentials.c        the door; which stored password; dialogues
 *   credentials_peer.c   peers that verify by themselves: the auxprop wire's
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

/* Of one mechanism, into who asked. RIGHT: it is there. BAD also for a scheme that is refused. */
enum password_verdict credentials_make(struct flight *flight, const struct account_secret *secret,
                                       enum mechanism mechanism, struct error *err);

/* One that no proof fits. */
void credentials_fake(struct flight *flight, enum mechanism mechanism);

/* Ends of a flight: all that was wanted is there, and something real in it; nobody can tell, with an
 * alarm; nothing that is stored serves. */
void credentials_land_real(struct flight *flight, enum verdict_reason reason);
void credentials_land_fault(struct flight *flight, enum verdict_reason reason,
                            const struct error *err);
void credentials_land_unserved(struct flight *flight);

/* There is a row, and a peer asked; then on a hash thread, if there is something to hash. */
void credentials_serve_peer(struct flight *flight);
void credentials_give(struct flight *flight);

#endif
