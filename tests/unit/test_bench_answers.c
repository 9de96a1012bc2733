/* tests/unit/test_bench_answers.c - what claviger-bench hears, counts and tells */
#include "common/macros.h"
#include "tools/bench/options.h"
#include "tools/bench/plot.h"
#include "tools/bench/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- hearing --------------------------------------------------------------------------- */

#define NOT_YET ANSWERS

static const struct { const char *what; const struct wire *wire; span came; enum answer answer; } replies[] = {
    { "nothing",                &wire_saslauthd, SPAN(""),                    NOT_YET },
    { "half a length",          &wire_saslauthd, SPAN("\0"),                  NOT_YET },
    { "a length alone",         &wire_saslauthd, SPAN("\0\2"),                NOT_YET },
    { "a text cut short",       &wire_saslauthd, SPAN("\0\2O"),               NOT_YET },
    { "OK",                     &wire_saslauthd, SPAN("\0\2OK"),              ANSWER_ACCEPTED },
    { "OK and more of it",      &wire_saslauthd, SPAN("\0\7OK fine"),         ANSWER_ACCEPTED },
    { "NO",                     &wire_saslauthd, SPAN("\0\2NO"),              ANSWER_REJECTED },
    { "NO and why",             &wire_saslauthd, SPAN("\0\6NO why"),          ANSWER_REJECTED },
    { "length zero",            &wire_saslauthd, SPAN("\0\0"),                ANSWER_TEMPORARY },
    { "half a word",            &wire_saslauthd, SPAN("\0\1O"),               ANSWER_GARBLED },
    { "another word",           &wire_saslauthd, SPAN("\0\3YES"),             ANSWER_GARBLED },
    { "two answers",            &wire_saslauthd, SPAN("\0\2OK\0\2NO"),        ANSWER_GARBLED },
    { "a monstrous length",     &wire_saslauthd, SPAN("\xff\xff"),            ANSWER_GARBLED },
    { "pam: nothing",           &wire_pam,       SPAN(""),                    NOT_YET },
    { "pam: a version alone",   &wire_pam,       SPAN("\2"),                  NOT_YET },
    { "pam: no user yet",       &wire_pam,       SPAN("\2\0\0\3ad"),          NOT_YET },
    { "pam: accepted",          &wire_pam,       SPAN("\2\0\0\3ada"),         ANSWER_ACCEPTED },
    { "pam: must change",       &wire_pam,       SPAN("\2\1\0\3ada"),         ANSWER_ACCEPTED },
    { "pam: wrong",             &wire_pam,       SPAN("\2\2\0\0"),            ANSWER_REJECTED },
    { "pam: unavailable",       &wire_pam,       SPAN("\2\10\0\0"),           ANSWER_TEMPORARY },
    { "pam: malformed",         &wire_pam,       SPAN("\2\11\0\0"),           ANSWER_GARBLED },
    { "pam: another version",   &wire_pam,       SPAN("\1"),                  ANSWER_GARBLED },
    { "pam: no such answer",    &wire_pam,       SPAN("\2\77"),               ANSWER_GARBLED },
    { "pam: more than it has",  &wire_pam,       SPAN("\2\0\0\0x"),           ANSWER_GARBLED },
    { "pam: a monstrous user",  &wire_pam,       SPAN("\2\0\xff\xff"),        ANSWER_GARBLED },
};

static void
a_reply_is_heard_for_what_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(replies); i++) {
        enum answer answer = ANSWERS;
        bool is_whole = replies[i].wire->hear(replies[i].came, &answer);

        if (is_whole != (replies[i].answer != NOT_YET) || (is_whole && answer != replies[i].answer))
            fail_msg("%s: %s", replies[i].what, is_whole ? answer_word(answer) : "not yet");
    }
}

static void
the_pam_wire_asks_as_the_module_does(void **state)
{
    static const struct wire_question question = {
        .login = SPAN("ada"), .password = SPAN("pw"), .service = SPAN("imap"), .remote = SPAN("::1"),
    };
    static const span expected = SPAN("\2\1\0\0\3ada\0\2pw\0\0\0\4imap\0\003::1\0\0");
    unsigned char out[WIRE_QUESTION_MAX];

    (void)state;
    assert_int_equal(wire_pam.ask(&question, out), expected.len);
    assert_memory_equal(out, expected.ptr, expected.len);
}

/* --- the dovecot wire: many answers on a connection ------------------------------------- */

static void
a_question_of_the_dovecot_wire_is_a_line(void **state)
{
    static const struct wire_question question = {
        .login = SPAN("ada"), .password = SPAN("pw"), .service = SPAN("imap"), .remote = SPAN("10.0.0.1;4000"),
    };
    static const span expected = SPAN("PLAIN\tservice=imap\tsecured\tno-penalty\tnologin\trip=10.0.0.1\t"
                                      "resp=AGFkYQBwdw==\n");
    unsigned char out[WIRE_QUESTION_MAX];

    (void)state;
    assert_int_equal(wire_dovecot.ask(&question, out), expected.len);
    assert_memory_equal(out, expected.ptr, expected.len);
    assert_int_equal(wire_dovecot.pipe->number(4294967295U, out), 16);
    assert_memory_equal(out, "AUTH\t4294967295\t", 16);
}

static const struct { const char *what; span line; uint32_t number; enum answer answer; } lines[] = {
    { "OK",                 SPAN("OK\t7\tuser=ada\n"),                     7, ANSWER_ACCEPTED },
    { "FAIL",               SPAN("FAIL\t4294967295\n"),                    4294967295U, ANSWER_REJECTED },
    { "FAIL for now",       SPAN("FAIL\t7\tuser=a\tcode=temp_fail\ttemp\n"), 7, ANSWER_TEMPORARY },
    { "no number",          SPAN("OK\t\tuser=ada\n"),                      0, ANSWER_ACCEPTED },
    { "too large a number", SPAN("OK\t4294967296\n"),                      0, ANSWER_ACCEPTED },
    { "another word",       SPAN("CONT\t7\t\n"),                           0, ANSWER_GARBLED },
    { "an empty line",      SPAN("\n"),                                    0, ANSWER_GARBLED },
};

static void
an_answer_of_the_dovecot_wire_has_its_number(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        span left = lines[i].line, cut = span_until(left, left.len - 1);
        uint32_t number;
        enum answer answer;

        assert_false(wire_dovecot.pipe->hear(&cut, &number, &answer));
        assert_int_equal(cut.len, left.len - 1);
        assert_true(wire_dovecot.pipe->hear(&left, &number, &answer));
        assert_int_equal(left.len, 0);
        if (number != lines[i].number || (number && answer != lines[i].answer))
            fail_msg("%s: number %u, %s", lines[i].what, number, answer_word(answer));
    }
}

static void
a_hello_ends_with_DONE(void **state)
{
    static const span hello = SPAN("VERSION\t1\t2\nMECH\tPLAIN\nDONE\n"), more = SPAN("VERSION\t1\t2\nDONE\nOK\t1\n"),
                      none = SPAN("220 smtp\r\n"), other = SPAN("VERSION\t2\t0\nDONE\n");

    (void)state;
    for (size_t len = 0; len < hello.len; len++)
        assert_int_equal(wire_dovecot.pipe->greeting(span_until(hello, len)), 0);
    assert_int_equal(wire_dovecot.pipe->greeting(hello), hello.len);
    assert_int_equal(wire_dovecot.pipe->greeting(more), more.len - 5);
    assert_true(wire_dovecot.pipe->greeting(none) == SIZE_MAX);
    assert_true(wire_dovecot.pipe->greeting(other) == SIZE_MAX);
}

/* --- counting -------------------------------------------------------------------------- */

enum { SECOND = 1000000000 };

static struct tally *
ten_seconds(void)
{
    struct tally *tally = tally_new(SECOND, INT64_C(10) * SECOND);

    assert_non_null(tally);
    return tally;
}

static void
mistakes_are_counted_apart_from_refusals_that_are_right(void **state)
{
    struct tally *tally = ten_seconds();

    (void)state;
    for (int i = 0; i < EXPECTATIONS; i++)
        for (int k = 0; k < ANSWERS; k++)
            tally_add(tally, (enum expectation)i, (enum answer)k, 2LL * SECOND, 3LL * SECOND);
    assert_int_equal(tally_right_rejected(tally), 1);
    assert_int_equal(tally_wrong_accepted(tally), 2);
    assert_int_equal(tally_asked_in_all(tally), EXPECTATIONS * ANSWERS);
    assert_int_equal(tally_answered_in_all(tally), EXPECTATIONS * 3);
    assert_int_equal(tally_silences(tally, EXPECT_RIGHT), 4);
    tally_free(tally);
}

static void
warm_up_is_not_counted(void **state)
{
    struct tally *tally = ten_seconds();

    (void)state;
    tally_add(tally, EXPECT_RIGHT, ANSWER_ACCEPTED, SECOND - 1, 2LL * SECOND);
    assert_int_equal(tally_asked_in_all(tally), 0);
    assert_int_equal(histogram_count(tally->latency[EXPECT_RIGHT]), 0);
    tally_free(tally);
}

/* A refused connection is no fast answer; a server that hangs is not left out. */
static void
a_time_out_is_a_latency_and_a_closed_connection_is_none(void **state)
{
    struct tally *tally = ten_seconds();

    (void)state;
    tally_add(tally, EXPECT_RIGHT, ANSWER_CLOSED, 2LL * SECOND, 2LL * SECOND + 5);
    tally_add(tally, EXPECT_RIGHT, ANSWER_UNREACHABLE, 2LL * SECOND, 2LL * SECOND + 5);
    assert_int_equal(histogram_count(tally->latency[EXPECT_RIGHT]), 0);
    tally_add(tally, EXPECT_RIGHT, ANSWER_TIMED_OUT, 2LL * SECOND, 7LL * SECOND);
    assert_int_equal(histogram_max(tally->latency[EXPECT_RIGHT]), 5LL * SECOND);
    tally_free(tally);
}

static void
merged_tallies_have_all_of_both(void **state)
{
    struct tally *a = ten_seconds(), *b = ten_seconds();

    (void)state;
    tally_add(a, EXPECT_RIGHT, ANSWER_ACCEPTED, 2LL * SECOND, 2LL * SECOND + 10);
    tally_add(b, EXPECT_WRONG, ANSWER_REJECTED, 5LL * SECOND + SECOND / 20, 6LL * SECOND + SECOND / 20);
    b->not_sent = 4;
    tally_merge(a, b);
    assert_int_equal(tally_asked_in_all(a), 2);
    assert_int_equal(a->not_sent, 4);
    assert_int_equal(a->last_ns, 6LL * SECOND + SECOND / 20);
    assert_int_equal(histogram_max(a->latency[EXPECT_WRONG]), SECOND);
    assert_non_null(a->slices[48].latency[EXPECT_WRONG]);       /* 4.05 s of 10 s, 120 slices */
    tally_free(a);
    tally_free(b);
}

/* What is asked for by the hundred is answered for long after the end; and before it, what was asked for in
 * the warm-up. */
static void
the_rate_is_of_what_was_answered_in_the_time(void **state)
{
    static const struct { int64_t began_ns, ended_ns; enum answer answer; int counts; } rows[] = {
        { 2LL * SECOND,  11LL * SECOND,     ANSWER_ACCEPTED,  1 },      /* the time ends at 11 s */
        { 2LL * SECOND,  11LL * SECOND + 1, ANSWER_ACCEPTED,  0 },
        { SECOND / 2,    SECOND,            ANSWER_REJECTED,  1 },
        { SECOND / 2,    SECOND - 1,        ANSWER_REJECTED,  0 },
        { 2LL * SECOND,  3LL * SECOND,      ANSWER_TEMPORARY, 1 },
        { 2LL * SECOND,  3LL * SECOND,      ANSWER_TIMED_OUT, 0 },
    };
    static const struct bench_options options = { .seconds = 10 };
    int counted = 0;
    struct tally *tally = ten_seconds();

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        tally_add(tally, EXPECT_RIGHT, rows[i].answer, rows[i].began_ns, rows[i].ended_ns);
        counted += rows[i].counts;
        assert_int_equal(tally->in_time, counted);
    }
    assert_true(report_rate(&options, tally) == 0.3);
    tally_free(tally);
}

static void
the_rate_is_of_the_time_that_was_taken(void **state)
{
    static const struct bench_options options = { .seconds = 10 };
    struct tally *tally = ten_seconds();

    (void)state;
    for (int i = 0; i < 50; i++)
        tally_add(tally, EXPECT_RIGHT, ANSWER_ACCEPTED, 2LL * SECOND, 6LL * SECOND);
    assert_true(report_rate(&options, tally) == 10);            /* ended after 5 s */
    tally_add(tally, EXPECT_RIGHT, ANSWER_TIMED_OUT, 10LL * SECOND, 20LL * SECOND);
    assert_true(report_rate(&options, tally) == 5);             /* waited longer than 10 s */
    tally_free(tally);
}

/* --- telling --------------------------------------------------------------------------- */

static void
a_picture_has_a_line_for_what_was_asked_and_an_escaped_title(void **state)
{
    struct tally *tally = ten_seconds();
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    (void)state;
    for (int64_t i = 0; i < 100; i++)
        tally_add(tally, EXPECT_RIGHT, i == 50 ? ANSWER_REJECTED : ANSWER_ACCEPTED,
                  SECOND + i * SECOND / 10, SECOND + i * SECOND / 10 + 1000000);
    plot_print(out, "<a & \"b\">", tally);
    fclose(out);
    assert_non_null(strstr(text, "&#60;a &#38; &#34;b&#34;&#62;"));
    assert_non_null(strstr(text, "right p99"));
    assert_null(strstr(text, "wrong p99"));
    assert_non_null(strstr(text, "fill=\"#d00\""));             /* the mistake */
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
    assert_non_null(strstr(text, "</svg>\n"));
    free(text);
    tally_free(tally);
}

/* --- being told ------------------------------------------------------------------------ */

#define ARGUMENTS_MAX 12
#define WHO "-s", "/mux", "-l", "user%d", "-p", "x"

static enum error_code
parse(const char *const *words, struct bench_options *options, struct error *err)
{
    char copies[ARGUMENTS_MAX][64], *argv[ARGUMENTS_MAX + 2] = { (char[]){ "claviger-bench" } };
    int argc = 1;

    for (; words[argc - 1]; argc++) {
        strcpy(copies[argc - 1], words[argc - 1]);
        argv[argc] = copies[argc - 1];
    }
    return bench_options_parse(argc, argv, options, err);
}

static void
every_option_fills_its_place(void **state)
{
    struct bench_options options;
    struct error err;

    (void)state;
    assert_int_equal(parse((const char *const[]){ WHO, "--clients", "16", NULL }, &options, &err), ERROR_NONE);
    assert_int_equal(options.clients, 16);
    assert_true(options.rate == 0 && options.seconds == 10 && options.timeout == 10);
    assert_ptr_equal(options.wire, &wire_saslauthd);
    assert_int_equal(parse((const char *const[]){ WHO, "--rate=2.5", "-w", "pam", "--arrivals", "even", NULL },
                           &options, &err), ERROR_NONE);
    assert_true(options.rate == 2.5 && options.clients == 0 && options.arrivals == ARRIVALS_EVEN);
    assert_ptr_equal(options.wire, &wire_pam);
    assert_int_equal(parse((const char *const[]){ WHO, "--zipf", "1.1", "-m", "wrong=1", "-j", NULL }, &options,
                           &err), ERROR_NONE);
    assert_true(options.zipf == 1.1 && options.json && options.mix.weights[EXPECT_WRONG] == 1);
    assert_int_equal(options.clients, 1);
}

static const struct { const char *what; const char *words[ARGUMENTS_MAX]; const char *reason; } misuses[] = {
    { "no socket",          { "-l", "u", "-p", "x" },              "--socket" },
    { "nobody",             { "-s", "/mux" },                      "who signs in" },
    { "no password",        { "-s", "/mux", "-l", "u" },           "who signs in" },
    { "file and pattern",   { WHO, "-a", "file" },                 "not both" },
    { "two loops",          { WHO, "-c", "1", "-r", "1" },         "not both" },
    { "two orders",         { WHO, "--in-turn", "-z", "1" },       "not both" },
    { "a mistyped option",  { WHO, "--clinets", "1" },             "did you mean --clients" },
    { "an unknown letter",  { WHO, "-x" },                         "unknown option -x" },
    { "no value",           { WHO, "--rate" },                     "--rate needs R" },
    { "a value too many",   { WHO, "--json=1" },                   "takes no value" },
    { "no number",          { WHO, "-c", "many" },                 "no number from 1" },
    { "too many clients",   { WHO, "-c", "1025" },                 "no number from 1" },
    { "not a number",       { WHO, "-r", "nan" },                  "no number" },
    { "no rate",            { WHO, "-r", "0" },                    "no number" },
    { "half a number",      { WHO, "-t", "1x" },                   "no number" },
    { "an unknown wire",    { WHO, "-w", "imap" },                 "saslauthd|dovecot|pam" },
    { "an open dovecot",    { WHO, "-w", "dovecot", "-r", "5" },   "a closed loop only" },
    { "a clogged line",     { WHO, "-w", "dovecot", "--in-flight", "1025" }, "at most 1024" },
    { "nothing to gather",  { WHO, "--gather", "5" },              "one answer on a connection" },
    { "another rhythm",     { WHO, "--arrivals", "odd" },          "even|poisson" },
    { "a mix of nothing",   { WHO, "-m", "right=0" },              "--mix: nothing to ask" },
    { "an empty path",      { WHO, "--svg", "" },                  "needs text" },
    { "a stray word",       { WHO, "fast" },                       "\"fast\" is no option" },
};

static void
a_wrong_command_line_is_refused_with_its_reason(void **state)
{
    struct bench_options options;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(misuses); i++) {
        if (parse(misuses[i].words, &options, &err) != ERROR_MALFORMED)
            fail_msg("accepted: %s", misuses[i].what);
        if (!strstr(err.reason, misuses[i].reason))
            fail_msg("%s: %s", misuses[i].what, err.reason);
    }
}

static void
help_needs_nothing_else(void **state)
{
    struct bench_options options;
    struct error err;

    (void)state;
    assert_int_equal(parse((const char *const[]){ "--help", NULL }, &options, &err), ERROR_NONE);
    assert_true(options.help);
    assert_int_equal(parse((const char *const[]){ "-V", NULL }, &options, &err), ERROR_NONE);
    assert_true(options.version);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_is_heard_for_what_it_is),
        cmocka_unit_test(the_pam_wire_asks_as_the_module_does),
        cmocka_unit_test(a_question_of_the_dovecot_wire_is_a_line),
        cmocka_unit_test(an_answer_of_the_dovecot_wire_has_its_number),
        cmocka_unit_test(a_hello_ends_with_DONE),
        cmocka_unit_test(mistakes_are_counted_apart_from_refusals_that_are_right),
        cmocka_unit_test(warm_up_is_not_counted),
        cmocka_unit_test(a_time_out_is_a_latency_and_a_closed_connection_is_none),
        cmocka_unit_test(merged_tallies_have_all_of_both),
        cmocka_unit_test(the_rate_is_of_what_was_answered_in_the_time),
        cmocka_unit_test(the_rate_is_of_the_time_that_was_taken),
        cmocka_unit_test(a_picture_has_a_line_for_what_was_asked_and_an_escaped_title),
        cmocka_unit_test(every_option_fills_its_place),
        cmocka_unit_test(a_wrong_command_line_is_refused_with_its_reason),
        cmocka_unit_test(help_needs_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
