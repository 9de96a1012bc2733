/* tests/unit/test_auth_flow.c - requests through auth/, with a clock that the test turns
 *
 * The account source is scripted.h's; everything else is real: threads, cache, schemes.
 */
#include "auth/auth.h"
#include "common/log.h"
#include "common/macros.h"
#include "tests/unit/scripted.h"

#include <dlfcn.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <setjmp.h>
#include <cmocka.h>

#define SECOND 1000

/* --- the bench: one auth, one source, a turned clock ------------------------------------ */

static _Atomic int64_t now_ms = 1000 * SECOND, unix_s = 1800000000;
static struct scripted *scripted;
static char drivers[4096];

/* How long a hash thread finds that its job has waited for it. */
static _Atomic int64_t hash_waited_ms;

static int64_t
turned_now_ms(void *context)
{
    char thread[16] = "";

    (void)context;
    pthread_getname_np(pthread_self(), thread, sizeof(thread));
    return atomic_load(&now_ms) + (strncmp(thread, "hash", 4) == 0 ? atomic_load(&hash_waited_ms) : 0);
}

static int64_t
turned_unix_s(void *context)
{
    (void)context;
    return atomic_load(&unix_s);
}

static const struct clock turned = { turned_now_ms, turned_unix_s, NULL };

static void
pass(int64_t ms)
{
    atomic_fetch_add(&now_ms, ms);
}

struct bench {
    struct auth *auth;
    struct cache *cache;
    struct auth_config config;
    struct cache_config cache_config;
    const char *domains[2];             /* of the two sources; NULL: all, and one source only */
    bool alias;
};

static struct account_source *
source_new(const struct bench *bench, const char *title, const char *const *domain)
{
    const struct account_dirs dirs = { "/nonexistent", drivers };
    struct account_source_config config;
    struct account_source *source;
    struct error err;

    account_source_config_default(&config);
    config.title = title;
    config.driver = "scripted";
    config.queries[ACCOUNT_LOOKUP] = "SELECT login, password FROM scripted WHERE login = %u";
    config.connections = 2;
    config.alias = bench->alias;
    if (*domain) {
        config.domains = domain;
        config.domains_count = 1;
    }
    if (account_source_new(&config, &dirs, &source, &err) != ERROR_NONE)
        fail_msg("%s", err.reason);
    return source;
}

static struct bench *
bench_new(void)
{
    struct bench *bench = calloc(1, sizeof(*bench));

    cache_config_default(&bench->cache_config);
    bench->cache_config = (struct cache_config){
        .entries = 1000, .ttl_ms = 3600 * SECOND, .revalidate_ms = 10 * SECOND,
        .negative_ttl_ms = 30 * SECOND,
    };
    bench->config = (struct auth_config){
        .local_case = IDENTITY_LOWER, .deadline_ms = 5 * SECOND, .hash_threads = 2,
        .queue_max = 1000,
    };
    password_bounds_default(&bench->config.password);
    scripted->rows_count = 0;
    scripted->is_down = false;
    atomic_store(&scripted->queries, 0);
    return bench;
}

static void
bench_start(struct bench *bench)
{
    static const span scope = SPAN("scope");
    struct account_source *sources[2];
    size_t count = 0;
    struct error err;

    sources[count++] = source_new(bench, "first", &bench->domains[0]);
    if (bench->domains[1])
        sources[count++] = source_new(bench, "second", &bench->domains[1]);
    if (cache_new(&bench->cache_config, &bench->cache, &err) != ERROR_NONE)
        fail_msg("%s", err.reason);
    if (auth_new(&bench->config, sources, count, scope, bench->cache, &turned, &bench->auth,
                 &err) != ERROR_NONE)
        fail_msg("%s", err.reason);
}

static struct bench *
bench_started(void)
{
    struct bench *bench = bench_new();

    bench_start(bench);
    return bench;
}

static void
bench_free(struct bench *bench)
{
    auth_free(bench->auth);
    cache_free(bench->cache);
    free(bench);
}

static struct scripted_row *
row(const char *login, const char *password)
{
    struct scripted_row *added;

    pthread_mutex_lock(&scripted->lock);
    added = &scripted->rows[scripted->rows_count++];
    *added = (struct scripted_row){ .asked = login, .password = password };
    pthread_mutex_unlock(&scripted->lock);
    return added;
}

/* "secret", dearer than what is compared on the spot. */
#define HASHED "$5$rounds=1000$salt$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7"

static const struct auth_listener any_listener = { .name = "test" };

static struct auth_request
request_of(const char *login, const char *password)
{
    return (struct auth_request){
        .action = AUTH_PASSWORD, .login = span_of(login), .password = span_of(password),
        .service = span_of("imap"), .listener = &any_listener,
    };
}

/* A ticket of our own: sleeping out a delay by a turned clock would be for ever. */
struct waiter { struct auth_ticket ticket; _Atomic bool is_done; };

static void
waiter_done(struct auth_ticket *ticket)
{
    atomic_store(&((struct waiter *)ticket)->is_done, true);
}

static void
wait_for(const _Atomic bool *flag)
{
    for (int i = 0; i < 20000 && !atomic_load(flag); i++)
        nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);
    assert_true(atomic_load(flag));
}

static struct verdict
ask_as(struct bench *bench, const struct auth_request *request)
{
    struct waiter waiter = { .ticket.done = waiter_done };
    struct verdict verdict;

    if (auth_ask(bench->auth, request, &waiter.ticket, &verdict) == AUTH_LATER) {
        wait_for(&waiter.is_done);
        verdict = waiter.ticket.verdict;
    }
    return verdict;
}

static struct verdict
ask(struct bench *bench, const char *login, const char *password)
{
    struct auth_request request = request_of(login, password);

    return ask_as(bench, &request);
}

static void
expect(struct verdict got, enum verdict_reason reason, enum verdict_via via)
{
    if (got.reason != reason || got.via != via)
        fail_msg("got %s via %s, wanted %s via %s", verdict_reason_word(got.reason),
                 verdict_via_word(got.via), verdict_reason_word(reason), verdict_via_word(via));
    assert_int_equal(got.outcome, verdict_outcome_of(reason));
}

static size_t
lookups(const struct bench *bench)
{
    struct auth_counts counts;

    auth_counts_get(bench->auth, &counts);
    assert_int_equal(counts.lookups, atomic_load(&scripted->queries));
    return counts.lookups;
}

static size_t
verifications(const struct bench *bench)
{
    struct auth_counts counts;

    auth_counts_get(bench->auth, &counts);
    return counts.verifications;
}

/* --- the cache's two bounds --------------------------------------------------------------- */

static void
a_cached_answer_needs_neither_lookup_nor_hash(void **state)
{
    struct bench *bench = bench_started();

    (void)state;
    row("ada@example.org", "{PLAIN}secret");
    expect(ask(bench, "ada@example.org", "secret"), REASON_OK, VIA_LOOKUP);
    for (int i = 0; i < 10; i++) {
        expect(ask(bench, "ada@example.org", "secret"), REASON_OK, VIA_CACHE);
        pass(900);
    }
    assert_int_equal(lookups(bench), 1);
    assert_int_equal(verifications(bench), 1);
    bench_free(bench);
}

static void
after_revalidate_one_lookup_and_no_hash_makes_it_fresh_again(void **state)
{
    struct bench *bench = bench_started();

    (void)state;
    row("ada@example.org", "{PLAIN}secret");
    ask(bench, "ada@example.org", "secret");
    for (size_t i = 0; i < 5; i++) {
        pass(10 * SECOND);
        expect(ask(bench, "ada@example.org", "secret"), REASON_OK, VIA_REVALIDATED);
        expect(ask(bench, "ada@example.org", "secret"), REASON_OK, VIA_CACHE);
        assert_int_equal(lookups(bench), 2 + i);
    }
    assert_int_equal(verifications(bench), 1);
    bench_free(bench);
}

static void
after_ttl_the_password_is_verified_again_however_often_it_was_used(void **state)
{
    struct bench *bench = bench_started();

    (void)state;
    row("ada@example.org", "{PLAIN}secret");
    ask(bench, "ada@example.org", "secret");
    for (int i = 0; i < 3600 / 9; i++) {
        expect(ask(bench, "ada@example.org", "secret"), REASON_OK, i == 0 ? VIA_CACHE
               : i % 2 ? VIA_CACHE : VIA_REVALIDATED);
        pass(9 * SECOND);
    }
    expect(ask(bench, "ada@example.org", "secret"), REASON_OK, VIA_LOOKUP);
    assert_int_equal(verifications(bench), 2);
    bench_free(bench);
}

/* What a manager flips on a row while its owner is cached; each is out when revalidate ends. */
static const struct {
    const char *what;
    struct scripted_row after;
    enum verdict_reason reason;
} changes[] = {
    { "disabled", { .password = "{PLAIN}secret", .enabled = "0" }, REASON_DISABLED },
    { "another password", { .password = "{PLAIN}other" }, REASON_WRONG_PASSWORD },
    { "NULL password", { .password = NULL }, REASON_NO_PASSWORD },
    { "locked password", { .password = "!" }, REASON_NO_PASSWORD },
    { "service taken away", { .password = "{PLAIN}secret", .service_ok = "0" },
      REASON_SERVICE_DENIED },
    { "network taken away", { .password = "{PLAIN}secret", .allow_nets = "192.0.2.0/24" },
      REASON_NETWORK_DENIED },
    { "expired", { .password = "{PLAIN}secret", .expires_at = "1799999999" }, REASON_EXPIRED },
    { "password expired", { .password = "{PLAIN}secret", .password_expired = "1" },
      REASON_PASSWORD_EXPIRED },
    { "renamed", { .login = "eve@example.org", .password = "{PLAIN}secret" },
      REASON_OTHER_ACCOUNT },
    { "gone", { .asked = "nobody", .password = "{PLAIN}secret" }, REASON_UNKNOWN_ACCOUNT },
};

static void
every_change_of_a_row_counts_when_revalidate_ends_and_not_later(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(changes); i++) {
        struct bench *bench = bench_started();
        struct scripted_row *ada = row("ada@example.org", "{PLAIN}secret");
        struct scripted_row after = changes[i].after;
        struct verdict last;

        print_message("# %s\n", changes[i].what);
        expect(ask(bench, "ada@example.org", "secret"), REASON_OK, VIA_LOOKUP);
        if (!after.asked)
            after.asked = "ada@example.org";
        pthread_mutex_lock(&scripted->lock);
        *ada = after;
        pthread_mutex_unlock(&scripted->lock);
        pass(10 * SECOND - 1);
        expect(ask(bench, "ada@example.org", "secret"), REASON_OK, VIA_CACHE);
        pass(1);
        expect(ask(bench, "ada@example.org", "secret"), changes[i].reason, VIA_LOOKUP);
        /* And it stays out, though the row never comes back. */
        last = ask(bench, "ada@example.org", "secret");
        expect(last, changes[i].reason, VIA_NEGATIVE);
        bench_free(bench);
    }
}

static void
a_date_that_passes_counts_though_the_row_is_the_same(void **state)
{
    struct bench *bench = bench_started();

    (void)state;
    row("ada@example.org", "{PLAIN}secret")->expires_at = "1800000005";
    expect(ask(bench, "ada@example.org", "secret"), REASON_OK, VIA_LOOKUP);
    atomic_fetch_add(&unix_s, 10);
    pass(10 * SECOND);
    expect(ask(bench, "ada@example.org", "secret"), REASON_EXPIRED, VIA_LOOKUP);
    atomic_fetch_sub(&unix_s, 10);
    bench_free(bench);
}

static void
a_new_password_works_at_once_and_replaces_the_old(void **state)
{
    struct bench *bench = bench_started();
    struct scripted_row *ada = row("ada@example.org", "{PLAIN}old");

    (void)state;
    expect(ask(bench, "ada@example.org", "old"), REASON_OK, VIA_LOOKUP);
    pthread_mutex_lock(&scripted->lock);
    ada->password = "{PLAIN}new";
    pthread_mutex_unlock(&scripted->lock);
    expect(ask(bench, "ada@example.org", "new"), REASON_OK, VIA_LOOKUP);
    /* Known to be old before revalidate ends, because somebody showed it. */
    expect(ask(bench, "ada@example.org", "old"), REASON_WRONG_PASSWORD, VIA_LOOKUP);
    expect(ask(bench, "ada@example.org", "new"), REASON_OK, VIA_CACHE);
    bench_free(bench);
}

static void
a_wrong_password_shows_that_the_row_changed_and_ends_the_old_one(void **state)
{
    struct bench *bench = bench_started();
    struct scripted_row *ada = row("ada@example.org", "{PLAIN}old");

    (void)state;
    expect(ask(bench, "ada@example.org", "old"), REASON_OK, VIA_LOOKUP);
    pthread_mutex_lock(&scripted->lock);
    ada->enabled = "0";
    pthread_mutex_unlock(&scripted->lock);
    expect(ask(bench, "ada@example.org", "guess"), REASON_WRONG_PASSWORD, VIA_LOOKUP);
    expect(ask(bench, "ada@example.org", "old"), REASON_DISABLED, VIA_LOOKUP);
    bench_free(bench);
}

static void
wrong_passwords_on_a_hot_account_leave_its_owner_cached(void **state)
{
    struct bench *bench = bench_started();
    char guess[32];

    (void)state;
    row("ada@example.org", "{PLAIN}secret");
    ask(bench, "ada@example.org", "secret");
    for (int i = 0; i < 1000; i++) {
        snprintf(guess, sizeof(guess), "guess %d", i);
        expect(ask(bench, "ada@example.org", guess), REASON_WRONG_PASSWORD, VIA_LOOKUP);
        expect(ask(bench, "ada@example.org", guess), REASON_WRONG_PASSWORD, VIA_NEGATIVE);
    }
    expect(ask(bench, "ada@example.org", "secret"), REASON_OK, VIA_CACHE);
    assert_int_equal(lookups(bench), 1001);
    bench_free(bench);
}

static void
a_rejection_is_remembered_for_its_own_time_and_no_longer(void **state)
{
    struct bench *bench = bench_started();

    (void)state;
    expect(ask(bench, "ada@example.org", "secret"), REASON_UNKNOWN_ACCOUNT, VIA_LOOKUP);
    row("ada@example.org", "{PLAIN}secret");
    pass(30 * SECOND - 1);
    expect(ask(bench, "ada@example.org", "secret"), REASON_UNKNOWN_ACCOUNT, VIA_NEGATIVE);
    pass(1);
    expect(ask(bench, "ada@example.org", "secret"), REASON_OK, VIA_LOOKUP);
    bench_free(bench);
}

static void
a_flush_of_account_domain_or_all_counts_at_once(void **state)
{
    static const char *const kinds[] = { "account", "domain", "all" };

    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct bench *bench = bench_started();
        struct scripted_row *ada = row("ada@example.org", "{PLAIN}secret");

        print_message("# %s\n", kinds[i]);
        expect(ask(bench, "ada@example.org", "secret"), REASON_OK, VIA_LOOKUP);
        ada->enabled = "0";
        expect(ask(bench, "ada@example.org", "secret"), REASON_OK, VIA_CACHE);
        if (i == 0)
            assert_int_equal(cache_flush_account(bench->cache, span_of("ada@example.org"),
                                                 atomic_load(&now_ms)), 1);
        else if (i == 1)
            assert_int_equal(cache_flush_domain(bench->cache, span_of("example.org"),
                                                atomic_load(&now_ms)), 1);
        else
            cache_flush_all(bench->cache);
        expect(ask(bench, "ada@example.org", "secret"), REASON_DISABLED, VIA_LOOKUP);
        bench_free(bench);
    }
}

/* --- faults and deadlines ------------------------------------------------------------------ */

static void
a_source_that_is_down_is_unavailable_and_never_a_wrong_password(void **state)
{
    struct bench *bench = bench_started();

    (void)state;
    row("ada@example.org", "{PLAIN}secret");
    scripted->is_down = true;
    expect(ask(bench, "ada@example.org", "secret"), REASON_ACCOUNT_SOURCE_DOWN, VIA_LOOKUP);
    expect(ask(bench, "ada@example.org", "wrong"), REASON_ACCOUNT_SOURCE_DOWN, VIA_LOOKUP);
    scripted->is_down = false;
    expect(ask(bench, "ada@example.org", "secret"), REASON_OK, VIA_LOOKUP);
    bench_free(bench);
}

static void
K15_while_the_source_is_down_grace_decides_about_what_was_accepted(void **state)
{
    static const struct { int64_t grace_ms, after_ms; enum verdict_reason reason; } cases[] = {
        { 0, 9999, REASON_OK },
        { 0, 10000, REASON_ACCOUNT_SOURCE_DOWN },
        { 60 * SECOND, 10000, REASON_OK },
        { 60 * SECOND, 69999, REASON_OK },
        { 60 * SECOND, 70000, REASON_ACCOUNT_SOURCE_DOWN },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench *bench = bench_new();

        bench->cache_config.grace_ms = cases[i].grace_ms;
        bench_start(bench);
        row("ada@example.org", "{PLAIN}secret");
        ask(bench, "ada@example.org", "secret");
        scripted->is_down = true;
        pass(cases[i].after_ms);
        assert_int_equal(ask(bench, "ada@example.org", "secret").reason, cases[i].reason);
        assert_int_equal(ask(bench, "ada@example.org", "wrong").reason,
                         REASON_ACCOUNT_SOURCE_DOWN);
        bench_free(bench);
    }
}

/* Whatever grace and ttl are: nobody could say that its date was moved. */
static void
grace_accepts_no_account_past_its_own_date(void **state)
{
    static const struct { const char *date; int64_t after_ms; enum verdict_reason reason; } cases[] = {
        { "1800000060", 58999, REASON_OK },             /* a second less is what the clocks may differ by */
        { "1800000060", 60000, REASON_ACCOUNT_SOURCE_DOWN },
        { "1800000005", 5000, REASON_ACCOUNT_SOURCE_DOWN },     /* within `revalidate` */
        { "1800003660", 600000, REASON_OK },
        { "1800003660", 3599999, REASON_OK },           /* a later date extends no ttl */
        { "1800003660", 3600000, REASON_ACCOUNT_SOURCE_DOWN },
        { "9223372036854775807", 3599999, REASON_OK },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench *bench = bench_new();

        bench->cache_config.grace_ms = 24 * 3600 * SECOND;
        bench_start(bench);
        atomic_store(&unix_s, 1800000000);
        row("ada@example.org", "{PLAIN}secret")->expires_at = cases[i].date;
        assert_int_equal(ask(bench, "ada@example.org", "secret").reason, REASON_OK);
        scripted->is_down = true;
        pass(cases[i].after_ms);
        atomic_fetch_add(&unix_s, cases[i].after_ms / 1000);
        if (ask(bench, "ada@example.org", "secret").reason != cases[i].reason)
            fail_msg("%s after %lld ms", cases[i].date, (long long)cases[i].after_ms);
        atomic_store(&unix_s, 1800000000);
        bench_free(bench);
    }
}

static void
K15_a_lock_that_was_known_before_the_outage_holds_through_it(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench->cache_config.grace_ms = 3600 * SECOND;
    bench_start(bench);
    row("ada@example.org", "{PLAIN}secret");
    row("bob@example.org", "{PLAIN}secret");
    ask(bench, "ada@example.org", "secret");
    ask(bench, "bob@example.org", "secret");
    scripted->rows[0].enabled = "0";
    pass(10 * SECOND);
    expect(ask(bench, "ada@example.org", "secret"), REASON_DISABLED, VIA_LOOKUP);
    scripted->is_down = true;
    for (unsigned i = 0; i < 100; i++) {
        assert_int_not_equal(ask(bench, "ada@example.org", "secret").outcome, VERDICT_ACCEPTED);
        expect(ask(bench, "bob@example.org", "secret"), REASON_OK, VIA_GRACE);
        pass(i == 0 ? 0 : 35 * SECOND);
    }
    bench_free(bench);
}

static void
shut_gate(void)
{
    pthread_mutex_lock(&scripted->lock);
    scripted->gate_is_shut = true;
    pthread_mutex_unlock(&scripted->lock);
}

static void
open_gate(void)
{
    pthread_mutex_lock(&scripted->lock);
    scripted->gate_is_shut = false;
    pthread_cond_broadcast(&scripted->gate);
    pthread_mutex_unlock(&scripted->lock);
}

static void
wait_at_gate(size_t count)
{
    size_t there = 0;

    for (int i = 0; i < 20000 && there < count; i++) {
        nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);
        pthread_mutex_lock(&scripted->lock);
        there = scripted->at_the_gate;
        pthread_mutex_unlock(&scripted->lock);
    }
    assert_int_equal(there, count);
}

static void
the_same_question_a_hundred_times_is_one_lookup_and_one_hash(void **state)
{
    struct bench *bench = bench_started();
    struct auth_request request = request_of("ada@example.org", "secret");
    struct waiter waiters[100];
    struct verdict verdict;

    (void)state;
    row("ada@example.org", "{PLAIN}secret");
    shut_gate();
    for (size_t i = 0; i < COUNT(waiters); i++) {
        waiters[i] = (struct waiter){ .ticket.done = waiter_done };
        assert_int_equal(auth_ask(bench->auth, &request, &waiters[i].ticket, &verdict),
                         AUTH_LATER);
    }
    wait_at_gate(1);
    open_gate();
    for (size_t i = 0; i < COUNT(waiters); i++) {
        wait_for(&waiters[i].is_done);
        expect(waiters[i].ticket.verdict, REASON_OK, VIA_LOOKUP);
    }
    assert_int_equal(lookups(bench), 1);
    assert_int_equal(verifications(bench), 1);
    bench_free(bench);
}

static void
other_questions_do_not_share_a_flight(void **state)
{
    struct bench *bench = bench_started();
    struct auth_request requests[] = {
        request_of("ada@example.org", "secret"), request_of("ada@example.org", "other"),
        request_of("bob@example.org", "secret"), request_of("ada@example.org", "secret"),
    };
    struct waiter waiters[COUNT(requests)];
    struct verdict verdict;

    (void)state;
    requests[3].service = span_of("smtp");
    row("ada@example.org", "{PLAIN}secret");
    row("bob@example.org", "{PLAIN}different");
    shut_gate();
    for (size_t i = 0; i < COUNT(requests); i++) {
        waiters[i] = (struct waiter){ .ticket.done = waiter_done };
        assert_int_equal(auth_ask(bench->auth, &requests[i], &waiters[i].ticket, &verdict),
                         AUTH_LATER);
    }
    open_gate();
    for (size_t i = 0; i < COUNT(requests); i++)
        wait_for(&waiters[i].is_done);
    assert_int_equal(waiters[0].ticket.verdict.reason, REASON_OK);
    assert_int_equal(waiters[1].ticket.verdict.reason, REASON_WRONG_PASSWORD);
    assert_int_equal(waiters[2].ticket.verdict.reason, REASON_WRONG_PASSWORD);
    assert_int_equal(waiters[3].ticket.verdict.reason, REASON_OK);
    assert_int_equal(lookups(bench), 4);
    bench_free(bench);
}

/* The row that a flight is reading may be from before the change that the flush was for. */
static void
what_was_read_before_a_flush_is_not_kept_nor_shared_after_it(void **state)
{
    struct bench *bench = bench_started();
    struct auth_request request = request_of("ada@example.org", "secret");
    struct waiter before = { .ticket.done = waiter_done }, after = { .ticket.done = waiter_done };
    struct verdict verdict;

    (void)state;
    row("ada@example.org", "{PLAIN}secret");
    shut_gate();
    auth_ask(bench->auth, &request, &before.ticket, &verdict);
    wait_at_gate(1);
    cache_flush_all(bench->cache);
    auth_ask(bench->auth, &request, &after.ticket, &verdict);
    wait_at_gate(2);
    open_gate();
    wait_for(&before.is_done);
    wait_for(&after.is_done);
    assert_int_equal(lookups(bench), 2);
    bench_free(bench);
}

static void
a_request_past_its_deadline_is_unavailable_without_a_lookup(void **state)
{
    struct bench *bench = bench_started();
    struct auth_request requests[] = {
        request_of("a@example.org", "x"), request_of("b@example.org", "x"),
        request_of("c@example.org", "x"),
    };
    struct waiter waiters[COUNT(requests)];
    struct verdict verdict;

    (void)state;
    shut_gate();                        /* two threads: the third request waits */
    for (size_t i = 0; i < COUNT(requests); i++) {
        waiters[i] = (struct waiter){ .ticket.done = waiter_done };
        auth_ask(bench->auth, &requests[i], &waiters[i].ticket, &verdict);
    }
    wait_at_gate(2);
    pass(5 * SECOND);
    open_gate();
    for (size_t i = 0; i < COUNT(requests); i++)
        wait_for(&waiters[i].is_done);
    expect(waiters[2].ticket.verdict, REASON_DEADLINE, VIA_LOOKUP);
    assert_int_equal(atomic_load(&scripted->queries), 2);
    bench_free(bench);
}

/* The question came in time, and the source took longer than grace lasts to say nothing. */
static void
grace_that_ends_while_the_source_is_asked_accepts_nobody(void **state)
{
    static const struct { int64_t asked_ms; enum verdict_reason reason; } cases[] = {
        { 60 * SECOND - 1, REASON_OK }, { 60 * SECOND, REASON_ACCOUNT_SOURCE_DOWN },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench *bench = bench_new();
        struct auth_request request = request_of("ada@example.org", "secret");
        struct waiter waiter = { .ticket.done = waiter_done };
        struct verdict verdict;

        bench->cache_config.grace_ms = 60 * SECOND;
        bench_start(bench);
        row("ada@example.org", "{PLAIN}secret");
        ask(bench, "ada@example.org", "secret");
        pass(10 * SECOND);
        scripted->is_down = true;
        shut_gate();
        assert_int_equal(auth_ask(bench->auth, &request, &waiter.ticket, &verdict), AUTH_LATER);
        wait_at_gate(1);
        pass(cases[i].asked_ms);
        open_gate();
        wait_for(&waiter.is_done);
        assert_int_equal(waiter.ticket.verdict.reason, cases[i].reason);
        bench_free(bench);
    }
}

static void
a_password_whose_turn_to_be_verified_comes_too_late_is_unavailable_and_not_verified(void **state)
{
    struct bench *bench = bench_started();

    (void)state;
    row("ada@example.org", HASHED);
    atomic_store(&hash_waited_ms, 5 * SECOND);
    expect(ask(bench, "ada@example.org", "secret"), REASON_DEADLINE, VIA_LOOKUP);
    assert_int_equal(verifications(bench), 0);
    atomic_store(&hash_waited_ms, 5 * SECOND - 1);
    expect(ask(bench, "ada@example.org", "secret"), REASON_OK, VIA_LOOKUP);
    atomic_store(&hash_waited_ms, 0);
    bench_free(bench);
}

/* Both have read the row with the old password; only one of them is about it alone. */
static void
who_signs_in_while_the_password_is_changed_is_not_answered_as_the_change_is(void **state)
{
    struct bench *bench = bench_started();
    struct auth_request requests[] = {
        request_of("ada@example.org", "secret"), request_of("ada@example.org", "secret"),
    };
    struct waiter waiters[COUNT(requests)];
    struct verdict verdict;

    (void)state;
    requests[0].action = AUTH_CHANGE;
    requests[0].new_password = span_of("a new one");
    row("ada@example.org", "{PLAIN}secret");
    shut_gate();
    for (size_t i = 0; i < COUNT(requests); i++) {
        waiters[i] = (struct waiter){ .ticket.done = waiter_done };
        assert_int_equal(auth_ask(bench->auth, &requests[i], &waiters[i].ticket, &verdict), AUTH_LATER);
    }
    wait_at_gate(COUNT(requests));
    open_gate();
    for (size_t i = 0; i < COUNT(requests); i++)
        wait_for(&waiters[i].is_done);
    expect(waiters[0].ticket.verdict, REASON_CHANGE_DENIED, VIA_LOOKUP);
    expect(waiters[1].ticket.verdict, REASON_OK, VIA_LOOKUP);
    bench_free(bench);
}

static void
a_full_queue_is_unavailable_at_once(void **state)
{
    struct bench *bench = bench_new();
    struct waiter waiters[4];
    struct verdict verdict;
    char login[32];

    (void)state;
    bench->config.queue_max = COUNT(waiters);
    bench_start(bench);
    shut_gate();
    for (size_t i = 0; i < COUNT(waiters); i++) {
        struct auth_request request = request_of(login, "x");

        snprintf(login, sizeof(login), "user%zu@example.org", i);
        request.login = span_of(login);
        waiters[i] = (struct waiter){ .ticket.done = waiter_done };
        assert_int_equal(auth_ask(bench->auth, &request, &waiters[i].ticket, &verdict),
                         AUTH_LATER);
    }
    expect(ask(bench, "one.more@example.org", "x"), REASON_OVERLOADED, VIA_REQUEST);
    open_gate();
    for (size_t i = 0; i < COUNT(waiters); i++)
        wait_for(&waiters[i].is_done);
    bench_free(bench);
}

/* --- who guesses ------------------------------------------------------------------------- */

static struct bench *
bench_throttled(void)
{
    struct bench *bench = bench_new();

    throttle_config_default(&bench->config.throttle);
    bench->config.throttle.per_account = 100;
    bench_start(bench);
    return bench;
}

/* Every rejection leaves at the next whole millisecond. */
#define TICK 1

/* One try from an address, and how long its answer is held back. */
static struct verdict
ask_from(struct bench *bench, const char *login, const char *password, const char *remote,
         int64_t *held_ms_out)
{
    struct auth_request request = request_of(login, password);
    struct waiter waiter = { .ticket.done = waiter_done };
    struct verdict verdict;

    request.remote = span_of(remote);
    *held_ms_out = 0;
    if (auth_ask(bench->auth, &request, &waiter.ticket, &verdict) == AUTH_LATER) {
        wait_for(&waiter.is_done);
        verdict = waiter.ticket.verdict;
        if (waiter.ticket.not_before_ms > 0)
            *held_ms_out = waiter.ticket.not_before_ms - atomic_load(&now_ms);
    }
    return verdict;
}

/* Which of several thousand guesses nobody looked at any more, and the longest delay before. */
static unsigned
guess_until_throttled(struct bench *bench, const char *login, const char *remote,
                      int64_t *longest_ms)
{
    char password[32];
    int64_t held_ms;

    *longest_ms = 0;
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(password, sizeof(password), "guess %u", i);
        if (ask_from(bench, login, password, remote, &held_ms).reason == REASON_THROTTLED)
            return i;
        *longest_ms = held_ms > *longest_ms ? held_ms : *longest_ms;
    }
    return 5000;
}

static void
guesses_wait_up_to_4_s_and_then_nobody_looks_at_them(void **state)
{
    struct bench *bench = bench_throttled();
    int64_t longest_ms, held_ms;

    (void)state;
    row("ada@example.org", "{PLAIN}secret");
    assert_int_equal(guess_until_throttled(bench, "ada@example.org", "", &longest_ms), 100);
    assert_int_equal(longest_ms, 4000 + TICK);
    assert_int_equal(verifications(bench), 100);
    expect(ask_from(bench, "ada@example.org", "secret", "", &held_ms), REASON_THROTTLED,
           VIA_REQUEST);
    assert_int_equal(held_ms, 4000);
    pass(40 * SECOND);
    expect(ask_from(bench, "ada@example.org", "secret", "", &held_ms), REASON_OK, VIA_LOOKUP);
    assert_int_equal(held_ms, 0);
    bench_free(bench);
}

/* All were let in before the first of them was found wrong. */
static void
of_guesses_that_come_together_no_more_are_looked_at_than_the_limit_lets(void **state)
{
    struct bench *bench = bench_new();
    struct waiter waiters[2];
    unsigned wrong = 0, throttled = 0;
    struct verdict verdict;
    char password[32];

    (void)state;
    throttle_config_default(&bench->config.throttle);
    bench->config.throttle.per_account = 1;
    bench->config.hash_threads = 1;
    bench_start(bench);
    row("ada@example.org", HASHED);
    shut_gate();
    for (size_t i = 0; i < COUNT(waiters); i++) {
        struct auth_request request = request_of("ada@example.org", password);

        snprintf(password, sizeof(password), "guess %zu", i);
        request.password = span_of(password);
        waiters[i] = (struct waiter){ .ticket.done = waiter_done };
        assert_int_equal(auth_ask(bench->auth, &request, &waiters[i].ticket, &verdict), AUTH_LATER);
    }
    wait_at_gate(COUNT(waiters));
    open_gate();
    for (size_t i = 0; i < COUNT(waiters); i++) {
        wait_for(&waiters[i].is_done);
        wrong += waiters[i].ticket.verdict.reason == REASON_WRONG_PASSWORD;
        throttled += waiters[i].ticket.verdict.reason == REASON_THROTTLED;
        /* As late as a wrong one: how soon it comes tells nothing. */
        assert_true(waiters[i].ticket.not_before_ms > atomic_load(&now_ms));
    }
    assert_int_equal(wrong, 1);
    assert_int_equal(throttled, 1);
    assert_int_equal(verifications(bench), 1);
    bench_free(bench);
}

static void
an_unknown_account_is_throttled_like_one_that_there_is(void **state)
{
    struct bench *bench = bench_throttled();
    int64_t longest_ms[2];

    (void)state;
    row("ada@example.org", "{PLAIN}secret");
    assert_int_equal(guess_until_throttled(bench, "ada@example.org", "", &longest_ms[0]),
                     guess_until_throttled(bench, "nobody@example.org", "", &longest_ms[1]));
    assert_true(longest_ms[1] >= longest_ms[0] && longest_ms[1] <= longest_ms[0] + 10);
    bench_free(bench);
}

static void
who_is_remembered_or_comes_from_a_known_address_is_not_throttled(void **state)
{
    struct bench *bench = bench_throttled();
    int64_t longest_ms, held_ms;

    (void)state;
    row("ada@example.org", "{PLAIN}secret");
    ask_from(bench, "ada@example.org", "secret", "192.0.2.1", &held_ms);
    guess_until_throttled(bench, "ada@example.org", "198.51.100.1", &longest_ms);
    expect(ask_from(bench, "ada@example.org", "secret", "203.0.113.1", &held_ms), REASON_OK,
           VIA_CACHE);
    pass(15 * SECOND);
    expect(ask_from(bench, "ada@example.org", "secret", "203.0.113.1", &held_ms), REASON_OK,
           VIA_REVALIDATED);
    guess_until_throttled(bench, "ada@example.org", "198.51.100.2", &longest_ms);
    cache_flush_all(bench->cache);
    expect(ask_from(bench, "ada@example.org", "mistyped", "203.0.113.1", &held_ms),
           REASON_THROTTLED, VIA_REQUEST);
    expect(ask_from(bench, "ada@example.org", "secret", "203.0.113.1", &held_ms), REASON_OK,
           VIA_LOOKUP);         /* it was right before: no guess */
    cache_flush_all(bench->cache);
    expect(ask_from(bench, "ada@example.org", "mistyped", "192.0.2.1", &held_ms),
           REASON_WRONG_PASSWORD, VIA_LOOKUP);
    assert_int_equal(held_ms, TICK);
    expect(ask_from(bench, "ada@example.org", "secret", "192.0.2.1", &held_ms), REASON_OK,
           VIA_LOOKUP);
    bench_free(bench);
}

static void
the_same_wrong_password_again_counts_once(void **state)
{
    struct bench *bench = bench_throttled();
    int64_t held_ms;

    (void)state;
    row("ada@example.org", "{PLAIN}secret");
    for (int i = 0; i < 500; i++) {
        assert_int_equal(ask_from(bench, "ada@example.org", "old one", "", &held_ms).reason,
                         REASON_WRONG_PASSWORD);
        assert_true(held_ms <= TICK);
        pass(31 * SECOND);
    }
    assert_int_equal(verifications(bench), 500);
    bench_free(bench);
}

static void
a_wrong_old_password_counts_in_a_change_too(void **state)
{
    struct bench *bench = bench_throttled();
    struct auth_request request = request_of("ada@example.org", "");
    char password[32];
    unsigned tries = 0;

    (void)state;
    row("ada@example.org", "{PLAIN}secret");
    request.action = AUTH_CHANGE;
    request.new_password = span_of("a new one");
    do {
        snprintf(password, sizeof(password), "guess %u", tries);
        request.password = span_of(password);
    } while (ask_as(bench, &request).reason == REASON_WRONG_PASSWORD && ++tries < 1000);
    assert_int_equal(tries, 100);
    bench_free(bench);
}

/* --- policy, identity, rows ----------------------------------------------------------------- */

static void
policy_is_told_only_to_who_knows_the_password(void **state)
{
    struct bench *bench = bench_started();

    (void)state;
    row("ada@example.org", "{PLAIN}secret")->enabled = "0";
    expect(ask(bench, "ada@example.org", "wrong"), REASON_WRONG_PASSWORD, VIA_LOOKUP);
    expect(ask(bench, "ada@example.org", "secret"), REASON_DISABLED, VIA_LOOKUP);
    assert_int_equal(verifications(bench), 2);
    bench_free(bench);
}

static void
an_unknown_account_costs_no_hash_and_waits_like_one(void **state)
{
    struct bench *bench = bench_started();
    struct auth_request request = request_of("nobody@example.org", "secret");
    struct waiter waiter = { .ticket.done = waiter_done };
    struct verdict verdict;

    (void)state;
    assert_int_equal(auth_ask(bench->auth, &request, &waiter.ticket, &verdict), AUTH_LATER);
    wait_for(&waiter.is_done);
    expect(waiter.ticket.verdict, REASON_UNKNOWN_ACCOUNT, VIA_LOOKUP);
    assert_true(waiter.ticket.not_before_ms > atomic_load(&now_ms));
    assert_int_equal(verifications(bench), 0);
    bench_free(bench);
}

static void
two_rows_are_nobodys(void **state)
{
    struct bench *bench = bench_started();

    (void)state;
    row("ada@example.org", "{PLAIN}secret");
    row("ada@example.org", "{PLAIN}secret");
    expect(ask(bench, "ada@example.org", "secret"), REASON_AMBIGUOUS_ACCOUNT, VIA_LOOKUP);
    assert_int_equal(verifications(bench), 0);
    bench_free(bench);
}

static void
the_row_must_name_the_account_that_was_asked_for(void **state)
{
    static const char *const others[] = {
        "Ada@example.org", "ada@example.org ", "\303\241da@example.org", "ada@example.orgx",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(others); i++) {
        struct bench *bench = bench_started();

        row("ada@example.org", "{PLAIN}secret")->login = others[i];
        expect(ask(bench, "ada@example.org", "secret"), REASON_OTHER_ACCOUNT, VIA_LOOKUP);
        bench_free(bench);
    }
}

static void
with_alias_the_row_says_who_it_is(void **state)
{
    struct bench *bench = bench_new();
    struct verdict verdict;

    (void)state;
    bench->alias = true;
    bench_start(bench);
    row("info@example.org", "{PLAIN}secret")->login = "ada@example.org";
    for (int i = 0; i < 2; i++) {
        verdict = ask(bench, "info@example.org", "secret");
        expect(verdict, REASON_OK, VIA_LOOKUP);
        assert_string_equal(verdict.account, "ada@example.org");
    }
    bench_free(bench);
}

static void
networks_are_judged_and_remembered_apart(void **state)
{
    struct bench *bench = bench_started();
    struct auth_request inside = request_of("ada@example.org", "secret"), outside = inside,
        unknown = inside;

    (void)state;
    row("ada@example.org", "{PLAIN}secret")->allow_nets = "192.0.2.0/24";
    inside.remote = span_of("192.0.2.7;4711");
    outside.remote = span_of("198.51.100.7;4711");
    expect(ask_as(bench, &inside), REASON_OK, VIA_LOOKUP);
    expect(ask_as(bench, &inside), REASON_OK, VIA_CACHE);
    expect(ask_as(bench, &outside), REASON_NETWORK_DENIED, VIA_LOOKUP);
    expect(ask_as(bench, &outside), REASON_NETWORK_DENIED, VIA_NEGATIVE);
    expect(ask_as(bench, &unknown), REASON_NETWORK_DENIED, VIA_LOOKUP);
    expect(ask_as(bench, &inside), REASON_OK, VIA_CACHE);
    bench_free(bench);
}

static void
services_are_remembered_apart_and_under_one_name(void **state)
{
    struct bench *bench = bench_started();
    struct auth_request pop = request_of("ada@example.org", "secret"), pop3 = pop, imap = pop;

    (void)state;
    row("ada@example.org", "{PLAIN}secret");
    pop.service = span_of("pop");
    pop3.service = span_of("POP3");
    expect(ask_as(bench, &pop), REASON_OK, VIA_LOOKUP);
    expect(ask_as(bench, &pop3), REASON_OK, VIA_CACHE);
    expect(ask_as(bench, &imap), REASON_OK, VIA_LOOKUP);
    bench_free(bench);
}

static void
spellings_of_one_name_share_an_entry(void **state)
{
    static const struct auth_listener cyrus = { .name = "cyrus", .default_domain = "example.org" };
    static const struct { const char *login, *realm; } spellings[] = {
        { "ada@example.org", "" }, { "ada", "example.org" }, { "ADA", "Example.ORG" },
        { "ada", "" }, { "ada@example.org", "example.org" },
    };
    struct bench *bench = bench_started();

    (void)state;
    row("ada@example.org", "{PLAIN}secret");
    for (size_t i = 0; i < COUNT(spellings); i++) {
        struct auth_request request = request_of(spellings[i].login, "secret");

        request.realm = span_of(spellings[i].realm);
        request.listener = &cyrus;
        expect(ask_as(bench, &request), REASON_OK, i == 0 ? VIA_LOOKUP : VIA_CACHE);
    }
    bench_free(bench);
}

static void
a_service_may_have_a_default_domain_of_its_own(void **state)
{
    static const struct auth_service_rule rules[] = { { "imap", "example.net" }, { "sieve", NULL } };
    static const struct auth_listener cyrus = { .name = "cyrus", .default_domain = "example.org" };
    struct bench *bench = bench_new();
    struct auth_request imap = request_of("ada", "secret"), smtp = imap, sieve = imap;

    (void)state;
    bench->config.services = rules;
    bench->config.services_count = COUNT(rules);
    bench_start(bench);
    row("ada@example.org", "{PLAIN}secret");
    imap.listener = smtp.listener = sieve.listener = &cyrus;
    smtp.service = span_of("smtp");
    sieve.service = span_of("sieve");
    assert_string_equal(ask_as(bench, &imap).account, "ada@example.net");
    assert_string_equal(ask_as(bench, &smtp).account, "ada@example.org");
    assert_string_equal(ask_as(bench, &sieve).account, "ada@example.org");
    bench_free(bench);
}

/* What the request alone decides is answered at once, and asks nobody. */
static const struct {
    const char *what;
    span login, password;
    const char *service;
    enum verdict_reason reason;
} refused_at_once[] = {
    { "no login", SPAN(""), SPAN("x"), "imap", REASON_MALFORMED },
    { "a blank login", SPAN(" ada@example.org"), SPAN("x"), "imap", REASON_MALFORMED },
    { "a NUL in the login", SPAN("ada\0@example.org"), SPAN("x"), "imap", REASON_MALFORMED },
    { "ill-formed UTF-8", SPAN("ad\xff@example.org"), SPAN("x"), "imap", REASON_MALFORMED },
    { "no password", SPAN("ada@example.org"), SPAN(""), "imap", REASON_EMPTY_PASSWORD },
    { "a NUL in the password", SPAN("ada@example.org"), SPAN("secret\0x"), "imap",
      REASON_MALFORMED },
    { "a service that is no name", SPAN("ada@example.org"), SPAN("secret"), "im ap",
      REASON_MALFORMED },
    { "another service", SPAN("ada@example.org"), SPAN("secret"), "ftp", REASON_SERVICE_DENIED },
};

static void
what_the_request_alone_decides_asks_nobody(void **state)
{
    static const char *const services[] = { "imap", "smtp" };
    static const struct auth_listener some = { .name = "some", .services = services,
                                               .services_count = COUNT(services) };
    struct bench *bench = bench_started();

    (void)state;
    row("ada@example.org", "{PLAIN}secret");
    for (size_t i = 0; i < COUNT(refused_at_once); i++) {
        struct auth_request request = request_of("", "");

        print_message("# %s\n", refused_at_once[i].what);
        request.listener = &some;
        request.login = refused_at_once[i].login;
        request.password = refused_at_once[i].password;
        request.service = span_of(refused_at_once[i].service);
        expect(ask_as(bench, &request), refused_at_once[i].reason, VIA_REQUEST);
    }
    assert_int_equal(lookups(bench), 0);
    bench_free(bench);
}

/* Not rejected: that would tell a user that a right password is wrong. */
static void
a_scheme_that_is_refused_is_unavailable_whatever_the_password(void **state)
{
    static const char *const refused[] = { "plain" };
    struct bench *bench = bench_new();

    (void)state;
    bench->config.refuse_schemes = refused;
    bench->config.refuse_schemes_count = COUNT(refused);
    bench_start(bench);
    row("ada@example.org", "{PLAIN}secret");
    row("bob@example.org", "{PLAIN-MD5}5ebe2294ecd0e0f08eab7690d2a6ee69");
    expect(ask(bench, "ada@example.org", "secret"), REASON_BAD_STORED_PASSWORD, VIA_LOOKUP);
    expect(ask(bench, "ada@example.org", "wrong"), REASON_BAD_STORED_PASSWORD, VIA_LOOKUP);
    expect(ask(bench, "bob@example.org", "secret"), REASON_OK, VIA_LOOKUP);
    bench_free(bench);
}

static void
a_password_over_the_limit_is_refused_and_one_at_it_is_not(void **state)
{
    struct bench *bench = bench_started();
    char stored[1100] = "{PLAIN}", *password = stored + 7;

    (void)state;
    memset(password, 'p', 1025);
    row("ada@example.org", stored);
    expect(ask(bench, "ada@example.org", password), REASON_PASSWORD_TOO_LONG, VIA_REQUEST);
    password[1024] = '\0';
    expect(ask(bench, "ada@example.org", password), REASON_OK, VIA_LOOKUP);
    bench_free(bench);
}

static void
what_may_not_be_a_stored_password_is_unavailable(void **state)
{
    static const char *const bad[] = {
        "secret", "{NO-SUCH-SCHEME}secret", "$6$", "$9$salt$hash", "$6$rounds=999999999$salt$x",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct bench *bench = bench_started();

        row("ada@example.org", bad[i]);
        expect(ask(bench, "ada@example.org", "secret"), REASON_BAD_STORED_PASSWORD, VIA_LOOKUP);
        bench_free(bench);
    }
}

static void
who_must_change_the_password_is_told_so_each_time(void **state)
{
    struct bench *bench = bench_started();

    (void)state;
    row("ada@example.org", "{PLAIN}secret")->must_change = "1";
    for (int i = 0; i < 2; i++) {
        struct verdict verdict = ask(bench, "ada@example.org", "secret");

        expect(verdict, REASON_OK, VIA_LOOKUP);
        assert_true(verdict.must_change);
    }
    bench_free(bench);
}

static void
account_management_asks_the_row_and_no_password(void **state)
{
    struct bench *bench = bench_started();
    struct auth_request request = request_of("ada@example.org", "");
    struct scripted_row *ada = row("ada@example.org", "{PLAIN}secret");

    (void)state;
    request.action = AUTH_ACCOUNT;
    expect(ask_as(bench, &request), REASON_OK, VIA_LOOKUP);
    ada->enabled = "0";
    expect(ask_as(bench, &request), REASON_DISABLED, VIA_LOOKUP);
    request.login = span_of("nobody@example.org");
    expect(ask_as(bench, &request), REASON_UNKNOWN_ACCOUNT, VIA_LOOKUP);
    /* And it is no way in: nothing of it is remembered for a password. */
    expect(ask(bench, "ada@example.org", ""), REASON_EMPTY_PASSWORD, VIA_REQUEST);
    bench_free(bench);
}

static void
sources_are_asked_in_order_and_only_for_their_domains(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench->domains[0] = "example.org";
    bench->domains[1] = "example.net";
    bench_start(bench);
    row("ada@example.org", "{PLAIN}secret");
    row("ada@example.net", "{PLAIN}secret");
    expect(ask(bench, "ada@example.org", "secret"), REASON_OK, VIA_LOOKUP);
    expect(ask(bench, "ada@example.net", "secret"), REASON_OK, VIA_LOOKUP);
    expect(ask(bench, "ada@example.com", "secret"), REASON_UNKNOWN_ACCOUNT, VIA_LOOKUP);
    assert_int_equal(lookups(bench), 2);
    bench_free(bench);
}

static struct verdict
ask_source(struct bench *bench, const char *source, const char *login)
{
    struct auth_request request = request_of(login, "secret");

    request.accounts = span_of(source);
    return ask_as(bench, &request);
}

static void
a_source_that_is_named_is_asked_alone_and_remembered_apart(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench->domains[0] = "example.org";
    bench->domains[1] = "example.org";
    bench_start(bench);
    expect(ask_source(bench, "second", "bob@example.org"), REASON_UNKNOWN_ACCOUNT, VIA_LOOKUP);
    assert_int_equal(lookups(bench), 1);
    expect(ask(bench, "bob@example.org", "secret"), REASON_UNKNOWN_ACCOUNT, VIA_LOOKUP);
    assert_int_equal(lookups(bench), 3);
    row("ada@example.org", "{PLAIN}secret");
    expect(ask(bench, "ada@example.org", "secret"), REASON_OK, VIA_LOOKUP);
    expect(ask_source(bench, "first", "ada@example.org"), REASON_OK, VIA_LOOKUP);
    expect(ask_source(bench, "second", "ada@example.org"), REASON_OK, VIA_LOOKUP);
    expect(ask_source(bench, "first", "ada@example.org"), REASON_OK, VIA_CACHE);
    expect(ask_source(bench, "second", "ada@example.org"), REASON_OK, VIA_CACHE);
    expect(ask(bench, "ada@example.org", "secret"), REASON_OK, VIA_CACHE);
    bench_free(bench);
}

static void
a_source_that_there_is_not_is_unavailable_and_one_of_another_domain_has_nobody(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench->domains[0] = "example.org";
    bench->domains[1] = "example.net";
    bench_start(bench);
    row("ada@example.org", "{PLAIN}secret");
    expect(ask_source(bench, "third", "ada@example.org"), REASON_ACCOUNT_SOURCE_DOWN, VIA_REQUEST);
    expect(ask_source(bench, "firs", "ada@example.org"), REASON_ACCOUNT_SOURCE_DOWN, VIA_REQUEST);
    expect(ask_source(bench, "second", "ada@example.org"), REASON_UNKNOWN_ACCOUNT, VIA_LOOKUP);
    assert_int_equal(lookups(bench), 0);
    expect(ask_source(bench, "first", "ada@example.org"), REASON_OK, VIA_LOOKUP);
    bench_free(bench);
}

static void
draining_waits_so_long_and_then_says_that_something_is_left(void **state)
{
    struct bench *bench = bench_started();
    struct auth_request request = request_of("ada@example.org", "secret");
    struct waiter waiter = { .ticket.done = waiter_done };
    struct verdict verdict;

    (void)state;
    row("ada@example.org", "{PLAIN}secret");
    shut_gate();
    auth_ask(bench->auth, &request, &waiter.ticket, &verdict);
    wait_at_gate(1);
    assert_false(auth_drain(bench->auth, atomic_load(&now_ms)));
    open_gate();
    assert_true(auth_drain(bench->auth, INT64_MAX));
    wait_for(&waiter.is_done);
    bench_free(bench);
}

static void
ending_waits_for_what_is_in_flight(void **state)
{
    struct bench *bench = bench_started();
    struct auth_request request = request_of("ada@example.org", "secret");
    struct waiter waiter = { .ticket.done = waiter_done };
    struct verdict verdict;

    (void)state;
    row("ada@example.org", "{PLAIN}secret");
    auth_ask(bench->auth, &request, &waiter.ticket, &verdict);
    bench_free(bench);
    assert_true(atomic_load(&waiter.is_done));
    expect(waiter.ticket.verdict, REASON_OK, VIA_LOOKUP);
    assert_int_equal(atomic_load(&scripted->opened), atomic_load(&scripted->closed));
}

/* --- explain -------------------------------------------------------------------------------- */

struct told { char text[4096]; };

static void
collect(void *context, const char *step, const char *text)
{
    struct told *told = context;
    size_t len = strlen(told->text);

    snprintf(told->text + len, sizeof(told->text) - len, "%s: %s\n", step, text);
}

static const struct {
    const char *what, *login, *password;
    struct scripted_row row;
    enum verdict_reason reason;
    const char *says;
} explained[] = {
    { "right", "ada@example.org", "pa55word", { .password = "{PLAIN}pa55word" }, REASON_OK,
      "password: right\n" },
    { "wrong", "ada@example.org", "wr0ng", { .password = "{PLAIN}pa55word" },
      REASON_WRONG_PASSWORD, "password: wrong-password\n" },
    { "no password", "ada@example.org", "", { .password = "{PLAIN}pa55word" }, REASON_OK,
      "not verified" },
    { "disabled", "ada@example.org", "pa55word",
      { .password = "{PLAIN}pa55word", .enabled = "0" }, REASON_DISABLED, "policy: disabled\n" },
    { "unknown", "bob@example.org", "pa55word", { .password = "{PLAIN}pa55word" },
      REASON_UNKNOWN_ACCOUNT, "lookup: unknown-account\n" },
    { "malformed", " ada", "pa55word", { .password = "{PLAIN}pa55word" }, REASON_MALFORMED,
      "request: malformed" },
    { "bad stored", "ada@example.org", "pa55word", { .password = "pa55word" },
      REASON_BAD_STORED_PASSWORD, "bad-stored-password" },
    { "locked", "ada@example.org", "pa55word", { .password = "!" }, REASON_NO_PASSWORD,
      "no-password" },
    { "locked, no password", "ada@example.org", "", { .password = "!" }, REASON_NO_PASSWORD,
      "scheme: LOCKED\n" },
};

static void
explain_tells_each_step_and_no_secret_and_agrees_with_the_real_way(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(explained); i++) {
        struct bench *bench = bench_started();
        struct auth_request request = request_of(explained[i].login, explained[i].password);
        struct scripted_row *ada = row("ada@example.org", "");
        struct told told = { "" };
        struct verdict verdict;

        print_message("# %s\n", explained[i].what);
        *ada = explained[i].row;
        ada->asked = "ada@example.org";
        auth_explain(bench->auth, &request, collect, &told, &verdict);
        assert_int_equal(verdict.reason, explained[i].reason);
        if (explained[i].password[0])
            assert_int_equal(ask_as(bench, &request).reason, verdict.reason);
        assert_non_null(strstr(told.text, explained[i].says));
        assert_null(strstr(told.text, "pa55word"));
        assert_null(strstr(told.text, "wr0ng"));
        bench_free(bench);
    }
}

static int
load_scripted(void **state)
{
    const char *build = getenv("CLAVIGER_BUILD");
    char path[sizeof(drivers) + 32];
    void *library;

    (void)state;
    if (sodium_init() < 0)
        return -1;
    log_set_level(LOG_LEVEL_ERROR);
    snprintf(drivers, sizeof(drivers), "%s/tests/unit/.libs", build ? build : ".");
    snprintf(path, sizeof(path), "%s/account_scripted.so", drivers);
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return -1;
    }
    scripted = dlsym(library, SCRIPTED_SYMBOL);
    return scripted ? 0 : -1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cached_answer_needs_neither_lookup_nor_hash),
        cmocka_unit_test(after_revalidate_one_lookup_and_no_hash_makes_it_fresh_again),
        cmocka_unit_test(after_ttl_the_password_is_verified_again_however_often_it_was_used),
        cmocka_unit_test(every_change_of_a_row_counts_when_revalidate_ends_and_not_later),
        cmocka_unit_test(a_date_that_passes_counts_though_the_row_is_the_same),
        cmocka_unit_test(a_new_password_works_at_once_and_replaces_the_old),
        cmocka_unit_test(a_wrong_password_shows_that_the_row_changed_and_ends_the_old_one),
        cmocka_unit_test(wrong_passwords_on_a_hot_account_leave_its_owner_cached),
        cmocka_unit_test(a_rejection_is_remembered_for_its_own_time_and_no_longer),
        cmocka_unit_test(a_flush_of_account_domain_or_all_counts_at_once),
        cmocka_unit_test(a_source_that_is_down_is_unavailable_and_never_a_wrong_password),
        cmocka_unit_test(K15_while_the_source_is_down_grace_decides_about_what_was_accepted),
        cmocka_unit_test(grace_accepts_no_account_past_its_own_date),
        cmocka_unit_test(K15_a_lock_that_was_known_before_the_outage_holds_through_it),
        cmocka_unit_test(the_same_question_a_hundred_times_is_one_lookup_and_one_hash),
        cmocka_unit_test(other_questions_do_not_share_a_flight),
        cmocka_unit_test(what_was_read_before_a_flush_is_not_kept_nor_shared_after_it),
        cmocka_unit_test(a_request_past_its_deadline_is_unavailable_without_a_lookup),
        cmocka_unit_test(grace_that_ends_while_the_source_is_asked_accepts_nobody),
        cmocka_unit_test(a_password_whose_turn_to_be_verified_comes_too_late_is_unavailable_and_not_verified),
        cmocka_unit_test(who_signs_in_while_the_password_is_changed_is_not_answered_as_the_change_is),
        cmocka_unit_test(a_full_queue_is_unavailable_at_once),
        cmocka_unit_test(guesses_wait_up_to_4_s_and_then_nobody_looks_at_them),
        cmocka_unit_test(of_guesses_that_come_together_no_more_are_looked_at_than_the_limit_lets),
        cmocka_unit_test(an_unknown_account_is_throttled_like_one_that_there_is),
        cmocka_unit_test(who_is_remembered_or_comes_from_a_known_address_is_not_throttled),
        cmocka_unit_test(the_same_wrong_password_again_counts_once),
        cmocka_unit_test(a_wrong_old_password_counts_in_a_change_too),
        cmocka_unit_test(policy_is_told_only_to_who_knows_the_password),
        cmocka_unit_test(an_unknown_account_costs_no_hash_and_waits_like_one),
        cmocka_unit_test(two_rows_are_nobodys),
        cmocka_unit_test(the_row_must_name_the_account_that_was_asked_for),
        cmocka_unit_test(with_alias_the_row_says_who_it_is),
        cmocka_unit_test(networks_are_judged_and_remembered_apart),
        cmocka_unit_test(services_are_remembered_apart_and_under_one_name),
        cmocka_unit_test(spellings_of_one_name_share_an_entry),
        cmocka_unit_test(a_service_may_have_a_default_domain_of_its_own),
        cmocka_unit_test(what_the_request_alone_decides_asks_nobody),
        cmocka_unit_test(a_scheme_that_is_refused_is_unavailable_whatever_the_password),
        cmocka_unit_test(a_password_over_the_limit_is_refused_and_one_at_it_is_not),
        cmocka_unit_test(what_may_not_be_a_stored_password_is_unavailable),
        cmocka_unit_test(who_must_change_the_password_is_told_so_each_time),
        cmocka_unit_test(account_management_asks_the_row_and_no_password),
        cmocka_unit_test(sources_are_asked_in_order_and_only_for_their_domains),
        cmocka_unit_test(a_source_that_is_named_is_asked_alone_and_remembered_apart),
        cmocka_unit_test(a_source_that_there_is_not_is_unavailable_and_one_of_another_domain_has_nobody),
        cmocka_unit_test(draining_waits_so_long_and_then_says_that_something_is_left),
        cmocka_unit_test(ending_waits_for_what_is_in_flight),
        cmocka_unit_test(explain_tells_each_step_and_no_secret_and_agrees_with_the_real_way),
    };

    return cmocka_run_group_tests_name("auth", tests, load_scripted, NULL);
}
