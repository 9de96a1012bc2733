/* tests/unit/test_password_vectors.c - stored passwords that other software made
 *
 * tests/vectors/crypt.tsv: scheme, generator (who made it and who confirmed it; the shape), user,
 * password (percent-encoded bytes), stored, expect (ok, reject, malformed). Each ok row was
 * confirmed by an implementation other than its maker.
 */
#include "password/password.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COLUMN_SCHEME, COLUMN_GENERATOR, COLUMN_USER, COLUMN_PASSWORD, COLUMN_STORED,
       COLUMN_EXPECT, COLUMNS };

#define LINE_MAX_BYTES 20000

/* What a source of such values would have as default_scheme; the first that begins so. */
static const struct { const char *token, *default_scheme; } defaults[] = {
    { "CRYPT-", "CRYPT" },
    { "LDAP-CRYPT", "CRYPT" },
    { "COURIER-CRYPT", "CRYPT" },
    { "EXIM-CRYPT", "CRYPT" },
    { "LDAP-CLEARTEXT", "CLEARTEXT" },
    { "POSTFIXADMIN-", "SHA512-CRYPT.B64" },
    { "RAW-PLAIN", "PLAIN" },
    { "DOVECOT-", NULL },               /* what follows */
};

static const char *
default_scheme_of(const char *token)
{
    for (size_t i = 0; i < COUNT(defaults); i++) {
        size_t len = strlen(defaults[i].token);

        if (strncmp(token, defaults[i].token, len) == 0)
            return defaults[i].default_scheme ? defaults[i].default_scheme : token + len;
    }
    fail_msg("no default scheme for %s", token);
    return NULL;
}

/* In place; the length of the result. */
static size_t
percent_decode(char *text)
{
    char *out = text;

    for (const char *in = text; *in; in++, out++) {
        unsigned byte;

        if (*in != '%') {
            *out = *in;
            continue;
        }
        assert_int_equal(sscanf(in + 1, "%2x", &byte), 1);
        *out = (char)byte;
        in += 2;
    }
    return (size_t)(out - text);
}

/* Splits at tabs, in place. */
static void
split(char *line, char *columns[COLUMNS])
{
    line[strcspn(line, "\n")] = '\0';
    for (size_t i = 0; i < COLUMNS; i++) {
        columns[i] = strsep(&line, "\t");
        assert_non_null(columns[i]);
    }
    assert_null(line);
}

/* Whether the presented password alone decides, whatever is stored. */
static bool
is_never_right(span password, const struct password_bounds *bounds)
{
    return password.len == 0 || span_has(password, '\0') || password.len > bounds->length_max;
}

/* One row passlib calls malformed is a $2x$ value to everybody else: good, and the password wrong. */
static bool
is_good_but_listed_malformed(const char *stored)
{
    return strncmp(stored, "$2x$12$", 7) == 0;
}

static bool
is_expected(const char *expect, enum password_verdict verdict, bool never_right, const char *stored)
{
    if (never_right)
        return verdict == PASSWORD_WRONG;
    if (strcmp(expect, "ok") == 0)
        return verdict == PASSWORD_RIGHT;
    if (strcmp(expect, "reject") == 0 || is_good_but_listed_malformed(stored))
        return verdict == PASSWORD_WRONG;
    return verdict == PASSWORD_BAD || verdict == PASSWORD_LOCKED;
}

static bool
is_no_value(const struct password_bounds *bounds, const struct stored_password *stored)
{
    span password = span_of("secret");
    enum password_verdict verdict;
    struct error err;

    verdict = password_verify(bounds, stored, password, &err);
    return verdict == PASSWORD_BAD || verdict == PASSWORD_LOCKED;
}

/* False: not as expected. */
static bool
run_row(char *line, size_t number)
{
    struct password_bounds bounds;
    struct stored_password stored = { .is_null = false };
    char *columns[COLUMNS];
    enum password_verdict verdict;
    struct error err;
    span password;

    password_bounds_default(&bounds);
    split(line, columns);
    password = span_make(columns[COLUMN_PASSWORD], percent_decode(columns[COLUMN_PASSWORD]));
    stored.value = span_of(columns[COLUMN_STORED]);
    stored.scheme = span_of(default_scheme_of(columns[COLUMN_SCHEME]));
    verdict = password_verify(&bounds, &stored, password, &err);
    if (is_expected(columns[COLUMN_EXPECT], verdict, is_never_right(password, &bounds),
                    columns[COLUMN_STORED])
        && (strcmp(columns[COLUMN_EXPECT], "malformed") != 0
            || is_good_but_listed_malformed(columns[COLUMN_STORED])
            || is_no_value(&bounds, &stored)))
        return true;
    print_error("line %zu: %s (%s): verdict %d, not %s: %s\n", number, columns[COLUMN_STORED],
                columns[COLUMN_GENERATOR], (int)verdict, columns[COLUMN_EXPECT], err.reason);
    return false;
}

static FILE *
open_vectors(void)
{
    const char *source = getenv("CLAVIGER_SOURCE");
    char path[4096];
    FILE *file;

    snprintf(path, sizeof(path), "%s/tests/vectors/crypt.tsv", source ? source : ".");
    file = fopen(path, "r");
    if (!file)
        fail_msg("cannot open %s", path);
    return file;
}

static void
what_others_made_verifies_and_what_they_refused_does_not(void **state)
{
    char line[LINE_MAX_BYTES];
    FILE *file = open_vectors();
    size_t number = 1, failed = 0;

    (void)state;
    assert_non_null(fgets(line, sizeof(line), file));   /* the header */
    while (fgets(line, sizeof(line), file))
        failed += !run_row(line, ++number);
    fclose(file);
    assert_int_equal(failed, 0);
    assert_true(number > 800);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_others_made_verifies_and_what_they_refused_does_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
