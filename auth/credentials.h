/* auth/credentials.h - what proves an account to a challenge-response mechanism
 *
 * Purpose  The row of a login, looked up and judged as for any sign-in (identity, order of sources,
 *          policy), with its stored password turned into what the mechanism needs. Of several
 *          stored passwords that can serve, the first that policy allows here is the one.
 *          A name that nobody has, and an account that cannot serve the mechanism, get a
 *          credential that no proof fits: its salt is made of auth_config.challenge_key and the
 *          name, so it is the same tomorrow, and as late as a real one. What policy refuses is
 *          told only to who proves that he knows the password.
 * Errors   In the verdict: rejected is a request that is nobody's (malformed), unavailable what
 *          nobody could tell. There is nothing to prove then.
 * Threads  As auth_ask().
 */
#ifndef AUTH_CREDENTIALS_H
#define AUTH_CREDENTIALS_H

#include "auth/auth.h"
#include "password/credential.h"

/* Left by who asks, as a ticket is; its owner wipes it. */
struct auth_credentials {
    struct auth_ticket ticket;          /* first; a verdict of accepted: what is below is filled */
    unsigned wanted;                    /* mechanisms; more than one: what is stored, see below */
    struct secret *plaintext;           /* NULL: not wanted */
    unsigned served;                    /* of `wanted`: credentials[] has it */
    struct credential credentials[MECHANISMS];  /* by mechanism */
    enum verdict_reason if_right, if_wrong;
    bool must_change;
};

/* With one mechanism wanted and `plaintext` NULL: for a dialogue. credentials[] of the mechanism
 * has a credential whenever the verdict is accepted.
 * With `plaintext`: what is stored, for a peer that verifies by itself. The password, if it is
 * stored as it is, or the credentials of those mechanisms that a stored one serves without
 * hashing; and then whoever policy refuses is rejected at once, and nothing is filled.
 * `request->action` does not matter. */
enum auth_answer auth_credentials_ask(struct auth *auth, const struct auth_request *request,
                                      struct auth_credentials *credentials,
                                      struct verdict *verdict);

/* How the dialogue ended: the verdict of the sign-in, which is counted. */
void auth_credentials_settle(struct auth *auth, const struct auth_credentials *credentials,
                             bool is_proved, struct verdict *verdict);

/* The mechanisms that some source serves: those that it is said to, else those that its
 * make_scheme and default_scheme can. */
unsigned auth_mechanisms(const struct auth *auth);
unsigned auth_mechanisms_of(const struct account_source *source);

void auth_credentials_wipe(struct auth_credentials *credentials);

#endif
