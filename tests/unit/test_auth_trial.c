/* tests/unit/test_auth_trial.c - an account's passwords, one after the other */
#include "auth/trial.h"

#include "auth/policy.h"

/* cmocka wants these before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* A clock that goes on by a second whenever it is looked at; its wall stands still. */
static int64_t
tick_ms(void *context)
{
    return *(int64_t *)context += 1000;
}

static int64_t
wall_s(void *context)
{
    (void)context;
    return 1800000000;
}

/* An account with the password `own` (NULL: SQL NULL) and further ones, in their order. */
struct bench {
    struct account account;
    struct account_secret secrets[4];
    int64_t now_ms;
    struct clock clock;
    struct auth_config config;
    struct memory memory;
    struct trial trial;
    unsigned tried;
};

static void
count_tried(void *context, const struct account_secret *secret,
            const struct password_facts *facts, enum password_verdict verdict,
            const struct error *err)
{
    struct bench *bench = context;

    (void)secret, (void)facts, (void)verdict, (void)err;
    bench->tried++;
}

static void
set_stored(struct secret *to, bool *null, const char *text)
{
    *null = text == NULL;
    assert_true(secret_set(to, span_of(text ? text : "")));
}

static int
bench_make(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));

    assert_non_null(bench);
    bench->account.found = bench->account.enabled = bench->account.service_ok = true;
    bench->clock = (struct clock){ tick_ms, wall_s, &bench->now_ms };
    password_bounds_default(&bench->config.password);
    memory_set(&bench->memory, UINT64_C(64) << 20);
    bench->trial = (struct trial){
        .config = &bench->config, .memory = &bench->memory, .account = &bench->account,
        .login = span_of("ada"),
        .clock = &bench->clock, .deadline_ms = INT64_MAX, .tried = count_tried,
        .context = bench,
    };
    *state = bench;
    return 0;
}

static int
bench_free(void **state)
{
    memory_close(&((struct bench *)*state)->memory);
    free(*state);
    return 0;
}

static struct trial_end
run(struct bench *bench, const char *own, const char *const *stored, const char *password)
{
    bool null;

    set_stored(&bench->account.stored, &null, own);
    bench->account.password_null = null;
    bench->trial.secrets = stored[0] ? bench->secrets : NULL;
    for (size_t i = 0; i < 3 && stored[i]; i++) {
        set_stored(&bench->secrets[i].stored, &null, stored[i]);
        bench->secrets[i].next = stored[i + 1] ? &bench->secrets[i + 1] : NULL;
    }
    bench->trial.password = span_of(password);
    bench->tried = 0;
    return trial_run(&bench->trial);
}

#define BAD "of no scheme"
#define P(text) "{PLAIN}" text

static const struct {
    const char *what, *own, *stored[4], *password;
    enum verdict_reason reason;
    int matched;                /* -1: none of the further ones */
    unsigned tried, verified;   /* told of; all, those for the time's sake too */
} cases[] = {
    { "the own one", P("a"), { P("b") }, "a", REASON_OK, -1, 1, 1 },
    { "the first", P("a"), { P("b"), P("c") }, "b", REASON_OK, 0, 2, 3 },
    { "the last", P("a"), { P("b"), P("c"), P("d") }, "d", REASON_OK, 2, 4, 4 },
    { "none", P("a"), { P("b"), P("c"), P("d") }, "x", REASON_WRONG_PASSWORD, -1, 4, 4 },
    { "there are none", P("a"), { NULL }, "x", REASON_WRONG_PASSWORD, -1, 1, 1 },
    { "NULL and none", NULL, { NULL }, "x", REASON_NO_PASSWORD, -1, 1, 1 },
    { "NULL, and the further one", NULL, { P("b") }, "b", REASON_OK, 0, 2, 2 },
    { "NULL, and the further one is wrong", NULL, { P("b") }, "x", REASON_WRONG_PASSWORD, -1, 2, 2 },
    { "locked, all of them", "!", { "!", "*" }, "x", REASON_NO_PASSWORD, -1, 3, 3 },
    { "the own one cannot be read", BAD, { P("b") }, "b", REASON_OK, 0, 2, 2 },
    { "the own one cannot be read, the other is wrong", BAD, { P("b") }, "x",
      REASON_BAD_STORED_PASSWORD, -1, 2, 2 },
    { "a further one cannot be read", P("a"), { BAD, P("b") }, "b", REASON_OK, 1, 3, 3 },
    { "a further one cannot be read, all others are wrong", P("a"), { BAD, P("b") }, "x",
      REASON_BAD_STORED_PASSWORD, -1, 3, 3 },
    { "the own one cannot be read, and a further one neither", BAD, { BAD, P("b") }, "x",
      REASON_BAD_STORED_PASSWORD, -1, 3, 3 },
    { "twice the same: the first", P("a"), { P("a"), P("a") }, "a", REASON_OK, -1, 1, 1 },
};

static void
the_passwords_are_tried_in_order_and_the_first_that_is_right_counts(void **state)
{
    struct bench *bench = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct trial_end end = run(bench, cases[i].own, cases[i].stored, cases[i].password);
        int matched = end.matched ? (int)(end.matched - bench->secrets) : -1;

        if (end.reason != cases[i].reason || matched != cases[i].matched
            || bench->tried != cases[i].tried || end.verifications != cases[i].verified)
            fail_msg("%s: %s, secret %d, %u tried, %zu verified", cases[i].what,
                     verdict_reason_word(end.reason), matched, bench->tried, end.verifications);
    }
}

/* "a", of 64 KiB. */
#define ARGON2 "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$kElMCPklIGhVA5RiODd4W52xA9MOJtthjfJwPjOtwXE"

static void
one_that_finds_no_room_in_the_budget_of_memory_in_time_is_overloaded_and_not_wrong(void **state)
{
    static const char *const none[] = { NULL }, *const plain[] = { P("b"), NULL };
    struct bench *bench = *state;
    const uint64_t all = bench->memory.budget;

    assert_true(memory_take(&bench->memory, all, 0));
    bench->now_ms = 0;
    bench->trial.deadline_ms = 1500;            /* not now, but before it is asked again */
    assert_int_equal(run(bench, ARGON2, none, "a").reason, REASON_OVERLOADED);
    bench->now_ms = 0;
    assert_int_equal(run(bench, ARGON2, none, "x").reason, REASON_OVERLOADED);
    assert_int_equal(bench->memory.used, all);
    memory_give(&bench->memory, all);
    bench->trial.deadline_ms = INT64_MAX;
    assert_int_equal(run(bench, ARGON2, none, "a").reason, REASON_OK);
    assert_int_equal(run(bench, ARGON2, none, "x").reason, REASON_WRONG_PASSWORD);
    assert_int_equal(run(bench, ARGON2, plain, "b").reason, REASON_OK);
    assert_int_equal(bench->memory.used, 0);
}

static void
none_is_tried_after_the_deadline(void **state)
{
    static const char *const stored[] = { P("b"), P("c"), P("d"), NULL };
    struct bench *bench = *state;

    bench->trial.deadline_ms = 4000;
    assert_int_equal(run(bench, P("a"), stored, "d").reason, REASON_DEADLINE);
    assert_int_equal(bench->tried, 3);
    bench->now_ms = 0;
    assert_int_equal(run(bench, P("a"), stored, "c").reason, REASON_OK);
}

/* It begins at 1 s, and looks at the clock before each further one, at 2 s first. */
static void
who_was_right_does_not_miss_the_deadline_for_the_sake_of_equal_time(void **state)
{
    static const char *const stored[] = { P("b"), P("c"), P("d"), NULL };
    struct bench *bench = *state;
    struct trial_end end;

    bench->trial.deadline_ms = 6000;
    end = run(bench, P("a"), stored, "b");
    assert_int_equal(end.reason, REASON_OK);
    assert_int_equal(end.verifications, 3);
}

static const struct {
    const char *what;
    bool enabled, service_ok, judges, secret_ok;
    const char *nets, *secret_nets;
    enum verdict_reason own, further;
} limits[] = {
    { "no limit", true, true, false, false, "", "", REASON_OK, REASON_OK },
    { "disabled", false, true, true, true, "", "", REASON_DISABLED, REASON_DISABLED },
    { "the account's service", true, false, false, false, "", "", REASON_SERVICE_DENIED,
      REASON_SERVICE_DENIED },
    { "its own service counts in place", true, false, true, true, "", "", REASON_SERVICE_DENIED,
      REASON_OK },
    { "its own service refuses", true, true, true, false, "", "", REASON_OK, REASON_SERVICE_DENIED },
    { "its own network", true, true, false, false, "", "192.0.2.0/24", REASON_OK, REASON_OK },
    { "outside of its own network", true, true, false, false, "", "198.51.100.0/24", REASON_OK,
      REASON_NETWORK_DENIED },
    { "outside of the account's", true, true, false, false, "198.51.100.0/24", "192.0.2.0/24",
      REASON_NETWORK_DENIED, REASON_NETWORK_DENIED },
    { "a list that cannot be read", true, true, false, false, "", "home", REASON_OK,
      REASON_NETWORK_DENIED },
};

static void
a_further_password_has_limits_of_its_own_and_the_accounts(void **state)
{
    static const char *const stored[] = { P("b"), NULL };
    struct bench *bench = *state;

    bench->trial.network = span_of("192.0.2.1");
    for (size_t i = 0; i < COUNT(limits); i++) {
        enum verdict_reason own, further, any;

        bench->account.enabled = limits[i].enabled;
        bench->account.service_ok = limits[i].service_ok;
        strcpy(bench->account.allow_nets, limits[i].nets);
        bench->secrets[0].judges_service = limits[i].judges;
        bench->secrets[0].service_ok = limits[i].secret_ok;
        strcpy(bench->secrets[0].allow_nets, limits[i].secret_nets);
        own = run(bench, P("a"), stored, "a").reason;
        further = run(bench, P("a"), stored, "b").reason;
        if (own != limits[i].own || further != limits[i].further)
            fail_msg("%s: %s, %s", limits[i].what, verdict_reason_word(own),
                     verdict_reason_word(further));
        any = policy_judge_any(&bench->account, bench->secrets, bench->trial.network, 0);
        assert_int_equal(any, limits[i].further == REASON_OK ? REASON_OK : limits[i].own);
        assert_int_equal(run(bench, P("a"), stored, "x").reason, REASON_WRONG_PASSWORD);
    }
}

static void
only_the_own_password_has_to_be_changed(void **state)
{
    static const char *const stored[] = { P("b"), NULL };
    struct bench *bench = *state;

    bench->account.must_change = true;
    assert_true(run(bench, P("a"), stored, "a").must_change);
    assert_false(run(bench, P("a"), stored, "b").must_change);
    assert_false(run(bench, P("a"), stored, "x").must_change);
}

static const struct { const char *what, *stored, *password; enum verdict_reason reason; } latin1[] = {
    { "its other form", P("gr\xf6\xdf" "e"), "gr\xc3\xb6\xc3\x9f" "e", REASON_OK },
    { "as it is", P("gr\xc3\xb6\xc3\x9f" "e"), "gr\xc3\xb6\xc3\x9f" "e", REASON_OK },
    { "ASCII", P("plain"), "plain", REASON_OK },
    { "wrong in both", P("gr\xf6\xdf" "e"), "gr\xc3\xb6\xc3\x9f" "er", REASON_WRONG_PASSWORD },
    { "the last of them", P("\xff"), "\xc3\xbf", REASON_OK },
    { "the first of them", P("\x80"), "\xc2\x80", REASON_OK },
    { "beyond them", P("?"), "\xe2\x82\xac", REASON_WRONG_PASSWORD },
    { "one beyond them among others", P("\xf6?"), "\xc3\xb6\xe2\x82\xac", REASON_WRONG_PASSWORD },
    { "cut short", P("\xc3"), "\xc3\xb6\xc3", REASON_WRONG_PASSWORD },
    { "no UTF-8", P("\xf6"), "\xc3\x28", REASON_WRONG_PASSWORD },
};

static void
where_the_manager_hashes_latin1_both_forms_are_tried(void **state)
{
    static const char *const none[] = { NULL };
    struct bench *bench = *state;

    bench->account.latin1 = true;
    for (size_t i = 0; i < COUNT(latin1); i++)
        if (run(bench, latin1[i].stored, none, latin1[i].password).reason != latin1[i].reason)
            fail_msg("%s", latin1[i].what);
    bench->account.latin1 = false;
    assert_int_equal(run(bench, latin1[0].stored, none, latin1[0].password).reason,
                     REASON_WRONG_PASSWORD);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_passwords_are_tried_in_order_and_the_first_that_is_right_counts, bench_make, bench_free),
        cmocka_unit_test_setup_teardown(one_that_finds_no_room_in_the_budget_of_memory_in_time_is_overloaded_and_not_wrong, bench_make, bench_free),
        cmocka_unit_test_setup_teardown(none_is_tried_after_the_deadline, bench_make, bench_free),
        cmocka_unit_test_setup_teardown(who_was_right_does_not_miss_the_deadline_for_the_sake_of_equal_time, bench_make, bench_free),
        cmocka_unit_test_setup_teardown(a_further_password_has_limits_of_its_own_and_the_accounts, bench_make, bench_free),
        cmocka_unit_test_setup_teardown(only_the_own_password_has_to_be_changed, bench_make, bench_free),
        cmocka_unit_test_setup_teardown(where_the_manager_hashes_latin1_both_forms_are_tried, bench_make, bench_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
