/* tests/unit/test_password_lengths.c - no byte of a password is dropped that its scheme hears
 *
 * tests/vectors/password-lengths.tsv has a row for each scheme and each length around a block of what
 * it is made of: scheme, length, stored password, ok or reject. The password is the beginning of one
 * text. Every value was computed by somebody else: Python's hashlib, passlib's own code (not its
 * calls of crypt(3)), pyca's bcrypt, argon2-cffi, PHP's hash(), doveadm; yescrypt, which nobody
 * else has, by libcrypt. The rejected ones are those that libcrypt, at 511 bytes, cannot tell any more.
 */
#include "password/password.h"
#include "tests/unit/cpu_time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_MAX 65536
#define LENGTH_MAX 1024         /* of password_bounds_default() */
#define LIBCRYPT_MAX 511

struct row { char line[4096], *scheme, *stored, *expect; size_t length; };

/* Any byte differs from the one before and the one a block before. */
static void
fill_text(unsigned char text[static TEXT_MAX])
{
    for (size_t i = 0; i < TEXT_MAX; i++)
        text[i] = (unsigned char)(33 + (i * 7 + i / 94) % 94);
}

static FILE *
open_rows(struct row *row)
{
    const char *source = getenv("CLAVIGER_SOURCE");
    char path[4096];
    FILE *file;

    snprintf(path, sizeof(path), "%s/tests/vectors/password-lengths.tsv", source ? source : ".");
    file = fopen(path, "r");
    if (!file || !fgets(row->line, sizeof(row->line), file))    /* the header */
        fail_msg("cannot read %s", path);
    return file;
}

static bool
next_row(FILE *file, struct row *row)
{
    char *rest = row->line;

    if (!fgets(row->line, sizeof(row->line), file))
        return false;
    rest[strcspn(rest, "\n")] = '\0';
    row->scheme = strsep(&rest, "\t");
    row->length = strtoul(strsep(&rest, "\t"), NULL, 10);
    row->stored = strsep(&rest, "\t");
    row->expect = strsep(&rest, "\t");
    return true;
}

static struct stored_password
stored_of(const struct row *row)
{
    return (struct stored_password){ .value = span_of(row->stored), .scheme = span_of(row->scheme),
                                     .login = SPAN("ada@example.org") };
}

static bool
is_supported(const struct row *row)
{
#ifdef HAVE_GCRYPT
    (void)row;
    return true;
#else
    return strcmp(row->scheme, "RAW-WHIRLPOOL-HEX") != 0 && strcmp(row->scheme, "RAW-TIGER-HEX") != 0;
#endif
}

static void
expect_verdict(const struct row *row, const char *what, span password, enum password_verdict wanted)
{
    const struct stored_password stored = stored_of(row);
    struct password_bounds bounds;
    enum password_verdict verdict;
    struct error err;

    password_bounds_default(&bounds);
    verdict = password_verify(&bounds, &stored, password, &err);
    if (verdict != wanted)
        fail_msg("%s of %zu bytes, %s: verdict %d, not %d: %s", row->scheme, row->length, what,
                 (int)verdict, (int)wanted, row->stored);
}

/* How many bytes count; SIZE_MAX: all. */
static size_t
heard_by(const struct row *row)
{
    const struct stored_password stored = stored_of(row);
    struct password_bounds bounds;
    struct password_facts facts;
    struct error err;

    password_bounds_default(&bounds);
    assert_int_equal(password_inspect(&bounds, &stored, &facts, &err), PASSWORD_RIGHT);
    assert_string_equal(facts.scheme, row->scheme);
    return facts.hears > 0 ? facts.hears : SIZE_MAX;
}

/* The password is right; it is wrong with a byte more, less or changed, but beyond what is heard. */
static void
try_around(const struct row *row, unsigned char *text)
{
    const size_t len = row->length, heard = heard_by(row);
    const enum password_verdict past = len > heard ? PASSWORD_RIGHT : PASSWORD_WRONG;

    expect_verdict(row, "as it is", span_make(text, len), PASSWORD_RIGHT);
    if (len > 1)
        expect_verdict(row, "a byte less", span_make(text, len - 1), past);
    if (heard == SIZE_MAX || (len != LIBCRYPT_MAX && len != LENGTH_MAX))
        expect_verdict(row, "a byte more", span_make(text, len + 1),
                       len >= heard ? PASSWORD_RIGHT : PASSWORD_WRONG);
    text[len - 1] ^= 1;
    expect_verdict(row, "its last byte changed", span_make(text, len), past);
    text[len - 1] ^= 1;
    text[0] ^= 1;
    expect_verdict(row, "its first byte changed", span_make(text, len), PASSWORD_WRONG);
    text[0] ^= 1;
}

static void
every_byte_counts_that_the_scheme_hears(void **state)
{
    static unsigned char text[TEXT_MAX];
    static struct row row;
    FILE *file = open_rows(&row);
    size_t rows = 0;

    (void)state;
    fill_text(text);
    for (; next_row(file, &row); rows++) {
        if (!is_supported(&row))
            continue;
        if (strcmp(row.expect, "ok") == 0)
            try_around(&row, text);
        else
            expect_verdict(&row, "too long for libcrypt", span_make(text, row.length),
                           PASSWORD_WRONG);
    }
    fclose(file);
    assert_true(rows > 1500);
}

/* --- reliability row A06: a password too long costs nothing, however dear the scheme --- */

#define H43 "0123456789012345678901234567890123456789012"
#define H53 "abcdefghijklmnopqrstuu0123456789012345678901234567890"
#define B32 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* Each takes longer than a hundred times what is allowed here. */
static const char *const dear[] = {
    "$2y$12$" H53, "$6$rounds=500000$salt$" H43 H43, "$5$rounds=500000$salt$" H43, "$y$jBT$saltsalt$" H43,
    "$argon2id$v=19$m=262144,t=3,p=1$c29tZXNhbHQ$" B32, "pbkdf2_sha256$1000000$salt$" B32 "=",
    "$scrypt$ln=17,r=8,p=1$c29tZXNhbHQ$" B32, "$sha1$500000$salt$0123456789012345678901234567",
    "bcrypt$$2b$12$" H53,
    "$bcrypt-sha256$v=2,t=2b,r=12$abcdefghijklmnopqrstuu$0123456789012345678901234567890",
    "$P$Jsaltsalt0123456789012345678901",
};

/* The least of several: whatever else runs only adds. */
static uint64_t
least_ns(const struct stored_password *stored, span password)
{
    struct password_bounds bounds;
    uint64_t least = UINT64_MAX;
    struct error err;

    password_bounds_default(&bounds);
    for (int i = 0; i < 5; i++) {
        const uint64_t start = cpu_time_ns();
        enum password_verdict verdict = password_verify(&bounds, stored, password, &err);
        const uint64_t took = cpu_time_ns() - start;

        assert_int_not_equal(verdict, PASSWORD_RIGHT);
        if (took < least)
            least = took;
    }
    return least;
}

static void
a_password_beyond_the_limit_takes_less_than_a_millisecond(void **state)
{
    static const size_t lengths[] = { 1025, 1026, 4096, TEXT_MAX };
    static unsigned char text[TEXT_MAX];
    uint64_t most = 0;

    (void)state;
    fill_text(text);
    for (size_t i = 0; i < COUNT(dear); i++)
        for (size_t l = 0; l < COUNT(lengths); l++) {
            const struct stored_password stored = { .value = span_of(dear[i]) };
            const uint64_t ns = least_ns(&stored, span_make(text, lengths[l]));

            most = ns > most ? ns : most;
            if (ns > 1000000)
                fail_msg("%zu bytes: %llu ns: %s", lengths[l], (unsigned long long)ns, dear[i]);
        }
    print_message("# the slowest took %llu ns\n", (unsigned long long)most);
}

/* The test above would pass if these were no stored passwords at all. */
static void
what_is_dear_here_is_dear(void **state)
{
    struct password_bounds bounds;
    struct password_facts facts;
    struct error err;

    (void)state;
    password_bounds_default(&bounds);
    for (size_t i = 0; i < COUNT(dear); i++) {
        const struct stored_password stored = { .value = span_of(dear[i]) };

        if (password_inspect(&bounds, &stored, &facts, &err) != PASSWORD_RIGHT)
            fail_msg("%s: %s", dear[i], err.reason);
        if (facts.cost.ns < 100 * UINT64_C(1000000))
            fail_msg("%s: only %llu ns", dear[i], (unsigned long long)facts.cost.ns);
    }
}

/* And every scheme, at lengths within the limit of the configuration and beyond libcrypt's. */
static void
every_scheme_refuses_64_KiB_at_once(void **state)
{
    static unsigned char text[TEXT_MAX];
    static struct row row;
    FILE *file = open_rows(&row);

    (void)state;
    fill_text(text);
    while (next_row(file, &row)) {
        const struct stored_password stored = stored_of(&row);
        uint64_t ns;

        if (row.length != 1)
            continue;
        ns = least_ns(&stored, span_make(text, TEXT_MAX));
        if (ns > 1000000)
            fail_msg("%s: %llu ns", row.scheme, (unsigned long long)ns);
    }
    fclose(file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_counts_that_the_scheme_hears),
        cmocka_unit_test(what_is_dear_here_is_dear),
        cmocka_unit_test(a_password_beyond_the_limit_takes_less_than_a_millisecond),
        cmocka_unit_test(every_scheme_refuses_64_KiB_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
