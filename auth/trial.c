/* auth/trial.c - see trial.h */
#include "auth/trial.h"

#include "auth/policy.h"

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

/* --- one stored password ------------------------------------------------------------- */

static enum password_verdict
verify(const struct trial *trial, const struct stored_password *stored, struct trial_end *end,
       struct error *err)
{
    enum password_verdict verdict;
    struct secret latin1 = { .len = 0 };

    error_clear(err);
    verdict = password_verify(trial->bounds, stored, trial->password, err);
    end->verifications++;
    if (verdict == PASSWORD_WRONG && trial->account->latin1
        && password_to_latin1(trial->password, &latin1)) {
        verdict = password_verify(trial->bounds, stored, secret_get(&latin1), err);
        end->verifications++;
    }
    secret_wipe(&latin1);
    return verdict;
}

static enum verdict_reason
try_secret(const struct trial *trial, const struct account_secret *secret, struct trial_end *end)
{
    const struct account *account = trial->account;
    const struct stored_password stored = {
        .is_null = secret ? secret->null : account->password_null,
        .value = secret_get(secret ? &secret->stored : &account->stored),
        .scheme = span_of(secret ? secret->scheme : account->scheme), .login = trial->login,
    };
    struct error err;
    enum password_verdict verdict = verify(trial, &stored, end, &err);

    if (trial->tried)
        trial->tried(trial->context, secret, verdict, &err);
    return trial_reason(verdict);
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

struct trial_end
trial_run(const struct trial *trial)
{
    struct trial_end end = { .verifications = 0 };

    end.reason = try_secret(trial, NULL, &end);
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
            return end;
        }
        end.reason = weightier(end.reason, reason);
    }
    return end;
}
