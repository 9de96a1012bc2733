/* tests/unit/test_auth_verdict.c - three outcomes and the words for them */
#include "auth/verdict.h"
#include "common/macros.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* What operators' filters are written for. */
static const struct {
    enum verdict_reason reason;
    const char *word;
    enum verdict_outcome outcome;
} promised[] = {
    { REASON_OK, "ok", VERDICT_ACCEPTED },
    { REASON_WRONG_PASSWORD, "wrong-password", VERDICT_REJECTED },
    { REASON_UNKNOWN_ACCOUNT, "unknown-account", VERDICT_REJECTED },
    { REASON_DISABLED, "disabled", VERDICT_REJECTED },
    { REASON_EXPIRED, "expired", VERDICT_REJECTED },
    { REASON_SERVICE_DENIED, "service-denied", VERDICT_REJECTED },
    { REASON_NETWORK_DENIED, "network-denied", VERDICT_REJECTED },
    { REASON_CHANGE_DENIED, "change-denied", VERDICT_REJECTED },
    { REASON_NEW_PASSWORD, "new-password-unfit", VERDICT_REJECTED },
    { REASON_ACCOUNT_SOURCE_DOWN, "account-source-down", VERDICT_UNAVAILABLE },
    { REASON_DEADLINE, "deadline", VERDICT_UNAVAILABLE },
    { REASON_BAD_STORED_PASSWORD, "bad-stored-password", VERDICT_UNAVAILABLE },
};

static void
the_promised_words_stay(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(promised); i++) {
        assert_string_equal(verdict_reason_word(promised[i].reason), promised[i].word);
        assert_int_equal(verdict_outcome_of(promised[i].reason), promised[i].outcome);
    }
    assert_string_equal(verdict_outcome_word(VERDICT_ACCEPTED), "accepted");
    assert_string_equal(verdict_outcome_word(VERDICT_REJECTED), "rejected");
    assert_string_equal(verdict_outcome_word(VERDICT_UNAVAILABLE), "unavailable");
}

/* Lower-case letters between hyphens: a token for any log filter. */
static void
check_word(const char *word)
{
    assert_non_null(word);
    assert_true(strlen(word) > 0);
    assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz-"), strlen(word));
}

static void
each_reason_and_way_has_a_word_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < REASONS; i++) {
        check_word(verdict_reason_word((enum verdict_reason)i));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(verdict_reason_word((enum verdict_reason)i),
                                    verdict_reason_word((enum verdict_reason)j));
    }
    for (int i = 0; i < VIAS; i++) {
        check_word(verdict_via_word((enum verdict_via)i));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(verdict_via_word((enum verdict_via)i),
                                    verdict_via_word((enum verdict_via)j));
    }
}

static void
only_ok_is_accepted(void **state)
{
    (void)state;
    for (int i = 0; i < REASONS; i++)
        assert_int_equal(verdict_outcome_of((enum verdict_reason)i) == VERDICT_ACCEPTED,
                         i == REASON_OK);
}

/* They count for the throttle; what is told only to who knows the password does not. */
static void
a_guess_is_what_was_refused_for_no_account_or_no_such_password(void **state)
{
    static const bool guesses[REASONS] = {
        [REASON_WRONG_PASSWORD] = true, [REASON_UNKNOWN_ACCOUNT] = true, [REASON_AMBIGUOUS_ACCOUNT] = true,
        [REASON_OTHER_ACCOUNT] = true, [REASON_NO_PASSWORD] = true, [REASON_MECHANISM_UNSERVED] = true,
    };

    (void)state;
    for (int i = 0; i < REASONS; i++)
        assert_int_equal(verdict_is_guess((enum verdict_reason)i), guesses[i]);
}

static void
setting_a_verdict_keeps_the_account(void **state)
{
    struct verdict verdict = { .account = "ada@ex.com" };

    (void)state;
    verdict_set(&verdict, REASON_DEADLINE, VIA_LOOKUP);
    assert_int_equal(verdict.outcome, VERDICT_UNAVAILABLE);
    assert_int_equal(verdict.reason, REASON_DEADLINE);
    verdict_set(&verdict, REASON_OK, VIA_GRACE);
    assert_int_equal(verdict.outcome, VERDICT_ACCEPTED);
    assert_int_equal(verdict.via, VIA_GRACE);
    assert_string_equal(verdict.account, "ada@ex.com");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_promised_words_stay),
        cmocka_unit_test(each_reason_and_way_has_a_word_of_its_own),
        cmocka_unit_test(only_ok_is_accepted),
        cmocka_unit_test(a_guess_is_what_was_refused_for_no_account_or_no_such_password),
        cmocka_unit_test(setting_a_verdict_keeps_the_account),
    };

    return cmocka_run_group_tests_name("auth_verdict", tests, NULL, NULL);
}
