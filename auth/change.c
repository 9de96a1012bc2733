/* auth/change.c - a password is changed: see AUTH_CHANGE in auth.h
 *
 *   lookup thread ─▶ hash thread: the old one is right, the new one is made ─▶ writer ─▶ cache flushed ─▶ ticket
 */
#include "auth/engine.h"

#include "common/log.h"

/* App passwords do not change the account's own, and what is being mended does not stand in the way. */
static enum verdict_reason
verify_old(struct flight *flight)
{
    struct auth *auth = flight->auth;
    struct trial_end end;

    if (flight->change->by_root)
        return REASON_OK;
    account_secrets_free(flight->secrets);
    flight->secrets = NULL;
    flight->account.password_expired = false;
    flight->account.service_ok = true;
    end = attempt_verify(flight, false);
    atomic_fetch_add_explicit(&counts_here(&auth->counts)->verifications, end.verifications,
                              memory_order_relaxed);
    if (end.reason != REASON_NO_PASSWORD)
        pace_note(&auth->pace, clock_now_us(auth->clock) - flight->row_at_us);
    return end.reason;
}

static void
log_changed(const struct flight *flight)
{
    char login[LOG_TOKEN_MAX];

    log_line(LOG_LEVEL_INFO, "accounts \"%s\": login=%s changed its password",
             flight->account.source, log_token(span_of(flight->account.login), login));
}

static void
log_unchanged(const struct flight *flight, const char *why)
{
    char login[LOG_TOKEN_MAX];

    log_line(LOG_LEVEL_ERROR, "accounts \"%s\": login=%s could not change its password: %s",
             flight->account.source, log_token(span_of(flight->account.login), login), why);
}

/* What keeps a new password from being one is the user's, what keeps it from being made ours. */
static enum verdict_reason
make_new(struct flight *flight)
{
    const struct account_source *source = flight->auth->sources[flight->source].source;
    const struct password_form form = password_form_of(account_source_make(source),
                                                       account_source_default_scheme(source),
                                                       account_source_is_latin1(source));
    int64_t left_ms = atomic_load(&flight->deadline_ms) - clock_now_ms(flight->auth->clock);
    struct error err;

    switch (make_stored(flight, &form, make_needs(flight), left_ms,
                        secret_get(&flight->change->wanted), &err)) {
    case ERROR_NONE:
        make_learn(flight);
        return REASON_OK;
    case ERROR_REJECTED:
        return REASON_NEW_PASSWORD;
    case ERROR_UNAVAILABLE:
        log_unchanged(flight, err.reason);
        return REASON_OVERLOADED;
    default:
        log_unchanged(flight, err.reason);
        return REASON_INTERNAL;
    }
}

/* What became of the row. A query that is right touches one: none is gone since it was read. */
static enum verdict_reason
reason_of(enum error_code code, size_t changed)
{
    if (code == ERROR_UNAVAILABLE)
        return REASON_ACCOUNT_SOURCE_DOWN;
    return code == ERROR_NONE && changed > 0 ? REASON_OK : REASON_CHANGE_DENIED;
}

/* Whether it was changed or not: a query that was not answered may have been done all the same. */
static void
forget(const struct flight *flight)
{
    struct cache *cache = flight->auth->cache;
    int64_t now_ms = clock_now_ms(flight->auth->clock);

    cache_flush_account(cache, span_of(flight->account.login), now_ms);
    if (!span_equal(identity_name(&flight->who), span_of(flight->account.login)))
        cache_flush_account(cache, identity_name(&flight->who), now_ms);
}

static void
on_written(struct writer_job *job, enum error_code code, size_t changed, const struct error *err)
{
    struct flight *flight = (struct flight *)((char *)job - offsetof(struct flight, write));
    enum verdict_reason reason = reason_of(code, changed);

    forget(flight);
    flight->account.must_change = false;
    if (reason == REASON_OK) {
        counts_write(&flight->auth->counts, AUTH_WRITE_CHANGED);
        log_changed(flight);
    } else {
        log_unchanged(flight, code == ERROR_NONE ? "no row was changed" : err->reason);
    }
    land_flight(flight, reason, VIA_LOOKUP, 0);
}

static void
write_new(struct flight *flight)
{
    struct auth *auth = flight->auth;
    int64_t left_ms = atomic_load(&flight->deadline_ms) - clock_now_ms(auth->clock);

    flight->write = (struct writer_job){
        .query = ACCOUNT_SET_PASSWORD, .done = on_written,
        .deadline_ms = clock_now_ms(&clock_system) + left_ms,
        .who = { .login = span_of(flight->account.login), .service = span_of(flight->service),
                 .remote = span_of(flight->network), .stored = secret_get(&flight->change->stored) },
    };
    if (!writer_push(auth->sources[flight->source].writer, &flight->write))
        land_flight(flight, REASON_OVERLOADED, VIA_LOOKUP, 0);
}

void
change_run(struct flight *flight)
{
    struct account_source *source = flight->auth->sources[flight->source].source;
    enum verdict_reason reason = verify_old(flight);

    if (reason == REASON_NO_PASSWORD) {
        land_paced(flight, reason);
        return;
    }
    if (reason == REASON_OK && !account_source_has(source, ACCOUNT_SET_PASSWORD))
        reason = REASON_CHANGE_DENIED;
    if (reason == REASON_OK)
        reason = make_new(flight);
    if (reason == REASON_OK)
        write_new(flight);
    else
        land_tried(flight, reason);
}
