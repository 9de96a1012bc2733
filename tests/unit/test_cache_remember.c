/* tests/unit/test_cache_remember.c - what is kept, what replaces what, what is dropped */
#include "tests/unit/cache_rig.h"

#define ADA "ada@example.org"

static void
an_acceptance_holds_for_its_account_service_and_reach_alone(void **state)
{
    static const char *const accounts[] = { ADA, "ada@example.net", "ada", "bob@example.org" };
    static const char *const services[] = { "imap", "pop3", "smtp", "sieve", "" };
    static const char *const networks[] = { "192.0.2.1", "192.0.2.2", "2001:db8::1", "" };
    static const char *const passwords[] = { "secret", "Secret", "" };

    (void)state;
    for (size_t i = 0; i < COUNT(services) * COUNT(networks); i++) {
        size_t service = i % COUNT(services), network = i / COUNT(services);
        enum cache_reach reach = i % 2 ? CACHE_ANYWHERE : CACHE_THIS_NETWORK;
        struct cache *cache = cache_of(1000);
        struct cache_fingerprint row = row_of(cache, "row");
        struct cache_key key = key_of(cache, ADA, services[service], networks[network], "secret");

        cache_accept(cache, &key, &row, reach, START);
        for (size_t a = 0; a < COUNT(accounts); a++)
            for (size_t s = 0; s < COUNT(services); s++)
                for (size_t n = 0; n < COUNT(networks); n++)
                    for (size_t p = 0; p < COUNT(passwords); p++) {
                        bool meant = a == 0 && s == service && p == 0
                                  && (n == network || reach == CACHE_ANYWHERE);

                        key = key_of(cache, accounts[a], services[s], networks[n], passwords[p]);
                        if (answer_to(cache, &key, START) != (meant ? CACHE_ACCEPTED : CACHE_MISS))
                            fail_msg("%s %s %s %s", accounts[a], services[s], networks[n],
                                     passwords[p]);
                    }
        cache_free(cache);
    }
}

static void
a_new_password_replaces_the_old_at_once(void **state)
{
    struct cache *cache = cache_of(100);
    struct cache_key old = key_of_imap(cache, ADA, "old"), new = key_of_imap(cache, ADA, "new");
    struct cache_stats stats;

    (void)state;
    accept_key(cache, &old, "row", START);
    accept_key(cache, &new, "row", START + 1);
    assert_int_equal(answer_to(cache, &old, START + 1), CACHE_MISS);
    assert_int_equal(answer_to(cache, &new, START + 1), CACHE_ACCEPTED);
    cache_stats_get(cache, START + 1, &stats);
    assert_int_equal(stats.accepted, 1);
    assert_int_equal(stats.evictions, 0);
    cache_free(cache);
}

/* The policy used to depend on the network; the new row's does not. Nothing of the old stays. */
static void
an_acceptance_on_a_changed_row_drops_those_on_the_old(void **state)
{
    struct cache *cache = cache_of(100);
    struct cache_fingerprint row = row_of(cache, "row"), changed = row_of(cache, "changed");
    struct cache_key here = key_of(cache, ADA, "imap", "192.0.2.1", "old");
    struct cache_key there = key_of(cache, ADA, "imap", "192.0.2.2", "old");
    struct cache_key other_service = key_of(cache, ADA, "smtp", "192.0.2.2", "old");
    struct cache_key new = key_of(cache, ADA, "imap", "192.0.2.3", "new");

    (void)state;
    cache_accept(cache, &here, &row, CACHE_THIS_NETWORK, START);
    cache_accept(cache, &there, &row, CACHE_THIS_NETWORK, START);
    cache_accept(cache, &other_service, &row, CACHE_THIS_NETWORK, START);
    cache_accept(cache, &new, &changed, CACHE_ANYWHERE, START + 1);
    assert_int_equal(answer_to(cache, &here, START + 1), CACHE_MISS);
    assert_int_equal(answer_to(cache, &there, START + 1), CACHE_MISS);
    assert_int_equal(answer_to(cache, &new, START + 1), CACHE_ACCEPTED);
    assert_int_equal(answer_to(cache, &other_service, START + 1), CACHE_ACCEPTED);
    cache_free(cache);
}

static const struct {
    const char *what;
    const char *late_row;
    int64_t seen_at_ms;
    enum cache_answer new_answer, old_answer;
} late[] = {
    { "another row seen earlier",      "old row", START - 1, CACHE_ACCEPTED, CACHE_MISS },
    { "another row seen as late",      "old row", START,     CACHE_MISS, CACHE_ACCEPTED },
    { "the same row seen earlier",     "new row", START - 1, CACHE_MISS, CACHE_ACCEPTED },
    { "another row, clock turned back", "old row", START - HOUR, CACHE_MISS, CACHE_ACCEPTED },
};

/* Old password, slow hash; meanwhile the password is changed and the new one signs in. */
static void
an_acceptance_that_comes_late_does_not_bring_back_the_old_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(late); i++) {
        struct cache *cache = cache_of(100);
        struct cache_key old = key_of_imap(cache, ADA, "old"), new = key_of_imap(cache, ADA, "new");
        int64_t later_ms = late[i].seen_at_ms > START - HOUR ? START : START - HOUR;

        accept_key(cache, &new, "new row", START);
        accept_key(cache, &old, late[i].late_row, late[i].seen_at_ms);
        if (answer_to(cache, &new, later_ms) != late[i].new_answer
            || answer_to(cache, &old, later_ms) != late[i].old_answer)
            fail_msg("wrong: %s", late[i].what);
        cache_free(cache);
    }
}

static void
wrong_passwords_do_not_touch_the_right_one(void **state)
{
    struct cache *cache = cache_of(1000);
    struct cache_key right = key_of_imap(cache, ADA, "secret");
    struct cache_stats stats;
    char password[48];

    (void)state;
    accept_key(cache, &right, "row", START);
    for (size_t i = 0; i < 1000; i++) {
        struct cache_key wrong = key_of_imap(cache, ADA, name_of(i, i, password));

        assert_int_equal(answer_to(cache, &wrong, START), CACHE_MISS);
        cache_reject(cache, &wrong, 1, CACHE_ANYWHERE, START);
        assert_int_equal(answer_to(cache, &wrong, START), CACHE_REJECTED);
        assert_int_equal(answer_to(cache, &right, START), CACHE_ACCEPTED);
    }
    cache_stats_get(cache, START, &stats);
    assert_int_equal(stats.accepted, 1);
    assert_int_equal(stats.evictions, 0);
    cache_free(cache);
}

static void
the_same_wrong_password_takes_one_place(void **state)
{
    struct cache *cache = cache_of(1000);
    struct cache_key wrong = key_of_imap(cache, ADA, "wrong");
    struct cache_stats stats;

    (void)state;
    for (int64_t i = 0; i < 100; i++)
        cache_reject(cache, &wrong, 1, CACHE_ANYWHERE, START + i);
    cache_stats_get(cache, START + 100, &stats);
    assert_int_equal(stats.rejected, 1);
    assert_int_equal(answer_to(cache, &wrong, START + 99 + 29999), CACHE_REJECTED);
    cache_free(cache);
}

static void
two_wrong_passwords_are_both_remembered(void **state)
{
    struct cache *cache = cache_of(1000);
    struct cache_key one = key_of_imap(cache, ADA, "wrong"), two = key_of_imap(cache, ADA, "Wrong");

    (void)state;
    cache_reject(cache, &one, 1, CACHE_ANYWHERE, START);
    cache_reject(cache, &two, 1, CACHE_ANYWHERE, START);
    assert_int_equal(answer_to(cache, &one, START), CACHE_REJECTED);
    assert_int_equal(answer_to(cache, &two, START), CACHE_REJECTED);
    cache_free(cache);
}

static void
a_rejection_holds_for_its_reach(void **state)
{
    struct cache *cache = cache_of(1000);
    struct cache_key here = key_of(cache, ADA, "imap", "192.0.2.1", "secret");
    struct cache_key there = key_of(cache, ADA, "imap", "192.0.2.2", "secret");

    (void)state;
    cache_reject(cache, &here, 9, CACHE_THIS_NETWORK, START);
    assert_int_equal(answer_to(cache, &here, START), CACHE_REJECTED);
    assert_int_equal(answer_to(cache, &there, START), CACHE_MISS);
    cache_reject(cache, &here, 9, CACHE_ANYWHERE, START);
    assert_int_equal(answer_to(cache, &there, START), CACHE_REJECTED);
    cache_free(cache);
}

static void
of_two_acceptances_the_one_seen_last_answers(void **state)
{
    (void)state;
    for (enum cache_reach later = CACHE_ANYWHERE; later <= CACHE_THIS_NETWORK; later++) {
        enum cache_reach earlier = later == CACHE_ANYWHERE ? CACHE_THIS_NETWORK : CACHE_ANYWHERE;
        struct cache *cache = cache_of(1000);
        struct cache_key key = key_of_imap(cache, ADA, "secret");
        struct cache_fingerprint row = row_of(cache, "row");

        cache_accept(cache, &key, &row, earlier, START);
        cache_accept(cache, &key, &row, later, START + 5 * SECOND);
        assert_int_equal(answer_to(cache, &key, START + 14 * SECOND), CACHE_ACCEPTED);
        cache_free(cache);
    }
}

static void
an_acceptance_ends_the_rejection_of_its_password_only(void **state)
{
    struct cache *cache = cache_of(1000);
    struct cache_key right = key_of_imap(cache, ADA, "secret");
    struct cache_key wrong = key_of_imap(cache, ADA, "wrong");
    struct cache_stats stats;

    (void)state;
    cache_reject(cache, &right, 1, CACHE_ANYWHERE, START);
    cache_reject(cache, &right, 1, CACHE_THIS_NETWORK, START);
    cache_reject(cache, &wrong, 1, CACHE_ANYWHERE, START);
    accept_key(cache, &right, "row", START);
    assert_int_equal(answer_to(cache, &right, START), CACHE_ACCEPTED);
    assert_int_equal(answer_to(cache, &right, START + 15 * SECOND), CACHE_STALE);
    assert_int_equal(answer_to(cache, &wrong, START), CACHE_REJECTED);
    cache_stats_get(cache, START, &stats);
    assert_int_equal(stats.rejected, 1);
    cache_free(cache);
}

/* The row is the same, but its day came: a lookup found it expired. */
static void
a_stale_acceptance_gives_way_to_a_later_rejection(void **state)
{
    struct cache *cache = cache_of(1000);
    struct cache_key key = key_of_imap(cache, ADA, "secret");
    struct cache_fingerprint row = row_of(cache, "row");
    struct cache_hit hit;

    (void)state;
    accept_key(cache, &key, "row", START);
    cache_reject(cache, &key, 7, CACHE_ANYWHERE, START + 12 * SECOND);
    assert_int_equal(answer_to(cache, &key, START + 9 * SECOND), CACHE_ACCEPTED);
    assert_int_equal(cache_find(cache, &key, START + 12 * SECOND, &hit), CACHE_REJECTED);
    assert_int_equal(hit.reason, 7);
    cache_refresh(cache, &key, &row, START + 13 * SECOND);
    assert_int_equal(answer_to(cache, &key, START + 24 * SECOND), CACHE_STALE);
    cache_free(cache);
}

static const struct { const char *what, *row; bool stays; } observed[] = {
    { "the row as it was",  "row", true },
    { "a changed row",      "changed row", false },
    { "no row",             NULL, false },
};

static void
an_acceptance_falls_with_the_row_it_rests_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(observed); i++) {
        struct cache *cache = cache_of(100);
        struct cache_key here = key_of(cache, ADA, "imap", "192.0.2.1", "secret");
        struct cache_key there = key_of(cache, ADA, "imap", "192.0.2.2", "secret");
        struct cache_key service = key_of(cache, ADA, "smtp", "192.0.2.1", "secret");
        struct cache_key wrong = key_of(cache, ADA, "imap", "192.0.2.3", "wrong");
        struct cache_fingerprint row = row_of(cache, "row"), seen = row_of(cache, "changed row");

        cache_accept(cache, &here, &row, CACHE_THIS_NETWORK, START);
        cache_accept(cache, &there, &row, CACHE_THIS_NETWORK, START);
        cache_accept(cache, &service, &row, CACHE_ANYWHERE, START);
        if (observed[i].row)
            seen = row_of(cache, observed[i].row);
        cache_observe(cache, &wrong, observed[i].row ? &seen : NULL);
        if ((answer_to(cache, &here, START) == CACHE_ACCEPTED) != observed[i].stays
            || (answer_to(cache, &there, START) == CACHE_ACCEPTED) != observed[i].stays)
            fail_msg("wrong after %s", observed[i].what);
        assert_int_equal(answer_to(cache, &service, START), CACHE_ACCEPTED);
        cache_free(cache);
    }
}

static void
an_account_is_known_while_any_acceptance_of_it_lives(void **state)
{
    struct cache *cache = cache_of(1);         /* one set: both share it */
    struct cache_key right = key_of_imap(cache, ADA, "secret");
    struct cache_key stranger = key_of(cache, ADA, "smtp", "2001:db8::1", "guess");
    struct cache_key other = key_of_imap(cache, "bob@example.org", "secret");

    (void)state;
    assert_false(cache_knows(cache, &right, START));
    cache_reject(cache, &right, 1, CACHE_ANYWHERE, START);
    assert_false(cache_knows(cache, &right, START));
    accept_key(cache, &right, "row", START);
    assert_true(cache_knows(cache, &stranger, START + 8 * HOUR - 1));
    assert_false(cache_knows(cache, &stranger, START + 8 * HOUR));
    assert_false(cache_knows(cache, &other, START));
    cache_free(cache);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_acceptance_holds_for_its_account_service_and_reach_alone),
        cmocka_unit_test(a_new_password_replaces_the_old_at_once),
        cmocka_unit_test(an_acceptance_on_a_changed_row_drops_those_on_the_old),
        cmocka_unit_test(an_acceptance_that_comes_late_does_not_bring_back_the_old_row),
        cmocka_unit_test(wrong_passwords_do_not_touch_the_right_one),
        cmocka_unit_test(the_same_wrong_password_takes_one_place),
        cmocka_unit_test(two_wrong_passwords_are_both_remembered),
        cmocka_unit_test(a_rejection_holds_for_its_reach),
        cmocka_unit_test(of_two_acceptances_the_one_seen_last_answers),
        cmocka_unit_test(an_acceptance_ends_the_rejection_of_its_password_only),
        cmocka_unit_test(a_stale_acceptance_gives_way_to_a_later_rejection),
        cmocka_unit_test(an_acceptance_falls_with_the_row_it_rests_on),
        cmocka_unit_test(an_account_is_known_while_any_acceptance_of_it_lives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
