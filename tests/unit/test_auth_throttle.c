/* tests/unit/test_auth_throttle.c - who guesses waits, and who does not guess never does
 *
 * The clock is a number here. Rows of the reliability table that these are: B02 (targeted
 * guessing), B03 (a forgotten telephone), B04 (many behind one address), B05 (no end of addresses),
 * B06 (successes).
 */
#include "auth/throttle.h"
#include "common/macros.h"

#include <sodium.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#define SECOND 1000
#define HOUR (3600 * SECOND)

static struct throttle *
new_throttle(const char *const *trusted, size_t trusted_count)
{
    struct throttle_config config;
    struct throttle *throttle;
    struct error err;

    throttle_config_default(&config);
    config.per_account = 100;
    config.per_network = 1000;
    config.trusted_nets = trusted;
    config.trusted_nets_count = trusted_count;
    assert_int_equal(throttle_new(&config, &throttle, &err), ERROR_NONE);
    return throttle;
}

static struct throttle_guest
guest(const struct throttle *throttle, uint64_t account, uint64_t password, const char *network)
{
    struct throttle_guest out;

    throttle_guest_set(throttle, account, account * 1000003 + password * 2654435761u,
                       span_of(network), &out);
    return out;
}

/* One try with a wrong password: false when nobody looked at it. */
static bool
guess(struct throttle *throttle, uint64_t account, uint64_t password, const char *network,
      int64_t now_ms)
{
    struct throttle_guest who = guest(throttle, account, password, network);

    if (!throttle_allows(throttle, &who, now_ms))
        return false;
    throttle_note_wrong(throttle, &who, now_ms);
    return true;
}

static int64_t
delay(struct throttle *throttle, uint64_t account, const char *network, int64_t now_ms)
{
    struct throttle_guest who = guest(throttle, account, 0, network);

    return throttle_delay_ms(throttle, &who, now_ms);
}

static void
B02_no_more_than_the_limit_of_guesses_an_hour_is_looked_at(void **state)
{
    struct throttle *throttle = new_throttle(NULL, 0);
    char address[32];
    unsigned hours[3] = { 0 };

    (void)state;
    for (unsigned i = 0; i < 3 * 3600; i++) {
        snprintf(address, sizeof(address), "10.%u.%u.%u", i % 200, i / 200 % 200, i % 7);
        hours[i / 3600] += guess(throttle, 1, i, address, (int64_t)i * SECOND);
    }
    assert_true(hours[0] >= 100 && hours[0] <= 200);
    assert_true(hours[1] >= 98 && hours[1] <= 101);
    assert_true(hours[2] >= 98 && hours[2] <= 101);
    assert_true(guess(throttle, 2, 1, "10.0.0.1", 3 * HOUR));
    throttle_free(throttle);
}

static void
B02_from_where_the_owner_signed_in_before_nothing_is_held_back(void **state)
{
    struct throttle *throttle = new_throttle(NULL, 0);
    struct throttle_guest owner = guest(throttle, 1, 0, "192.0.2.7"), else_where;

    (void)state;
    throttle_note_right(throttle, &owner, 0);
    for (unsigned i = 1; i < 5000; i++)
        guess(throttle, 1, i, "198.51.100.1", SECOND);
    else_where = guest(throttle, 1, 6000, "192.0.2.8");     /* a password that is new everywhere */
    owner = guest(throttle, 1, 6000, "192.0.2.7");
    assert_false(throttle_allows(throttle, &else_where, SECOND));
    assert_true(throttle_knows(throttle, &owner));
    assert_true(throttle_allows(throttle, &owner, SECOND));
    assert_int_equal(throttle_delay_ms(throttle, &owner, SECOND), 0);
    throttle_free(throttle);
}

static void
B02_a_password_that_was_right_before_is_no_guess_wherever_it_comes_from(void **state)
{
    struct throttle *throttle = new_throttle(NULL, 0);
    struct throttle_guest owner = guest(throttle, 1, 0, ""), other = guest(throttle, 2, 0, "");
    struct throttle_guest from_afar = guest(throttle, 1, 0, "198.51.100.1");

    (void)state;
    throttle_note_right(throttle, &owner, 0);
    for (unsigned i = 1; i < 500; i++) {
        guess(throttle, 1, i, "", 0);
        guess(throttle, 2, i, "", 0);
    }
    assert_false(guess(throttle, 1, 999, "", 0));
    assert_true(throttle_allows(throttle, &owner, 9 * HOUR));   /* longer than the cache remembers */
    assert_true(throttle_knows(throttle, &owner));
    assert_true(throttle_allows(throttle, &owner, 0));
    assert_true(throttle_allows(throttle, &from_afar, 0));
    assert_false(throttle_allows(throttle, &other, 0));
    assert_int_equal(delay(throttle, 1, "", 0), 4000);          /* who guesses waits as before */
    throttle_free(throttle);
}

static void
B03_the_same_wrong_password_for_a_day_is_one_attempt(void **state)
{
    struct throttle *throttle = new_throttle(NULL, 0);

    (void)state;
    for (int64_t now_ms = 0; now_ms < 24 * HOUR; now_ms += 30 * SECOND) {
        assert_true(guess(throttle, 1, 7, "192.0.2.1", now_ms));
        assert_int_equal(delay(throttle, 1, "192.0.2.1", now_ms), 0);
    }
    /* So are thirty that come round and round. */
    for (unsigned i = 0; i < 3000; i++)
        guess(throttle, 2, i % 30, "192.0.2.1", (int64_t)i);
    assert_true(delay(throttle, 2, "", 3 * SECOND) <= 4 * SECOND);
    assert_true(guess(throttle, 2, 31, "192.0.2.1", 3 * SECOND));
    /* Nor is it refused when others have filled the account's limit. */
    for (unsigned i = 100; i < 300; i++)
        guess(throttle, 1, i, "198.51.100.1", 24 * HOUR);
    assert_false(guess(throttle, 1, 999, "192.0.2.1", 24 * HOUR));
    throttle_free(throttle);
}

static void
B04_many_behind_one_address_may_err_now_and_then(void **state)
{
    struct throttle *throttle = new_throttle(NULL, 0);

    (void)state;
    /* 500 users sign in every quarter of an hour for a day; one in a hundred mistypes. */
    for (unsigned i = 0; i < 96 * 500; i++) {
        int64_t now_ms = (int64_t)i * 24 * HOUR / (96 * 500);

        if (i % 100 == 0)
            assert_true(guess(throttle, 1 + i % 499, i, "203.0.113.1", now_ms));
        assert_true(delay(throttle, 1000, "203.0.113.1", now_ms) <= 2 * SECOND);
    }
    throttle_free(throttle);
}

static void
B04_a_trusted_network_is_not_counted_and_its_accounts_are(void **state)
{
    static const char *const trusted[] = { "203.0.113.0/24", "2001:db8::/32" };
    struct throttle *throttle = new_throttle(trusted, COUNT(trusted));

    (void)state;
    for (unsigned i = 0; i < 5000; i++)
        assert_true(guess(throttle, i, i, i % 2 ? "203.0.113.9" : "2001:db8::9", 0));
    for (unsigned i = 0; i < 5000; i++)
        guess(throttle, 9999, i, "203.0.113.9", 0);
    assert_false(guess(throttle, 9999, 77777, "203.0.113.9", 0));
    assert_true(guess(throttle, 8888, 1, "203.0.113.9", 0));
    throttle_free(throttle);
}

static void
B05_addresses_without_end_are_their_64_and_their_48(void **state)
{
    struct throttle *throttle = new_throttle(NULL, 0);
    char address[64];
    unsigned looked_at = 0;

    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        snprintf(address, sizeof(address), "2001:db8:1:1::%x:%x", i % 256, i / 256);
        looked_at += guess(throttle, 10000 + i, i, address, 0);
    }
    assert_int_equal(looked_at, 1000);
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(address, sizeof(address), "2001:db8:2:%x::1", i);
        looked_at += guess(throttle, 20000 + i, i, address, 0);
    }
    assert_int_equal(looked_at, 1000 + 4000);
    assert_true(guess(throttle, 5, 5, "2001:db8:3::1", 0));
    throttle_free(throttle);
}

static void
B05_when_it_is_full_the_least_guilty_is_forgotten(void **state)
{
    struct throttle *throttle = new_throttle(NULL, 0);
    char address[64];

    (void)state;
    for (unsigned i = 0; i < 200; i++)
        guess(throttle, 1, i, "198.51.100.1", 0);
    for (unsigned i = 0; i < 400000; i++) {
        snprintf(address, sizeof(address), "2001:%x:%x::1", i >> 12, i & 0xfff);
        guess(throttle, 1000 + i, i, address, SECOND);
    }
    assert_false(guess(throttle, 1, 9999, "192.0.2.1", SECOND));
    throttle_free(throttle);
}

static void
B06_a_right_password_counts_for_nothing(void **state)
{
    struct throttle *throttle = new_throttle(NULL, 0);

    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        struct throttle_guest who = guest(throttle, 1, i % 3, i % 2 ? "192.0.2.1" : "");

        assert_true(throttle_allows(throttle, &who, (int64_t)i * 6));
        throttle_note_right(throttle, &who, (int64_t)i * 6);
        assert_int_equal(throttle_delay_ms(throttle, &who, (int64_t)i * 6), 0);
    }
    throttle_free(throttle);
}

static void
delays_double_up_to_the_longest_and_wear_off_within_the_hour(void **state)
{
    static const struct { unsigned guesses; int64_t delay_ms; } steps[] = {
        { 1, 0 }, { 10, 0 }, { 11, 250 }, { 12, 500 }, { 13, 1000 }, { 14, 2000 }, { 15, 4000 },
        { 16, 4000 }, { 100, 4000 },
    };
    struct throttle *throttle = new_throttle(NULL, 0);
    unsigned guesses = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(steps); i++) {
        while (guesses < steps[i].guesses)
            assert_true(guess(throttle, 1, guesses++, "", 0));
        assert_int_equal(delay(throttle, 1, "", 0), steps[i].delay_ms);
    }
    assert_false(guess(throttle, 1, guesses, "", 0));
    assert_true(guess(throttle, 1, guesses, "", 37 * SECOND));
    assert_int_equal(delay(throttle, 1, "", 2 * HOUR), 0);
    assert_int_equal(delay(throttle, 2, "", 0), 0);
    throttle_free(throttle);
}

static const struct { const char *what; size_t before, after; } sizes[] = {
    { "the same size", 65536, 65536 }, { "more room", 1024, 65536 }, { "less room", 65536, 1024 },
};

static void
a_reload_forgets_no_guess_and_nobody_who_was_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct throttle_config config = { .per_account = 100, .per_network = 1000,
                                          .delay_ms = 4000, .entries = sizes[i].before };
        struct throttle *before, *after;
        struct throttle_guest owner, late;
        struct error err;

        print_message("# %s\n", sizes[i].what);
        assert_int_equal(throttle_new(&config, &before, &err), ERROR_NONE);
        owner = guest(before, 1, 0, "192.0.2.7");
        throttle_note_right(before, &owner, 0);
        for (unsigned n = 1; n <= 100; n++)
            guess(before, 1, n, "198.51.100.1", 0);
        config.entries = sizes[i].after;
        assert_int_equal(throttle_new(&config, &after, &err), ERROR_NONE);
        assert_int_equal(throttle_inherit(after, before, &err), ERROR_NONE);
        assert_false(guess(after, 1, 101, "203.0.113.1", 0));
        assert_true(guess(after, 1, 100, "203.0.113.1", 0));    /* known: no news */
        owner = guest(after, 1, 0, "192.0.2.7");
        assert_true(throttle_knows(after, &owner));
        late = guest(before, 2, 1, "");                         /* asked before, answered after */
        throttle_note_right(before, &late, 0);
        throttle_free(before);
        assert_true(throttle_knows(after, &late));
        throttle_free(after);
    }
}

static void
after_a_reload_the_new_limits_hold_at_once(void **state)
{
    struct throttle *before = new_throttle(NULL, 0), *after;
    struct throttle_config config;
    struct error err;

    (void)state;
    for (unsigned n = 0; n < 50; n++)
        guess(before, 1, n, "", 0);
    throttle_config_default(&config);
    config.per_account = 50;
    config.delay_ms = 500;
    assert_int_equal(throttle_new(&config, &after, &err), ERROR_NONE);
    assert_int_equal(throttle_inherit(after, before, &err), ERROR_NONE);
    throttle_free(before);
    assert_false(guess(after, 1, 99, "", 0));
    assert_int_equal(delay(after, 1, "", 0), 500);
    throttle_free(after);
}

/* What is asked is in digests that no cache and no setting has a part in. */
static void
digests_of_names_and_passwords_are_the_same_after_a_reload(void **state)
{
    struct throttle *before = new_throttle(NULL, 0), *after = new_throttle(NULL, 0);
    uint64_t ada = throttle_account(before, span_of("ada@example.org"));
    struct error err;

    (void)state;
    assert_true(ada != throttle_account(after, span_of("ada@example.org")));
    assert_int_equal(throttle_inherit(after, before, &err), ERROR_NONE);
    assert_true(ada == throttle_account(after, span_of("ada@example.org")));
    assert_true(throttle_password(before, ada, span_of("x")) == throttle_password(after, ada, span_of("x")));
    assert_true(throttle_password(before, ada, span_of("x")) != throttle_password(after, ada + 1, span_of("x")));
    throttle_free(before);
    throttle_free(after);
}

static void
without_limits_nobody_waits(void **state)
{
    struct throttle_config config;
    struct throttle *throttle;
    struct error err;

    (void)state;
    throttle_config_default(&config);
    config.per_account = config.per_network = 0;
    assert_int_equal(throttle_new(&config, &throttle, &err), ERROR_NONE);
    for (unsigned i = 0; i < 5000; i++)
        assert_true(guess(throttle, 1, i, "192.0.2.1", 0));
    assert_int_equal(delay(throttle, 1, "192.0.2.1", 0), 0);
    throttle_free(throttle);
    throttle_free(NULL);
}

static void
a_clock_that_is_turned_back_forgives_nothing(void **state)
{
    struct throttle *throttle = new_throttle(NULL, 0);

    (void)state;
    for (unsigned i = 0; i < 200; i++)
        guess(throttle, 1, i, "", 10 * HOUR);
    assert_false(guess(throttle, 1, 999, "", 9 * HOUR));
    throttle_free(throttle);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(B02_no_more_than_the_limit_of_guesses_an_hour_is_looked_at),
        cmocka_unit_test(B02_from_where_the_owner_signed_in_before_nothing_is_held_back),
        cmocka_unit_test(B02_a_password_that_was_right_before_is_no_guess_wherever_it_comes_from),
        cmocka_unit_test(B03_the_same_wrong_password_for_a_day_is_one_attempt),
        cmocka_unit_test(B04_many_behind_one_address_may_err_now_and_then),
        cmocka_unit_test(B04_a_trusted_network_is_not_counted_and_its_accounts_are),
        cmocka_unit_test(B05_addresses_without_end_are_their_64_and_their_48),
        cmocka_unit_test(B05_when_it_is_full_the_least_guilty_is_forgotten),
        cmocka_unit_test(B06_a_right_password_counts_for_nothing),
        cmocka_unit_test(delays_double_up_to_the_longest_and_wear_off_within_the_hour),
        cmocka_unit_test(a_reload_forgets_no_guess_and_nobody_who_was_right),
        cmocka_unit_test(after_a_reload_the_new_limits_hold_at_once),
        cmocka_unit_test(digests_of_names_and_passwords_are_the_same_after_a_reload),
        cmocka_unit_test(without_limits_nobody_waits),
        cmocka_unit_test(a_clock_that_is_turned_back_forgives_nothing),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests_name("throttle", tests, NULL, NULL);
}
