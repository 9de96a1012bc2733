/* tests/unit/test_cache_room.c - how much fits, who has to go, what the counts say */
#include "tests/unit/cache_rig.h"

/* A cache of one set: every account shares it. */
#define SET 14

/* Fills it with acceptances verified at those times. */
static void
fill_set(struct cache *cache, struct cache_key keys[SET], int64_t first_ms, int64_t rest_ms)
{
    char name[48];

    for (size_t i = 0; i < SET; i++) {
        keys[i] = key_of_imap(cache, name_of(i, 0, name), "secret");
        accept_key(cache, &keys[i], "row", i == 0 ? first_ms : rest_ms + (int64_t)i);
    }
}

static void
the_entry_whose_row_was_seen_least_lately_goes(void **state)
{
    struct cache *cache = cache_of(SET);
    struct cache_fingerprint row = row_of(cache, "row");
    struct cache_key keys[SET], next;
    struct cache_stats stats;

    (void)state;
    fill_set(cache, keys, START, START);
    cache_refresh(cache, &keys[0], &row, START + MINUTE);
    next = key_of_imap(cache, "next", "secret");
    accept_key(cache, &next, "row", START + MINUTE);
    for (size_t i = 0; i < SET; i++)
        if ((answer_to(cache, &keys[i], START + MINUTE) == CACHE_MISS) != (i == 1))
            fail_msg("entry %zu", i);
    assert_int_equal(answer_to(cache, &next, START + MINUTE), CACHE_ACCEPTED);
    cache_stats_get(cache, START + MINUTE, &stats);
    assert_int_equal(stats.accepted, SET);
    assert_int_equal(stats.evictions, 1);
    cache_free(cache);
}

static void
the_dead_go_before_the_living(void **state)
{
    struct cache *cache = cache_of(SET);
    struct cache_fingerprint row = row_of(cache, "row");
    struct cache_key keys[SET], next;
    struct cache_stats stats;

    (void)state;
    fill_set(cache, keys, START, START + HOUR);
    cache_refresh(cache, &keys[0], &row, START + 8 * HOUR - 1);         /* seen last, dies first */
    next = key_of_imap(cache, "next", "secret");
    accept_key(cache, &next, "row", START + 8 * HOUR);
    cache_stats_get(cache, START + 8 * HOUR, &stats);
    assert_int_equal(stats.accepted, SET);
    assert_int_equal(stats.evictions, 0);
    cache_flush_all(cache);
    cache_stats_get(cache, START + 8 * HOUR, &stats);
    assert_int_equal(stats.accepted, 0);
    fill_set(cache, keys, START + 8 * HOUR, START + 8 * HOUR);
    cache_stats_get(cache, START + 8 * HOUR, &stats);
    assert_int_equal(stats.accepted, SET);
    assert_int_equal(stats.evictions, 0);
    cache_free(cache);
}

static void
K11_a_million_rejections_push_out_no_acceptance(void **state)
{
    enum { ACCEPTED = 20000, FLOOD = 1000000 };
    struct cache *cache = cache_of(200000);
    struct cache_stats before, after;
    char name[48];

    (void)state;
    for (size_t i = 0; i < ACCEPTED; i++) {
        struct cache_key key = key_of_imap(cache, name_of(i, 0, name), "secret");

        accept_key(cache, &key, "row", START);
    }
    cache_stats_get(cache, START, &before);
    for (size_t i = 0; i < FLOOD; i++) {
        struct cache_key key = key_of_imap(cache, name_of(i, 1, name), "guess");

        cache_reject(cache, &key, 2, CACHE_ANYWHERE, START + (int64_t)(i / 1000));
    }
    cache_stats_get(cache, START + SECOND, &after);
    assert_int_equal(before.accepted, ACCEPTED);
    assert_int_equal(after.accepted, ACCEPTED);
    assert_int_equal(after.evictions, 0);
    assert_int_equal(after.bytes, before.bytes);
    assert_true(after.rejected <= after.negative_max && after.rejected > after.negative_max * 9 / 10);
    for (size_t i = 0; i < ACCEPTED; i++) {
        struct cache_key key = key_of_imap(cache, name_of(i, 0, name), "secret");

        assert_int_equal(answer_to(cache, &key, START), CACHE_ACCEPTED);
    }
    cache_free(cache);
}

static void
an_entry_costs_48_bytes_and_a_share_of_its_set(void **state)
{
    static const size_t sizes[] = { 1, 13, 14, 15, 1000, 100000, 1000000 };

    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct cache *cache = cache_of(sizes[i]);
        struct cache_stats stats;

        cache_stats_get(cache, START, &stats);
        assert_true(stats.entries_max >= sizes[i] && stats.entries_max < sizes[i] + SET);
        assert_true(stats.negative_max >= sizes[i] / 16 && stats.negative_max < sizes[i] / 16 + 2 * SET);
        assert_true(stats.bytes <= (stats.entries_max + stats.negative_max) * (48 + 5));
        cache_free(cache);
    }
}

static void
counts_are_exact(void **state)
{
    struct cache *cache = cache_of(10000);
    struct cache_stats stats;
    char name[48];

    (void)state;
    for (size_t i = 0; i < 500; i++) {
        struct cache_key key = key_of_imap(cache, name_of(i, 0, name), "secret");

        if (i % 5 == 0)
            cache_reject(cache, &key, 1, CACHE_ANYWHERE, START + (int64_t)i);
        else
            accept_key(cache, &key, "row", START + (int64_t)i);
    }
    cache_stats_get(cache, START + 500, &stats);
    assert_int_equal(stats.accepted, 400);
    assert_int_equal(stats.rejected, 100);
    cache_stats_get(cache, START + 8 * HOUR + 249, &stats);
    assert_int_equal(stats.accepted, 200);
    assert_int_equal(stats.rejected, 0);
    cache_stats_get(cache, START + 30 * SECOND + 249, &stats);
    assert_int_equal(stats.rejected, 50);
    assert_int_equal(stats.evictions, 0);
    assert_int_equal(stats.flushes, 0);
    cache_free(cache);
}

static void
a_cache_without_entries_answers_every_call_and_finds_nothing(void **state)
{
    struct cache *cache = cache_of(0);
    struct cache_key key = key_of_imap(cache, "ada@example.org", "secret");
    struct cache_fingerprint row = row_of(cache, "row");
    struct cache_config config;
    struct cache_stats stats;
    struct cache_hit hit;

    (void)state;
    cache_config_default(&config);
    cache_reconfigure(cache, &config);
    cache_prefetch(cache, &key);
    cache_accept(cache, &key, &row, CACHE_ANYWHERE, START);
    cache_refresh(cache, &key, &row, START);
    assert_int_equal(cache_find(cache, &key, START, &hit), CACHE_MISS);
    cache_reject(cache, &key, 1, CACHE_THIS_NETWORK, START);
    assert_int_equal(cache_find(cache, &key, START, &hit), CACHE_MISS);
    cache_observe(cache, &key, NULL);
    assert_false(cache_knows(cache, &key, START));
    assert_int_equal(cache_flush_account(cache, span_of("ada@example.org"), START), 0);
    assert_int_equal(cache_flush_domain(cache, span_of("example.org"), START), 0);
    cache_flush_all(cache);
    cache_stats_get(cache, START, &stats);
    assert_int_equal(stats.entries_max + stats.negative_max + stats.accepted + stats.rejected, 0);
    cache_free(cache);
}

static void
more_entries_than_memory_are_refused_with_their_number(void **state)
{
    static const size_t sizes[] = { SIZE_MAX, SIZE_MAX / 64, SIZE_MAX / 128 };

    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct cache *cache = (struct cache *)&sizes;
        struct cache_config config;
        struct error err;
        char number[24];

        cache_config_default(&config);
        config.entries = sizes[i];
        snprintf(number, sizeof(number), "%zu", sizes[i]);
        assert_int_equal(cache_new(&config, &cache, &err), ERROR_UNAVAILABLE);
        assert_null(cache);
        assert_non_null(strstr(err.reason, number));
    }
    cache_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_entry_whose_row_was_seen_least_lately_goes),
        cmocka_unit_test(the_dead_go_before_the_living),
        cmocka_unit_test(K11_a_million_rejections_push_out_no_acceptance),
        cmocka_unit_test(an_entry_costs_48_bytes_and_a_share_of_its_set),
        cmocka_unit_test(counts_are_exact),
        cmocka_unit_test(a_cache_without_entries_answers_every_call_and_finds_nothing),
        cmocka_unit_test(more_entries_than_memory_are_refused_with_their_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
