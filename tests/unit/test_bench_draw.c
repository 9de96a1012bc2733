/* tests/unit/test_bench_draw.c - what claviger-bench asks, how often, and when
 *
 * Random draws are the same at every run; bounds are five standard deviations wide.
 */
#include "common/macros.h"
#include "common/random.h"
#include "tools/bench/draw.h"
#include "tools/bench/schedule.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { DRAWS = 200000 };

static bool
is_near(uint64_t count, double share)
{
    double expected = share * DRAWS;

    return fabs((double)count - expected) <= 5 * sqrt(expected * (1 - share) + 1);
}

/* --- popularity ------------------------------------------------------------------------ */

static void
ranks_come_up_as_often_as_zipf_says(void **state)
{
    static const double exponents[] = { 0, 0.5, 0.999999999, 1, 1.2, 3 };
    enum { RANKS = 100 };

    (void)state;
    for (size_t e = 0; e < COUNT(exponents); e++) {
        struct zipf zipf = zipf_make(RANKS, exponents[e]);
        uint64_t counts[RANKS] = { 0 }, random = 3;
        double sum = 0;

        for (size_t r = 1; r <= RANKS; r++)
            sum += pow((double)r, -exponents[e]);
        for (size_t i = 0; i < DRAWS; i++) {
            uint64_t rank = zipf_draw(&zipf, &random);

            assert_true(rank < RANKS);
            counts[rank]++;
        }
        for (size_t r = 0; r < RANKS; r++)
            if (!is_near(counts[r], pow((double)(r + 1), -exponents[e]) / sum))
                fail_msg("exponent %g: rank %zu came up %llu times", exponents[e], r,
                         (unsigned long long)counts[r]);
    }
}

static void
a_single_account_is_always_drawn(void **state)
{
    uint64_t random = 1;

    (void)state;
    for (int e = 0; e <= 4; e++) {
        struct zipf zipf = zipf_make(1, e * 0.5);

        for (int i = 0; i < 100; i++)
            assert_int_equal(zipf_draw(&zipf, &random), 0);
    }
}

/* --- mixes ----------------------------------------------------------------------------- */

static const struct { const char *what, *text; uint64_t weights[EXPECTATIONS]; } mixes[] = {
    { "all three",         "right=95,wrong=4,unknown=1",  { 95, 4, 1 } },
    { "another order",     "unknown=1,right=2",           { 2, 0, 1 } },
    { "one",               "wrong=7",                     { 0, 7, 0 } },
    { "the greatest",      "right=1000000",               { MIX_WEIGHT_MAX, 0, 0 } },
};
static const struct { const char *what, *text; } bad_mixes[] = {
    { "nothing",           "" },
    { "no weight at all",  "right=0" },
    { "no number",         "right=" },
    { "no equals sign",    "right" },
    { "an unknown word",   "rigth=1" },
    { "a word cut short",  "righ=1" },
    { "a negative weight", "right=-1" },
    { "too heavy",         "right=1000001" },
    { "two commas",        "right=1,,wrong=1" },
    { "a fraction",        "right=0.5" },
};

static void
a_mix_is_read_and_drawn_by_its_weights(void **state)
{
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(mixes); i++) {
        uint64_t counts[EXPECTATIONS] = { 0 }, random = 5, sum = 0;
        struct mix mix;

        if (mix_parse(mixes[i].text, &mix, &err) != ERROR_NONE)
            fail_msg("%s: %s", mixes[i].what, err.reason);
        for (size_t k = 0; k < EXPECTATIONS; k++)
            sum += mixes[i].weights[k];
        for (size_t k = 0; k < DRAWS; k++)
            counts[mix_draw(&mix, &random)]++;
        for (size_t k = 0; k < EXPECTATIONS; k++)
            if (!is_near(counts[k], (double)mixes[i].weights[k] / (double)sum))
                fail_msg("%s: %s came up %llu times", mixes[i].what,
                         expectation_word((enum expectation)k), (unsigned long long)counts[k]);
    }
}

static void
a_mix_that_says_nothing_is_refused(void **state)
{
    struct mix mix;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(bad_mixes); i++)
        if (mix_parse(bad_mixes[i].text, &mix, &err) != ERROR_MALFORMED)
            fail_msg("accepted: %s", bad_mixes[i].what);
}

/* --- questions ------------------------------------------------------------------------- */

struct asked { span login, password, service, realm, remote; };

static void
take_question(span wire, struct asked *out)
{
    *out = (struct asked){ 0 };
    assert_true(span_take_counted(&wire, &out->login));
    assert_true(span_take_counted(&wire, &out->password));
    assert_true(span_take_counted(&wire, &out->service));
    assert_true(span_take_counted(&wire, &out->realm));
    if (wire.len > 0)
        assert_true(span_take_counted(&wire, &out->remote));
    assert_int_equal(wire.len, 0);
}

static struct accounts *
ten_accounts(void)
{
    struct accounts *accounts;
    struct error err;

    assert_int_equal(accounts_make("user%d@example.org", "secret%d", 10, &accounts, &err), ERROR_NONE);
    return accounts;
}

static void
plan_set(struct draw_plan *plan, struct accounts *accounts, struct mix mix)
{
    memset(plan, 0, sizeof(*plan));
    plan->wire = &wire_saslauthd;
    plan->accounts = accounts;
    plan->mix = mix;
    plan->popularity = zipf_make(accounts_count(accounts), 0);
    plan->service = "imap";
}

static void
a_right_question_has_the_password_of_its_account(void **state)
{
    struct accounts *accounts = ten_accounts();
    struct draw_plan plan;
    struct draw draw;
    struct drawn drawn;
    struct asked asked;

    (void)state;
    plan_set(&plan, accounts, (struct mix){ { 1 } });
    plan.in_turn = true;
    plan.requests_max = 12;
    draw = draw_make(&plan, 0);
    for (int i = 0; i < 12; i++) {
        char login[40], password[40];

        snprintf(login, sizeof(login), "user%d@example.org", i % 10);
        snprintf(password, sizeof(password), "secret%d", i % 10);
        assert_true(draw_next(&draw, &drawn));
        take_question(span_make(drawn.bytes, drawn.len), &asked);
        assert_int_equal(drawn.expectation, EXPECT_RIGHT);
        assert_true(span_is(asked.login, login));
        assert_true(span_is(asked.password, password));
        assert_true(span_is(asked.service, "imap"));
        assert_int_equal(asked.realm.len + asked.remote.len, 0);
    }
    assert_false(draw_next(&draw, &drawn));
    accounts_free(accounts);
}

/* How many of `count` questions have a password that none before had. At most 200. */
static size_t
different_passwords(struct draw_plan *plan, size_t count)
{
    static char seen[200][64];
    struct draw draw = draw_make(plan, 0);
    struct drawn drawn;
    struct asked asked;
    size_t different = 0;

    for (size_t i = 0; i < count; i++) {
        size_t k = 0;

        assert_true(draw_next(&draw, &drawn));
        take_question(span_make(drawn.bytes, drawn.len), &asked);
        assert_true(span_to_string(asked.password, seen[different], sizeof(seen[0])));
        while (strcmp(seen[k], seen[different]) != 0)
            k++;
        different += k == different;
    }
    return different;
}

static void
wrong_passwords_differ_as_often_as_is_asked(void **state)
{
    struct accounts *accounts = ten_accounts();
    struct draw_plan plan;

    (void)state;
    plan_set(&plan, accounts, (struct mix){ { 0, 1 } });
    assert_int_equal(different_passwords(&plan, 200), 200);
    plan.wrong_passwords = 3;
    assert_int_equal(different_passwords(&plan, 200), 3);
    plan.wrong_passwords = 1;
    assert_int_equal(different_passwords(&plan, 200), 1);
    accounts_free(accounts);
}

static void
unknown_accounts_are_in_a_domain_that_is_known(void **state)
{
    struct accounts *accounts = ten_accounts();
    struct draw_plan plan;
    struct draw draw;
    struct drawn drawn;
    struct asked asked;

    (void)state;
    plan_set(&plan, accounts, (struct mix){ { 0, 0, 1 } });
    plan.addresses = 1 << 20;
    draw = draw_make(&plan, 0);
    assert_true(draw_next(&draw, &drawn));
    take_question(span_make(drawn.bytes, drawn.len), &asked);
    assert_int_equal(drawn.expectation, EXPECT_UNKNOWN);
    assert_true(span_starts(asked.login, "nobody-"));
    assert_true(span_is(span_from(asked.login, span_find(asked.login, '@')), "@example.org"));
    assert_true(span_starts(asked.remote, "10."));
    assert_true(span_is(span_from(asked.remote, span_find(asked.remote, ';')), ";4000"));
    accounts_free(accounts);
}

static void
threads_ask_different_questions_and_a_seed_the_same_again(void **state)
{
    struct accounts *accounts = ten_accounts();
    struct draw_plan plan;
    struct draw first, again, other;
    struct drawn one, two, three;

    (void)state;
    plan_set(&plan, accounts, (struct mix){ { 0, 1 } });
    first = draw_make(&plan, 0);
    again = draw_make(&plan, 0);
    other = draw_make(&plan, 1);
    assert_true(draw_next(&first, &one) && draw_next(&again, &two) && draw_next(&other, &three));
    assert_true(span_equal(span_make(one.bytes, one.len), span_make(two.bytes, two.len)));
    assert_false(span_equal(span_make(one.bytes, one.len), span_make(three.bytes, three.len)));
    accounts_free(accounts);
}

/* --- accounts -------------------------------------------------------------------------- */

static const struct { const char *what, *login, *password; uint64_t count; } bad_patterns[] = {
    { "many without a number", "user@example.org", "secret", 2 },
    { "no login",              "",                 "secret", 1 },
    { "no password",           "user%d",           "",       1 },
};

static void
patterns_that_cannot_be_are_refused(void **state)
{
    struct accounts *accounts;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(bad_patterns); i++)
        if (accounts_make(bad_patterns[i].login, bad_patterns[i].password, bad_patterns[i].count,
                          &accounts, &err) != ERROR_MALFORMED)
            fail_msg("accepted: %s", bad_patterns[i].what);
}

static const struct { const char *what, *text; mode_t mode; uint64_t count; } files[] = {
    { "two accounts",            "ada\tone two\nbob\tx\ty\n", 0600, 2 },
    { "no last line end",        "ada\tone two\nbob\tx\ty",   0600, 2 },
    { "nothing",                 "",                          0600, 0 },
    { "no password",             "ada\t\n",                   0600, 0 },
    { "no TAB",                  "ada one\n",                 0600, 0 },
    { "an empty line",           "ada\tone\n\nbob\ttwo\n",    0600, 0 },
    { "readable by everybody",   "ada\tone\n",                0604, 0 },
};

static void
a_file_of_accounts_is_read_whole_or_refused(void **state)
{
    unsigned char room[ACCOUNTS_TEXT_MAX];
    char folder[] = "/tmp/claviger-test-XXXXXX", path[64];
    struct accounts *accounts;
    struct error err;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/accounts", folder);
    for (size_t i = 0; i < COUNT(files); i++) {
        FILE *file = fopen(path, "w");
        enum error_code code;

        assert_non_null(file);
        fputs(files[i].text, file);
        fclose(file);
        chmod(path, files[i].mode);
        code = accounts_read(path, &accounts, &err);
        if (code != (files[i].count ? ERROR_NONE : ERROR_CONFIG))
            fail_msg("%s: %s", files[i].what, code == ERROR_NONE ? "accepted" : err.reason);
        if (accounts) {
            assert_int_equal(accounts_count(accounts), files[i].count);
            assert_true(span_is(accounts_login(accounts, 0, room), "ada"));
            assert_true(span_is(accounts_password(accounts, 0, room), "one two"));
            assert_true(span_is(accounts_password(accounts, 1, room), "x\ty"));
        }
        accounts_free(accounts);
        unlink(path);
    }
    rmdir(folder);
}

/* --- when ------------------------------------------------------------------------------ */

static void
even_requests_of_all_threads_are_equally_far_apart(void **state)
{
    enum { THREADS = 3 };
    struct schedule threads[THREADS];

    (void)state;
    for (unsigned i = 0; i < THREADS; i++)
        threads[i] = schedule_make(ARRIVALS_EVEN, 1000, i, THREADS, 5000000, 1);
    for (int64_t n = 0; n < 3000; n++) {
        struct schedule *schedule = &threads[n % THREADS];

        assert_in_range(schedule_due_ns(schedule), 5000000 + n * 1000000 - 10,
                        5000000 + n * 1000000 + 10);
        schedule_advance(schedule);
    }
}

static void
requests_of_many_people_keep_the_rate_but_no_rhythm(void **state)
{
    struct schedule schedule = schedule_make(ARRIVALS_POISSON, 1000, 0, 1, 0, 9);
    uint64_t shorter = 0;
    int64_t last = 0;

    (void)state;
    for (size_t i = 0; i < DRAWS; i++) {
        int64_t due = schedule_due_ns(&schedule);

        assert_true(due >= last);
        shorter += due - last < 1000000;        /* than the average: 1 - 1/e of them */
        last = due;
        schedule_advance(&schedule);
    }
    assert_true(is_near(shorter, 1 - exp(-1)));
    assert_true(fabs((double)last / 1e6 - DRAWS) < 5 * sqrt(DRAWS));
}

/* A stall moves nothing: what was due in it is still due, at its time. */
static void
what_is_due_does_not_wait_for_answers(void **state)
{
    struct schedule schedule = schedule_make(ARRIVALS_EVEN, 100, 0, 1, 0, 1);

    (void)state;
    assert_int_equal(schedule_skip(&schedule, 1000000000), 100);
    assert_in_range(schedule_due_ns(&schedule), 1000000000, 1000000100);
    assert_int_equal(schedule_skip(&schedule, 1000000000), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_come_up_as_often_as_zipf_says),
        cmocka_unit_test(a_single_account_is_always_drawn),
        cmocka_unit_test(a_mix_is_read_and_drawn_by_its_weights),
        cmocka_unit_test(a_mix_that_says_nothing_is_refused),
        cmocka_unit_test(a_right_question_has_the_password_of_its_account),
        cmocka_unit_test(wrong_passwords_differ_as_often_as_is_asked),
        cmocka_unit_test(unknown_accounts_are_in_a_domain_that_is_known),
        cmocka_unit_test(threads_ask_different_questions_and_a_seed_the_same_again),
        cmocka_unit_test(patterns_that_cannot_be_are_refused),
        cmocka_unit_test(a_file_of_accounts_is_read_whole_or_refused),
        cmocka_unit_test(even_requests_of_all_threads_are_equally_far_apart),
        cmocka_unit_test(requests_of_many_people_keep_the_rate_but_no_rhythm),
        cmocka_unit_test(what_is_due_does_not_wait_for_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
