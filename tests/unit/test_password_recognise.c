/* tests/unit/test_password_recognise.c - what a stored password is, and what is none */
#include "password/password.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SHA512 "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y" \
               "77vwPZN.Pq.H91p5hVO1"      /* of "secret" */
#define BCRYPT "$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"   /* of "secret" */
#define DES "abNANd1rDfiNc"                 /* of "secret" */

#define BLOCK "0123456789."                /* of bigcrypt, for 8 bytes */
#define BLOCKS BLOCK BLOCK BLOCK BLOCK BLOCK BLOCK BLOCK BLOCK

static const char *const default_schemes[] = {
    "", "CRYPT", "DES-CRYPT", "PLAIN", "plain.b64", "NOSUCH",
};

static struct stored_password
stored_as(span value, const char *scheme)
{
    return (struct stored_password){ .value = value, .scheme = span_of(scheme) };
}

static enum password_verdict
verify(const struct stored_password *stored, span password)
{
    struct password_bounds bounds;
    struct error err;
    enum password_verdict verdict;

    password_bounds_default(&bounds);
    verdict = password_verify(&bounds, stored, password, &err);
    if (verdict == PASSWORD_BAD || verdict == PASSWORD_FAILED)
        assert_string_not_equal(err.reason, "");
    return verdict;
}

/* Reliability row A04. Each is refused with every password below, whatever the default scheme. */
static const struct { const char *what; span value; enum password_verdict verdict; } no_passwords[] = {
    { "nothing",                   SPAN(""),                 PASSWORD_LOCKED },
    { "a blank",                   SPAN(" "),                PASSWORD_LOCKED },
    { "an empty CHAR(8)",          SPAN("        "),         PASSWORD_LOCKED },
    { "!",                         SPAN("!"),                PASSWORD_LOCKED },
    { "!!",                        SPAN("!!"),               PASSWORD_LOCKED },
    { "a locked plain text",       SPAN("!secret"),          PASSWORD_LOCKED },
    { "a locked hash",             SPAN("!" SHA512),         PASSWORD_LOCKED },
    { "*",                         SPAN("*"),                PASSWORD_LOCKED },
    { "crypt's failure token",     SPAN("*0"),               PASSWORD_LOCKED },
    { "its other failure token",   SPAN("*1"),               PASSWORD_LOCKED },
    { "x",                         SPAN("x"),                PASSWORD_LOCKED },
    { "Solaris: locked",           SPAN("*LK*"),             PASSWORD_LOCKED },
    { "Solaris: locked hash",      SPAN("*LK*" SHA512),      PASSWORD_LOCKED },
    { "Solaris: no password",      SPAN("NP"),               PASSWORD_LOCKED },
    { "i-MSCP: disabled",          SPAN("_no_"),             PASSWORD_LOCKED },
    { "{CRYPT} locked",            SPAN("{CRYPT}!"),         PASSWORD_LOCKED },
    { "{CRYPT} locked hash",       SPAN("{CRYPT}!" SHA512),  PASSWORD_LOCKED },
    { "{crypt} star",              SPAN("{crypt}*"),         PASSWORD_LOCKED },
    { "{CRYPT} failure token",     SPAN("{CRYPT}*0"),        PASSWORD_LOCKED },
    { "{CRYPT.hex} locked",        SPAN("{CRYPT.hex}21"),    PASSWORD_LOCKED },
    { "{BLF-CRYPT} locked",        SPAN("{BLF-CRYPT}!" BCRYPT), PASSWORD_LOCKED },
    { "{CRYPT} and nothing",       SPAN("{CRYPT}"),          PASSWORD_BAD },
    { "{PLAIN} and nothing",       SPAN("{PLAIN}"),          PASSWORD_BAD },
    { "{PLAIN} and blanks",        SPAN("{PLAIN}   "),       PASSWORD_BAD },
    { "{CLEAR} and nothing",       SPAN("{CLEAR}"),          PASSWORD_BAD },
    { "{CLEARTEXT} and nothing",   SPAN("{CLEARTEXT}"),      PASSWORD_BAD },
    { "{PLAIN.b64} and nothing",   SPAN("{PLAIN.b64}"),      PASSWORD_BAD },
    { "{PLAIN.hex} and nothing",   SPAN("{PLAIN.hex}"),      PASSWORD_BAD },
    { "{PLAIN.hex} of no hex",     SPAN("{PLAIN.hex}zz"),    PASSWORD_BAD },
    { "{PLAIN.hex} of half bytes", SPAN("{PLAIN.hex}616"),   PASSWORD_BAD },
    { "{PLAIN.b64} of no base64",  SPAN("{PLAIN.b64}@@@@"),  PASSWORD_BAD },
    { "base64 without its end",    SPAN("{PLAIN.b64}dg"),    PASSWORD_BAD },
    { "base64 and a blank",        SPAN("{PLAIN.b64}dg== "), PASSWORD_BAD },
    { "an unknown suffix",         SPAN("{PLAIN.b32}secret"), PASSWORD_BAD },
    { "two suffixes",              SPAN("{PLAIN.b64.hex}eA=="), PASSWORD_BAD },
    { "an empty suffix",           SPAN("{PLAIN.}secret"),   PASSWORD_BAD },
    { "an unknown scheme",         SPAN("{NOSUCH}secret"),   PASSWORD_BAD },
    { "no name in braces",         SPAN("{}secret"),         PASSWORD_BAD },
    { "braces not closed",         SPAN("{PLAINsecret"),     PASSWORD_BAD },
    { "a name and a blank",        SPAN("{PLAIN }secret"),   PASSWORD_BAD },
    { "two names of a row",        SPAN("{CLEAR CLEARTEXT}secret"), PASSWORD_BAD },
    { "a NUL",                     SPAN("\0"),               PASSWORD_BAD },
    { "a NUL before the rest",     SPAN("\0secret"),         PASSWORD_BAD },
    { "a NUL after {PLAIN}",       SPAN("{PLAIN}secret\0"),  PASSWORD_BAD },
    { "a prefix alone",            SPAN("$6$"),              PASSWORD_BAD },
    { "a setting without a hash",  SPAN("$6$saltsalt$"),     PASSWORD_BAD },
    { "a hash and a blank",        SPAN(SHA512 " "),         PASSWORD_BAD },
    { "a hash and CR",             SPAN(SHA512 "\r"),        PASSWORD_BAD },
    { "{CRYPT} of plain text",     SPAN("{CRYPT}secret"),    PASSWORD_BAD },
    { "{CRYPT} of a {NAME}",       SPAN("{CRYPT}{PLAIN}x"),  PASSWORD_BAD },
    { "{BLF-CRYPT} of sha-crypt",  SPAN("{BLF-CRYPT}" SHA512), PASSWORD_BAD },
};

static void
a_value_that_is_no_password_is_refused_with_every_password(void **state)
{
    const span passwords[] = {
        SPAN("x"), SPAN("secret"), SPAN("*"), SPAN("*0"), SPAN("*1"), SPAN("!"), SPAN(" "), SPAN("   "),
        SPAN("{PLAIN}"), SPAN("{CRYPT}"), SPAN("v"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(no_passwords); i++)
        for (size_t d = 0; d < COUNT(default_schemes); d++) {
            struct stored_password stored = stored_as(no_passwords[i].value, default_schemes[d]);

            for (size_t p = 0; p < COUNT(passwords); p++)
                if (verify(&stored, passwords[p]) != no_passwords[i].verdict)
                    fail_msg("%s, default \"%s\": verdict %d with password %zu", no_passwords[i].what,
                             default_schemes[d], (int)verify(&stored, passwords[p]), p);
            if (verify(&stored, stored.value) == PASSWORD_RIGHT)
                fail_msg("%s is its own password", no_passwords[i].what);
            assert_int_equal(verify(&stored, span_of("")), PASSWORD_WRONG);
        }
}

/* The value is of "password" and a NUL, by the reference implementation and others. */
static void
a_nul_is_heard_where_the_scheme_hears_it_and_nowhere_else(void **state)
{
    const struct stored_password argon2 = stored_as(
        span_of("$argon2i$v=19$m=512,t=2,p=2$c29tZXNhbHQ$Fb5+nPuLzZvtqKRwqUEtUQ"), "");
    const struct stored_password plain = stored_as(span_of("{PLAIN.hex}7800"), "");
    const span password = span_make("password\0\0", 10), x = span_make("x\0", 2);

    (void)state;
    assert_int_equal(verify(&argon2, span_until(password, 9)), PASSWORD_RIGHT);
    assert_int_equal(verify(&argon2, span_until(password, 8)), PASSWORD_WRONG);
    assert_int_equal(verify(&argon2, password), PASSWORD_WRONG);
    assert_int_equal(verify(&plain, x), PASSWORD_WRONG);
    assert_int_equal(verify(&plain, span_until(x, 1)), PASSWORD_WRONG);
}

static void
an_sql_null_is_locked_whatever_its_bytes(void **state)
{
    struct stored_password stored = { .is_null = true, .value = SPAN("{PLAIN}secret") };

    (void)state;
    assert_int_equal(verify(&stored, span_of("secret")), PASSWORD_LOCKED);
    assert_int_equal(verify(&stored, span_of("")), PASSWORD_WRONG);
}

static const struct { const char *value, *scheme, *name; } names[] = {
    { SHA512,                       "",             "SHA512-CRYPT" },
    { SHA512,                       "PLAIN",        "SHA512-CRYPT" },
    { "{CRYPT}" SHA512,             "",             "SHA512-CRYPT" },
    { "{SHA256-CRYPT}" SHA512,      "",             "SHA512-CRYPT" },
    { "{Des-Crypt}" SHA512,         "",             "SHA512-CRYPT" },
    { "$5$salt$",                   "",             "SHA256-CRYPT" },
    { BCRYPT,                       "",             "BLF-CRYPT" },
    { "{blf-crypt}" BCRYPT,         "",             "BLF-CRYPT" },
    { "$2a$",                       "",             "BLF-CRYPT" },
    { "$2b$",                       "",             "BLF-CRYPT" },
    { "{BLF-CRYPT}$2x$",            "",             "BLF-CRYPT-2X" },
    { "$2x$",                       "BLF-CRYPT",    "BLF-CRYPT-2X" },
    { "$2x$",                       "crypt-bcrypt", NULL },         /* the default names the sound one */
    { BCRYPT,                       "SHA512-CRYPT", "BLF-CRYPT" },
    { BCRYPT,                       "CRYPT-BCRYPT", "BLF-CRYPT" },
    { BCRYPT,                       "WORDPRESS-BCRYPT", NULL },     /* "$wp" is gone */
    { "{CRYPT}" BCRYPT,             "WORDPRESS-BCRYPT", "BLF-CRYPT" },
    { "$P$B",                       "WORDPRESS-BCRYPT", "PHPASS" },
    { "JDYkc2FsdCQ=",               "POSTFIXADMIN-SHA512-B64", "POSTFIXADMIN-SHA512-B64" },
    { "$2$05$",                     "CRYPT",        NULL },
    { "$2z$05$",                    "CRYPT",        NULL },
    { "$y$j9T$",                    "",             "YESCRYPT" },
    { "{GOST_YESCRYPT}$gy$j9T$",    "",             "GOST-YESCRYPT" },
    { "$7$",                        "",             "SCRYPT7" },
    { "$1$",                        "",             "MD5-CRYPT" },
    { "$3$$",                       "",             "NT-CRYPT" },
    { "$md5$",                      "",             "SUNMD5" },
    { "$md5,rounds=7$",             "",             "SUNMD5" },
    { "$sha1$",                     "",             "SHA1-CRYPT" },
    { "$apr1$salt$hash",            "CRYPT",        "CRYPT-APR1" },
    { "$argon2id$v=19$m=8,t=1,p=1", "CRYPT",        "ARGON2ID" },
    { "_J9..CCCCXBrJUJV154M",       "",             "BSDI-CRYPT" },
    { "_J9..CCCCXBrJUJV154",        "",             NULL },
    { "_secret",                    "PLAIN",        "PLAIN" },
    { DES,                          "",             NULL },
    { DES,                          "CRYPT",        "DES-CRYPT" },
    { DES,                          "des-crypt",    "DES-CRYPT" },
    { DES,                          "PLAIN",        "PLAIN" },
    { "{CRYPT}" DES,                "PLAIN",        "DES-CRYPT" },
    { "{CRYPT}" DES "K3eHV1d5ZU.",  "",             "BIGCRYPT" },
    { "{CRYPT}" DES ".",            "",             NULL },
    { "{BIGCRYPT}" DES,             "",             NULL },
    { "{CRYPT}ab" BLOCKS BLOCKS,    "",             "BIGCRYPT" },   /* 16 blocks, the most */
    { "{CRYPT}ab" BLOCKS BLOCKS BLOCK, "",    NULL },
    { "secret",                     "",             NULL },
    { "secret",                     "CRYPT",        NULL },
    { "secret",                     "Cleartext",    "PLAIN" },
    { "c2VjcmV0",                   "PLAIN.BASE64", "PLAIN" },
    { "secret",                     "PLAIN.BASE64", NULL },
    { "{CLEAR}" SHA512,             "",             "PLAIN" },
    { "{PLAIN}!",                   "",             "PLAIN" },
    { "{Crypt.HEX}243124",          "",             "MD5-CRYPT" },
    { "!",                          "",             "LOCKED" },
    { "{CRYPT}!",                   "",             "LOCKED" },
};

static void
a_value_says_its_scheme_or_the_default_scheme_does(void **state)
{
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        struct stored_password stored = stored_as(span_of(names[i].value), names[i].scheme);
        const char *name = password_scheme_name(&stored, &err);

        if (!name != !names[i].name || (name && strcmp(name, names[i].name) != 0))
            fail_msg("%s, default \"%s\": %s, not %s", names[i].value, names[i].scheme,
                     name ? name : err.reason, names[i].name ? names[i].name : "unknown");
        if (!name)
            assert_string_not_equal(err.reason, "");
    }
}

static const struct { const char *what, *value, *scheme; } good[] = {
    { "bare",                "" SHA512,                          "" },
    { "bare bcrypt",         BCRYPT,                             "" },
    { "named",               "{SHA512-CRYPT}" SHA512,            "" },
    { "named in any case",   "{cRyPt}" DES,                      "" },
    { "by the default",      DES,                                "CRYPT" },
    { "plain by name",       "{PLAIN}secret",                    "CRYPT" },
    { "plain by default",    "secret",                           "cleartext" },
    { "plain in base64",     "{Clear.B64}c2VjcmV0",              "" },
    { "plain in hex",        "{PLAIN.hex}736563726574",          "" },
    { "hex has no case",     "{CRYPT.Hex}61624E414E6431724466694e63", "" },
    { "default in base64",   "c2VjcmV0",                         "PLAIN.b64" },
    { "NT in small letters", "$3$$878d8014606cda29677a44efa1353fc7", "" },
    { "NT in capitals",      "$3$$878D8014606CDA29677A44EFA1353FC7", "" },
};

static void
each_way_to_write_a_password_down_verifies_it_and_no_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        struct stored_password stored = stored_as(span_of(good[i].value), good[i].scheme);

        if (verify(&stored, span_of("secret")) != PASSWORD_RIGHT)
            fail_msg("refused: %s", good[i].what);
        assert_int_equal(verify(&stored, span_of("Secret")), PASSWORD_WRONG);
        assert_int_equal(verify(&stored, span_of("secre")), PASSWORD_WRONG);
        assert_int_equal(verify(&stored, span_of("secret ")), PASSWORD_WRONG);
        assert_int_equal(verify(&stored, span_make("secret\0", 7)), PASSWORD_WRONG);
        assert_int_equal(verify(&stored, span_of("")), PASSWORD_WRONG);
    }
}

static void *
verify_all(void *right)
{
    for (size_t i = 0; i < COUNT(good); i++) {
        struct stored_password stored = stored_as(span_of(good[i].value), good[i].scheme);

        *(size_t *)right += verify(&stored, span_of("secret")) == PASSWORD_RIGHT;
        *(size_t *)right += verify(&stored, span_of("Secret")) == PASSWORD_WRONG;
    }
    return NULL;
}

static void
threads_verify_at_once_without_mixing_their_passwords(void **state)
{
    pthread_t threads[8];
    size_t right[COUNT(threads)] = { 0 };

    (void)state;
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, verify_all, &right[i]), 0);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(right[i], 2 * COUNT(good));
}

static void
a_stored_hash_typed_as_the_password_is_wrong(void **state)
{
    static const char *const hashes[] = { SHA512, BCRYPT, "{CRYPT}" DES, "{SHA512-CRYPT}" SHA512 };

    (void)state;
    for (size_t i = 0; i < COUNT(hashes); i++) {
        struct stored_password stored = stored_as(span_of(hashes[i]), "PLAIN");

        assert_int_equal(verify(&stored, stored.value), PASSWORD_WRONG);
    }
}

static void
a_plain_password_is_all_that_is_behind_its_name(void **state)
{
    static const char *const texts[] = { " a ", "{PLAIN}", "$6$salt$", "!", "*", "x", "\t", "}", "ü" };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        char value[64];
        struct stored_password stored;

        snprintf(value, sizeof(value), "{PLAIN}%s", texts[i]);
        stored = stored_as(span_of(value), "");
        if (verify(&stored, span_of(texts[i])) != PASSWORD_RIGHT)
            fail_msg("refused: \"%s\"", texts[i]);
        assert_int_equal(verify(&stored, span_of(value)), PASSWORD_WRONG);
    }
}

static void
a_reason_never_quotes_the_value(void **state)
{
    static const char *const values[] = {
        "hunter2", "{hunter2}rest", "{PLAIN.hunter2}rest", "{hunter2", "{CRYPT}hunter2", "$hunter2$",
        "$6$hunter2$", "$6$rounds=hunter2$salt$", "{PLAIN.b64}hunter2!", "{PLAIN.hex}hunter2",
        "$2y$99$hunter2", "$7$hunter2", "$y$hunter2$", "{hunter2.b64}x",
    };
    struct password_bounds bounds;
    struct error err;

    (void)state;
    password_bounds_default(&bounds);
    for (size_t i = 0; i < COUNT(values); i++) {
        struct stored_password stored = stored_as(span_of(values[i]), "CRYPT");

        assert_int_equal(password_verify(&bounds, &stored, span_of("x"), &err), PASSWORD_BAD);
        if (strstr(err.reason, "hunter2") || err.reason[0] == '\0')
            fail_msg("%s: \"%s\"", values[i], err.reason);
        assert_int_equal(err.code, ERROR_CONFIG);
    }
}

static void
a_default_scheme_is_known_by_any_of_its_names(void **state)
{
    static const struct { const char *name; bool known; } table[] = {
        { "CRYPT", true }, { "crypt", true }, { "CRYPT.b64", true }, { "Blf-Crypt", true },
        { "YESCRYPT", true }, { "PLAIN", true }, { "CLEARTEXT.HEX", true }, { "DES-CRYPT", true },
        { "", false }, { "NOSUCH", false }, { "CRYPT.b32", false }, { "CRYPT.", false },
        { ".b64", false }, { "CLEAR CLEARTEXT", false }, { "CLEA", false }, { "LOCKED", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++)
        if (password_scheme_known(span_of(table[i].name)) != table[i].known)
            fail_msg("%s", table[i].name);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_that_is_no_password_is_refused_with_every_password),
        cmocka_unit_test(a_nul_is_heard_where_the_scheme_hears_it_and_nowhere_else),
        cmocka_unit_test(an_sql_null_is_locked_whatever_its_bytes),
        cmocka_unit_test(a_value_says_its_scheme_or_the_default_scheme_does),
        cmocka_unit_test(each_way_to_write_a_password_down_verifies_it_and_no_other),
        cmocka_unit_test(threads_verify_at_once_without_mixing_their_passwords),
        cmocka_unit_test(a_stored_hash_typed_as_the_password_is_wrong),
        cmocka_unit_test(a_plain_password_is_all_that_is_behind_its_name),
        cmocka_unit_test(a_reason_never_quotes_the_value),
        cmocka_unit_test(a_default_scheme_is_known_by_any_of_its_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
