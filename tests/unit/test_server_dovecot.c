/* tests/unit/test_server_dovecot.c - the bytes of the Dovecot auth protocol, both ways */
#include "common/macros.h"
#include "saslauthd_backend/dovecot_conn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* In memory of its own, so that a read past the end is seen. */
static enum dovecot_parsed
parse_copy(span line, struct dovecot_line *out)
{
    unsigned char *copy = malloc(line.len ? line.len : 1);
    enum dovecot_parsed parsed;
    struct error err;

    if (line.len)
        memcpy(copy, line.ptr, line.len);
    parsed = dovecot_parse(span_make(copy, line.len), out, &err);
    free(copy);
    return parsed;
}

/* --- lines that come --------------------------------------------------------------- */

/* As Postfix 3.7.11 wrote it. */
static const span postfix_line = SPAN("AUTH\t1\tPLAIN\tservice=smtp\tnologin\tlip=127.0.0.1\t"
                                      "rip=192.0.2.1\tsecured\tresp=AGJvYgBwdw==");

static void
an_AUTH_as_Postfix_sends_it_has_all_its_parts(void **state)
{
    struct dovecot_line line;
    struct error err;

    (void)state;
    assert_int_equal(dovecot_parse(postfix_line, &line, &err), DOVECOT_LINE);
    assert_int_equal(line.command, DOVECOT_AUTH);
    assert_int_equal(line.id, 1);
    assert_true(span_is(line.mechanism, "PLAIN"));
    assert_true(span_is(line.service, "smtp"));
    assert_true(span_is(line.remote, "192.0.2.1"));
    assert_true(line.is_secured && line.is_nologin && line.has_response);
    assert_false(line.has_session);
    assert_true(span_is(line.response, "AGJvYgBwdw=="));
}

static void
parameters_that_mean_nothing_here_are_passed_over(void **state)
{
    static const span text = SPAN(
        "AUTH\t4294967295\tx\tprotocol=imap\tlocal_name=\001t\ttls_cipher=a=b\tsession=xyz\t\t"
        "securedly\tsecured=tls\trip=\tno-penalty\tservices=none\tlport=12\t=\tresp=");
    struct dovecot_line line;
    struct error err;

    (void)state;
    assert_int_equal(dovecot_parse(text, &line, &err), DOVECOT_LINE);
    assert_true(line.id == 4294967295U);
    assert_true(span_is(line.service, "imap"));
    assert_true(line.is_secured && line.has_session && line.has_response);
    assert_false(line.is_nologin);
    assert_int_equal(line.response.len, 0);
    assert_int_equal(line.remote.len, 0);
}

static const struct { const char *what; span line; enum dovecot_parsed parsed; } lines[] = {
    { "VERSION",                    SPAN("VERSION\t1\t0"),                  DOVECOT_LINE },
    { "VERSION with more",          SPAN("VERSION\t1\t9\tx"),               DOVECOT_LINE },
    { "VERSION without a minor",    SPAN("VERSION\t1"),                     DOVECOT_BROKEN },
    { "VERSION of words",           SPAN("VERSION\tone\ttwo"),              DOVECOT_BROKEN },
    { "CPID",                       SPAN("CPID\t1"),                        DOVECOT_LINE },
    { "CPID without one",           SPAN("CPID"),                           DOVECOT_BROKEN },
    { "CANCEL",                     SPAN("CANCEL\t1"),                      DOVECOT_LINE },
    { "CANCEL of nothing",          SPAN("CANCEL"),                         DOVECOT_BROKEN },
    { "CONT",                       SPAN("CONT\t1\tYQ=="),                  DOVECOT_LINE },
    { "CONT of an empty response",  SPAN("CONT\t1\t"),                      DOVECOT_LINE },
    { "CONT without a response",    SPAN("CONT\t1"),                        DOVECOT_BAD_REQUEST },
    { "CONT with two",              SPAN("CONT\t1\tYQ==\tYQ=="),            DOVECOT_BAD_REQUEST },
    { "CONT with id 0",             SPAN("CONT\t0\tYQ=="),                  DOVECOT_BROKEN },
    { "AUTH, the least",            SPAN("AUTH\t1\tPLAIN\tservice="),       DOVECOT_LINE },
    { "AUTH without a service",     SPAN("AUTH\t1\tPLAIN\tresp="),          DOVECOT_BAD_REQUEST },
    { "AUTH without a mechanism",   SPAN("AUTH\t1"),                        DOVECOT_BAD_REQUEST },
    { "a parameter after resp=",    SPAN("AUTH\t1\tPLAIN\tservice=a\tresp=\tsecured"), DOVECOT_BAD_REQUEST },
    { "resp= twice",                SPAN("AUTH\t1\tPLAIN\tservice=a\tresp=\tresp="), DOVECOT_BAD_REQUEST },
    { "AUTH with id 0",             SPAN("AUTH\t0\tPLAIN\tservice=a"),      DOVECOT_BROKEN },
    { "AUTH with id 2^32",          SPAN("AUTH\t4294967296\tPLAIN\tservice=a"), DOVECOT_BROKEN },
    { "AUTH with id -1",            SPAN("AUTH\t-1\tPLAIN\tservice=a"),     DOVECOT_BROKEN },
    { "AUTH with id 1x",            SPAN("AUTH\t1x\tPLAIN\tservice=a"),     DOVECOT_BROKEN },
    { "AUTH with no id",            SPAN("AUTH\t\tPLAIN\tservice=a"),       DOVECOT_BROKEN },
    { "AUTH alone",                 SPAN("AUTH"),                           DOVECOT_BROKEN },
    { "a NUL in it",                SPAN("AUTH\t1\tPLAIN\tservice=a\0b"),   DOVECOT_BROKEN },
    { "lower case",                 SPAN("auth\t1\tPLAIN\tservice=a"),      DOVECOT_BROKEN },
    { "another's command",          SPAN("USER\t1\tbob\tservice=a"),        DOVECOT_BROKEN },
    { "nothing",                    SPAN(""),                               DOVECOT_BROKEN },
    { "a CR at its end",            SPAN("CANCEL\t1\r"),                    DOVECOT_BROKEN },
};

static void
each_line_is_one_or_is_refused_as_far_as_it_goes(void **state)
{
    struct dovecot_line line;

    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++)
        if (parse_copy(lines[i].line, &line) != lines[i].parsed)
            fail_msg("%s", lines[i].what);
}

static void
a_request_that_is_refused_has_its_id(void **state)
{
    static const span text = SPAN("AUTH\t77\tPLAIN\tresp=");
    struct dovecot_line line;
    struct error err;

    (void)state;
    assert_int_equal(dovecot_parse(text, &line, &err), DOVECOT_BAD_REQUEST);
    assert_int_equal(line.id, 77);
    assert_string_equal(err.reason, "AUTH without service=");
}

static void
a_line_cut_anywhere_reads_nothing_past_its_end(void **state)
{
    struct dovecot_line line;

    (void)state;
    for (size_t len = 0; len < postfix_line.len; len++)
        parse_copy(span_until(postfix_line, len), &line);
}

static void
a_line_may_have_16384_bytes_and_not_one_more(void **state)
{
    unsigned char *text = malloc(DOVECOT_LINE_MAX + 1);
    struct dovecot_line line;
    struct error err;

    (void)state;
    memset(text, 'A', DOVECOT_LINE_MAX + 1);
    memcpy(text, "AUTH\t1\tPLAIN\tservice=a\tresp=", 28);
    assert_int_equal(dovecot_parse(span_make(text, DOVECOT_LINE_MAX), &line, &err), DOVECOT_LINE);
    assert_int_equal(dovecot_parse(span_make(text, DOVECOT_LINE_MAX + 1), &line, &err), DOVECOT_BROKEN);
    free(text);
}

/* --- PLAIN's message ---------------------------------------------------------------- */

static const struct { const char *what; span message; bool is_one; const char *authzid, *login, *password; } plains[] = {
    { "a login and a password",     SPAN("\0ada\0secret"),      true, "", "ada", "secret" },
    { "with an authzid",            SPAN("bob\0ada\0secret"),   true, "bob", "ada", "secret" },
    { "an empty password",          SPAN("\0ada\0"),            true, "", "ada", "" },
    { "an empty login",             SPAN("\0\0secret"),         true, "", "", "secret" },
    { "nothing",                    SPAN(""),                   false, NULL, NULL, NULL },
    { "no NUL",                     SPAN("ada secret"),         false, NULL, NULL, NULL },
    { "one NUL",                    SPAN("ada\0secret"),        false, NULL, NULL, NULL },
    { "a NUL in the password",      SPAN("\0ada\0sec\0ret"),    false, NULL, NULL, NULL },
    { "a NUL at its end",           SPAN("\0ada\0secret\0"),    false, NULL, NULL, NULL },
};

static void
a_PLAIN_message_has_exactly_two_NULs(void **state)
{
    struct dovecot_claim claim;

    (void)state;
    for (size_t i = 0; i < COUNT(plains); i++) {
        if (dovecot_split_plain(plains[i].message, &claim) != plains[i].is_one)
            fail_msg("%s", plains[i].what);
        if (plains[i].is_one
            && (!span_is(claim.authzid, plains[i].authzid) || !span_is(claim.login, plains[i].login)
                || !span_is(claim.password, plains[i].password)))
            fail_msg("%s: other parts", plains[i].what);
    }
}

/* --- lines that go ------------------------------------------------------------------ */

#define SAYS(call, text)                                                                \
    do {                                                                                \
        size_t len = call;                                                              \
        assert_int_equal(len, sizeof(text) - 1);                                        \
        assert_memory_equal(out, text, len);                                            \
    } while (0)

static span
words(const char *text)
{
    return span_of(text);
}

static void
the_hello_has_MECH_before_SPID_and_ends_in_DONE(void **state)
{
    static const struct dovecot_offer offers[] = { { "PLAIN", "plaintext" }, { "X", "" },
                                                   { "CRAM-MD5", "dictionary\tactive" } };
    struct dovecot_hello hello = { .offers = offers, .offers_count = 3, .pid = 4711, .connection = 9,
                                   .cookie = { 0xab, 1 } };
    unsigned char out[DOVECOT_REPLY_MAX];

    (void)state;
    SAYS(dovecot_put_hello(&hello, out),
         "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tX\nMECH\tCRAM-MD5\tdictionary\tactive\n"
         "SPID\t4711\nCUID\t9\nCOOKIE\tab010000000000000000000000000000\nDONE\n");
}

static void
OK_names_the_user_first_and_what_was_asked_where_it_differs(void **state)
{
    unsigned char out[DOVECOT_REPLY_MAX];

    (void)state;
    SAYS(dovecot_put_ok(1, words("ada@a.example"), words("ada@a.example"), words(""), out),
         "OK\t1\tuser=ada@a.example\n");
    SAYS(dovecot_put_ok(4294967295U, words("ada@a.example"), words("ADA"), words(""), out),
         "OK\t4294967295\tuser=ada@a.example\toriginal_user=ADA\n");
    SAYS(dovecot_put_ok(1, words("a"), words("a"), words("v=x"), out), "OK\t1\tuser=a\tresp=dj14\n");
}

static void
nothing_in_a_name_can_be_another_field_or_line(void **state)
{
    static const span name = SPAN("a\tb\nc\rd\1e\0f");
    unsigned char out[DOVECOT_REPLY_MAX];

    (void)state;
    SAYS(dovecot_put_ok(1, name, name, words(""), out), "OK\t1\tuser=a\001tb\001nc\001rd\0011e\0010f\n");
    SAYS(dovecot_put_fail(1, DOVECOT_REJECTED, name, out), "FAIL\t1\n");
}

static void
FAIL_tells_of_the_request_and_nothing_of_an_account(void **state)
{
    unsigned char out[DOVECOT_REPLY_MAX];

    (void)state;
    SAYS(dovecot_put_fail(7, DOVECOT_REJECTED, words("ada"), out), "FAIL\t7\tuser=ada\n");
    SAYS(dovecot_put_fail(7, DOVECOT_REJECTED, words(""), out), "FAIL\t7\n");
    SAYS(dovecot_put_fail(7, DOVECOT_TEMPORARY, words("ada"), out),
         "FAIL\t7\tuser=ada\tcode=temp_fail\ttemp\treason=Temporary authentication failure\n");
    SAYS(dovecot_put_fail(7, DOVECOT_NOT_BASE64, words(""), out),
         "FAIL\t7\tcode=invalid_base64\treason=Invalid base64 data\n");
}

/* Exim takes lines of 16 fields and 8192 bytes at most. */
static void
the_longest_replies_fit(void **state)
{
    static unsigned char bytes[DOVECOT_CHALLENGE_MAX];
    unsigned char out[DOVECOT_REPLY_MAX];
    span user = span_make(bytes, ACCOUNT_LOGIN_MAX), challenge = span_make(bytes, sizeof(bytes));

    (void)state;
    memset(bytes, '\t', sizeof(bytes));
    bytes[0] = 'x';
    assert_true(dovecot_put_cont(4294967295U, challenge, out) <= sizeof(out));
    bytes[ACCOUNT_LOGIN_MAX - 1] = 'y';
    assert_true(dovecot_put_ok(4294967295U, span_make(bytes + 1, ACCOUNT_LOGIN_MAX - 1), user,
                               span_make(bytes, 1024), out) <= sizeof(out));
}

static void
a_challenge_is_base64_and_may_be_empty(void **state)
{
    unsigned char out[DOVECOT_REPLY_MAX];

    (void)state;
    SAYS(dovecot_put_cont(3, words(""), out), "CONT\t3\t\n");
    SAYS(dovecot_put_cont(3, words("Username:"), out), "CONT\t3\tVXNlcm5hbWU6\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_AUTH_as_Postfix_sends_it_has_all_its_parts),
        cmocka_unit_test(parameters_that_mean_nothing_here_are_passed_over),
        cmocka_unit_test(each_line_is_one_or_is_refused_as_far_as_it_goes),
        cmocka_unit_test(a_request_that_is_refused_has_its_id),
        cmocka_unit_test(a_line_cut_anywhere_reads_nothing_past_its_end),
        cmocka_unit_test(a_line_may_have_16384_bytes_and_not_one_more),
        cmocka_unit_test(a_PLAIN_message_has_exactly_two_NULs),
        cmocka_unit_test(the_hello_has_MECH_before_SPID_and_ends_in_DONE),
        cmocka_unit_test(OK_names_the_user_first_and_what_was_asked_where_it_differs),
        cmocka_unit_test(nothing_in_a_name_can_be_another_field_or_line),
        cmocka_unit_test(FAIL_tells_of_the_request_and_nothing_of_an_account),
        cmocka_unit_test(the_longest_replies_fit),
        cmocka_unit_test(a_challenge_is_base64_and_may_be_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
