/* tests/unit/test_password_credential.c - what a stored password gives a mechanism */
#include "common/macros.h"
#include "password/credential.h"

#include <openssl/hmac.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static struct password_bounds bounds;
static const struct credential_terms terms = { SPAN("0123456789abcdef"), 4096 };

static struct stored_password
stored_of(const char *value, const char *scheme)
{
    return (struct stored_password){ .value = span_of(value), .scheme = span_of(scheme) };
}

#define ROW_SCRAM(keys) "W22ZaJ0SNY7soEsUEjb6gQ==," keys
#define SHA_256_KEYS "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=," \
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
#define CRAM MECHANISM_BIT(MECHANISM_CRAM_MD5)
#define SHA_1 MECHANISM_BIT(MECHANISM_SCRAM_SHA_1)
#define SHA_256 MECHANISM_BIT(MECHANISM_SCRAM_SHA_256)

static const struct { const char *value, *scheme; unsigned serves; } values[] = {
    { "{PLAIN}secret", "", CRAM | SHA_1 | SHA_256 },
    { "secret", "cleartext", CRAM | SHA_1 | SHA_256 },
    { "{SCRAM-SHA-256}4096," ROW_SCRAM(SHA_256_KEYS), "", SHA_256 },
    { "{scram-sha-256}4096," ROW_SCRAM(SHA_256_KEYS), "", SHA_256 },
    { "$scram$6400$.Z/znnNOKWUsBaCU$sha-1=cRseQyJpnuPGn3e6d6u6JdJWk.0,sha-256=5GcjEbRaUIIci1r6NAMd"
      "I9OPZbxl9S5CFR6la9CHXYc,sha-512=.DHbIm82ajXbFR196Y.9TtbsgzvGjbMeuWCtKve8TPjRMNoZK9EGyHQ6y0"
      "lW9OtWdHZrDZbBUhB9ou./VI2mlw", "", SHA_1 | SHA_256 },
    { "{CRAM-MD5}d06d4e1b26fccaa4b0b61801132340a354b21152711fb604ca3e035e7015116b", "", CRAM },
    { "{PLAIN-TRUNC}3-abc", "", 0 },
    { "{SHA}JLDRUIY5Yg2e/2k5gXP5xTfsyiY=", "", 0 },
    { "!", "", 0 }, { "", "", 0 }, { "{NOSUCH}x", "", 0 }, { "what is this", "", 0 },
};

static void
a_value_serves_what_its_scheme_can_and_no_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        const struct stored_password stored = stored_of(values[i].value, values[i].scheme);

        if (credential_mechanisms(&stored) != values[i].serves)
            fail_msg("%s: %u", values[i].value, credential_mechanisms(&stored));
        for (enum mechanism m = 0; m < MECHANISMS; m++) {
            struct credential credential;
            struct error err;
            const bool made = credential_make(&bounds, &stored, m, &terms, &credential, &err)
                == PASSWORD_RIGHT;

            if (made != ((values[i].serves & MECHANISM_BIT(m)) != 0))
                fail_msg("%s: %s", values[i].value, mechanism_name(m));
            credential_wipe(&credential);
        }
    }
}

/* HMAC of the very length that takes one block, two, and their borders. */
static void
cram_md5_is_hmac_of_challenges_and_passwords_of_every_length(void **state)
{
    char stored_text[200] = "{PLAIN}", challenge[200];
    struct credential credential;
    struct error err;

    (void)state;
    memset(challenge, 'c', sizeof(challenge));
    for (size_t password = 1; password < 130; password += 3) {
        memset(stored_text + 7, 'p', password);
        stored_text[7 + password] = '\0';
        const struct stored_password stored = stored_of(stored_text, "");

        assert_int_equal(credential_make(&bounds, &stored, MECHANISM_CRAM_MD5, &terms,
                                         &credential, &err), PASSWORD_RIGHT);
        for (size_t len = 0; len < sizeof(challenge); len++) {
            unsigned char digest[16];
            unsigned size;

            HMAC(EVP_md5(), stored_text + 7, (int)password, (const unsigned char *)challenge, len,
                 digest, &size);
            assert_int_equal(credential_check_cram_md5(&credential, span_make(challenge, len),
                                                       span_make(digest, 16), &err),
                             PASSWORD_RIGHT);
            digest[len % 16] ^= 1;
            assert_int_equal(credential_check_cram_md5(&credential, span_make(challenge, len),
                                                       span_make(digest, 16), &err),
                             PASSWORD_WRONG);
        }
    }
}

static void
what_hash_makes_serves_the_mechanism_and_verifies_the_plain_password(void **state)
{
    static const char *const schemes[] = { "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256" };

    (void)state;
    for (enum mechanism m = 0; m < MECHANISMS; m++) {
        struct secret made = { .len = 0 };
        char text[SECRET_MAX + 32];
        struct stored_password stored;
        struct credential credential;
        struct error err;

        assert_int_equal(password_make(schemes[m], 0, span_of("pencil"), &made, &err), ERROR_NONE);
        assert_true(span_to_string(secret_get(&made), text, sizeof(text)));
        stored = stored_of(text, schemes[m]);
        assert_int_equal(password_verify(&bounds, &stored, span_of("pencil"), &err),
                         PASSWORD_RIGHT);
        assert_int_equal(password_verify(&bounds, &stored, span_of("pencils"), &err),
                         PASSWORD_WRONG);
        assert_int_equal(credential_make(&bounds, &stored, m, &terms, &credential, &err),
                         PASSWORD_RIGHT);
        secret_wipe(&made);
    }
}

static void
plaintext_is_given_only_where_it_is_stored(void **state)
{
    struct secret plain;

    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        const struct stored_password stored = stored_of(values[i].value, values[i].scheme);

        assert_int_equal(credential_plaintext(&stored, &plain),
                         values[i].serves == (CRAM | SHA_1 | SHA_256));
        if (plain.len > 0)
            assert_true(span_is(secret_get(&plain), "secret"));
    }
}

static void
mechanisms_have_names_in_any_case_and_no_others(void **state)
{
    enum mechanism m = MECHANISMS;

    (void)state;
    assert_true(mechanism_find(span_of("scram-sha-256"), &m));
    assert_int_equal(m, MECHANISM_SCRAM_SHA_256);
    assert_false(mechanism_find(span_of("SCRAM-SHA-256-PLUS"), &m));
    assert_false(mechanism_find(span_of("PLAIN"), &m));
    assert_false(mechanism_find(span_of(""), &m));
    assert_int_equal(credential_mechanisms_of(span_of("nosuch")), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_serves_what_its_scheme_can_and_no_more),
        cmocka_unit_test(cram_md5_is_hmac_of_challenges_and_passwords_of_every_length),
        cmocka_unit_test(what_hash_makes_serves_the_mechanism_and_verifies_the_plain_password),
        cmocka_unit_test(plaintext_is_given_only_where_it_is_stored),
        cmocka_unit_test(mechanisms_have_names_in_any_case_and_no_others),
    };

    if (sodium_init() < 0)
        return 1;
    password_bounds_default(&bounds);
    return cmocka_run_group_tests_name("credentials", tests, NULL, NULL);
}
