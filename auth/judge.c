/* auth/judge.c - the work of one flight: lookup, policy, password, cache
 *
 *   judge_start ─▶ lookup thread ─┬─ row as it was ──────────────▶ accepted, entry fresh again
 *        ▲                        ├─ no row: next source, or ────▶ rejected, in its own time
 *        └── next source ◀────────┤
 *                                 └─ a row ─▶ hash thread ───────▶ accepted or rejected, remembered
 *
 * A flight is worked on by one thread at a time and always ends in land().
 */
#include "auth/engine.h"

#include "auth/policy.h"
#include "common/log.h"

#include <sodium.h>
#include <string.h>

/* --- the end of a flight ---------------------------------------------------------- */

static void
land(struct flight *flight, enum verdict_reason reason, enum verdict_via via,
     int64_t not_before_ms)
{
    struct auth *auth = flight->auth;
    struct auth_ticket *tickets = flight_land(&auth->flights, flight);
    struct verdict verdict = { .must_change = reason == REASON_OK && flight->account.must_change };

    if (reason == REASON_OK && flight->account.found)
        memcpy(verdict.account, flight->account.login, sizeof(verdict.account));
    else
        memcpy(verdict.account, flight->who.name, flight->who.len + 1);
    verdict_set(&verdict, reason, via);
    while (tickets) {
        struct auth_ticket *ticket = tickets;

        tickets = ticket->next;
        ticket->verdict = verdict;
        ticket->not_before_ms = not_before_ms;
        counts_verdict(&auth->counts, &verdict);
        ticket->done(ticket);
    }
    flight_free(flight);
    atomic_fetch_sub(&auth->flights.open, 1);
}

/* Without having looked at a password: when a verification would have been over. */
static void
land_paced(struct flight *flight, enum verdict_reason reason)
{
    struct auth *auth = flight->auth;

    land(flight, reason, VIA_LOOKUP, clock_now_ms(auth->clock) + pace_draw_ms(&auth->pace));
}

static void
land_unavailable(struct flight *flight, enum verdict_reason reason)
{
    bool in_grace = flight->is_stale && flight->hit.in_grace;

    land(flight, in_grace ? REASON_OK : reason, in_grace ? VIA_GRACE : VIA_LOOKUP, 0);
}

/* --- remembering ------------------------------------------------------------------ */

static enum cache_reach
reach_of(const struct flight *flight)
{
    const struct auth_source *sources = flight->auth->sources;
    bool by_network = flight->account.allow_nets[0] != '\0';

    /* Any source that was asked on the way may have answered by the address. */
    for (size_t i = 0; i <= flight->source && i < flight->auth->sources_count; i++)
        by_network = by_network || account_source_uses_remote(sources[i].source);
    return by_network ? CACHE_THIS_NETWORK : CACHE_ANYWHERE;
}

static void
remember_rejection(struct flight *flight, enum verdict_reason reason)
{
    if (flight->action == AUTH_PASSWORD && verdict_outcome_of(reason) == VERDICT_REJECTED)
        cache_reject(flight->auth->cache, &flight->key, (unsigned)reason, reach_of(flight),
                     clock_now_ms(flight->auth->clock));
}

/* The cache keeps no name, so it cannot hold an answer whose name is not the one that was asked
 * for; and whoever has to change a password is told so each time. */
static bool
is_cacheable(const struct flight *flight)
{
    return !flight->account.must_change
        && span_equal(identity_name(&flight->who), span_of(flight->account.login));
}

static void
remember_acceptance(struct flight *flight)
{
    if (is_cacheable(flight))
        cache_accept(flight->auth->cache, &flight->key, &flight->fingerprint, reach_of(flight),
                     flight->seen_at_ms);
}

/* --- the row ---------------------------------------------------------------------- */

struct row_bytes { size_t used; unsigned char bytes[8192]; };

/* Each field with its length before it, so that no two rows run together to the same bytes. */
static void
put_field(struct row_bytes *row, span field)
{
    uint32_t len = (uint32_t)field.len;

    memcpy(row->bytes + row->used, &len, sizeof(len));
    if (len > 0)
        memcpy(row->bytes + row->used + sizeof(len), field.ptr, len);
    row->used += sizeof(len) + len;
}

void
judge_fingerprint(struct cache *cache, const struct account *account,
                  struct cache_fingerprint *out)
{
    const unsigned char flags[] = {
        account->enabled, account->service_ok, account->password_expired,
        account->must_change, account->password_null,
    };
    const span fields[] = {
        span_of(account->source), span_of(account->login), secret_get(&account->stored),
        span_of(account->scheme), span_of(account->allow_nets), span_make(flags, sizeof(flags)),
        span_make(&account->expires_at, sizeof(account->expires_at)),
        span_make(account->attributes.text, account->attributes.used),
    };
    struct row_bytes row = { 0 };

    _Static_assert(sizeof(row.bytes) > SECRET_MAX + ACCOUNT_LOGIN_MAX + ACCOUNT_NETS_MAX
                       + ACCOUNT_ATTRIBUTES_MAX + 1024, "a row must fit");
    for (size_t i = 0; i < COUNT(fields); i++)
        put_field(&row, fields[i]);
    cache_fingerprint_make(cache, span_make(row.bytes, row.used), out);
    sodium_memzero(row.bytes, row.used);
}

enum verdict_reason
judge_row(const struct account *account, const struct identity *who, bool is_alias)
{
    if (!account->found)
        return REASON_UNKNOWN_ACCOUNT;
    if (account->ambiguous)
        return REASON_AMBIGUOUS_ACCOUNT;
    /* A collation may hold other spellings for the same; the name decides who you are. */
    if (!is_alias && !span_equal(identity_name(who), span_of(account->login)))
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

static enum error_code
look_up(struct auth_source *source, size_t worker, struct flight *flight, struct error *err)
{
    const struct account_who who = {
        .login = identity_name(&flight->who), .service = span_of(flight->service),
        .remote = span_of(flight->network),
    };
    const struct clock *clock = source->auth->clock;
    int64_t deadline_ms = atomic_load(&flight->deadline_ms);
    int64_t timeout_ms;
    enum error_code code = ERROR_NONE;

    flight->seen_at_ms = clock_now_ms(clock);
    timeout_ms = deadline_ms - flight->seen_at_ms;
    if (timeout_ms > account_source_timeout_ms(source->source))
        timeout_ms = account_source_timeout_ms(source->source);
    if (!source->conns[worker])
        code = account_conn_open(source->source, false, &source->conns[worker], err);
    atomic_fetch_add_explicit(&counts_here(&source->auth->counts)->lookups, 1,
                              memory_order_relaxed);
    if (code == ERROR_NONE)
        code = account_lookup(source->conns[worker], &who,
                              clock_now_ms(&clock_system) + timeout_ms, &flight->account, err);
    return code;
}

/* There is a row, and it is the account's. */
static void
judge_account(struct flight *flight)
{
    struct auth *auth = flight->auth;

    flight->policy = policy_judge(&flight->account, span_of(flight->network),
                                  clock_unix_s(auth->clock));
    if (flight->action == AUTH_ACCOUNT) {
        land(flight, flight->policy, VIA_LOOKUP, 0);
        return;
    }
    judge_fingerprint(auth->cache, &flight->account, &flight->fingerprint);
    cache_observe(auth->cache, &flight->key, &flight->fingerprint);
    if (flight->is_stale && flight->policy == REASON_OK
        && memcmp(&flight->fingerprint, &flight->hit.fingerprint,
                  sizeof(flight->fingerprint)) == 0) {
        cache_refresh(auth->cache, &flight->key, &flight->fingerprint, flight->seen_at_ms);
        land(flight, REASON_OK, VIA_REVALIDATED, 0);
        return;
    }
    flight->queued_at_ms = clock_now_ms(auth->clock);
    if (flight->queued_at_ms + workers_wait_ms(auth->hashes) >= atomic_load(&flight->deadline_ms)
        || !workers_push(auth->hashes, &flight->job))
        land(flight, REASON_OVERLOADED, VIA_LOOKUP, 0);
}

/* No source has it, or what one has is nobody's. */
static void
judge_nobody(struct flight *flight, enum verdict_reason reason)
{
    if (flight->action == AUTH_PASSWORD)
        cache_observe(flight->auth->cache, &flight->key, NULL);
    log_row_fault(flight, reason);
    remember_rejection(flight, reason);
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
judge_run_lookup(void *context, size_t worker, struct job *job)
{
    struct auth_source *source = context;
    struct flight *flight = (struct flight *)job;
    struct auth *auth = source->auth;
    enum verdict_reason reason;
    struct error err;

    if (clock_now_ms(auth->clock) >= atomic_load(&flight->deadline_ms)) {
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
               && auth_next_source(auth, &flight->who, source->index + 1) < auth->sources_count) {
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

    flight->source = auth_next_source(auth, &flight->who, flight->source);
    if (flight->source == auth->sources_count) {
        judge_nobody(flight, REASON_UNKNOWN_ACCOUNT);
        return;
    }
    lookups = auth->sources[flight->source].lookups;
    if (clock_now_ms(auth->clock) + workers_wait_ms(lookups) >= atomic_load(&flight->deadline_ms)
        || !workers_push(lookups, &flight->job))
        land_unavailable(flight, REASON_OVERLOADED);
}

/* --- password --------------------------------------------------------------------- */

static const enum verdict_reason password_reasons[] = {
    [PASSWORD_RIGHT]  = REASON_OK,
    [PASSWORD_WRONG]  = REASON_WRONG_PASSWORD,
    [PASSWORD_LOCKED] = REASON_NO_PASSWORD,
    [PASSWORD_BAD]    = REASON_BAD_STORED_PASSWORD,
    [PASSWORD_FAILED] = REASON_INTERNAL,
};
_Static_assert(COUNT(password_reasons) == PASSWORD_VERDICTS, "a verdict lacks its reason");

enum verdict_reason
judge_password_verdict(enum password_verdict verdict)
{
    return password_reasons[verdict];
}

static void
log_bad_password(const struct flight *flight, const struct error *err)
{
    char login[LOG_TOKEN_MAX];

    log_line(LOG_LEVEL_ERROR, "accounts \"%s\": %s: %s", flight->account.source,
             log_token(span_of(flight->account.login), login), err->reason);
}

static enum verdict_reason
verify(struct flight *flight)
{
    const struct stored_password stored = {
        .is_null = flight->account.password_null, .value = secret_get(&flight->account.stored),
        .scheme = span_of(flight->account.scheme), .login = identity_name(&flight->who),
    };
    enum verdict_reason reason;
    struct error err;

    error_clear(&err);
    reason = judge_password_verdict(password_verify(&flight->auth->config.password, &stored,
                                                    secret_get(&flight->password), &err));
    if (verdict_outcome_of(reason) == VERDICT_UNAVAILABLE)
        log_bad_password(flight, &err);
    return reason;
}

void
judge_run_hash(void *context, size_t worker, struct job *job)
{
    struct auth *auth = context;
    struct flight *flight = (struct flight *)job;
    enum verdict_reason reason;

    (void)worker;
    if (clock_now_ms(auth->clock) >= atomic_load(&flight->deadline_ms)) {
        land(flight, REASON_DEADLINE, VIA_LOOKUP, 0);
        return;
    }
    reason = verify(flight);
    atomic_fetch_add_explicit(&counts_here(&auth->counts)->verifications, 1,
                              memory_order_relaxed);
    if (reason == REASON_NO_PASSWORD) {
        remember_rejection(flight, reason);
        land_paced(flight, reason);
        return;
    }
    pace_note(&auth->pace, clock_now_ms(auth->clock) - flight->queued_at_ms);
    /* Only who knows the password learns, in the log and in PAM's codes, that policy refuses. */
    if (reason == REASON_OK)
        reason = flight->policy;
    if (reason == REASON_OK)
        remember_acceptance(flight);
    else
        remember_rejection(flight, reason);
    land(flight, reason, VIA_LOOKUP, 0);
}
