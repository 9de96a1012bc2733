/* auth/credentials.h - what proves an account to a challenge-response mechanism
 *
 * Purpose  The row of a login, looked up and judged as for any sign-in (identity, order of sources,
 *          policy), with its stored password turned into what the mechanism needs. Of several
 *          stored passwords that can serve, the first that policy allows here makes the challenge, and
 *          a dialogue's proof may be of any that the same challenge serves: CRAM-MD5 has no salt, so
 *          those are all of them; SCRAM's challenge is a salt and rounds, which all plaintexts of an
 *          account share, and which verifiers have each its own.
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
#include "auth/network.h"
#include "auth/service.h"
#include "cache/cache.h"
#include "password/credential.h"

/* A stored password that may be proved. */
struct auth_chance {
    enum verdict_reason if_right;       /* REASON_OK, or what policy says to it */
    bool must_change;
    bool is_further;                    /* an app password or the like, */
    char secret[128];                   /* and its name, for the log */
};

/* One more that the challenge of a dialogue serves. */
struct auth_further { struct credential credential; struct auth_chance chance; };

/* Left by who asks, as a ticket is; its owner wipes it. */
struct auth_credentials {
    struct auth_ticket ticket;          /* first; a verdict of accepted: what is below is filled */
    bool for_peer;                      /* that checks proofs itself; else for a dialogue */
    unsigned wanted;                    /* mechanisms; of a dialogue exactly one */
    struct secret *plaintext;           /* a peer wants this instead; else NULL */
    unsigned served;                    /* credentials[] has these */
    struct credential credentials[MECHANISMS];  /* by mechanism */
    struct auth_chance chance;                  /* of a dialogue: of the one in credentials[] */
    struct auth_further *further;               /* and others; owned */
    size_t further_count;
    enum verdict_reason if_wrong;
    struct cache_key key;               /* whose, for last logins; */
    uint64_t account;                   /* the same for the throttle: its digest of it; */
    char service[SERVICE_NAME_MAX + 1];
    char network[NETWORK_TEXT_MAX];     /* where from; */
    char source[128];                   /* and the title of its source; cut if it is longer */
};

/* For a dialogue, the verdict is accepted whenever there is a credential, real or not.
 * For a peer it says how it is: accepted, when a stored password serves and policy allows it. A
 * peer gets all that it wants when it is rejected, too, so that its own client sees no difference:
 * a salt that is real where there is one, and keys that no proof fits. It gets nothing of an unavailable
 * account, nor of a malformed name, and no plaintext but that of an accepted one.
 * `request->action` does not matter. */
enum auth_answer auth_credentials_ask(struct auth *auth, const struct auth_request *request,
                                      struct auth_credentials *credentials,
                                      struct verdict *verdict);

/* The n-th that a dialogue's proof may be of, from 0; NULL: there are no more. */
const struct credential *auth_credentials_get(const struct auth_credentials *credentials,
                                              enum mechanism mechanism, size_t n);

/* How a proof ended: the verdict of the sign-in, which is counted, and when it may be told. `proved` is
 * the number of the one that it was of. Each proof that is wrong counts as another wrong password
 * (auth/throttle.h), for none is ever the same again; while there were too many, none is looked
 * at. An acceptance is noted as last login; nothing is rehashed, for nobody has seen the password.
 * `auth` may be another than was asked. */
#define AUTH_UNPROVED SIZE_MAX
void auth_credentials_settle(struct auth *auth, const struct auth_credentials *credentials,
                             size_t proved, struct verdict *verdict, int64_t *not_before_ms_out);

/* The same for a dialogue that came to no proof. */
void auth_credentials_refuse(struct auth *auth, const struct auth_credentials *credentials,
                             enum verdict_reason reason, struct verdict *verdict);

/* The mechanisms that some source serves: those that it is said to, else those that its
 * make_scheme and default_scheme can. */
unsigned auth_mechanisms(const struct auth *auth);
unsigned auth_mechanisms_of(const struct account_source *source);

void auth_credentials_wipe(struct auth_credentials *credentials);

#endif
