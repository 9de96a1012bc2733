/* tests/unit/test_cache_threads.c - K13 of the reliability rows: 64 threads on few sets; every hit is
 * its own question's, none outlives its ttl, and what was flushed is not found by anyone who asks
 * after the flush. With CLAVIGER_LONG it takes ten minutes: meant for ThreadSanitizer
 *
 * The row of an account is a number that only grows, and its fingerprint is account and number.
 * A thread that flushes first changes the row, then flushes, then publishes "from now on no older
 * row than this". A thread that finds reads that first; a hit that rests on an older row is
 * a broken promise.
 */
#include "tests/unit/cache_rig.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum {
    THREADS = 64,
    FLUSHERS = 4,               /* each has the accounts of one domain to itself */
    ACCOUNTS = 60,
    PASSWORDS = 2,
    ROUNDS = 4000,
    TTL_MS = 2000               /* some thousand moments pass in those rounds */
};

struct stage {
    struct cache *cache;
    _Atomic uint64_t row[ACCOUNTS];             /* as a lookup finds it */
    _Atomic uint64_t oldest[ACCOUNTS];          /* that may still be answered with */
    _Atomic int64_t now_ms;
    _Atomic uint64_t looks, hits, wrong, outdated, expired;
    time_t end;                 /* of the long form; 0: ROUNDS, once */
    atomic_bool over;
};

struct actor { struct stage *stage; size_t number; pthread_t thread; };

static struct cache_key
key_of_actor(const struct stage *stage, size_t account, size_t password)
{
    char name[48], word[8];

    snprintf(word, sizeof(word), "pw%zu", password);
    return key_of_imap(stage->cache, name_of(account, account % FLUSHERS, name), word);
}

/* The row of a question's account and password: a hit with another was another's. */
static struct cache_fingerprint
fingerprint_of(size_t account, size_t password, uint64_t row)
{
    return (struct cache_fingerprint){ (account * PASSWORDS + password) << 32 | row };
}

static void
look(struct stage *stage, const struct cache_key *key, size_t account, size_t password)
{
    uint64_t oldest = atomic_load(&stage->oldest[account]);
    struct cache_hit hit;
    int64_t now_ms = atomic_load(&stage->now_ms);
    enum cache_answer answer = cache_find(stage->cache, key, now_ms, &hit);

    atomic_fetch_add(&stage->looks, 1);

    if (answer != CACHE_ACCEPTED && answer != CACHE_STALE)
        return;
    atomic_fetch_add(&stage->hits, 1);
    if (hit.fingerprint.word >> 32 != account * PASSWORDS + password)
        atomic_fetch_add(&stage->wrong, 1);
    if (now_ms - hit.verified_at_ms >= TTL_MS)
        atomic_fetch_add(&stage->expired, 1);
    if ((hit.fingerprint.word & UINT32_MAX) < oldest)
        atomic_fetch_add(&stage->outdated, 1);
}

/* A sign-in: asked, row read, verified, remembered; and all else that changes a set. */
static void
act_rounds(struct stage *stage, uint64_t random)
{
    for (size_t i = 0; i < ROUNDS; i++) {
        size_t account = next_random(&random) % ACCOUNTS, password = next_random(&random) % PASSWORDS;
        struct cache_key key = key_of_actor(stage, account, password);
        uint64_t row = atomic_load(&stage->row[account]);
        struct cache_fingerprint fingerprint = fingerprint_of(account, password, row);
        int64_t now_ms = atomic_load(&stage->now_ms);
        enum cache_reach reach = i % 2 ? CACHE_ANYWHERE : CACHE_THIS_NETWORK;

        look(stage, &key, account, password);
        switch (next_random(&random) % 8) {
        case 0: cache_refresh(stage->cache, &key, &fingerprint, now_ms); break;
        case 1: cache_observe(stage->cache, &key, &fingerprint); break;
        case 2: cache_reject(stage->cache, &key, 1, reach, now_ms); break;
        case 3: cache_knows(stage->cache, &key, now_ms); break;
        case 4: atomic_fetch_add(&stage->now_ms, 1); break;
        default: cache_accept(stage->cache, &key, &fingerprint, reach, now_ms); break;
        }
        look(stage, &key, account, password);
    }
}

static void *
act(void *context)
{
    struct actor *actor = context;

    do
        act_rounds(actor->stage, actor->number);
    while (time(NULL) < actor->stage->end);
    return NULL;
}

static void
change_rows(struct stage *stage, size_t first, size_t step, uint64_t row)
{
    for (size_t account = first; account < ACCOUNTS; account += step)
        atomic_store(&stage->row[account], row);
}

static void
publish(struct stage *stage, size_t first, size_t step, uint64_t row)
{
    for (size_t account = first; account < ACCOUNTS; account += step)
        atomic_store(&stage->oldest[account], row);
}

static void *
flush(void *context)
{
    struct actor *actor = context;
    struct stage *stage = actor->stage;
    char name[48];

    for (uint64_t row = 1; !atomic_load(&stage->over); row++) {
        size_t account = actor->number + FLUSHERS * (row % (ACCOUNTS / FLUSHERS));
        size_t first = row % 3 ? actor->number : account, step = row % 3 ? FLUSHERS : ACCOUNTS;
        struct cache_stats stats;

        change_rows(stage, first, step, row);
        name_of(account, account % FLUSHERS, name);
        if (row % 3 == 0)
            cache_flush_account(stage->cache, span_of(name), atomic_load(&stage->now_ms));
        else if (row % 3 == 1)
            cache_flush_domain(stage->cache, span_of(strchr(name, '@') + 1), START);
        else
            cache_flush_all(stage->cache);
        publish(stage, first, step, row);
        for (size_t i = 0; i < 20; i++)         /* leave the others time to remember something */
            cache_stats_get(stage->cache, START, &stats);
    }
    return NULL;
}

static struct cache *
small_cache(void)
{
    struct cache_config config;
    struct cache *cache;
    struct error err;

    cache_config_default(&config);
    config.entries = 4 * 14;
    config.ttl_ms = TTL_MS;
    config.revalidate_ms = TTL_MS / 2;
    assert_int_equal(cache_new(&config, &cache, &err), ERROR_NONE);
    return cache;
}

static void
K13_every_hit_is_its_own_questions_and_none_outlives_its_ttl_or_a_flush(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    struct actor actors[THREADS];

    (void)state;
    assert_non_null(stage);
    stage->cache = small_cache();
    stage->end = getenv("CLAVIGER_LONG") ? time(NULL) + 600 : 0;
    atomic_store(&stage->now_ms, START);
    for (size_t i = 0; i < THREADS; i++) {
        actors[i] = (struct actor){ .stage = stage, .number = i };
        assert_int_equal(pthread_create(&actors[i].thread, NULL, i < FLUSHERS ? flush : act,
                                        &actors[i]), 0);
    }
    for (size_t i = FLUSHERS; i < THREADS; i++)
        pthread_join(actors[i].thread, NULL);
    atomic_store(&stage->over, true);
    for (size_t i = 0; i < FLUSHERS; i++)
        pthread_join(actors[i].thread, NULL);
    print_message("# hits: %llu of %llu looks\n", (unsigned long long)atomic_load(&stage->hits),
                  (unsigned long long)atomic_load(&stage->looks));
    assert_true(atomic_load(&stage->hits) > 1000);
    assert_int_equal(atomic_load(&stage->wrong), 0);
    assert_int_equal(atomic_load(&stage->expired), 0);
    assert_int_equal(atomic_load(&stage->outdated), 0);
    cache_free(stage->cache);
    free(stage);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(K13_every_hit_is_its_own_questions_and_none_outlives_its_ttl_or_a_flush),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
