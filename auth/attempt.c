/* auth/attempt.c - a flight's password is tried on what is stored, and what that comes to is told */
#include "auth/engine.h"

#include "common/log.h"

/* Once a day for each source and scheme. */
static void
log_weak_scheme(struct flight *flight, const struct password_facts *facts,
                enum password_verdict verdict)
{
    struct auth *auth = flight->auth;

    if ((verdict == PASSWORD_RIGHT || verdict == PASSWORD_WRONG)
        && facts->class != PASSWORD_STRONG
        && weakness_is_due(&auth->weakness, flight->source, facts->scheme,
                           clock_unix_s(auth->clock)))
        log_line(LOG_LEVEL_WARNING, "accounts \"%s\": has stored passwords of the %s scheme %s "
                 "(refuse_schemes in claviger.conf(5) would refuse them)",
                 flight->account.source, password_class_name(facts->class), facts->scheme);
}

/* What a scheme does not hear is its truth, but worth knowing. */
static void
log_unheard(const struct flight *flight, const struct password_facts *facts,
            enum password_verdict verdict)
{
    char login[LOG_TOKEN_MAX];

    if (verdict == PASSWORD_RIGHT && facts->hears > 0 && flight->password.len > facts->hears)
        log_line(LOG_LEVEL_INFO, "accounts \"%s\": login=%s has a password longer than the %zu "
                 "bytes that %s hears", flight->account.source,
                 log_token(span_of(flight->account.login), login), facts->hears, facts->scheme);
}

/* An alarm for a stored password that nobody can verify, and the name of a further one that was
 * right. */
static void
log_tried(void *context, const struct account_secret *secret, const struct password_facts *facts,
          enum password_verdict verdict, const struct error *err)
{
    struct flight *flight = context;
    bool unavailable = verdict_outcome_of(trial_reason(verdict)) == VERDICT_UNAVAILABLE;
    char login[LOG_TOKEN_MAX], name[LOG_TOKEN_MAX];

    log_weak_scheme(flight, facts, verdict);
    log_unheard(flight, facts, verdict);
    if (!secret && !unavailable)
        return;
    log_token(span_of(flight->account.login), login);
    if (secret)
        log_token(span_of(secret->name), name);
    if (secret && verdict == PASSWORD_RIGHT)
        trial_log_used(flight->account.source, flight->account.login, secret->name);
    if (secret && unavailable)
        log_line(LOG_LEVEL_ERROR, "accounts \"%s\": %s: secret=%s: %s", flight->account.source,
                 login, name, err->reason);
    if (!secret && unavailable)
        log_line(LOG_LEVEL_ERROR, "accounts \"%s\": %s: %s", flight->account.source, login,
                 err->reason);
}

struct trial_end
attempt_verify(struct flight *flight, bool only_quick)
{
    const struct trial trial = {
        .config = &flight->auth->config, .memory = &flight->auth->memory, .account = &flight->account,
        .secrets = flight->secrets, .login = span_of(flight->account.login),
        .password = secret_get(&flight->password), .network = span_of(flight->network),
        .clock = flight->auth->clock, .deadline_ms = atomic_load(&flight->deadline_ms),
        .only_quick = only_quick, .tried = log_tried, .context = flight,
    };

    return trial_run(&trial);
}

bool
attempt_run(struct flight *flight, bool only_quick)
{
    struct auth *auth = flight->auth;
    struct trial_end end = attempt_verify(flight, only_quick);

    if (end.deferred)
        return false;
    flight->account.must_change = end.must_change;
    atomic_fetch_add_explicit(&counts_here(&auth->counts)->verifications, end.verifications,
                              memory_order_relaxed);
    if (end.reason == REASON_NO_PASSWORD) {
        remember_rejected(flight, end.reason);
        land_paced(flight, end.reason);
        return true;
    }
    pace_note(&auth->pace, clock_now_us(auth->clock) - flight->row_at_us);
    if (end.reason == REASON_OK)
        remember_accepted(flight);
    else
        remember_rejected(flight, end.reason);
    land_answer_tried(flight, end.reason);
    if (end.reason == REASON_OK && !end.matched && rehash_is_due(flight, &end.facts))
        rehash_start(flight);
    else
        land_end(flight);
    return true;
}
