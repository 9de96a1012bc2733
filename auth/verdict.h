/* auth/verdict.h - how one authentication ended
 *
 * Purpose  Three outcomes that stay apart to the last byte, and a stable reason for the operator,
 *          which the remote never sees.
 */
#ifndef AUTH_VERDICT_H
#define AUTH_VERDICT_H

#include "account/account.h"
#include "common/span.h"

enum verdict_outcome { VERDICT_ACCEPTED, VERDICT_REJECTED, VERDICT_UNAVAILABLE, VERDICT_OUTCOMES };

enum verdict_reason {
    REASON_OK,
    /* rejected: asking again won't help */
    REASON_WRONG_PASSWORD,
    REASON_UNKNOWN_ACCOUNT,
    REASON_AMBIGUOUS_ACCOUNT,   /* more than one row */
    REASON_OTHER_ACCOUNT,       /* the row names another account than was asked for */
    REASON_NO_PASSWORD,         /* the stored one is NULL, empty or a lock mark */
    REASON_MECHANISM_UNSERVED,  /* no stored password of the account can serve the mechanism */
    REASON_DISABLED,
    REASON_EXPIRED,
    REASON_PASSWORD_EXPIRED,
    REASON_SERVICE_DENIED,
    REASON_NETWORK_DENIED,
    REASON_CHANGE_DENIED,       /* its password cannot be changed here: no query, or no right */
    REASON_NEW_PASSWORD,        /* the new password cannot be one: empty, or too long for its scheme */
    REASON_MALFORMED,           /* the request or the name */
    REASON_EMPTY_PASSWORD,
    REASON_PASSWORD_TOO_LONG,
    REASON_AUTHZID_DENIED,      /* would act as another account */
    REASON_UNSECURED,           /* a password in the clear, where the listener wants none */
    /* unavailable: nobody could tell */
    REASON_ACCOUNT_SOURCE_DOWN,
    REASON_BAD_STORED_PASSWORD,
    REASON_DEADLINE,
    REASON_OVERLOADED,
    REASON_THROTTLED,           /* too many wrong passwords; this one was not looked at */
    REASON_STOPPING,
    REASON_INTERNAL,
    REASONS
};

/* How the answer was found. */
enum verdict_via { VIA_LOOKUP, VIA_CACHE, VIA_REVALIDATED, VIA_GRACE, VIA_NEGATIVE, VIA_REQUEST, VIAS };

struct verdict {
    enum verdict_outcome outcome;
    enum verdict_reason reason;
    enum verdict_via via;
    bool must_change;                   /* accepted, but the password has to be changed */
    char account[ACCOUNT_LOGIN_MAX + 1];/* canonical; empty when malformed */
};

enum verdict_outcome verdict_outcome_of(enum verdict_reason reason);
const char *verdict_outcome_word(enum verdict_outcome outcome);        /* "accepted" */
const char *verdict_reason_word(enum verdict_reason reason);           /* "wrong-password" */
const char *verdict_via_word(enum verdict_via via);                    /* "cache" */

/* Whether it may be somebody who guesses: the password, or the name, was not right. */
bool verdict_is_guess(enum verdict_reason reason);

/* Sets outcome, reason and via; the account stays. */
void verdict_set(struct verdict *verdict, enum verdict_reason reason, enum verdict_via via);

#endif
