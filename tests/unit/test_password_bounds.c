/* tests/unit/test_password_bounds.c - a cost beyond its bound is refused before any hashing
 *
 * Linked with --wrap for what the libraries hash with: whether something was hashed is counted, not timed; and libcrypt's
 * failures can be played. And with --wrap=free: what is given back is looked at first.
 */
#include "password/password.h"

#include <argon2.h>
#include <crypt.h>
#include <errno.h>
#include <malloc.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

char *__real_crypt_rn(const char *phrase, const char *setting, void *data, int size);
char *__wrap_crypt_rn(const char *phrase, const char *setting, void *data, int size);
int __real_argon2_ctx(argon2_context *context, argon2_type type);
int __wrap_argon2_ctx(argon2_context *context, argon2_type type);
int __real_EVP_DigestFinal_ex(EVP_MD_CTX *context, unsigned char *out, unsigned *len);
int __wrap_EVP_DigestFinal_ex(EVP_MD_CTX *context, unsigned char *out, unsigned *len);
int __real_PKCS5_PBKDF2_HMAC(const char *password, int password_len, const unsigned char *salt,
                             int salt_len, int rounds, const EVP_MD *md, int len,
                             unsigned char *out);
int __wrap_PKCS5_PBKDF2_HMAC(const char *password, int password_len, const unsigned char *salt,
                             int salt_len, int rounds, const EVP_MD *md, int len,
                             unsigned char *out);
int __real_EVP_PBE_scrypt(const char *password, size_t password_len, const unsigned char *salt,
                          size_t salt_len, uint64_t n, uint64_t r, uint64_t p, uint64_t most,
                          unsigned char *out, size_t len);
int __wrap_EVP_PBE_scrypt(const char *password, size_t password_len, const unsigned char *salt,
                          size_t salt_len, uint64_t n, uint64_t r, uint64_t p, uint64_t most,
                          unsigned char *out, size_t len);

static size_t hashed;
static int play_errno;          /* 0: ask the real one */

char *
__wrap_crypt_rn(const char *phrase, const char *setting, void *data, int size)
{
    hashed++;
    if (play_errno == 0)
        return __real_crypt_rn(phrase, setting, data, size);
    errno = play_errno;
    return NULL;
}

int
__wrap_argon2_ctx(argon2_context *context, argon2_type type)
{
    hashed++;
    return __real_argon2_ctx(context, type);
}

int
__wrap_EVP_DigestFinal_ex(EVP_MD_CTX *context, unsigned char *out, unsigned *len)
{
    hashed++;
    return __real_EVP_DigestFinal_ex(context, out, len);
}

int
__wrap_PKCS5_PBKDF2_HMAC(const char *password, int password_len, const unsigned char *salt,
                         int salt_len, int rounds, const EVP_MD *md, int len, unsigned char *out)
{
    hashed++;
    return __real_PKCS5_PBKDF2_HMAC(password, password_len, salt, salt_len, rounds, md, len, out);
}

int
__wrap_EVP_PBE_scrypt(const char *password, size_t password_len, const unsigned char *salt,
                      size_t salt_len, uint64_t n, uint64_t r, uint64_t p, uint64_t most,
                      unsigned char *out, size_t len)
{
    hashed++;
    return __real_EVP_PBE_scrypt(password, password_len, salt, salt_len, n, r, p, most, out, len);
}

void __real_free(void *block);
void __wrap_free(void *block);

static size_t freed_work_spaces, freed_with_password;

void
__wrap_free(void *block)
{
    if (block && malloc_usable_size(block) >= sizeof(struct crypt_data)) {
        freed_work_spaces++;
        freed_with_password += memmem(block, sizeof(struct crypt_data), "secret", 6) != NULL;
    }
    __real_free(block);
}

static enum password_verdict
verify(const struct password_bounds *bounds, const char *value, const char *password,
       struct error *err)
{
    struct stored_password stored = { .value = span_of(value), .scheme = SPAN("CRYPT") };

    return password_verify(bounds, &stored, span_of(password), err);
}

#define H22 "0123456789012345678901"
#define H28 "0123456789012345678901234567"
#define H43 "0123456789012345678901234567890123456789012"
#define H86 H43 H43
#define B20 "AAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define B32 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define N32 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define HBF "abcdefghijklmnopqrstuu0123456789012345678901234567890"      /* 22 + 31 */

/* Reliability row A07, and rows of the vector table. */
static const struct { const char *what, *value, *key; } bombs[] = {
    { "sha512 999999999 rounds", "$6$rounds=999999999$salt$" H86,     "sha_rounds" },
    { "sha512 5000001 rounds",   "$6$rounds=5000001$salt$" H86,       "sha_rounds" },
    { "sha256 999999999 rounds", "{CRYPT}$5$rounds=999999999$salt$" H43, "sha_rounds" },
    { "bcrypt 31",               "$2y$31$" HBF,                       "bcrypt_cost" },
    { "bcrypt 16",               "$2b$16$" HBF,                       "bcrypt_cost" },
    { "sha1 4294967295",         "$sha1$4294967295$salt$" H28,         "sha1_rounds" },
    { "sunmd5 4294963199",       "$md5,rounds=4294963199$salt$$" H22, "sunmd5_rounds" },
    { "bsdi 2^24-1",             "_zzzz0123456789ABCDE",              "bsdi_rounds" },
    { "yescrypt 1 GiB",          "$y$jFT$saltsalt$" H43,              "scrypt_memory" },
    { "yescrypt r huge",         "$y$j9zzzzzz$saltsalt$" H43,         NULL },
    { "yescrypt 562 passes",      "$y$j9T/s..$saltsalt$" H43,         "scrypt_memory" },
    { "gost-yescrypt 16 GiB",    "$gy$jJT$saltsalt$" H43,             "scrypt_memory" },
    { "scrypt N = 2^63",         "$7$z6..../....salt$" H43,           "scrypt_memory" },
    { "scrypt r = 2^30-1",       "$7$Czzzzz/....salt$" H43,           "scrypt_memory" },
    { "scrypt p = 2^30-1",       "$7$C6....zzzzzsalt$" H43,           "scrypt_memory" },
    { "argon2 4 TiB", "$argon2id$v=19$m=4294967295,t=3,p=1$c29tZXNhbHQ$" N32, "max_memory" },
    { "argon2 1 GiB and one", "$argon2id$v=19$m=1048577,t=1,p=1$c29tZXNhbHQ$" N32, "max_memory" },
    { "argon2 1 GiB, 5 passes", "$argon2id$v=19$m=1048576,t=5,p=1$c29tZXNhbHQ$" N32,
      "max_cost_ms" },
    { "argon2 passes", "$argon2i$v=19$m=64,t=4294967295,p=1$c29tZXNhbHQ$" N32, "argon2_passes" },
    { "argon2 lanes", "$argon2d$v=19$m=4096,t=1,p=65$c29tZXNhbHQ$" N32, "argon2_lanes" },
    { "Django's argon2", "argon2$argon2i$m=4294967295,t=3,p=1$c29tZXNhbHQ$" N32, "max_memory" },
    { "pbkdf2", "pbkdf2_sha256$2147483647$salt$" B32, "pbkdf2_rounds" },
    { "pbkdf2 of 64 bits", "pbkdf2_sha256$18446744073709551615$salt$" B32, "pbkdf2_rounds" },
    { "389-DS", "{PBKDF2}4294967295$AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAA", "pbkdf2_rounds" },
    { "scram", "{SCRAM-SHA-1}2147483647,AAAA," B20 "," B20, "pbkdf2_rounds" },
    { "PostgreSQL's scram", "SCRAM-SHA-256$2147483647:AAAA$" B32 ":" B32, "pbkdf2_rounds" },
    { "passlib's scram", "$scram$4294967295$AAAA$sha-1=AAAAAAAAAAAAAAAAAAAAAAAAAAA",
      "pbkdf2_rounds" },
    { "PHC scrypt", "$scrypt$ln=63,r=8,p=1$AAAA$" N32, "scrypt_memory" },
    { "PHC scrypt's r", "$scrypt$ln=14,r=1073741823,p=1$AAAA$" N32, "scrypt_memory" },
    { "phpass", "$P$Rsaltsalt" H22, "phpass_log2" },
    { "drupal", "$S$Ssaltsalt" H43, "drupal7_log2" },
    { "fshp", "{FSHP0|0|4294967295}" B20, "fshp_rounds" },
    { "otp", "{OTP}md5 2147483647 seed 0123456789abcdef", "otp_rounds" },
};

static void
a_bomb_is_refused_at_once_and_nothing_is_hashed(void **state)
{
    struct password_bounds bounds;
    struct error err;
    clock_t start = clock();

    (void)state;
    password_bounds_default(&bounds);
    hashed = 0;
    for (size_t i = 0; i < COUNT(bombs); i++) {
        if (verify(&bounds, bombs[i].value, "secret", &err) != PASSWORD_BAD || hashed)
            fail_msg("not refused: %s", bombs[i].what);
        if (bombs[i].key && !strstr(err.reason, bombs[i].key))
            fail_msg("%s: \"%s\" does not name %s", bombs[i].what, err.reason, bombs[i].key);
    }
    /* 5 ms each is promised; all together take some microseconds. */
    assert_true(clock() - start < (clock_t)(CLOCKS_PER_SEC / 200 * COUNT(bombs)));
}

static const struct { const char *what, *value; } malformed[] = {
    { "$1$ salt of nine",          "$1$123456789$" H22 },
    { "$1$ hash of 21",            "$1$salt$012345678901234567890" },
    { "$1$ hash of 23",            "$1$salt$" H22 "2" },
    { "$1$ more behind",           "$1$salt$" H22 "$" },
    { "$1$ no h64",                "$1$salt$012345678901234567890-" },
    { "$1$ colon in the salt",     "$1$sa:t$" H22 },
    { "$1$ blank in the salt",     "$1$sa t$" H22 },
    { "$1$ no ASCII",              "$1$sa\303\274$" H22 },
    { "bcrypt cost 3",             "$2y$03$" HBF },
    { "bcrypt cost 0",             "$2y$00$" HBF },
    { "bcrypt cost 32",            "$2y$32$" HBF },
    { "bcrypt cost of a digit",    "$2y$5$" HBF },
    { "bcrypt cost of three",      "$2y$005$" HBF },
    { "bcrypt cost no number",     "$2y$1x$" HBF },
    { "bcrypt cost signed",        "$2y$+5$" HBF },
    { "bcrypt short",              "$2y$05$abcdefghijklmnopqrstuu012345678901234567890123456789" },
    { "bcrypt long",               "$2y$05$" HBF "1" },
    { "bcrypt salt's spare bits",  "$2y$05$abcdefghijklmnopqrstuv0123456789012345678901234567890" },
    { "$3$ with a salt",           "$3$salt$878d8014606cda29677a44efa1353fc7" },
    { "$3$ no hex",                "$3$$878d8014606cda29677a44efa1353fcz" },
    { "$3$ short",                 "$3$$878d8014606cda29677a44efa1353fc" },
    { "$5$ salt of 17",            "$5$12345678901234567$" H43 },
    { "$5$ short",                 "$5$salt$012345678901234567890123456789012345678901" },
    { "$6$ hash of $5$",           "$6$salt$" H43 },
    { "rounds 0",                  "$6$rounds=0$salt$" H86 },
    { "rounds 999",                "$6$rounds=999$salt$" H86 },
    { "rounds empty",              "$6$rounds=$salt$" H86 },
    { "rounds with a zero ahead",  "$6$rounds=05000$salt$" H86 },
    { "rounds signed",             "$6$rounds=+5000$salt$" H86 },
    { "rounds negative",           "$6$rounds=-1$salt$" H86 },
    { "rounds and a blank",        "$6$rounds= 5000$salt$" H86 },
    { "rounds in hex",             "$6$rounds=0x1388$salt$" H86 },
    { "rounds no number",          "$6$rounds=many$salt$" H86 },
    { "rounds past 64 bits",       "$6$rounds=18446744073709552616$salt$" H86 },
    { "rounds twice",              "$6$rounds=1000$rounds=1000$salt$" H86 },
    { "$7$ r = 0",                 "$7$C...../....salt$" H43 },
    { "$7$ p = 0",                 "$7$C6.........salt$" H43 },
    { "$7$ N = 1",                 "$7$.6..../....salt$" H43 },
    { "$7$ cut in r",              "$7$C6.." },
    { "$y$ without parameters",    "$y$$saltsalt$" H43 },
    { "$y$ no h64 parameter",      "$y$!9T$saltsalt$" H43 },
    { "$y$ parameters cut",        "$y$j9$saltsalt$" H43 },
    { "$y$ unknown flags",         "$y$j9T1...$saltsalt$" H43 },
    { "$y$ more parameters",       "$y$j9T....$saltsalt$" H43 },
    { "$md5 N = 0",                "$md5,rounds=0$salt$" H22 },
    { "$md5 N with a zero ahead",  "$md5,rounds=07$salt$" H22 },
    { "$md5 other word",           "$md5,round=7$salt$" H22 },
    { "$md5 three dollars",        "$md5$salt$$$" H22 },
    { "$sha1$ N = 0",              "$sha1$0$salt$" H28 },
    { "$sha1$ no N",               "$sha1$$salt$" H28 },
    { "$sha1$ no salt",            "$sha1$7$$" H28 },
    { "_ count 0",                 "_....0123456789ABCDE" },
    { "a very long salt",          "$7$86..../....abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
                                   "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmn"
                                   "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmn"
                                   "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmn"
                                   "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmn"
                                   "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqr$" H43 },
};

static void
a_malformed_value_is_bad_and_nothing_is_hashed(void **state)
{
    struct password_bounds bounds;
    struct error err;

    (void)state;
    password_bounds_default(&bounds);
    hashed = 0;
    for (size_t i = 0; i < COUNT(malformed); i++)
        if (verify(&bounds, malformed[i].value, "secret", &err) != PASSWORD_BAD || hashed)
            fail_msg("not refused: %s", malformed[i].what);
}

/* Each value costs exactly what the bound is set to; one less refuses it. */
static void
each_bound_holds_to_the_last_unit(void **state)
{
    struct password_bounds bounds = {
        .length_max = 64, .stored_max = 200, .bcrypt_cost_max = 4, .sha_rounds_max = 1000,
        .sha1_rounds_max = 7, .sunmd5_rounds_max = 7, .bsdi_rounds_max = 65,
        .memory_max = UINT64_MAX, .scrypt_memory_max = 1 << 20, .cost_ms_max = UINT64_MAX,
    };
    const struct { const char *value; void *bound; bool wide; } at_bound[] = {
        { "$2y$04$" HBF,                                       &bounds.bcrypt_cost_max, false },
        { "$6$rounds=1000$salt$" H86,                          &bounds.sha_rounds_max, true },
        { "$5$rounds=1000$salt$" H43,                          &bounds.sha_rounds_max, true },
        { "$sha1$7$salt$" H28,         &bounds.sha1_rounds_max, true },
        { "$md5,rounds=7$salt$" H22,                           &bounds.sunmd5_rounds_max, true },
        { "_//..0123456789ABCDE",                              &bounds.bsdi_rounds_max, true },
        { "$y$j75$saltsalt$" H43,                              &bounds.scrypt_memory_max, true },
        { "$gy$j75$saltsalt$" H43,                             &bounds.scrypt_memory_max, true },
        { "$7$86..../....salt$" H43,                           &bounds.scrypt_memory_max, true },
    };
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(at_bound); i++) {
        hashed = 0;
        if (verify(&bounds, at_bound[i].value, "secret", &err) != PASSWORD_WRONG || hashed != 1)
            fail_msg("refused at its bound: %s: %s", at_bound[i].value, err.reason);
        if (at_bound[i].wide)
            --*(uint64_t *)at_bound[i].bound;
        else
            --*(unsigned *)at_bound[i].bound;
        hashed = 0;
        if (verify(&bounds, at_bound[i].value, "secret", &err) != PASSWORD_BAD || hashed != 0)
            fail_msg("hashed beyond its bound: %s", at_bound[i].value);
        if (at_bound[i].wide)
            ++*(uint64_t *)at_bound[i].bound;
        else
            ++*(unsigned *)at_bound[i].bound;
    }
}

static void
a_password_beyond_length_max_is_wrong_and_nothing_is_hashed(void **state)
{
    struct password_bounds bounds;
    struct error err;

    (void)state;
    password_bounds_default(&bounds);
    bounds.length_max = 5;
    hashed = 0;
    assert_int_equal(verify(&bounds, "$1$salt$" H22, "secret", &err), PASSWORD_WRONG);
    assert_int_equal(verify(&bounds, "{PLAIN}secret", "secret", &err), PASSWORD_WRONG);
    assert_int_equal(hashed, 0);
    assert_int_equal(verify(&bounds, "{PLAIN}secre", "secre", &err), PASSWORD_RIGHT);
}

static void
a_stored_value_beyond_stored_max_is_bad(void **state)
{
    struct password_bounds bounds;
    struct error err;

    (void)state;
    password_bounds_default(&bounds);
    bounds.stored_max = sizeof("{PLAIN}secret") - 1;
    assert_int_equal(verify(&bounds, "{PLAIN}secret", "secret", &err), PASSWORD_RIGHT);
    assert_int_equal(verify(&bounds, "{PLAIN}secrets", "secrets", &err), PASSWORD_BAD);
    assert_non_null(strstr(err.reason, "max_stored"));
}

/* libcrypt takes 511 bytes. A longer one may well be what was hashed, by others: wrong, not bad. */
static void
a_password_longer_than_libcrypt_takes_is_wrong_and_not_cut(void **state)
{
    struct password_bounds bounds;
    char password[1025], value[CRYPT_OUTPUT_SIZE];
    struct crypt_data data = { .initialized = 0 };
    struct error err;

    (void)state;
    password_bounds_default(&bounds);
    memset(password, 'a', sizeof(password));
    password[511] = '\0';
    snprintf(value, sizeof(value), "%s", crypt_r(password, "$1$salt$", &data));
    assert_int_equal(verify(&bounds, value, password, &err), PASSWORD_RIGHT);
    password[511] = 'a';
    hashed = 0;
    for (size_t len = 512; len < sizeof(password); len += 256) {
        password[len] = '\0';
        assert_int_equal(verify(&bounds, value, password, &err), PASSWORD_WRONG);
        password[len] = 'a';
    }
    assert_int_equal(hashed, 0);
}

/* What the formats themselves do not hear; no other difference is forgiven. */
static void
only_the_bytes_that_a_format_hears_count(void **state)
{
    static const struct { const char *setting; size_t heard; } formats[] = {
        { "ab", 8 }, { "$2y$04$abcdefghijklmnopqrstuu", 72 },
    };
    struct crypt_data data = { .initialized = 0 };
    struct password_bounds bounds;
    char password[101] = "", value[CRYPT_OUTPUT_SIZE];
    struct error err;

    (void)state;
    password_bounds_default(&bounds);
    for (size_t i = 0; i < COUNT(formats); i++) {
        memset(password, 'a', sizeof(password) - 1);
        snprintf(value, sizeof(value), "%s", crypt_r(password, formats[i].setting, &data));
        password[formats[i].heard] = 'b';
        assert_int_equal(verify(&bounds, value, password, &err), PASSWORD_RIGHT);
        password[formats[i].heard - 1] = 'b';
        assert_int_equal(verify(&bounds, value, password, &err), PASSWORD_WRONG);
    }
}

static void
libcrypt_failing_is_not_a_wrong_password(void **state)
{
    static const struct { int error; enum password_verdict verdict; enum error_code code; } table[] = {
        { ENOMEM, PASSWORD_FAILED, ERROR_UNAVAILABLE },
        { EAGAIN, PASSWORD_FAILED, ERROR_UNAVAILABLE },
        { EINVAL, PASSWORD_BAD,    ERROR_CONFIG },
    };
    struct password_bounds bounds;
    struct error err;

    (void)state;
    password_bounds_default(&bounds);
    for (size_t i = 0; i < COUNT(table); i++) {
        play_errno = table[i].error;
        assert_int_equal(verify(&bounds, "$1$salt$" H22, "secret", &err), table[i].verdict);
        assert_int_equal(err.code, table[i].code);
        assert_non_null(strstr(err.reason, "MD5-CRYPT"));
    }
    play_errno = 0;
}

/* Reliability row X03. */
static void
no_password_is_left_in_memory_that_is_given_back(void **state)
{
    struct password_bounds bounds;
    struct secret made = { .len = 0 };
    struct error err;

    (void)state;
    password_bounds_default(&bounds);
    freed_work_spaces = freed_with_password = 0;
    assert_int_equal(verify(&bounds, "$1$salt$" H22, "secret", &err), PASSWORD_WRONG);
    play_errno = ENOMEM;
    assert_int_equal(verify(&bounds, "$1$salt$" H22, "secret", &err), PASSWORD_FAILED);
    play_errno = 0;
    assert_int_equal(password_make("BLF-CRYPT", 4, span_of("secret"), &made, &err), ERROR_NONE);
    assert_int_equal(freed_work_spaces, 3);
    assert_int_equal(freed_with_password, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bomb_is_refused_at_once_and_nothing_is_hashed),
        cmocka_unit_test(a_malformed_value_is_bad_and_nothing_is_hashed),
        cmocka_unit_test(each_bound_holds_to_the_last_unit),
        cmocka_unit_test(a_password_beyond_length_max_is_wrong_and_nothing_is_hashed),
        cmocka_unit_test(a_stored_value_beyond_stored_max_is_bad),
        cmocka_unit_test(a_password_longer_than_libcrypt_takes_is_wrong_and_not_cut),
        cmocka_unit_test(only_the_bytes_that_a_format_hears_count),
        cmocka_unit_test(libcrypt_failing_is_not_a_wrong_password),
        cmocka_unit_test(no_password_is_left_in_memory_that_is_given_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
