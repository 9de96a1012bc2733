/* auth/verdict.c - the words and the outcome of each reason, as tables */
#include "auth/verdict.h"

#include "common/macros.h"

#include <assert.h>

static const char *const outcome_words[] = {
    [VERDICT_ACCEPTED] = "accepted",
    [VERDICT_REJECTED] = "rejected",
    [VERDICT_UNAVAILABLE] = "unavailable",
};
static_assert(COUNT(outcome_words) == VERDICT_OUTCOMES, "an outcome lacks its word");

static const char *const via_words[] = {
    [VIA_LOOKUP] = "lookup",
    [VIA_CACHE] = "cache",
    [VIA_REVALIDATED] = "revalidated",
    [VIA_GRACE] = "grace",
    [VIA_NEGATIVE] = "negative",
    [VIA_REQUEST] = "request",
};
static_assert(COUNT(via_words) == VIAS, "a way lacks its word");

/* Operators' alarms and filters hang on these words: they never change. */
static const struct {
    const char *word;
    enum verdict_outcome outcome;
} reasons[] = {
    [REASON_OK]                  = { "ok", VERDICT_ACCEPTED },
    [REASON_WRONG_PASSWORD]      = { "wrong-password", VERDICT_REJECTED },
    [REASON_UNKNOWN_ACCOUNT]     = { "unknown-account", VERDICT_REJECTED },
    [REASON_AMBIGUOUS_ACCOUNT]   = { "ambiguous-account", VERDICT_REJECTED },
    [REASON_OTHER_ACCOUNT]       = { "other-account", VERDICT_REJECTED },
    [REASON_NO_PASSWORD]         = { "no-password", VERDICT_REJECTED },
    [REASON_DISABLED]            = { "disabled", VERDICT_REJECTED },
    [REASON_EXPIRED]             = { "expired", VERDICT_REJECTED },
    [REASON_PASSWORD_EXPIRED]    = { "password-expired", VERDICT_REJECTED },
    [REASON_SERVICE_DENIED]      = { "service-denied", VERDICT_REJECTED },
    [REASON_NETWORK_DENIED]      = { "network-denied", VERDICT_REJECTED },
    [REASON_CHANGE_DENIED]       = { "change-denied", VERDICT_REJECTED },
    [REASON_NEW_PASSWORD]        = { "new-password-unfit", VERDICT_REJECTED },
    [REASON_MALFORMED]           = { "malformed", VERDICT_REJECTED },
    [REASON_EMPTY_PASSWORD]      = { "empty-password", VERDICT_REJECTED },
    [REASON_MECHANISM_UNSERVED]  = { "mechanism-unserved", VERDICT_REJECTED },
    [REASON_PASSWORD_TOO_LONG]   = { "password-too-long", VERDICT_REJECTED },
    [REASON_AUTHZID_DENIED]      = { "authzid-denied", VERDICT_REJECTED },
    [REASON_UNSECURED]           = { "unsecured", VERDICT_REJECTED },
    [REASON_ACCOUNT_SOURCE_DOWN] = { "account-source-down", VERDICT_UNAVAILABLE },
    [REASON_BAD_STORED_PASSWORD] = { "bad-stored-password", VERDICT_UNAVAILABLE },
    [REASON_DEADLINE]            = { "deadline", VERDICT_UNAVAILABLE },
    [REASON_OVERLOADED]          = { "overloaded", VERDICT_UNAVAILABLE },
    [REASON_THROTTLED]           = { "throttled", VERDICT_UNAVAILABLE },
    [REASON_STOPPING]            = { "stopping", VERDICT_UNAVAILABLE },
    [REASON_INTERNAL]            = { "internal", VERDICT_UNAVAILABLE },
};
static_assert(COUNT(reasons) == REASONS, "a reason lacks its row");
static_assert(REASON_WRONG_PASSWORD + 4 == REASON_NO_PASSWORD, "guesses stand together");

enum verdict_outcome
verdict_outcome_of(enum verdict_reason reason)
{
    return reasons[reason].outcome;
}

const char *
verdict_outcome_word(enum verdict_outcome outcome)
{
    return outcome_words[outcome];
}

const char *
verdict_reason_word(enum verdict_reason reason)
{
    return reasons[reason].word;
}

bool
verdict_is_guess(enum verdict_reason reason)
{
    return reason >= REASON_WRONG_PASSWORD && reason <= REASON_MECHANISM_UNSERVED;
}

const char *
verdict_via_word(enum verdict_via via)
{
    return via_words[via];
}

void
verdict_set(struct verdict *verdict, enum verdict_reason reason, enum verdict_via via)
{
    verdict->outcome = verdict_outcome_of(reason);
    verdict->reason = reason;
    verdict->via = via;
}
