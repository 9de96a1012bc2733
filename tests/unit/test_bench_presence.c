/* tests/unit/test_bench_presence.c - when claviger-bench gives a server up, and what it says then */
#include "common/macros.h"
#include "tools/bench/presence.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000LL

/* `when_ms`: since the start, which is at another time than 0. */
static const struct {
    const char *what;
    struct { int64_t when_ms; enum answer answer; } notes[5];
    size_t count;
    bool is_lost;
} runs[] = {
    { "nobody is there", { { 0, ANSWER_UNREACHABLE } }, 1, true },
    { "another language", { { 0, ANSWER_GARBLED } }, 1, true },
    { "closed once", { { 0, ANSWER_CLOSED } }, 1, false },
    { "closed for a while", { { 0, ANSWER_CLOSED }, { 999, ANSWER_CLOSED } }, 2, false },
    { "closed for a second", { { 0, ANSWER_CLOSED }, { 1000, ANSWER_CLOSED } }, 2, true },
    { "a short time-out", { { 300, ANSWER_TIMED_OUT } }, 1, false },
    { "short time-outs", { { 300, ANSWER_TIMED_OUT }, { 5000, ANSWER_TIMED_OUT } }, 2, true },
    { "a long time-out", { { 10000, ANSWER_TIMED_OUT } }, 1, true },
    { "gone", { { 0, ANSWER_REJECTED }, { 10000, ANSWER_UNREACHABLE } }, 2, false },
    { "gone for less than two seconds", { { 0, ANSWER_REJECTED }, { 10000, ANSWER_CLOSED },
      { 11999, ANSWER_UNREACHABLE } }, 3, false },
    { "gone for two", { { 0, ANSWER_REJECTED }, { 10000, ANSWER_CLOSED },
      { 12000, ANSWER_UNREACHABLE } }, 3, true },
    { "back again", { { 0, ANSWER_REJECTED }, { 10000, ANSWER_CLOSED }, { 11000, ANSWER_TEMPORARY },
      { 12000, ANSWER_UNREACHABLE }, { 13999, ANSWER_UNREACHABLE } }, 5, false },
    { "a stall", { { 0, ANSWER_ACCEPTED }, { 10000, ANSWER_TIMED_OUT },
      { 90000, ANSWER_TIMED_OUT } }, 3, false },
    { "lost is lost", { { 0, ANSWER_UNREACHABLE }, { 1, ANSWER_ACCEPTED } }, 2, true },
};

static void
a_server_is_given_up_when_that_is_plain(void **state)
{
    const int64_t start_ns = 4711 * MS;

    (void)state;
    for (size_t i = 0; i < COUNT(runs); i++) {
        struct presence presence;

        presence_begin(&presence, start_ns);
        for (size_t k = 0; k < runs[i].count; k++)
            presence_note(&presence, runs[i].notes[k].answer,
                          start_ns + runs[i].notes[k].when_ms * MS);
        if (presence_is_lost(&presence) != runs[i].is_lost)
            fail_msg("%s: %s", runs[i].what, runs[i].is_lost ? "not given up" : "given up");
    }
}

static const struct {
    const char *what;
    bool has_heard;
    int failure;
    enum answer answer;
    const char *words;
} sayings[] = {
    { "missing", false, ENOENT, ANSWER_UNREACHABLE, "no answer: \"/run/x\" cannot be reached: No such file" },
    { "shut", false, EACCES, ANSWER_UNREACHABLE, "owner, group and mode" },
    { "died", true, ECONNREFUSED, ANSWER_UNREACHABLE, "no more answers: \"/run/x\"" },
    { "an errno without a row", false, EIO, ANSWER_UNREACHABLE, "that the path of its listener?" },
    { "another wire", false, 0, ANSWER_GARBLED, "another language (pam wire)" },
    { "closed", false, 0, ANSWER_CLOSED, "closes connections" },
    { "silent", false, 0, ANSWER_TIMED_OUT, "does not answer in time" },
    { "nothing was asked", false, 0, ANSWER_ACCEPTED, "no answer from" },
};

static void
what_became_of_the_questions_is_told_with_what_to_check(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(sayings); i++) {
        struct presence presence;
        struct error err;

        presence_begin(&presence, MS);
        if (sayings[i].has_heard)
            presence_note(&presence, ANSWER_REJECTED, MS);
        presence_note_failure(&presence, sayings[i].failure);
        if (answer_says_nothing(sayings[i].answer))
            presence_note(&presence, sayings[i].answer, 2 * MS);
        assert_int_equal(presence_explain(&presence, "/run/x", &wire_pam, &err), ERROR_UNAVAILABLE);
        if (!strstr(err.reason, sayings[i].words))
            fail_msg("%s: %s", sayings[i].what, err.reason);
    }
}

/* What follows is an outcome of giving up, not its cause. */
static void
the_cause_of_giving_up_is_what_is_told(void **state)
{
    struct presence presence;
    struct error err;

    (void)state;
    presence_begin(&presence, MS);
    presence_note(&presence, ANSWER_GARBLED, MS);
    presence_note(&presence, ANSWER_CLOSED, MS);
    presence_explain(&presence, "/run/x", &wire_saslauthd, &err);
    assert_non_null(strstr(err.reason, "another language"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_is_given_up_when_that_is_plain),
        cmocka_unit_test(what_became_of_the_questions_is_told_with_what_to_check),
        cmocka_unit_test(the_cause_of_giving_up_is_what_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
