/* tests/unit/test_password_mutation.c - a value that was cut or changed opens nothing
 *
 * pam_mysql once compared as many characters as were stored: a column too short for its hashes
 * opened every account. So each cut and each changed byte of a good value of each scheme is tried.
 * What is accepted all the same has to be a hash of that password to libcrypt too ("$2y$" that
 * became "$2b$").
 */
#include "password/password.h"

#include <crypt.h>
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The cheapest that each scheme has: thousands of them are hashed. */
static const struct { const char *scheme, *setting; } settings[] = {
    { "SHA512-CRYPT",  "$6$rounds=1000$salt$" },
    { "SHA256-CRYPT",  "$5$rounds=1000$salt$" },
    { "BLF-CRYPT",     "$2y$04$abcdefghijklmnopqrstuu" },
    { "BLF-CRYPT-2X",  "$2x$04$abcdefghijklmnopqrstuu" },
    { "YESCRYPT",      "$y$./.$......$" },
    { "GOST-YESCRYPT", "$gy$./.$......$" },
    { "SCRYPT7",       "$7$2/..../....salt$" },
    { "MD5-CRYPT",     "$1$salt$" },
    { "SUNMD5",        "$md5$salt$" },
    { "SUNMD5",        "$md5,rounds=7$salt$$" },
    { "SHA1-CRYPT",    "$sha1$7$salt$" },
    { "NT-CRYPT",      "$3$$" },
    { "BSDI-CRYPT",    "_/...salt" },
    { "DES-CRYPT",     "ab" },
    { "BIGCRYPT",      "ab............" },
};

static const char password[] = "more than 8";

static void
make_value(const char *setting, char value[CRYPT_OUTPUT_SIZE])
{
    struct crypt_data data = { .initialized = 0 };
    const char *made = crypt_rn(password, setting, &data, (int)sizeof(data));

    if (!made)
        fail_msg("libcrypt does not know %s", setting);
    snprintf(value, CRYPT_OUTPUT_SIZE, "%s", made);
}

static enum password_verdict
verify(const char *value, size_t len)
{
    static struct password_bounds bounds;
    struct stored_password stored = { .value = { (const unsigned char *)value, len },
                                      .scheme = SPAN("CRYPT") };
    struct error err;

    password_bounds_default(&bounds);
    bounds.memory_max = 1 << 20;
    bounds.sha_rounds_max = bounds.sha1_rounds_max = bounds.bsdi_rounds_max = 10000;
    bounds.sunmd5_rounds_max = 99;
    bounds.bcrypt_cost_max = 5;
    return password_verify(&bounds, &stored, span_of(password), &err);
}

static void
the_whole_value_is_accepted_under_its_scheme(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(settings); i++) {
        char value[CRYPT_OUTPUT_SIZE];
        struct stored_password stored = { .scheme = SPAN("CRYPT") };
        struct error err;

        make_value(settings[i].setting, value);
        stored.value = span_of(value);
        assert_string_equal(password_scheme_name(&stored, &err), settings[i].scheme);
        if (verify(value, strlen(value)) != PASSWORD_RIGHT)
            fail_msg("refused: %s", value);
    }
}

/* Whether libcrypt itself says that it is a hash of the password; hex has no case. */
static bool
is_hash_to_libcrypt(const char *value)
{
    struct crypt_data data = { .initialized = 0 };
    char setting[CRYPT_OUTPUT_SIZE];
    const char *made;

    snprintf(setting, sizeof(setting), "%s", value);
    if (strncmp(setting, "$3$", 3) == 0)
        for (char *c = setting; *c; c++)
            *c = (char)tolower((unsigned char)*c);
    made = crypt_rn(password, setting, &data, (int)sizeof(data));
    return made && strcmp(made, setting) == 0;
}

/* Cut to its first 13 characters, bigcrypt is DES of the first 8 bytes. */
static void
a_value_cut_at_either_end_is_never_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(settings); i++) {
        char value[CRYPT_OUTPUT_SIZE];
        size_t len;

        make_value(settings[i].setting, value);
        len = strlen(value);
        for (size_t cut = 1; cut <= len; cut++) {
            bool is_des = strcmp(settings[i].scheme, "BIGCRYPT") == 0 && len - cut == 13;
            enum password_verdict end = verify(value, len - cut);

            if (end != PASSWORD_BAD && end != PASSWORD_LOCKED && !is_des)
                fail_msg("%s without its last %zu: verdict %d", value, cut, (int)end);
            if (verify(value + cut, len - cut) == PASSWORD_RIGHT)
                fail_msg("accepted without its first %zu: %s", cut, value);
        }
    }
}

static void
a_value_with_more_behind_it_is_never_accepted(void **state)
{
    static const char more[] = ". $x\n";

    (void)state;
    for (size_t i = 0; i < COUNT(settings); i++) {
        char value[CRYPT_OUTPUT_SIZE];
        size_t len;

        make_value(settings[i].setting, value);
        len = strlen(value);
        for (size_t m = 0; m < sizeof(more); m++) {         /* the NUL too */
            value[len] = more[m];
            if (verify(value, len + 1) != PASSWORD_BAD)
                fail_msg("not bad with byte %d behind: %s", more[m], settings[i].setting);
        }
    }
}

static void
a_value_with_one_byte_changed_is_never_accepted(void **state)
{
    size_t accepted = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(settings); i++) {
        char value[CRYPT_OUTPUT_SIZE];
        size_t len;

        make_value(settings[i].setting, value);
        len = strlen(value);
        for (size_t at = 0; at < len; at++) {
            const char was = value[at];
            const char other[] = {
                (char)(was ^ 1), (char)(was ^ 0x20), (char)(was ^ 0x80), '.', '$', '\0',
            };

            for (size_t o = 0; o < sizeof(other); o++) {
                value[at] = other[o];
                if (other[o] == was || verify(value, len) != PASSWORD_RIGHT)
                    continue;
                accepted++;
                if (!is_hash_to_libcrypt(value))
                    fail_msg("accepted: %s, byte %zu changed", value, at);
            }
            value[at] = was;
        }
    }
    /* letters of $3$'s hex in the other case, $2y$ as $2x$, and nothing else: the test sees well */
    assert_in_range(accepted, 1, 32);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_value_is_accepted_under_its_scheme),
        cmocka_unit_test(a_value_cut_at_either_end_is_never_accepted),
        cmocka_unit_test(a_value_with_more_behind_it_is_never_accepted),
        cmocka_unit_test(a_value_with_one_byte_changed_is_never_accepted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
