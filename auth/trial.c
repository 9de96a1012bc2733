/* auth/trial.c - see trial.h */
#include "auth/trial.h"

#include "auth/policy.h"
#include "common/log.h"

#include <stdio.h>

static const enum verdict_reason password_reasons[] = {
    [PASSWORD_RIGHT]  = REASON_OK,
    [PASSWORD_WRONG]  = REASON_WRONG_PASSWORD,
    [PASSWORD_LOCKED] = REASON_NO_PASSWORD,
    [PASSWORD_BAD]    = REASON_BAD_STORED_PASSWORD,
    [PASSWORD_FAILED] = REASON_INTERNAL,
};
_Static_assert(COUNT(password_reasons) == PASSWORD_VERDICTS, "a verdict lacks its reason");

enum verdict_reason
trial_reason(enum password_verdict verdict)
{
    return password_reasons[verdict];
}

const char *
trial_secret_name(const struct account_secret *secret, char out[TRIAL_NAME_MAX])
{
    snprintf(out, TRIAL_NAME_MAX, "%s", secret->name[0] ? secret->name : "(without a name)");
    return out;
}

void
trial_log_used(const char *source, const char *login, const char *name)
{
    char login_token[LOG_TOKEN_MAX], name_token[LOG_TOKEN_MAX];

    log_line(LOG_LEVEL_INFO, "accounts \"%s\": login=%s used secret=%s", source,
             log_token(span_of(login), login_token), log_token(span_of(name), name_token));
}

/* --- one stored password ------------------------------------------------------------- */

bool
trial_refuses(const struct auth_config *config, const char *scheme)
{
    for (size_t i = 0; i < config->refuse_schemes_count; i++)
        if (span_is_nocase(span_of(scheme), config->refuse_schemes[i]))
            return true;
    return false;
}

struct stored_password
trial_stored(const struct account *account, const struct account_secret *secret, span login)
{
    return (struct stored_password){
        .is_null = secret ? secret->null : account->password_null,
        .value = secret_get(secret ? &secret->stored : &account->stored),
        .scheme = span_of(secret ? secret->scheme : account->scheme), .login = login,
        .encodings = account->encodings | (account->latin1 ? (unsigned)PASSWORD_LATIN1 : 0),
    };
}

/* One stored password on its way. */
struct attempt {
    const struct trial *trial;
    uint64_t taken;             /* bytes of the memory budget */
    bool refused, deferred, starved;
};

/* What refuse_schemes says, who is to do it, and as much of the memory budget as it needs, or after the
 * deadline not at all. */
static bool
may_verify(void *context, const struct password_facts *facts, struct error *err)
{
    struct attempt *attempt = context;
    const struct trial *trial = attempt->trial;
    const uint64_t bytes = facts->cost.memory;

    attempt->refused = trial_refuses(trial->config, facts->scheme);
    attempt->deferred = trial->only_quick && facts->class != PASSWORD_PLAIN;
    if (attempt->refused)
        error_set(err, ERROR_CONFIG, "stored password: %s: refuse_schemes refuses it",
                  facts->scheme);
    if (attempt->refused || attempt->deferred)
        return false;
    if (bytes > 0
        && !memory_take(trial->memory, bytes, trial->deadline_ms - clock_now_ms(trial->clock))) {
        attempt->starved = true;
        error_set(err, ERROR_UNAVAILABLE, "stored password: %s: no memory_budget left in time",
                  facts->scheme);
        return false;
    }
    attempt->taken = bytes;
    return true;
}

static enum verdict_reason
try_secret(const struct trial *trial, const struct account_secret *secret, struct trial_end *end)
{
    const struct stored_password stored = trial_stored(trial->account, secret, trial->login);
    struct attempt attempt = { .trial = trial };
    struct password_facts facts;
    struct error err;
    enum password_verdict verdict = password_try(&trial->config->password, &stored,
                                                 trial->password, may_verify, &attempt, &facts,
                                                 &err);

    memory_give(trial->memory, attempt.taken);
    end->deferred = attempt.deferred;
    if (attempt.deferred)
        return REASON_OVERLOADED;
    end->verifications++;
    if (attempt.refused)
        verdict = PASSWORD_BAD;
    if (verdict == PASSWORD_RIGHT)
        end->facts = facts;
    if (trial->tried)
        trial->tried(trial->context, secret, &facts, verdict, &err);
    return attempt.starved ? REASON_OVERLOADED : trial_reason(verdict);
}

/* --- all of them --------------------------------------------------------------------- */

/* What is said when none was right: that one could not be told, else that one was wrong, else
 * that there is none. */
static enum verdict_reason
weightier(enum verdict_reason a, enum verdict_reason b)
{
    if (verdict_outcome_of(b) == VERDICT_UNAVAILABLE)
        return verdict_outcome_of(a) == VERDICT_UNAVAILABLE ? a : b;
    return a == REASON_NO_PASSWORD ? b : a;
}

/* Only who knows a password learns, in the log and in PAM's codes, that policy refuses. */
static void
judge_match(const struct trial *trial, const struct account_secret *secret, struct trial_end *end)
{
    end->matched = secret;
    end->reason = policy_judge(trial->account, secret, trial->network,
                               clock_unix_s(trial->clock));
    end->must_change = !secret && trial->account->must_change && end->reason == REASON_OK;
}

/* What stands behind the one that was right is verified all the same, so that the time does not tell
 * which it was; but not when that would cost the answer its deadline. */
static void
verify_rest(const struct trial *trial, const struct account_secret *rest, int64_t until_ms,
            struct trial_end *end)
{
    struct trial unheard = *trial;

    unheard.tried = NULL;
    for (; rest && clock_now_ms(trial->clock) < until_ms; rest = rest->next)
        (void)try_secret(&unheard, rest, end);
}

struct trial_end
trial_run(const struct trial *trial)
{
    const int64_t began_ms = clock_now_ms(trial->clock);
    struct trial_end end = { .verifications = 0 };

    end.reason = try_secret(trial, NULL, &end);
    if (end.deferred)
        return end;
    if (end.reason == REASON_OK) {
        judge_match(trial, NULL, &end);
        return end;
    }
    for (const struct account_secret *secret = trial->secrets; secret; secret = secret->next) {
        enum verdict_reason reason;

        if (clock_now_ms(trial->clock) >= trial->deadline_ms) {
            end.reason = REASON_DEADLINE;
            return end;
        }
        reason = try_secret(trial, secret, &end);
        if (reason == REASON_OK) {
            judge_match(trial, secret, &end);
            verify_rest(trial, secret->next, began_ms + (trial->deadline_ms - began_ms) / 2, &end);
            return end;
        }
        end.reason = weightier(end.reason, reason);
    }
    return end;
}
