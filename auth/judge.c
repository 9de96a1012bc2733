/* auth/judge.c - the work of one flight: lookup, policy, password, cache
 *
 *   judge_start ─▶ lookup thread ─┬─ row as it was ──────────────▶ accepted, entry fresh again
 *        ▲                        ├─ no row: next source, or ────▶ rejected, in its own time
 *        └── next source ◀────────┤
 *                                 └─ a row ─▶ hash thread ───────▶ accepted or rejected, remembered
 *
 * A flight is worked on by one thread at a time and always ends in judge_land().
 */
#include "auth/engine.h"

#include "auth/policy.h"
#include "common/log.h"

#include <sodium.h>
#include <string.h>

/* --- the end of a flight ---------------------------------------------------------- */

void
judge_answer(struct flight *flight, enum verdict_reason reason, enum verdict_via via,
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
        if (flight->action != AUTH_CREDENTIALS || reason != REASON_OK)     /* that is no sign-in yet */
            counts_verdict(&auth->counts, &verdict);
        ticket->done(ticket);
    }
    if (reason == REASON_OK && (via == VIA_LOOKUP || via == VIA_REVALIDATED)
        && (flight->action == AUTH_PASSWORD || flight->action == AUTH_SESSION))
        last_login_note(flight);
}

void
judge_end(struct flight *flight)
{
    struct auth *auth = flight->auth;

    flight_free(&auth->flights, flight);
    atomic_fetch_sub(&auth->flights.open, 1);
}

void
judge_land(struct flight *flight, enum verdict_reason reason, enum verdict_via via,
           int64_t not_before_ms)
{
    judge_answer(flight, reason, via, not_before_ms);
    judge_end(flight);
}

static bool
tries_password(const struct flight *flight)
{
    return flight->action == AUTH_PASSWORD
        || (flight->action == AUTH_CHANGE && !flight->change->by_root);
}

/* How long a rejection is held back: the longer, the more wrong passwords there were. Those that policy
 * refuses wait like wrong ones, but count for nothing. */
static int64_t
hold_back_ms(struct auth *auth, const struct throttle_guest *guest, enum verdict_reason reason,
             int64_t now_ms)
{
    if (verdict_outcome_of(reason) != VERDICT_REJECTED)
        return 0;
    if (verdict_is_guess(reason))
        throttle_note_wrong(auth->throttle, guest, now_ms);
    return throttle_delay_ms(auth->throttle, guest, now_ms);
}

static int64_t
held_back_ms(struct flight *flight, enum verdict_reason reason, int64_t now_ms)
{
    bool was_right = flight->action == AUTH_CHANGE && !verdict_is_guess(reason);

    return tries_password(flight) && !was_right
        ? hold_back_ms(flight->auth, &flight->guest, reason, now_ms) : 0;
}

/* Timers ring at whole milliseconds. So that nobody tells those that wait by one from those that took
 * their time, all rejections leave by one. */
int64_t
judge_tick_ms(int64_t us)
{
    return us / 1000 + 1;
}

int64_t
judge_tell_at_ms(struct auth *auth, const struct throttle_guest *guest, enum verdict_reason reason,
                 int64_t now_us)
{
    int64_t wait_ms = hold_back_ms(auth, guest, reason, now_us / 1000);

    if (reason == REASON_THROTTLED)
        return now_us / 1000 + throttle_delay_ms(auth->throttle, guest, now_us / 1000);
    return verdict_outcome_of(reason) == VERDICT_REJECTED ? judge_tick_ms(now_us) + wait_ms : 0;
}

void
judge_land_paced(struct flight *flight, enum verdict_reason reason)
{
    struct auth *auth = flight->auth;
    int64_t now_us = clock_now_us(auth->clock);
    int64_t wait_ms = held_back_ms(flight, reason, now_us / 1000);

    judge_land(flight, reason, VIA_LOOKUP,
               judge_tick_ms(now_us + pace_draw_us(&auth->pace)) + wait_ms);
}

static void
answer_tried(struct flight *flight, enum verdict_reason reason)
{
    struct auth *auth = flight->auth;
    int64_t now_us = clock_now_us(auth->clock);
    int64_t wait_ms = held_back_ms(flight, reason, now_us / 1000);
    bool rejected = verdict_outcome_of(reason) == VERDICT_REJECTED;

    if (reason == REASON_OK)
        throttle_note_right(auth->throttle, &flight->guest, now_us / 1000);
    judge_answer(flight, reason, VIA_LOOKUP, rejected ? judge_tick_ms(now_us) + wait_ms : 0);
}

void
judge_land_tried(struct flight *flight, enum verdict_reason reason)
{
    answer_tried(flight, reason);
    judge_end(flight);
}

static void
land_unavailable(struct flight *flight, enum verdict_reason reason)
{
    bool in_grace = flight->is_stale && flight->hit.in_grace;

    judge_land(flight, in_grace ? REASON_OK : reason, in_grace ? VIA_GRACE : VIA_LOOKUP, 0);
}

/* --- remembering ------------------------------------------------------------------ */

static enum cache_reach
reach_of(const struct flight *flight)
{
    const struct auth_source *sources = flight->auth->sources;
    const struct account_secret *secret = flight->secrets;
    bool by_network = flight->account.allow_nets[0] != '\0';

    for (; secret && !by_network; secret = secret->next)
        by_network = secret->allow_nets[0] != '\0';
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

void
judge_remember(struct flight *flight)
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

/* Digests the fields, with what was digested before them; wipes them. */
static void
digest_fields(struct cache *cache, const span *fields, size_t count,
              struct cache_fingerprint *fingerprint)
{
    struct row_bytes row;

    row.used = 0;               /* to zero all of it would cost more than to digest what is there */
    _Static_assert(sizeof(row.bytes) > SECRET_MAX + 2 * ACCOUNT_LOGIN_MAX + ACCOUNT_NETS_MAX
                       + ACCOUNT_ATTRIBUTES_MAX + 1024, "a row must fit");
    put_field(&row, span_make(fingerprint, sizeof(*fingerprint)));
    for (size_t i = 0; i < count; i++)
        put_field(&row, fields[i]);
    cache_fingerprint_make(cache, span_make(row.bytes, row.used), fingerprint);
    sodium_memzero(row.bytes, row.used);
}

static void
digest_account(struct cache *cache, const struct account *account,
               struct cache_fingerprint *fingerprint)
{
    const unsigned char flags[] = {
        account->enabled, account->service_ok, account->password_expired,
        account->must_change, account->password_null, account->latin1,
    };
    const span fields[] = {
        span_of(account->source), span_of(account->login), span_of(account->asked),
        secret_get(&account->stored), span_of(account->scheme), span_of(account->allow_nets),
        span_make(flags, sizeof(flags)),
        span_make(&account->expires_at, sizeof(account->expires_at)),
        span_make(account->attributes.text, account->attributes.used),
    };

    digest_fields(cache, fields, COUNT(fields), fingerprint);
}

static void
digest_secret(struct cache *cache, const struct account_secret *secret,
              struct cache_fingerprint *fingerprint)
{
    const unsigned char flags[] = { secret->null, secret->judges_service, secret->service_ok };
    const span fields[] = {
        span_of(secret->name), secret_get(&secret->stored), span_of(secret->scheme),
        span_of(secret->allow_nets), span_make(flags, sizeof(flags)),
    };

    digest_fields(cache, fields, COUNT(fields), fingerprint);
}

void
judge_fingerprint(struct cache *cache, const struct account *account,
                  const struct account_secret *secrets, struct cache_fingerprint *out)
{
    *out = (struct cache_fingerprint){ 0 };
    digest_account(cache, account, out);
    for (; secrets; secrets = secrets->next)
        digest_secret(cache, secrets, out);
}

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

/* False, and nothing done, when only what is quick was to be done and it is not. */
static bool try_password(struct flight *flight, bool only_quick);

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
        judge_land(flight, REASON_OVERLOADED, VIA_LOOKUP, 0);
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
    if (flight->action == AUTH_CREDENTIALS) {
        credentials_of_row(flight);
        return;
    }
    if (flight->action == AUTH_ACCOUNT || flight->action == AUTH_SESSION) {
        judge_land(flight, policy, VIA_LOOKUP, 0);
        return;
    }
    if (flight->action == AUTH_CHANGE) {
        judge_send_to_hash(flight);
        return;
    }
    judge_fingerprint(auth->cache, &flight->account, flight->secrets, &flight->fingerprint);
    cache_observe(auth->cache, &flight->key, &flight->fingerprint);
    if (flight->is_stale && policy == REASON_OK
        && memcmp(&flight->fingerprint, &flight->hit.fingerprint,
                  sizeof(flight->fingerprint)) == 0) {
        cache_refresh(auth->cache, &flight->key, &flight->fingerprint, flight->seen_at_ms);
        flight->account.must_change = false;    /* or it would not have been remembered */
        judge_land(flight, REASON_OK, VIA_REVALIDATED, 0);
        return;
    }
    /* Handing it to a hash thread would take longer than comparing it. */
    if (!flight->secrets && try_password(flight, true))
        return;
    judge_send_to_hash(flight);
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
    remember_rejection(flight, reason);
    judge_land_paced(flight, reason);
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

/* --- password --------------------------------------------------------------------- */

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
 * right: that is how an operator sees which device it was. */
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
        log_line(LOG_LEVEL_INFO, "accounts \"%s\": login=%s used secret=%s",
                 flight->account.source, login, name);
    if (secret && unavailable)
        log_line(LOG_LEVEL_ERROR, "accounts \"%s\": %s: secret=%s: %s", flight->account.source,
                 login, name, err->reason);
    if (!secret && unavailable)
        log_line(LOG_LEVEL_ERROR, "accounts \"%s\": %s: %s", flight->account.source, login,
                 err->reason);
}

struct trial_end
judge_verify(struct flight *flight, bool only_quick)
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

static bool
try_password(struct flight *flight, bool only_quick)
{
    struct auth *auth = flight->auth;
    struct trial_end end = judge_verify(flight, only_quick);

    if (end.deferred)
        return false;
    flight->account.must_change = end.must_change;
    atomic_fetch_add_explicit(&counts_here(&auth->counts)->verifications, end.verifications,
                              memory_order_relaxed);
    if (end.reason == REASON_NO_PASSWORD) {
        remember_rejection(flight, end.reason);
        judge_land_paced(flight, end.reason);
        return true;
    }
    pace_note(&auth->pace, clock_now_us(auth->clock) - flight->row_at_us);
    if (end.reason == REASON_OK)
        judge_remember(flight);
    else
        remember_rejection(flight, end.reason);
    answer_tried(flight, end.reason);
    if (end.reason == REASON_OK && !end.matched && rehash_is_due(flight, &end.facts))
        rehash_start(flight);
    else
        judge_end(flight);
    return true;
}

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
        judge_land(flight, REASON_DEADLINE, VIA_LOOKUP, 0);
    else if (tries_password(flight) && !flight->is_stale
             && !throttle_allows(auth->throttle, &flight->guest, now_ms))
        /* Others of the account were found wrong while this one waited. */
        judge_land(flight, REASON_THROTTLED, VIA_LOOKUP,
                   now_ms + throttle_delay_ms(auth->throttle, &flight->guest, now_ms));
    else if (flight->action == AUTH_CREDENTIALS)
        credentials_run_hash(flight);
    else if (flight->action == AUTH_CHANGE)
        change_run(flight);
    else
        try_password(flight, false);
}
