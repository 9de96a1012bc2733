/* auth/trial.h - is this one of the account's passwords?
 *
 * Purpose  Try a presented password on the row's stored password, then on the account's further
 *          ones (app passwords, tokens), in their order: the first that is right counts. Each has its
 *          own salt, so every one costs a verification. The row's own costs one when it is right;
 *          whatever else is presented, wrong or right, costs all, at most `secrets_max` and
 *          one more. How long an answer takes can therefore tell how many secrets an account has, and
 *          not which one was right. (What is behind the right one is left out once half of the time
 *          until the deadline has gone.)
 *          What a scheme needs of memory is taken from the budget of all verifications first.
 * Outputs  The reason, policy included: a further password opens what the account's row and its own
 *          limits allow.
 * Threads  Any function from any thread.
 */
#ifndef AUTH_TRIAL_H
#define AUTH_TRIAL_H

#include "auth/auth.h"
#include "auth/memory.h"
#include "auth/verdict.h"
#include "common/clock.h"
#include "password/password.h"

/* Borrowed for the call. */
struct trial {
    const struct auth_config *config;           /* bounds, and schemes that are refused */
    struct memory *memory;                      /* what verifications may need together */
    const struct account *account;
    const struct account_secret *secrets;
    span login, password, network;
    const struct clock *clock;
    int64_t deadline_ms;                /* no verification starts after it */
    bool only_quick;                    /* what costs more than a comparison is left undone; there
                                         * are no further passwords */

    /* Told of each that was tried (secret NULL: the row's own); err->reason says why nobody could
     * tell. NULL: nobody wants to know. */
    void (*tried)(void *context, const struct account_secret *secret,
                  const struct password_facts *facts, enum password_verdict verdict,
                  const struct error *err);
    void *context;
};

struct trial_end {
    enum verdict_reason reason;
    const struct account_secret *matched;       /* NULL: the row's own, or none */
    bool must_change;                           /* the row's own was right, and has to be changed */
    struct password_facts facts;                /* of the one that was right */
    size_t verifications;
    bool deferred;                              /* only_quick left it undone: nothing else counts */
};

struct trial_end trial_run(const struct trial *trial);

/* The row's own stored password, or a further one. Borrows. */
struct stored_password trial_stored(const struct account *account,
                                    const struct account_secret *secret, span login);

/* Whether refuse_schemes has that scheme. */
bool trial_refuses(const struct auth_config *config, const char *scheme);

/* What an outcome of the password room means. REASON_OK: it is right. */
enum verdict_reason trial_reason(enum password_verdict verdict);

/* How a secret is called in the log and by explain: its name, or its place. */
#define TRIAL_NAME_MAX 160
const char *trial_secret_name(const struct account_secret *secret, char out[TRIAL_NAME_MAX]);

/* A further password was right: that is how an operator sees which device it was. */
void trial_log_used(const char *source, const char *login, const char *name);

#endif
