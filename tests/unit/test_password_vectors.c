/* tests/unit/test_password_vectors.c - stored passwords that other software made: vectors.h */
#include "tests/unit/vectors.h"

#define SCHEMES_MAX 256

static const char *const expectations[] = { "ok", "reject", "malformed" };

struct count {
    char scheme[64];
    unsigned rows[COUNT(expectations)], failed;
};

static struct count counts[SCHEMES_MAX];

static struct count *
count_of(const char *scheme)
{
    size_t i = 0;

    while (counts[i].scheme[0] && strcmp(counts[i].scheme, scheme) != 0)
        i++;
    assert_true(i < SCHEMES_MAX - 1);
    snprintf(counts[i].scheme, sizeof(counts[i].scheme), "%s", scheme);
    return &counts[i];
}

static const char *
word_of(enum password_verdict verdict)
{
    return verdict == PASSWORD_RIGHT ? "ok" : verdict == PASSWORD_WRONG ? "reject"
        : verdict == PASSWORD_FAILED ? "failed" : "malformed";
}

/* DBMail's two digests are libgcrypt's: without it their good values are bad ones. */
static bool
is_unsupported(const char *scheme)
{
#ifdef HAVE_GCRYPT
    (void)scheme;
    return false;
#else
    return strcmp(scheme, "RAW-WHIRLPOOL-HEX") == 0 || strcmp(scheme, "RAW-TIGER-HEX") == 0;
#endif
}

/* Listed malformed because of what the value was made from or who refused it, but nothing in it
 * says so: they are whole values of other formats, or of other passwords, and so just wrong. */
static bool
is_whole_after_all(const char *stored)
{
    static const char *const begins[] = {
        "{Digest-md5.b64}ujZCjajCGqcSg",        /* one letter became another of base64's */
        "{SMD5}IGVhwK+anvspmfDt2t0vgGjt",       /* three bytes of salt: passlib wants four */
    };

    for (size_t i = 0; i < COUNT(begins); i++)
        if (strncmp(stored, begins[i], strlen(begins[i])) == 0)
            return true;
    return false;
}

static const char *
expected(const struct vector *row)
{
    if (is_unsupported(row->scheme))
        return "malformed";
    if (strcmp(row->expect, "malformed") == 0)
        return is_whole_after_all(row->stored) ? "reject" : "malformed";
    return row->expect;
}

/* A value that can be told as bad has to be, whoever asks: also with a password that is refused
 * before anything is looked at. */
static enum password_verdict
verify(const struct password_bounds *bounds, const struct stored_password *stored, span password,
       struct error *err)
{
    struct password_facts facts;
    enum password_verdict value = password_inspect(bounds, stored, &facts, err);

    return value == PASSWORD_RIGHT ? password_verify(bounds, stored, password, err) : value;
}

static void
run_row(const struct vector *row)
{
    const struct stored_password stored = vector_stored(row);
    struct count *count = count_of(row->scheme);
    const char *expect = expected(row), *got;
    struct password_bounds bounds;
    struct error err;

    if (!password_scheme_known(stored.scheme))
        fail_msg("no default scheme is called %s", row->scheme);
    password_bounds_default(&bounds);
    bounds.allow_empty = true;
    got = word_of(verify(&bounds, &stored, row->password, &err));
    for (size_t i = 0; i < COUNT(expectations); i++)
        count->rows[i] += strcmp(row->expect, expectations[i]) == 0;
    if (strcmp(expect, got) == 0)
        return;
    count->failed++;
    print_error("line %zu: %s %s (%s): %s, not %s: %s\n", row->line, row->scheme, row->stored,
                row->generator, got, expect, err.reason);
}

/* A line of TAP's comments for each scheme; how many rows were not as expected. */
static unsigned
print_counts(void)
{
    unsigned failed = 0;

    print_message("# %-24s %6s %6s %9s %6s\n", "scheme", "ok", "reject", "malformed", "failed");
    for (const struct count *count = counts; count->scheme[0]; count++) {
        print_message("# %-24s %6u %6u %9u %6u%s\n", count->scheme, count->rows[0],
                      count->rows[1], count->rows[2], count->failed,
                      is_unsupported(count->scheme) ? "  (unsupported: all malformed)" : "");
        failed += count->failed;
    }
    return failed;
}

static void
run_table(const char *table, size_t lines_min)
{
    static struct vector row;
    FILE *file = vectors_open(table, &row);

    memset(counts, 0, sizeof(counts));
    while (vectors_next(file, &row))
        run_row(&row);
    fclose(file);
    assert_int_equal(print_counts(), 0);
    assert_true(row.line > lines_min);
}

static void
what_others_made_verifies_and_what_they_refused_does_not(void **state)
{
    (void)state;
    run_table("passwords-public", 2500);
}

static void
what_hardly_anybody_stores_is_read_as_its_format_says(void **state)
{
    (void)state;
    run_table("uncommon", 350);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_others_made_verifies_and_what_they_refused_does_not),
        cmocka_unit_test(what_hardly_anybody_stores_is_read_as_its_format_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
