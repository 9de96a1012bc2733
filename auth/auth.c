/* auth/auth.c - the door of the room: see auth.h */
#include "auth/auth.h"

#include "auth/engine.h"
#include "auth/network.h"
#include "common/log.h"
#include "common/macros.h"

#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* So much lower than event loops, which run at the process's own, that a flood of hashes takes nothing from
 * remembered sign-ins that can be measured; and still 3 % of a processor that others keep busy. */
#define HASH_NICENESS 15

/* --- making and unmaking --------------------------------------------------------- */

static bool
writes(const struct auth_source *source)
{
    return account_source_has(source->source, ACCOUNT_SET_PASSWORD) || source->rehash.form.scheme
        || account_source_last_login_ms(source->source) > 0;
}

static enum error_code
source_start(struct auth_source *source, struct error *err)
{
    const struct workers_config config = {
        .name = "lookup", .threads = account_source_connections(source->source),
        .queue_max = source->auth->config.queue_max, .run = judge_run_lookup,
        .together = account_source_reads_together(source->source) ? judge_together : NULL,
        .context = source,
    };

    source->conns = calloc(config.threads + 1, sizeof(struct account_conn *));
    if (!source->conns)
        return error_set(err, ERROR_UNAVAILABLE, "accounts \"%s\": no memory",
                         account_source_title(source->source));
    source->conns_count = config.threads + 1;
    source->together_since_ms = calloc(config.threads, sizeof(int64_t));
    if (!source->together_since_ms)
        return error_set(err, ERROR_UNAVAILABLE, "accounts \"%s\": no memory",
                         account_source_title(source->source));
    if (rehash_set(source, err) != ERROR_NONE)
        return err->code;
    if (writes(source)
        && writer_new(source->source, source->auth->config.queue_max, &source->writer, err)
           != ERROR_NONE)
        return err->code;
    return workers_new(&config, &source->lookups, err);
}

static enum error_code
start_threads(struct auth *auth, struct error *err)
{
    struct workers_config hashes = {
        .name = "hash", .threads = auth->config.hash_threads,
        .queue_max = auth->config.queue_max, .fair = true, .niceness = HASH_NICENESS,
        .run = judge_run_hash, .context = auth,
    };
    enum error_code code;

    if (hashes.threads == 0) {
        long online = sysconf(_SC_NPROCESSORS_ONLN);

        hashes.threads = online > 0 ? (size_t)online : 1;
    }
    code = workers_new(&hashes, &auth->hashes, err);
    for (size_t i = 0; code == ERROR_NONE && i < auth->sources_count; i++)
        code = source_start(&auth->sources[i], err);
    return code;
}

/* The shortest of all sources that note last logins; 0: there is none. */
static int64_t
last_login_every_ms(const struct auth *auth)
{
    int64_t shortest_ms = 0;

    for (size_t i = 0; i < auth->sources_count; i++) {
        int64_t every_ms = account_source_last_login_ms(auth->sources[i].source);

        if (every_ms > 0 && (shortest_ms == 0 || every_ms < shortest_ms))
            shortest_ms = every_ms;
    }
    return shortest_ms;
}

enum error_code
auth_new(const struct auth_config *config, struct account_source **sources, size_t sources_count,
         span scope, struct cache *cache, const struct clock *clock, struct auth **out,
         struct error *err)
{
    /* Aligned for the counters; a plain calloc() need not be. */
    struct auth *auth = aligned_alloc(_Alignof(struct auth), sizeof(*auth));
    struct auth_source *rooms = calloc(sources_count, sizeof(*rooms));
    enum error_code code;

    *out = NULL;
    if (!auth || !rooms) {
        free(auth);
        free(rooms);
        for (size_t i = 0; i < sources_count; i++)
            account_source_free(sources[i]);
        return error_set(err, ERROR_UNAVAILABLE, "auth: no memory");
    }
    memset(auth, 0, sizeof(*auth));
    auth->config = *config;
    auth->cache = cache;
    auth->clock = clock;
    auth->scope_len = scope.len < AUTH_SCOPE_MAX ? scope.len : AUTH_SCOPE_MAX;
    memcpy(auth->scope, scope.ptr, auth->scope_len);
    auth->sources = rooms;
    auth->sources_count = sources_count;
    for (size_t i = 0; i < sources_count; i++)
        rooms[i] = (struct auth_source){ .auth = auth, .index = i, .source = sources[i],
                                         .explaining = PTHREAD_MUTEX_INITIALIZER };
    flight_table_set(&auth->flights);
    pace_set(&auth->pace);
    credentials_set(auth);
    memory_set(&auth->memory, config->memory_budget > 0 ? config->memory_budget
                                                        : config->password.memory_max);
    code = weakness_set(&auth->weakness, sources_count)
           && last_logins_set(&auth->last_logins, last_login_every_ms(auth))
        ? throttle_new(&config->throttle, &auth->throttle, err)
        : error_set(err, ERROR_UNAVAILABLE, "auth: no memory");
    if (code == ERROR_NONE)
        code = start_threads(auth, err);
    if (code != ERROR_NONE) {
        auth_free(auth);
        return code;
    }
    *out = auth;
    return ERROR_NONE;
}

static void
source_stop(struct auth_source *source)
{
    for (size_t i = 0; i < source->conns_count; i++)
        account_conn_close(source->conns[i]);
    free(source->conns);
    free(source->together_since_ms);
    pthread_mutex_destroy(&source->explaining);
    account_source_free(source->source);
}

void
auth_free(struct auth *auth)
{
    if (!auth)
        return;
    /* A lookup may be followed by a hash or by the next source's lookup, so a queue is
     * only known to stay empty when no flight is open. */
    while (atomic_load(&auth->flights.open) > 0)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    for (size_t i = 0; i < auth->sources_count; i++)
        workers_free(auth->sources[i].lookups);
    workers_free(auth->hashes);
    for (size_t i = 0; i < auth->sources_count; i++)
        writer_free(auth->sources[i].writer);
    for (size_t i = 0; i < auth->sources_count; i++)
        source_stop(&auth->sources[i]);
    flight_table_wipe(&auth->flights);
    credentials_close(auth);
    weakness_close(&auth->weakness);
    last_logins_close(&auth->last_logins);
    throttle_free(auth->throttle);
    memory_close(&auth->memory);
    free(auth->sources);
    free(auth);
}

enum error_code
auth_inherit(struct auth *next, struct auth *previous, struct error *err)
{
    enum error_code code = throttle_inherit(next->throttle, previous->throttle, err);

    if (code != ERROR_NONE)
        return code;
    pace_inherit(&next->pace, &previous->pace);
    for (size_t i = 0; i < MECHANISMS; i++)
        pace_inherit(&next->challenge_pace[i], &previous->challenge_pace[i]);
    return ERROR_NONE;
}

bool
auth_drain(struct auth *auth, int64_t until_ms)
{
    while (atomic_load(&auth->flights.open) > 0) {
        if (clock_now_ms(auth->clock) >= until_ms)
            return false;
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
    for (size_t i = 0; i < auth->sources_count; i++)
        writer_flush(auth->sources[i].writer);
    return true;
}

/* --- asking ---------------------------------------------------------------------- */

static enum auth_answer
answer_now(struct auth *auth, const struct auth_asked *asked, enum verdict_reason reason,
           enum verdict_via via, struct verdict *verdict)
{
    memcpy(verdict->account, asked->who.name, asked->who.len + 1);
    verdict_set(verdict, reason, via);
    counts_verdict(&auth->counts, verdict);
    return AUTH_NOW;
}

static struct flight *
flight_of(struct auth *auth, const struct auth_request *request, const struct auth_asked *asked,
          const struct cache_hit *hit, bool is_stale, int64_t deadline_ms)
{
    struct flight *flight = flight_new(&auth->flights);

    if (!flight)
        return NULL;
    flight->auth = auth;
    flight->key = asked->key;
    flight->action = request->action;
    flight->who = asked->who;
    memcpy(flight->service, asked->service, sizeof(flight->service));
    memcpy(flight->network, asked->network, sizeof(flight->network));
    secret_set(&flight->password, asked->password);     /* fits: length_max <= SECRET_MAX */
    flight->only = asked->only;
    flight->is_stale = is_stale;
    flight->hit = *hit;
    atomic_init(&flight->deadline_ms, deadline_ms);
    flight->guest = asked->guest;
    flight->job.deadline_ms = deadline_ms;
    flight->job.account = asked->key.account;
    flight->job.network = asked->guest.networks[0];
    return flight;
}

static void
count_joined(struct auth *auth)
{
    atomic_fetch_add_explicit(&counts_here(&auth->counts)->joined, 1, memory_order_relaxed);
}

/* A change is nobody else's: it is not joined. */
static enum auth_answer
ask_change(struct auth *auth, const struct auth_request *request, const struct auth_asked *asked,
           struct auth_ticket *ticket, struct verdict *verdict)
{
    static const struct cache_hit no_hit;
    int64_t deadline_ms = clock_now_ms(auth->clock) + auth->config.deadline_ms;
    struct flight *flight;

    if (atomic_load(&auth->flights.open) >= auth->config.queue_max)
        return answer_now(auth, asked, REASON_OVERLOADED, VIA_REQUEST, verdict);
    flight = flight_of(auth, request, asked, &no_hit, false, deadline_ms);
    if (!flight || !flight_add_change(flight)) {
        flight_free(&auth->flights, flight);
        return answer_now(auth, asked, REASON_INTERNAL, VIA_REQUEST, verdict);
    }
    flight->change->by_root = request->by_root;
    secret_set(&flight->change->wanted, asked->new_password);   /* fits: length_max <= SECRET_MAX */
    flight_open_alone(&auth->flights, flight, ticket);
    judge_start(flight);
    return AUTH_LATER;
}

/* Nobody knows the answer yet: set out, or join whoever asks the same. */
static enum auth_answer
ask_sources(struct auth *auth, const struct auth_request *request, const struct auth_asked *asked,
            const struct cache_hit *hit, bool is_stale, struct auth_ticket *ticket,
            struct verdict *verdict)
{
    int64_t deadline_ms = clock_now_ms(auth->clock) + auth->config.deadline_ms;
    struct flight *flight;

    if (atomic_load(&auth->flights.open) >= auth->config.queue_max) {
        if (!flight_join(&auth->flights, &asked->key, request->action, deadline_ms, ticket))
            return answer_now(auth, asked, REASON_OVERLOADED, VIA_REQUEST, verdict);
        count_joined(auth);
        return AUTH_LATER;
    }
    flight = flight_of(auth, request, asked, hit, is_stale, deadline_ms);
    if (!flight)
        return answer_now(auth, asked, REASON_INTERNAL, VIA_REQUEST, verdict);
    if (flight_open(&auth->flights, flight, ticket)) {
        judge_start(flight);
    } else {
        flight_free(&auth->flights, flight);
        count_joined(auth);
    }
    return AUTH_LATER;
}

static void
log_no_source(const struct auth_asked *asked, const struct error *err)
{
    char login[LOG_TOKEN_MAX];

    log_line(LOG_LEVEL_ERROR, "lookup of login=%s failed: %s",
             log_token(identity_name(&asked->who), login), err->reason);
}

/* What the request itself or the cache answers. Else *asked and *hit are what is known. */
static bool
recall(struct auth *auth, const struct auth_request *request, struct auth_asked *asked,
       struct cache_hit *hit, enum cache_answer *known, struct verdict *verdict)
{
    enum verdict_reason reason;
    struct error err;

    *known = CACHE_MISS;
    hit->reason = REASON_OK;
    verdict->must_change = false;
    reason = auth_understand(auth, request, asked, &err);
    if (reason == REASON_ACCOUNT_SOURCE_DOWN)
        log_no_source(asked, &err);
    if (reason != REASON_OK || request->action == AUTH_SESSION) {
        if (reason == REASON_OK)
            last_login_note_asked(auth, asked, false);
        answer_now(auth, asked, reason, VIA_REQUEST, verdict);
        return true;
    }
    if (request->action == AUTH_PASSWORD)
        *known = cache_find(auth->cache, &asked->key, clock_now_ms(auth->clock), hit);
    if (*known == CACHE_ACCEPTED) {
        last_login_note_asked(auth, asked, true);
        answer_now(auth, asked, REASON_OK, VIA_CACHE, verdict);
    } else if (*known == CACHE_REJECTED) {
        answer_now(auth, asked, (enum verdict_reason)hit->reason, VIA_NEGATIVE, verdict);
    }
    return *known == CACHE_ACCEPTED || *known == CACHE_REJECTED;
}

bool
auth_recall(struct auth *auth, const struct auth_request *request, struct verdict *verdict)
{
    struct auth_asked asked;
    struct cache_hit hit;
    enum cache_answer known;

    return recall(auth, request, &asked, &hit, &known, verdict);
}

void
auth_guest_set(const struct auth *auth, const struct auth_asked *asked, struct throttle_guest *out)
{
    uint64_t account = throttle_account(auth->throttle, identity_name(&asked->who));

    throttle_guest_set(auth->throttle, account,
                       throttle_password(auth->throttle, account, asked->password),
                       span_of(asked->network), out);
}

/* What was right before is only looked up again, and its owner waits for nobody's guesses. */
static bool
is_throttled(struct auth *auth, const struct auth_request *request, struct auth_asked *asked,
             enum cache_answer known, const struct auth_ticket *ticket)
{
    auth_guest_set(auth, asked, &asked->guest);
    return (auth_needs_password(request) || credentials_try_proof(request, ticket))
        && known != CACHE_STALE
        && !throttle_allows(auth->throttle, &asked->guest, clock_now_ms(auth->clock));
}

/* Nobody looks at it. Told at once, it would let a password that is remembered, and is never throttled,
 * be found as fast as the cache answers; so it waits as a rejection would. */
static enum auth_answer
answer_throttled(struct auth *auth, const struct auth_asked *asked, struct auth_ticket *ticket,
                 struct verdict *verdict)
{
    int64_t now_ms = clock_now_ms(auth->clock);
    int64_t wait_ms = throttle_delay_ms(auth->throttle, &asked->guest, now_ms);

    answer_now(auth, asked, REASON_THROTTLED, VIA_REQUEST, verdict);
    if (wait_ms == 0)
        return AUTH_NOW;
    ticket->verdict = *verdict;
    ticket->not_before_ms = now_ms + wait_ms;
    ticket->done(ticket);
    return AUTH_LATER;
}

enum auth_answer
auth_ask(struct auth *auth, const struct auth_request *request, struct auth_ticket *ticket,
         struct verdict *verdict)
{
    struct auth_asked asked;
    struct cache_hit hit;
    enum cache_answer known;

    ticket->not_before_ms = 0;
    if (recall(auth, request, &asked, &hit, &known, verdict))
        return AUTH_NOW;
    if (is_throttled(auth, request, &asked, known, ticket))
        return answer_throttled(auth, &asked, ticket, verdict);
    if (request->action == AUTH_CHANGE)
        return ask_change(auth, request, &asked, ticket, verdict);
    return ask_sources(auth, request, &asked, &hit, known == CACHE_STALE, ticket, verdict);
}

struct waiting_ticket { struct auth_ticket ticket; sem_t done; };

static void
wake_waiter(struct auth_ticket *ticket)
{
    struct waiting_ticket *waiting = (struct waiting_ticket *)ticket;

    sem_post(&waiting->done);
}

void
auth_ask_and_wait(struct auth *auth, const struct auth_request *request, struct verdict *verdict)
{
    struct waiting_ticket waiting = { .ticket.done = wake_waiter };
    int64_t early_ms;

    sem_init(&waiting.done, 0, 0);
    if (auth_ask(auth, request, &waiting.ticket, verdict) == AUTH_LATER) {
        while (sem_wait(&waiting.done) != 0)
            ;
        early_ms = waiting.ticket.not_before_ms - clock_now_ms(auth->clock);
        if (early_ms > 0)
            nanosleep(&(struct timespec){ early_ms / 1000, early_ms % 1000 * 1000000 }, NULL);
        *verdict = waiting.ticket.verdict;
    }
    sem_destroy(&waiting.done);
}

static void
add_writer_counts(struct writer *writer, struct auth_counts *out)
{
    struct writer_counts counts;

    if (!writer)
        return;
    writer_counts_get(writer, &counts);
    out->writes[AUTH_WRITE_NOTED] += counts.noted;
    out->writes[AUTH_WRITE_WRITTEN] += counts.written;
    out->writes[AUTH_WRITE_DROPPED] += counts.dropped;
}

void
auth_counts_get(const struct auth *auth, struct auth_counts *out)
{
    counts_sum(&auth->counts, out);
    for (size_t i = 0; i < auth->sources_count; i++)
        add_writer_counts(auth->sources[i].writer, out);
    out->waiting = atomic_load(&auth->flights.open);
}

void
auth_counts_add(struct auth *auth, const struct auth_counts *before)
{
    counts_add(&auth->counts, before);
}
