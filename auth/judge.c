/* auth/judge.c - the way of one flight: row, policy, password
 *
 *   judge_start ─▶ lookup thread ─┬─ row as it was ──────────────▶ accepted, entry fresh again
 *        ▲                        ├─ no row: next source, or ────▶ rejected, in its own time
 *        └── next source ◀────────┤
 *                                 └─ a row ─▶ hash thread ───────▶ accepted or rejected, remembered
 *
 * A flight is worked on by one thread at a time and always ends in auth/land.c.
 */
#include "auth/engine.h"

#include "auth/fingerprint.h"
#include "auth/policy.h"
#include "common/log.h"

#include <string.h>

/* --- the row ---------------------------------------------------------------------- */

enum verdict_reason
judge_row(const struct account *account, const struct identity *who, bool is_alias)
{
    if (!account->found)
        return REASON_UNKNOWN_ACCOUNT;
    if (account->ambiguous)
        return REASON_AMBIGUOUS_ACCOUNT;
    /* A collation may hold other spellings for the same; the name decides who you are. A row
     * that says by which name it was found is believed when that is, byte for byte, the one. */
    if (!is_alias && !span_equal(identity_name(who), span_of(account->asked[0]
                                                             ? account->asked : account->login)))
        return REASON_OTHER_ACCOUNT;
    return REASON_OK;
}

/* Two rows are an alarm: which of them would it be? */
static void
log_row_fault(const struct flight *flight, enum verdict_reason reason)
{
    char asked[LOG_TOKEN_MAX], found[LOG_TOKEN_MAX];

    log_token(identity_name(&flight->who), asked);
    if (reason == REASON_AMBIGUOUS_ACCOUNT)
        log_line(LOG_LEVEL_ERROR, "accounts \"%s\": more than one row for login=%s: refused, "
                 "make the login unique in the table", flight->account.source, asked);
    if (reason == REASON_OTHER_ACCOUNT)
        log_line(LOG_LEVEL_WARNING, "accounts \"%s\": login=%s found the row of %s: refused, "
                 "see collations in claviger.conf(5)", flight->account.source, asked,
                 log_token(span_of(flight->account.login), found));
}

/* --- lookup ----------------------------------------------------------------------- */

enum error_code
judge_look_up(struct account_conn *conn, const struct account_who *who, int64_t deadline_ms,
              struct account *account, struct account_secret **secrets_out, bool *more_out,
              struct error *err)
{
    enum error_code code = account_lookup(conn, who, deadline_ms, account, err);

    *secrets_out = NULL;
    *more_out = false;
    if (code == ERROR_NONE && account->found && !account->ambiguous)
        code = account_secrets(conn, who, account, deadline_ms, secrets_out, more_out, err);
    return code;
}

static void
log_many_secrets(const struct flight *flight)
{
    char login[LOG_TOKEN_MAX];

    log_line(LOG_LEVEL_WARNING, "accounts \"%s\": login=%s has more further passwords than "
             "secrets_max: the rest is not tried", flight->account.source,
             log_token(identity_name(&flight->who), login));
}

static enum error_code
look_up(struct auth_source *source, size_t worker, struct flight *flight, struct error *err)
{
    const struct account_who who = {
        .login = identity_name(&flight->who), .service = span_of(flight->service),
        .remote = span_of(flight->network),
    };
    int64_t timeout_ms = atomic_load(&flight->deadline_ms) - flight->seen_at_ms;
    enum error_code code = ERROR_NONE;
    bool more = false;

    if (timeout_ms > account_source_timeout_ms(source->source))
        timeout_ms = account_source_timeout_ms(source->source);
    if (!source->conns[worker])
        code = account_conn_open(source->source, ACCOUNT_READS, &source->conns[worker], err);
    atomic_fetch_add_explicit(&counts_here(&source->auth->counts)->lookups, 1,
                              memory_order_relaxed);
    account_wipe(&flight->account);             /* of a source that was asked before */
    account_secrets_free(flight->secrets);
    flight->secrets = NULL;
    if (code == ERROR_NONE)
        code = judge_look_up(source->conns[worker], &who,
                             clock_now_ms(&clock_system) + timeout_ms, &flight->account,
                             &flight->secrets, &more, err);
    if (more)
        log_many_secrets(flight);
    return code;
}

/* Whether what would wait so long could not be done in time. What need not wait is not asked: the
 * thread that takes it looks at the clock. */
static bool
is_too_long(const struct flight *flight, int64_t wait_ms)
{
    return wait_ms > 0
        && clock_now_ms(flight->auth->clock) + wait_ms >= atomic_load(&flight->deadline_ms);
}

void
judge_send_to_hash(struct flight *flight)
{
    struct auth *auth = flight->auth;

    flight->job.known = cache_knows(auth->cache, &flight->key, clock_now_ms(auth->clock))
                     || throttle_knows(auth->throttle, &flight->guest);
    if (is_too_long(flight, workers_wait_ms(auth->hashes, &flight->job))
        || !workers_push(auth->hashes, &flight->job))
        land_flight(flight, REASON_OVERLOADED, VIA_LOOKUP, 0);
}

/* Whether it is the row, to the last column, that the remembered acceptance was verified by. */
static bool
is_as_remembered(const struct flight *flight)
{
    return flight->is_stale && memcmp(&flight->fingerprint, &flight->hit.fingerprint,
                                      sizeof(flight->fingerprint)) == 0;
}

/* The password was sent to be verified. */
static void
judge_password(struct flight *flight, enum verdict_reason policy)
{
    struct auth *auth = flight->auth;

    fingerprint_make(auth->cache, &flight->account, flight->secrets, &flight->fingerprint);
    cache_observe(auth->cache, &flight->key, &flight->fingerprint);
    if (policy == REASON_OK && is_as_remembered(flight)) {
        cache_refresh(auth->cache, &flight->key, &flight->fingerprint, flight->seen_at_ms);
        flight->account.must_change = false;    /* or it would not have been remembered */
        land_flight(flight, REASON_OK, VIA_REVALIDATED, 0);
        return;
    }
    /* Handing it to a hash thread would take longer than comparing it. */
    if (!flight->secrets && attempt_run(flight, true))
        return;
    judge_send_to_hash(flight);
}

/* There is a row, and it is the account's. */
static void
judge_account(struct flight *flight)
{
    struct auth *auth = flight->auth;
    enum verdict_reason policy = policy_judge_any(&flight->account, flight->secrets,
                                                  span_of(flight->network),
                                                  clock_unix_s(auth->clock));

    flight->row_at_us = clock_now_us(auth->clock);
    switch (flight->action) {
    case AUTH_PASSWORD:
        judge_password(flight, policy);
        return;
    case AUTH_CREDENTIALS:
        credentials_of_row(flight);
        return;
    case AUTH_CHANGE:
        judge_send_to_hash(flight);
        return;
    case AUTH_ACCOUNT:
    case AUTH_SESSION:
        land_flight(flight, policy, VIA_LOOKUP, 0);
        return;
    }
}

/* No source has it, or what one has is nobody's. */
static void
judge_nobody(struct flight *flight, enum verdict_reason reason)
{
    if (flight->action == AUTH_PASSWORD)
        cache_observe(flight->auth->cache, &flight->key, NULL);
    log_row_fault(flight, reason);
    if (flight->action == AUTH_CREDENTIALS) {
        credentials_of_nobody(flight, reason);
        return;
    }
    remember_rejected(flight, reason);
    land_paced(flight, reason);
}

static void
log_source_down(const struct flight *flight, const struct error *err)
{
    char login[LOG_TOKEN_MAX];

    log_line(LOG_LEVEL_ERROR, "lookup of login=%s failed: %s",
             log_token(identity_name(&flight->who), login), err->reason);
}

void
judge_together(void *context, size_t worker, bool on)
{
    struct auth_source *source = context;

    source->together_since_ms[worker] = on ? clock_now_ms(source->auth->clock) : 0;
    if (source->conns[worker])
        account_reads_together(source->conns[worker], on);
}

void
judge_run_lookup(void *context, size_t worker, struct job *job)
{
    struct auth_source *source = context;
    struct flight *flight = (struct flight *)job;
    struct auth *auth = source->auth;
    enum verdict_reason reason;
    struct error err;

    flight->seen_at_ms = source->together_since_ms[worker];
    if (flight->seen_at_ms == 0)
        flight->seen_at_ms = clock_now_ms(auth->clock);
    if (flight->seen_at_ms >= atomic_load(&flight->deadline_ms)) {
        land_unavailable(flight, REASON_DEADLINE);
        return;
    }
    if (look_up(source, worker, flight, &err) != ERROR_NONE) {
        /* The next source is not asked: this one might have had the account. */
        log_source_down(flight, &err);
        land_unavailable(flight, REASON_ACCOUNT_SOURCE_DOWN);
        return;
    }
    reason = judge_row(&flight->account, &flight->who, account_source_is_alias(source->source));
    if (reason == REASON_OK) {
        judge_account(flight);
    } else if (reason == REASON_UNKNOWN_ACCOUNT
               && auth_next_source(auth, &flight->who, flight->only, source->index + 1)
                  < auth->sources_count) {
        flight->source = source->index + 1;
        judge_start(flight);
    } else {
        judge_nobody(flight, reason);
    }
}

void
judge_start(struct flight *flight)
{
    struct auth *auth = flight->auth;
    struct workers *lookups;

    flight->source = auth_next_source(auth, &flight->who, flight->only, flight->source);
    if (flight->source == auth->sources_count) {
        judge_nobody(flight, REASON_UNKNOWN_ACCOUNT);
        return;
    }
    lookups = auth->sources[flight->source].lookups;
    if (is_too_long(flight, workers_wait_ms(lookups, &flight->job)) || !workers_push(lookups, &flight->job))
        land_unavailable(flight, REASON_OVERLOADED);
}

/* --- the hash thread --------------------------------------------------------------- */

void
judge_run_hash(void *context, size_t worker, struct job *job)
{
    struct auth *auth = context;
    struct flight *flight = (struct flight *)job;
    int64_t now_ms = clock_now_ms(auth->clock);

    (void)worker;
    if (flight->rehashes)
        rehash_run(flight);
    else if (now_ms >= atomic_load(&flight->deadline_ms))
        land_flight(flight, REASON_DEADLINE, VIA_LOOKUP, 0);
    else if (flight_tries_password(flight) && !flight->is_stale
             && !throttle_allows(auth->throttle, &flight->guest, now_ms))
        /* Others of the account were found wrong while this one waited. */
        land_flight(flight, REASON_THROTTLED, VIA_LOOKUP,
                    now_ms + throttle_delay_ms(auth->throttle, &flight->guest, now_ms));
    else if (flight->action == AUTH_CREDENTIALS)
        credentials_run_hash(flight);
    else if (flight->action == AUTH_CHANGE)
        change_run(flight);
    else
        attempt_run(flight, false);
}
