/* tests/unit/test_server_proto.c - the bytes of both wires */
#include "common/macros.h"
#include "common/pam_wire.h"
#include "saslauthd_backend/proto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* --- saslauthd ------------------------------------------------------------------------- */

#define ADA "\0\3ada\0\6secret\0\4imap"

static void
a_request_of_four_fields_is_whole_without_a_fifth(void **state)
{
    static const span wire = SPAN(ADA "\0\13example.org");
    struct auth_request r;
    struct error err;

    (void)state;
    assert_int_equal(proto_saslauthd.parse(wire, &r, &err), PROTO_REQUEST);
    assert_int_equal(r.action, AUTH_PASSWORD);
    assert_true(span_is(r.login, "ada"));
    assert_true(span_is(r.password, "secret"));
    assert_true(span_is(r.service, "imap"));
    assert_true(span_is(r.realm, "example.org"));
    assert_int_equal(r.remote.len, 0);
}

static void
a_fifth_field_is_the_remote(void **state)
{
    static const span wire = SPAN(ADA "\0\0\0\15" "192.0.2.1;143");
    struct auth_request r;
    struct error err;

    (void)state;
    assert_int_equal(proto_saslauthd.parse(wire, &r, &err), PROTO_REQUEST);
    assert_int_equal(r.realm.len, 0);
    assert_true(span_is(r.remote, "192.0.2.1;143"));
}

/* Cut anywhere it is a beginning, but where the four-field form ends. */
static void
every_beginning_of_a_request_waits_for_more(void **state)
{
    static const span wire = SPAN(ADA "\0\13example.org\0\011192.0.2.1");
    const size_t four = sizeof(ADA "\0\13example.org") - 1;
    struct auth_request r;
    struct error err;

    (void)state;
    for (size_t len = 0; len < wire.len; len++) {
        span cut = span_until(wire, len);
        /* In memory of its own, so that a read past the end is seen. */
        unsigned char *copy = malloc(len ? len : 1);

        memcpy(copy, cut.ptr, len);
        assert_int_equal(proto_saslauthd.parse(span_make(copy, len), &r, &err),
                         len == four ? PROTO_REQUEST : PROTO_MORE);
        free(copy);
    }
}

static const struct { const char *what; span wire; } malformed[] = {
    { "a login over the limit",     SPAN("\x1f\xe3") },
    { "a login of 65535",           SPAN("\xff\xff") },
    { "a password over the limit",  SPAN("\0\1a\x1f\xe3") },
    { "a service over the limit",   SPAN("\0\1a\0\1b\x1f\xe3") },
    { "a realm over the limit",     SPAN("\0\1a\0\1b\0\1c\x1f\xe3") },
    { "a remote over the limit",    SPAN("\0\1a\0\1b\0\1c\0\1d\x1f\xe3") },
    { "a NUL in the login",         SPAN("\0\2a\0") },
    { "a NUL in the password",      SPAN("\0\1a\0\2b\0") },
    { "a NUL in the service",       SPAN("\0\1a\0\1b\0\2\0c") },
    { "a NUL in the realm",         SPAN("\0\1a\0\1b\0\1c\0\3d\0d") },
    { "a NUL in the remote",        SPAN("\0\1a\0\1b\0\1c\0\1d\0\1\0") },
};

static void
what_can_become_no_request_is_refused_before_its_bytes_come(void **state)
{
    struct auth_request r;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(malformed); i++)
        if (proto_saslauthd.parse(malformed[i].wire, &r, &err) != PROTO_MALFORMED)
            fail_msg("not refused: %s", malformed[i].what);
}

static void
each_field_may_have_exactly_the_limit(void **state)
{
    enum { LIMIT = 8162 };
    unsigned char *wire = malloc(5 * 2 + LIMIT);

    (void)state;
    for (size_t long_one = 0; long_one < 5; long_one++) {
        struct auth_request r;
        struct error err;
        size_t used = 0;

        for (size_t i = 0; i < 5; i++) {
            size_t len = i == long_one ? LIMIT : 0;

            wire[used++] = (unsigned char)(len >> 8);
            wire[used++] = (unsigned char)len;
            memset(wire + used, 'x', len);
            used += len;
        }
        assert_int_equal(proto_saslauthd.parse(span_make(wire, used), &r, &err), PROTO_REQUEST);
    }
    free(wire);
}

static void
many_long_fields_are_too_much_together(void **state)
{
    size_t len = proto_saslauthd.request_max;
    unsigned char *wire = malloc(len);
    struct auth_request r;
    struct error err;
    span s;

    (void)state;
    memset(wire, 'x', len);
    for (size_t at = 0; at < len; at += 2 + 8000) {
        wire[at] = 8000 >> 8;
        wire[at + 1] = 8000 & 255;
    }
    s = span_make(wire, len);
    assert_int_equal(proto_saslauthd.parse(span_until(s, len - 1), &r, &err), PROTO_MORE);
    assert_int_equal(proto_saslauthd.parse(s, &r, &err), PROTO_MALFORMED);
    free(wire);
}

/* A reply tells the outcome, never the reason: a remote could read the state of an account in it. */
static void
a_reply_is_the_same_bytes_for_all_reasons_of_an_outcome(void **state)
{
    static const span wanted[] = {
        [VERDICT_ACCEPTED] = SPAN("\0\2OK"), [VERDICT_REJECTED] = SPAN("\0\2NO"),
        [VERDICT_UNAVAILABLE] = SPAN("\0\0"),
    };
    unsigned char reply[PROTO_REPLY_MAX];

    (void)state;
    for (unsigned i = 0; i < REASONS; i++) {
        struct verdict verdict = { .account = "ada@example.org" };
        size_t len;

        verdict_set(&verdict, (enum verdict_reason)i, VIA_LOOKUP);
        len = proto_saslauthd.answer(&verdict, reply);
        assert_true(span_equal(span_make(reply, len), wanted[verdict.outcome]));
    }
}

/* --- PAM -------------------------------------------------------------------------------- */

#define PAM_ADA "\2\1\0\0\3ada\0\6secret\0\0\0\4imap\0\011192.0.2.1\0\4mail"
#define PAM_ADA_CHANGES "\2\3\1\0\3ada\0\6secret\0\6better\0\4imap\0\0\0\0"

static void
a_pam_request_has_an_action_and_six_fields(void **state)
{
    static const span wire = SPAN(PAM_ADA);
    struct auth_request r;
    struct error err;

    (void)state;
    for (size_t len = 0; len < wire.len; len++)
        assert_int_equal(proto_pam.parse(span_until(wire, len), &r, &err), PROTO_MORE);
    assert_int_equal(proto_pam.parse(wire, &r, &err), PROTO_REQUEST);
    assert_int_equal(r.action, AUTH_PASSWORD);
    assert_true(span_is(r.login, "ada"));
    assert_true(span_is(r.password, "secret"));
    assert_true(span_is(r.service, "imap"));
    assert_true(span_is(r.remote, "192.0.2.1"));
    assert_true(span_is(r.accounts, "mail"));
    assert_int_equal(r.realm.len, 0);
    assert_int_equal(r.new_password.len, 0);
    assert_false(r.by_root);
}

static void
a_pam_request_may_ask_for_more_than_an_answer(void **state)
{
    static const span change = SPAN(PAM_ADA_CHANGES);
    static const span session = SPAN("\2\4\0\0\3ada\0\0\0\0\0\0\0\0\0\0");
    struct auth_request r;
    struct error err;

    (void)state;
    assert_int_equal(proto_pam.parse(change, &r, &err), PROTO_REQUEST);
    assert_int_equal(r.action, AUTH_CHANGE);
    assert_true(r.by_root);
    assert_true(span_is(r.password, "secret"));
    assert_true(span_is(r.new_password, "better"));
    assert_int_equal(proto_pam.parse(session, &r, &err), PROTO_REQUEST);
    assert_int_equal(r.action, AUTH_SESSION);
}

static void
a_module_of_another_release_is_told_so(void **state)
{
    struct auth_request r;
    struct error err;

    (void)state;
    assert_int_equal(proto_pam.parse(span_make("\1\1", 2), &r, &err), PROTO_MALFORMED);
    assert_non_null(strstr(err.reason, "older release"));
    assert_int_equal(proto_pam.parse(span_make("\3", 1), &r, &err), PROTO_MALFORMED);
    assert_non_null(strstr(err.reason, "newer release"));
}

static const struct { const char *what; span wire; } malformed_pam[] = {
    { "version 0",              SPAN("\0") },
    { "version 1",              SPAN("\1\1") },
    { "action 0",               SPAN("\2\0") },
    { "action 5",               SPAN("\2\5") },
    { "an unknown flag",        SPAN("\2\1\2") },
    { "a field over the limit", SPAN("\2\1\0\x10\1") },
    { "a service over its own", SPAN("\2\1\0\0\0\0\0\0\0\4\1") },
    { "a byte too many",        SPAN(PAM_ADA "\0") },
};

static void
a_malformed_pam_request_is_refused(void **state)
{
    struct auth_request r;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(malformed_pam); i++)
        if (proto_pam.parse(malformed_pam[i].wire, &r, &err) != PROTO_MALFORMED)
            fail_msg("not refused: %s", malformed_pam[i].what);
}

static void
a_pam_reply_names_the_account_only_when_it_is_accepted(void **state)
{
    static const struct { enum verdict_reason reason; bool must_change; int answer; } rows[] = {
        { REASON_OK, false, PAM_WIRE_ACCEPTED },
        { REASON_OK, true, PAM_WIRE_MUST_CHANGE },
        { REASON_WRONG_PASSWORD, false, PAM_WIRE_WRONG },
        { REASON_WRONG_PASSWORD, true, PAM_WIRE_WRONG },
        { REASON_UNKNOWN_ACCOUNT, false, PAM_WIRE_UNKNOWN },
        { REASON_MALFORMED, false, PAM_WIRE_UNKNOWN },
        { REASON_DISABLED, false, PAM_WIRE_DISABLED },
        { REASON_EXPIRED, false, PAM_WIRE_EXPIRED },
        { REASON_PASSWORD_EXPIRED, false, PAM_WIRE_PASSWORD_EXPIRED },
        { REASON_SERVICE_DENIED, false, PAM_WIRE_DENIED },
        { REASON_NETWORK_DENIED, false, PAM_WIRE_DENIED },
        { REASON_CHANGE_DENIED, false, PAM_WIRE_CHANGE_DENIED },
        { REASON_NEW_PASSWORD, false, PAM_WIRE_NEW_UNFIT },
        { REASON_ACCOUNT_SOURCE_DOWN, false, PAM_WIRE_UNAVAILABLE },
        { REASON_BAD_STORED_PASSWORD, false, PAM_WIRE_UNAVAILABLE },
        { REASON_DEADLINE, false, PAM_WIRE_UNAVAILABLE },
    };
    static const span accepted = SPAN("\0\17ada@example.org"), refused = SPAN("\0\0");
    unsigned char reply[PROTO_REPLY_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct verdict verdict = { .account = "ada@example.org",
                                   .must_change = rows[i].must_change };
        size_t len;

        verdict_set(&verdict, rows[i].reason, VIA_LOOKUP);
        len = proto_pam.answer(&verdict, reply);
        assert_int_equal(reply[0], PAM_WIRE_VERSION);
        assert_int_equal(reply[1], rows[i].answer);
        assert_true(span_equal(span_make(reply + 2, len - 2),
                               rows[i].reason == REASON_OK ? accepted : refused));
    }
}

static void
bytes_that_are_no_request_have_a_reply_of_their_own(void **state)
{
    static const unsigned char pam[] = { PAM_WIRE_VERSION, PAM_WIRE_MALFORMED, 0, 0 };

    (void)state;
    assert_true(span_equal(proto_saslauthd.malformed, span_make("\0\2NO", 4)));
    assert_true(span_equal(proto_pam.malformed, span_make(pam, sizeof(pam))));
}

static void
the_longest_account_name_fits_a_pam_reply(void **state)
{
    unsigned char reply[PROTO_REPLY_MAX];
    struct verdict verdict;

    (void)state;
    memset(&verdict, 0, sizeof(verdict));
    memset(verdict.account, 'x', ACCOUNT_LOGIN_MAX);
    verdict_set(&verdict, REASON_OK, VIA_LOOKUP);
    assert_int_equal(proto_pam.answer(&verdict, reply), 4 + ACCOUNT_LOGIN_MAX);
    assert_true(4 + ACCOUNT_LOGIN_MAX <= PAM_WIRE_REPLY_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_of_four_fields_is_whole_without_a_fifth),
        cmocka_unit_test(a_fifth_field_is_the_remote),
        cmocka_unit_test(every_beginning_of_a_request_waits_for_more),
        cmocka_unit_test(what_can_become_no_request_is_refused_before_its_bytes_come),
        cmocka_unit_test(each_field_may_have_exactly_the_limit),
        cmocka_unit_test(many_long_fields_are_too_much_together),
        cmocka_unit_test(a_reply_is_the_same_bytes_for_all_reasons_of_an_outcome),
        cmocka_unit_test(a_pam_request_has_an_action_and_six_fields),
        cmocka_unit_test(a_pam_request_may_ask_for_more_than_an_answer),
        cmocka_unit_test(a_module_of_another_release_is_told_so),
        cmocka_unit_test(a_malformed_pam_request_is_refused),
        cmocka_unit_test(a_pam_reply_names_the_account_only_when_it_is_accepted),
        cmocka_unit_test(bytes_that_are_no_request_have_a_reply_of_their_own),
        cmocka_unit_test(the_longest_account_name_fits_a_pam_reply),
    };

    return cmocka_run_group_tests_name("protocols", tests, NULL, NULL);
}
