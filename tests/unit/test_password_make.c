/* tests/unit/test_password_make.c - new stored passwords */
#include "password/password.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *scheme;
    unsigned long cheap;
    const char *starts;
    size_t len;
} made[] = {
    { "SHA512-CRYPT", 1000, "$6$rounds=1000$", 15 + 16 + 1 + 86 },
    { "SHA256-CRYPT", 1000, "$5$rounds=1000$", 15 + 16 + 1 + 43 },
    { "BLF-CRYPT",    4,    "$2y$04$",         60 },
    { "YESCRYPT",     1,    "$y$j75$",         7 + 22 + 1 + 43 },
    { "ARGON2ID",     10,   "$argon2id$v=19$m=1024,t=3,p=1$", 30 + 22 + 1 + 43 },
    { "ARGON2I",      10,   "$argon2i$v=19$m=1024,t=3,p=1$", 29 + 22 + 1 + 43 },
    { "PASSLIB-BCRYPT-SHA256", 4, "$bcrypt-sha256$v=2,t=2b,r=4$", 28 + 22 + 1 + 31 },
    { "PHC-SCRYPT",   10,   "$scrypt$ln=10,r=8,p=1$", 22 + 22 + 1 + 43 },
    { "PASSLIB-PBKDF2-SHA256", 1000, "$pbkdf2-sha256$1000$", 20 + 22 + 1 + 43 },
    { "PASSLIB-PBKDF2-SHA512", 1000, "$pbkdf2-sha512$1000$", 20 + 22 + 1 + 86 },
    { "DJANGO-PBKDF2-SHA256", 1000, "pbkdf2_sha256$1000$", 19 + 32 + 1 + 44 },
    { "SCRAM-SHA-256", 4096, "{SCRAM-SHA-256}4096,", 20 + 24 + 1 + 44 + 1 + 44 },
    { "SCRAM-SHA-1",  4096, "{SCRAM-SHA-1}4096,", 18 + 24 + 1 + 28 + 1 + 28 },
    { "PG-SCRAM-SHA-256", 4096, "SCRAM-SHA-256$4096:", 19 + 24 + 1 + 44 + 1 + 44 },
    { "SSHA256",      0,    "{SSHA256}",       9 + 56 },
    { "SSHA512",      0,    "{SSHA512}",       9 + 96 },
    { "CRAM-MD5",     0,    "{CRAM-MD5}",      10 + 64 },
    { "PLAIN",        0,    "{PLAIN}",         7 + 13 },
};

static const char password[] = "correct h\xc3\xb6rs";     /* 13 bytes */

static enum password_verdict
verify(const struct secret *stored_secret, const char *candidate)
{
    struct stored_password stored = { .value = secret_get(stored_secret) };
    struct password_bounds bounds;
    struct error err;

    password_bounds_default(&bounds);
    return password_verify(&bounds, &stored, span_of(candidate), &err);
}

static void
what_is_made_names_its_scheme_and_verifies(void **state)
{
    struct secret out = { .len = 0 };
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(made); i++) {
        assert_int_equal(password_make(made[i].scheme, made[i].cheap, span_of(password), &out, &err),
                         ERROR_NONE);
        if (!span_starts(secret_get(&out), made[i].starts) || out.len != made[i].len)
            fail_msg("%s: %.*s", made[i].scheme, (int)out.len, (const char *)out.bytes);
        assert_int_equal(verify(&out, password), PASSWORD_RIGHT);
        assert_int_equal(verify(&out, "correct"), PASSWORD_WRONG);
    }
    secret_wipe(&out);
}

static void
every_scheme_that_says_it_makes_does_so_at_its_default_cost(void **state)
{
    struct password_scheme_info info;
    struct secret out = { .len = 0 };
    struct error err;
    size_t makes = 0;

    (void)state;
    for (size_t i = 0; password_scheme_get(i, &info); i++) {
        enum error_code code = password_make(info.name, 0, span_of(password), &out, &err);

        assert_int_equal(code, info.makes ? ERROR_NONE : ERROR_CONFIG);
        if (info.makes)
            assert_int_equal(verify(&out, password), PASSWORD_RIGHT);
        makes += info.makes;
    }
    assert_int_equal(makes, COUNT(made));
}

static void
two_of_the_same_password_differ(void **state)
{
    struct secret a = { .len = 0 }, b = { .len = 0 };
    struct error err;

    (void)state;
    for (size_t i = 0; made[i].cheap > 0; i++) {
        password_make(made[i].scheme, made[i].cheap, span_of(password), &a, &err);
        password_make(made[i].scheme, made[i].cheap, span_of(password), &b, &err);
        assert_false(secret_equal(secret_get(&a), secret_get(&b)));
    }
}

static char long_password[SECRET_MAX + 1];

static const struct {
    const char *what, *scheme;
    unsigned long cost;
    span password;
    enum error_code code;
} refused[] = {
    { "no scheme",              "",             0,        SPAN("secret"), ERROR_CONFIG },
    { "unknown scheme",         "SHA513-CRYPT", 0,        SPAN("secret"), ERROR_CONFIG },
    { "only verifies",          "DES-CRYPT",    0,        SPAN("secret"), ERROR_CONFIG },
    { "weak, only verifies",    "MD5-CRYPT",    0,        SPAN("secret"), ERROR_CONFIG },
    { "too few rounds",         "SHA512-CRYPT", 999,      SPAN("secret"), ERROR_CONFIG },
    { "too many rounds",        "sha512-crypt", 5000001,  SPAN("secret"), ERROR_CONFIG },
    { "bcrypt 3",               "BLF-CRYPT",    3,        SPAN("secret"), ERROR_CONFIG },
    { "bcrypt 16",              "BLF-CRYPT",    16,       SPAN("secret"), ERROR_CONFIG },
    { "yescrypt 11",            "YESCRYPT",     11,       SPAN("secret"), ERROR_CONFIG },
    { "a cost where is none",   "PLAIN",        1,        SPAN("secret"), ERROR_CONFIG },
    { "an empty password",      "SHA512-CRYPT", 1000,     SPAN(""),       ERROR_REJECTED },
    { "a NUL",                  "SHA512-CRYPT", 1000,     SPAN("a\0b"),   ERROR_REJECTED },
    { "an empty plain text",    "PLAIN",        0,        SPAN(""),       ERROR_REJECTED },
    { "a plain text of blanks", "PLAIN",        0,        SPAN("  "),     ERROR_REJECTED },
    { "over libcrypt's 511",    "SHA512-CRYPT", 1000,
      { (const unsigned char *)long_password, 512 }, ERROR_REJECTED },
    { "over bcrypt's 72",       "BLF-CRYPT",    4,
      { (const unsigned char *)long_password, 73 }, ERROR_REJECTED },
    { "over a secret's room",   "PLAIN",        0,
      { (const unsigned char *)long_password, SECRET_MAX }, ERROR_REJECTED },
};

static void
what_cannot_be_a_password_or_a_cost_is_refused_and_nothing_is_made(void **state)
{
    struct secret out = { .len = 0 };
    struct error err;

    (void)state;
    memset(long_password, 'a', sizeof(long_password));
    for (size_t i = 0; i < COUNT(refused); i++) {
        secret_set(&out, span_of("from before"));
        if (password_make(refused[i].scheme, refused[i].cost, refused[i].password, &out, &err)
                != refused[i].code || out.len != 0 || err.reason[0] == '\0')
            fail_msg("%s", refused[i].what);
    }
}

static void
the_longest_password_of_each_scheme_is_made_and_verifies(void **state)
{
    static const struct { const char *scheme; unsigned long cost; size_t len; } longest[] = {
        { "SHA512-CRYPT", 1000, 511 }, { "BLF-CRYPT", 4, 72 }, { "YESCRYPT", 1, 511 },
    };
    struct secret out = { .len = 0 };
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(longest); i++) {
        memset(long_password, 'a', sizeof(long_password));
        assert_int_equal(password_make(longest[i].scheme, longest[i].cost,
                                       span_make(long_password, longest[i].len), &out, &err),
                         ERROR_NONE);
        long_password[longest[i].len] = '\0';
        assert_int_equal(verify(&out, long_password), PASSWORD_RIGHT);
        long_password[longest[i].len - 1] = '\0';
        assert_int_equal(verify(&out, long_password), PASSWORD_WRONG);
    }
}

static void
a_mistyped_scheme_is_told_the_nearest(void **state)
{
    struct secret out = { .len = 0 };
    struct error err;

    (void)state;
    password_make("SHA521-CRYPT", 0, span_of(password), &out, &err);
    assert_non_null(strstr(err.reason, "SHA512-CRYPT"));
    password_make("yescrpyt", 0, span_of(password), &out, &err);
    assert_non_null(strstr(err.reason, "YESCRYPT"));
    password_make("DES-CRYPT", 0, span_of(password), &out, &err);
    assert_non_null(strstr(err.reason, "only verifies"));
}

/* By the class column of the formats: a deliberate, salted derivation, or not. Beginnings. */
static void
the_table_says_which_schemes_are_weak(void **state)
{
    static const char *const strong[] = {
        "SHA512-CRYPT", "SHA256-CRYPT", "BLF-CRYPT", "YESCRYPT", "GOST-YESCRYPT", "SCRYPT7",
        "SHA1-CRYPT", "ARGON2", "MADDY-ARGON2", "DJANGO-ARGON2", "NEXTCLOUD", "MADDY-BCRYPT",
        "DJANGO-BCRYPT", "PASSLIB-BCRYPT", "WORDPRESS-BCRYPT", "PHC-", "DJANGO-SCRYPT",
        "WERKZEUG-", "PASSLIB-PBKDF2", "PBKDF2", "LDAP-PBKDF2", "LDAP-389DS", "PASSLIB-ATLASSIAN",
        "DJANGO-PBKDF2", "PASSLIB-GRUB", "PASSLIB-CTA", "PASSLIB-DLITZ", "SCRAM-", "PG-SCRAM",
        "PASSLIB-SCRAM", "DRUPAL7", "POSTFIXADMIN-",
    };
    static const char weak_all_the_same[][32] = { "BLF-CRYPT-2X", "DRUPAL7-UPGRADED-PHPASS" };
    struct password_scheme_info info;
    size_t found = 0;

    (void)state;
    for (size_t i = 0; password_scheme_get(i, &info); i++) {
        bool is_strong = false;

        for (size_t s = 0; s < COUNT(strong); s++)
            is_strong |= strncmp(info.name, strong[s], strlen(strong[s])) == 0;
        for (size_t s = 0; s < COUNT(weak_all_the_same); s++)
            is_strong &= strcmp(info.name, weak_all_the_same[s]) != 0;
        if (info.weak == is_strong)
            fail_msg("%s", info.name);
        assert_string_not_equal(info.forms, "");
        found += is_strong;
    }
    assert_true(found >= COUNT(strong));
}

static void
the_default_scheme_makes_and_is_not_weak(void **state)
{
    struct password_scheme_info info;
    size_t i = 0;

    (void)state;
    while (password_scheme_get(i, &info) && strcmp(info.name, PASSWORD_DEFAULT_SCHEME) != 0)
        i++;
    assert_string_equal(info.name, PASSWORD_DEFAULT_SCHEME);
    assert_true(info.makes && !info.weak && info.default_cost > 5000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_names_its_scheme_and_verifies),
        cmocka_unit_test(every_scheme_that_says_it_makes_does_so_at_its_default_cost),
        cmocka_unit_test(two_of_the_same_password_differ),
        cmocka_unit_test(what_cannot_be_a_password_or_a_cost_is_refused_and_nothing_is_made),
        cmocka_unit_test(the_longest_password_of_each_scheme_is_made_and_verifies),
        cmocka_unit_test(a_mistyped_scheme_is_told_the_nearest),
        cmocka_unit_test(the_table_says_which_schemes_are_weak),
        cmocka_unit_test(the_default_scheme_makes_and_is_not_weak),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
