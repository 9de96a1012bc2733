/* tests/unit/test_cache_life.c - how long an entry is believed, with a clock that the test turns */
#include "tests/unit/cache_rig.h"

#define ADA "ada@example.org"

static struct cache *
cache_with_times(int64_t ttl_ms, int64_t revalidate_ms, int64_t negative_ttl_ms, int64_t grace_ms)
{
    struct cache_config config = { 100, ttl_ms, revalidate_ms, negative_ttl_ms, grace_ms };
    struct cache *cache;
    struct error err;

    assert_int_equal(cache_new(&config, &cache, &err), ERROR_NONE);
    return cache;
}

static const struct {
    const char *what;
    int64_t ttl_ms, revalidate_ms, grace_ms;
    int64_t age_ms;             /* when it is asked */
    enum cache_answer answer;
    bool in_grace;
} ages[] = {
    { "new",                        8 * HOUR, 10 * SECOND, 0, 0, CACHE_ACCEPTED, false },
    { "last moment before a look",  8 * HOUR, 10 * SECOND, 0, 9999, CACHE_ACCEPTED, false },
    { "time for a look",            8 * HOUR, 10 * SECOND, 0, 10000, CACHE_STALE, false },
    { "after it",                   8 * HOUR, 10 * SECOND, 0, 10001, CACHE_STALE, false },
    { "ttl - 1",                    8 * HOUR, 10 * SECOND, 0, 8 * HOUR - 1, CACHE_STALE, false },
    { "ttl",                        8 * HOUR, 10 * SECOND, 0, 8 * HOUR, CACHE_MISS, false },
    { "ttl + 1",                    8 * HOUR, 10 * SECOND, 0, 8 * HOUR + 1, CACHE_MISS, false },
    { "believed to the end: ttl-1", 5000, 8 * HOUR, 0, 4999, CACHE_ACCEPTED, false },
    { "believed to the end: ttl",   5000, 8 * HOUR, 0, 5000, CACHE_MISS, false },
    { "in grace, first",            8 * HOUR, 10 * SECOND, HOUR, 10000, CACHE_STALE, true },
    { "in grace, last",             8 * HOUR, 10 * SECOND, HOUR, HOUR + 9999, CACHE_STALE, true },
    { "after grace",                8 * HOUR, 10 * SECOND, HOUR, HOUR + 10000, CACHE_STALE, false },
    { "grace ends with ttl",        HOUR, 10 * SECOND, 8 * HOUR, HOUR, CACHE_MISS, false },
    { "always looked at",           8 * HOUR, 0, 0, 0, CACHE_STALE, false },
    { "nothing lives",              0, 10 * SECOND, 0, 0, CACHE_MISS, false },
    { "less than nothing",          -5, -5, -5, 0, CACHE_MISS, false },
    { "30 days at most",            YEAR, 10 * SECOND, 0, 30 * 24 * HOUR, CACHE_MISS, false },
    { "30 days - 1",                YEAR, YEAR, 0, 30 * 24 * HOUR - 1, CACHE_ACCEPTED, false },
    { "turned back, a neighbour's reading", 8 * HOUR, 10 * SECOND, 0, -1, CACHE_ACCEPTED, false },
    { "turned back an hour",        8 * HOUR, 10 * SECOND, HOUR, -HOUR, CACHE_MISS, false },
    { "turned back ten years",      8 * HOUR, 10 * SECOND, HOUR, -10 * YEAR, CACHE_MISS, false },
    { "turned on an hour",          8 * HOUR, 10 * SECOND, 0, HOUR, CACHE_STALE, false },
    { "turned on ten years",        8 * HOUR, 10 * SECOND, HOUR, 10 * YEAR, CACHE_MISS, false },
    { "the end of time",            8 * HOUR, 10 * SECOND, HOUR, INT64_MAX - START, CACHE_MISS, false },
    { "its beginning",              8 * HOUR, 10 * SECOND, HOUR, INT64_MIN, CACHE_MISS, false },
};

static void
an_acceptance_is_believed_for_its_time_and_not_a_moment_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ages); i++) {
        struct cache *cache = cache_with_times(ages[i].ttl_ms, ages[i].revalidate_ms, 0,
                                               ages[i].grace_ms);
        struct cache_key key = key_of_imap(cache, ADA, "secret");
        struct cache_hit hit;

        accept_key(cache, &key, "row", START);
        if (cache_find(cache, &key, START + ages[i].age_ms, &hit) != ages[i].answer)
            fail_msg("wrong answer: %s", ages[i].what);
        if ((hit.grace_ends_ms != 0) != ages[i].in_grace)
            fail_msg("wrong about grace: %s", ages[i].what);
        cache_free(cache);
    }
}

static void
grace_ends_when_its_time_is_over_or_with_ttl(void **state)
{
    struct cache *cache = cache_with_times(HOUR, 10 * SECOND, 0, MINUTE);
    struct cache_key key = key_of_imap(cache, ADA, "secret");
    struct cache_config longer = { 100, HOUR, 10 * SECOND, 0, 8 * HOUR };
    struct cache_hit hit;

    (void)state;
    accept_key(cache, &key, "row", START);
    cache_find(cache, &key, START + 9999, &hit);
    assert_int_equal(hit.grace_ends_ms, 0);
    cache_find(cache, &key, START + 10 * SECOND, &hit);
    assert_int_equal(hit.grace_ends_ms, START + 10 * SECOND + MINUTE);
    cache_find(cache, &key, START + 10 * SECOND + MINUTE, &hit);
    assert_int_equal(hit.grace_ends_ms, 0);
    cache_reconfigure(cache, &longer);
    cache_find(cache, &key, START + HOUR - 1, &hit);
    assert_int_equal(hit.grace_ends_ms, START + HOUR);
    cache_free(cache);
}

static void
hits_extend_nothing(void **state)
{
    struct cache *cache = cache_with_times(MINUTE, 10 * SECOND, 0, 0);
    struct cache_key key = key_of_imap(cache, ADA, "secret");

    (void)state;
    accept_key(cache, &key, "row", START);
    for (int64_t age_ms = 0; age_ms < 2 * MINUTE; age_ms += 100)
        assert_int_equal(answer_to(cache, &key, START + age_ms),
                         age_ms < 10 * SECOND ? CACHE_ACCEPTED
                         : age_ms < MINUTE    ? CACHE_STALE : CACHE_MISS);
    cache_free(cache);
}

static void
a_row_seen_again_makes_an_entry_fresh_but_never_older_than_ttl(void **state)
{
    struct cache *cache = cache_with_times(MINUTE, 10 * SECOND, 0, 0);
    struct cache_key key = key_of_imap(cache, ADA, "secret");
    struct cache_fingerprint row = row_of(cache, "row");
    struct cache_hit hit;

    (void)state;
    accept_key(cache, &key, "row", START);
    for (int64_t age_ms = 10 * SECOND; age_ms < MINUTE; age_ms += 10 * SECOND) {
        assert_int_equal(answer_to(cache, &key, START + age_ms), CACHE_STALE);
        cache_refresh(cache, &key, &row, START + age_ms);
        assert_int_equal(cache_find(cache, &key, START + age_ms + 9999, &hit), CACHE_ACCEPTED);
        assert_int_equal(hit.verified_at_ms, START);
        assert_int_equal(hit.seen_at_ms, START + age_ms);
        assert_memory_equal(&hit.fingerprint, &row, sizeof(row));
    }
    cache_refresh(cache, &key, &row, START + MINUTE - 1);
    assert_int_equal(answer_to(cache, &key, START + MINUTE - 1), CACHE_ACCEPTED);
    assert_int_equal(answer_to(cache, &key, START + MINUTE), CACHE_MISS);
    cache_refresh(cache, &key, &row, START + MINUTE);
    assert_int_equal(answer_to(cache, &key, START + MINUTE), CACHE_MISS);
    cache_free(cache);
}

static void
only_the_same_row_and_password_refresh_an_entry(void **state)
{
    struct cache *cache = cache_of(100);
    struct cache_key key = key_of_imap(cache, ADA, "secret");
    struct cache_key wrong = key_of_imap(cache, ADA, "Secret");
    struct cache_fingerprint row = row_of(cache, "row"), other = row_of(cache, "changed row");

    (void)state;
    accept_key(cache, &key, "row", START);
    cache_refresh(cache, &key, &other, START + MINUTE);
    cache_refresh(cache, &wrong, &row, START + MINUTE);
    assert_int_equal(answer_to(cache, &key, START + MINUTE), CACHE_STALE);
    cache_refresh(cache, &key, &row, START - 1);        /* seen before it was verified */
    assert_int_equal(answer_to(cache, &key, START), CACHE_ACCEPTED);
    assert_int_equal(answer_to(cache, &key, START + 9999), CACHE_ACCEPTED);
    cache_free(cache);
}

/* 2^32 ms are 49.7 days: what an entry can count. */
static void
a_row_seen_again_after_the_end_of_an_entry_leaves_it_alone(void **state)
{
    struct cache *cache = cache_of(100);
    struct cache_key key = key_of_imap(cache, ADA, "secret");
    struct cache_fingerprint row = row_of(cache, "row");

    (void)state;
    accept_key(cache, &key, "row", START);
    cache_refresh(cache, &key, &row, START + (INT64_C(1) << 32) + MINUTE);
    assert_int_equal(answer_to(cache, &key, START + MINUTE), CACHE_STALE);
    cache_free(cache);
}

/* A refresh that was stored an hour ahead, and then the clock lost that hour: the entry is not
 * believed for an hour, nor looked up at every hit for one. */
static void
an_entry_seen_in_a_future_that_was_taken_back_is_stale_until_seen_again(void **state)
{
    struct cache *cache = cache_with_times(8 * HOUR, 10 * SECOND, 0, HOUR);
    struct cache_key key = key_of_imap(cache, ADA, "secret");
    struct cache_fingerprint row = row_of(cache, "row");
    struct cache_hit hit;

    (void)state;
    accept_key(cache, &key, "row", START);
    cache_refresh(cache, &key, &row, START + 2 * HOUR);
    assert_int_equal(cache_find(cache, &key, START + HOUR, &hit), CACHE_STALE);
    assert_int_equal(hit.grace_ends_ms, 0);
    cache_refresh(cache, &key, &row, START + HOUR);
    assert_int_equal(answer_to(cache, &key, START + HOUR), CACHE_ACCEPTED);
    assert_int_equal(answer_to(cache, &key, START + HOUR + 10 * SECOND), CACHE_STALE);
    cache_free(cache);
}

static void
an_entry_seen_in_a_future_that_was_taken_back_gives_way_to_another_row(void **state)
{
    struct cache *cache = cache_of(100);
    struct cache_key old = key_of_imap(cache, ADA, "old"), new = key_of_imap(cache, ADA, "new");
    struct cache_fingerprint row = row_of(cache, "row");

    (void)state;
    accept_key(cache, &old, "row", START);
    cache_refresh(cache, &old, &row, START + 2 * HOUR);
    accept_key(cache, &new, "changed row", START + HOUR);
    assert_int_equal(answer_to(cache, &new, START + HOUR), CACHE_ACCEPTED);
    assert_int_equal(answer_to(cache, &old, START + HOUR), CACHE_MISS);
    cache_free(cache);
}

/* After the clock is turned back, what it wrote before neither answers nor keeps others out. */
static void
a_clock_turned_back_leaves_a_cache_that_works(void **state)
{
    struct cache *cache = cache_of(1000);
    struct cache_stats stats;
    char name[48];

    (void)state;
    for (size_t i = 0; i < 3000; i++) {
        struct cache_key key = key_of_imap(cache, name_of(i, 0, name), "secret");

        accept_key(cache, &key, "row", 20 * YEAR);
    }
    cache_stats_get(cache, 10 * YEAR, &stats);
    assert_int_equal(stats.accepted, 0);
    for (size_t i = 0; i < 100; i++) {
        struct cache_key key = key_of_imap(cache, name_of(i, 1, name), "secret");

        accept_key(cache, &key, "row", 10 * YEAR);
    }
    cache_stats_get(cache, 10 * YEAR, &stats);
    assert_int_equal(stats.accepted, 100);
    cache_free(cache);
}

/* An entry keeps 42 bits of it. */
static void
a_moment_that_no_entry_can_hold_is_not_remembered_as_another(void **state)
{
    static const struct { int64_t at_ms; enum cache_answer answer; } moments[] = {
        { 69 * YEAR, CACHE_ACCEPTED }, { -69 * YEAR, CACHE_ACCEPTED },
        { 70 * YEAR, CACHE_MISS }, { -70 * YEAR, CACHE_MISS }, { 140 * YEAR, CACHE_MISS },
        { INT64_MAX, CACHE_MISS }, { INT64_MIN, CACHE_MISS },
    };
    struct cache *cache = cache_of(100);

    (void)state;
    for (size_t i = 0; i < COUNT(moments); i++) {
        struct cache_key key = key_of_imap(cache, ADA, "secret");

        accept_key(cache, &key, "row", moments[i].at_ms);
        assert_int_equal(answer_to(cache, &key, moments[i].at_ms), moments[i].answer);
        assert_int_equal(answer_to(cache, &key, START), CACHE_MISS);
        cache_flush_all(cache);
    }
    cache_free(cache);
}

static void
a_rejection_lives_for_negative_ttl(void **state)
{
    struct cache *cache = cache_with_times(8 * HOUR, 10 * SECOND, 30 * SECOND, 0);
    struct cache_key key = key_of_imap(cache, ADA, "wrong");
    struct cache_hit hit;

    (void)state;
    cache_reject(cache, &key, 201, CACHE_ANYWHERE, START);
    assert_int_equal(cache_find(cache, &key, START, &hit), CACHE_REJECTED);
    assert_int_equal(hit.reason, 201);
    assert_int_equal(answer_to(cache, &key, START + 29999), CACHE_REJECTED);
    assert_int_equal(answer_to(cache, &key, START + 30000), CACHE_MISS);
    assert_int_equal(answer_to(cache, &key, START - HOUR), CACHE_MISS);
    assert_int_equal(answer_to(cache, &key, START + 10 * YEAR), CACHE_MISS);
    assert_int_equal(answer_to(cache, &key, START - 10 * YEAR), CACHE_MISS);
    cache_free(cache);
}

static void
with_a_negative_ttl_of_0_no_rejection_is_kept(void **state)
{
    struct cache *cache = cache_with_times(8 * HOUR, 10 * SECOND, 0, 0);
    struct cache_key key = key_of_imap(cache, ADA, "wrong");

    (void)state;
    cache_reject(cache, &key, 1, CACHE_ANYWHERE, START);
    assert_int_equal(answer_to(cache, &key, START), CACHE_MISS);
    cache_free(cache);
}

static void
new_times_hold_for_entries_that_are_there(void **state)
{
    struct cache *cache = cache_of(100);
    struct cache_key key = key_of_imap(cache, ADA, "secret");
    struct cache_config config;

    (void)state;
    cache_config_default(&config);
    accept_key(cache, &key, "row", START);
    config.ttl_ms = MINUTE;
    config.revalidate_ms = 2 * MINUTE;
    cache_reconfigure(cache, &config);
    assert_int_equal(answer_to(cache, &key, START + MINUTE - 1), CACHE_ACCEPTED);
    assert_int_equal(answer_to(cache, &key, START + MINUTE), CACHE_MISS);
    config.ttl_ms = HOUR;
    config.revalidate_ms = SECOND;
    cache_reconfigure(cache, &config);
    assert_int_equal(answer_to(cache, &key, START + MINUTE), CACHE_STALE);
    cache_free(cache);
}

static void
an_end_of_its_own_is_moved_by_nothing(void **state)
{
    struct cache *cache = cache_with_times(HOUR, 10 * SECOND, 0, HOUR);
    struct cache_key key = key_of_imap(cache, ADA, "secret");
    struct cache_fingerprint row = row_of(cache, "row");
    struct cache_config longer = { 100, 2 * HOUR, 10 * SECOND, 0, 2 * HOUR };
    struct cache_hit hit;

    (void)state;
    cache_accept_until(cache, &key, &row, CACHE_ANYWHERE, START, START + MINUTE);
    assert_int_equal(cache_find(cache, &key, START, &hit), CACHE_ACCEPTED);
    assert_int_equal(hit.dies_at_ms, START + MINUTE);
    assert_int_equal(hit.seen_at_ms, START);
    assert_int_equal(answer_to(cache, &key, START + 10 * SECOND), CACHE_STALE);
    cache_refresh(cache, &key, &row, START + MINUTE - 1);
    assert_int_equal(cache_find(cache, &key, START + MINUTE - 1, &hit), CACHE_ACCEPTED);
    assert_int_equal(hit.seen_at_ms, START + MINUTE - 1);
    assert_int_equal(answer_to(cache, &key, START + MINUTE), CACHE_MISS);

    cache_accept_until(cache, &key, &row, CACHE_ANYWHERE, START + MINUTE, START + MINUTE);
    assert_int_equal(answer_to(cache, &key, START + MINUTE), CACHE_MISS);
    cache_accept_until(cache, &key, &row, CACHE_ANYWHERE, START, START + 2 * HOUR);
    assert_int_equal(cache_find(cache, &key, START, &hit), CACHE_ACCEPTED);
    assert_int_equal(hit.dies_at_ms, START + HOUR);
    longer.ttl_ms = HOUR;                       /* no longer: then nothing is forgotten */
    cache_reconfigure(cache, &longer);
    assert_int_equal(answer_to(cache, &key, START), CACHE_ACCEPTED);
    longer.ttl_ms = 2 * HOUR;
    cache_reconfigure(cache, &longer);
    assert_int_equal(answer_to(cache, &key, START), CACHE_MISS);
    cache_free(cache);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_acceptance_is_believed_for_its_time_and_not_a_moment_more),
        cmocka_unit_test(grace_ends_when_its_time_is_over_or_with_ttl),
        cmocka_unit_test(hits_extend_nothing),
        cmocka_unit_test(a_row_seen_again_makes_an_entry_fresh_but_never_older_than_ttl),
        cmocka_unit_test(only_the_same_row_and_password_refresh_an_entry),
        cmocka_unit_test(a_row_seen_again_after_the_end_of_an_entry_leaves_it_alone),
        cmocka_unit_test(an_entry_seen_in_a_future_that_was_taken_back_is_stale_until_seen_again),
        cmocka_unit_test(an_entry_seen_in_a_future_that_was_taken_back_gives_way_to_another_row),
        cmocka_unit_test(a_clock_turned_back_leaves_a_cache_that_works),
        cmocka_unit_test(a_moment_that_no_entry_can_hold_is_not_remembered_as_another),
        cmocka_unit_test(a_rejection_lives_for_negative_ttl),
        cmocka_unit_test(with_a_negative_ttl_of_0_no_rejection_is_kept),
        cmocka_unit_test(new_times_hold_for_entries_that_are_there),
        cmocka_unit_test(an_end_of_its_own_is_moved_by_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
