/* tests/unit/test_password_spoilt.c - a good value that was spoilt is bad, not merely wrong
 *
 * "Wrong password" would send the user to find the fault. So each good value of both tables is spoilt
 * in each way that its column, an import or an editor can, and must be told as a bad stored
 * password, or as none. Nothing is hashed.
 */
#include "tests/unit/vectors.h"

#include <ctype.h>

#define VALUE_MAX 4096

/* The spoilt value, or false where there is nothing to spoil in that way. */
typedef bool spoil_fn(const char *value, const char *with, char out[static VALUE_MAX]);

static bool
put_behind(const char *value, const char *with, char out[static VALUE_MAX])
{
    return snprintf(out, VALUE_MAX, "%s%s", value, with) < VALUE_MAX;
}

static bool
put_in_front(const char *value, const char *with, char out[static VALUE_MAX])
{
    return snprintf(out, VALUE_MAX, "%s%s", with, value) < VALUE_MAX;
}

/* As many characters as `with` says, off the end; padding alone is not always needed. */
static bool
cut(const char *value, const char *with, char out[static VALUE_MAX])
{
    const size_t len = strlen(value), off = strtoul(with, NULL, 10);

    snprintf(out, VALUE_MAX, "%.*s", (int)(len > off ? len - off : 0), value);
    return len > off && strspn(value + len - off, "=") < off;
}

static bool
name_otherwise(const char *value, const char *with, char out[static VALUE_MAX])
{
    const char *end = strchr(value, '}');

    if (value[0] != '{' || !end)
        return false;
    snprintf(out, VALUE_MAX, "%s%s", with, end + 1);
    return true;
}

static bool
name_unclosed(const char *value, const char *with, char out[static VALUE_MAX])
{
    const char *end = strchr(value, '}');

    (void)with;
    if (value[0] != '{' || !end || strchr(end + 1, '}'))
        return false;
    snprintf(out, VALUE_MAX, "%.*s%s", (int)(end - value), value, end + 1);
    return true;
}

static bool
suffix_unknown(const char *value, const char *with, char out[static VALUE_MAX])
{
    const size_t name = strcspn(value, ".}");
    const char *end = strchr(value, '}');

    if (value[0] != '{' || !end)
        return false;
    snprintf(out, VALUE_MAX, "%.*s%s}%s", (int)name, value, with, end + 1);
    return true;
}

static bool
nothing_behind_name(const char *value, const char *with, char out[static VALUE_MAX])
{
    const char *end = strchr(value, '}');

    (void)with;
    if (value[0] != '{' || !end || end[1] == '\0')
        return false;
    snprintf(out, VALUE_MAX, "%.*s", (int)(end + 1 - value), value);
    return true;
}

/* In the middle of the last field, where the digest is. */
static bool
put_into_digest(const char *value, const char *with, char out[static VALUE_MAX])
{
    size_t start = strlen(value), len;

    while (start > 0 && !strchr("$:,}|.", value[start - 1]))
        start--;
    len = strlen(value + start);
    snprintf(out, VALUE_MAX, "%s", value);
    if (len >= 8)
        out[start + len / 2] = with[0];
    return len >= 8 && value[start + len / 2] != with[0];
}

/* The first number behind a "=": rounds, memory, passes. */
static bool
number_otherwise(const char *value, const char *with, char out[static VALUE_MAX])
{
    const char *at = strchr(value, '=');
    size_t digits;

    while (at && !isdigit((unsigned char)at[1]))
        at = strchr(at + 1, '=');
    digits = at ? strspn(at + 1, "0123456789") : 0;
    if (!at || !strchr(",$", at[1 + digits]) || at[1 + digits] == '\0')
        return false;
    snprintf(out, VALUE_MAX, "%.*s%s%s", (int)(at + 1 - value), value, with, at + 1 + digits);
    return true;
}

static const struct { const char *what; spoil_fn *spoil; const char *with; } ways[] = {
    { "a blank behind it",          put_behind, " " },
    { "a CR behind it",             put_behind, "\r" },
    { "a letter more",              put_behind, "x" },
    { "a field more",               put_behind, "$x" },
    { "a blank in front",           put_in_front, " " },
    { "a BOM in front",             put_in_front, "\xef\xbb\xbf" },
    { "a lock mark in front",       put_in_front, "!" },
    { "its last character gone",    cut, "1" },
    { "its last three gone",        cut, "3" },
    { "no such name",               name_otherwise, "{X-NOSUCH-1}" },
    { "a name lost in its value",  name_otherwise, "{SSHA512" },
    { "a name that is not closed",  name_unclosed, "" },
    { "no such suffix",             suffix_unknown, ".B32" },
    { "half a suffix",              suffix_unknown, "." },
    { "a name alone",               nothing_behind_name, "" },
    { "a foreign character in it",  put_into_digest, "*" },
    { "a byte beyond ASCII in it",  put_into_digest, "\xe9" },
    { "a line's end in it",         put_into_digest, "\n" },
    { "no number",                  number_otherwise, "" },
    { "a word for a number",        number_otherwise, "x" },
    { "the number 0",               number_otherwise, "0" },
    { "a number with a sign",       number_otherwise, "+4096" },
    { "a number below 0",           number_otherwise, "-1" },
    { "a number in hex",            number_otherwise, "0x1000" },
    { "a number with a zero first", number_otherwise, "04096" },
    { "a number of 67 bits",        number_otherwise, "99999999999999999999" },
};

/* What is text to its end, or has text where others have a digest: anything fits. */
static const char *const texts[] = {
    "PLAIN", "PLAIN-TRUNC", "JOOMLA15", "JOOMLA-SHA256", "LDAP-NS-MTA-MD5",
};

static bool
is_text(const char *scheme)
{
    for (size_t i = 0; i < COUNT(texts); i++)
        if (strcmp(texts[i], scheme) == 0)
            return true;
    return false;
}

/* How many ways there were. */
static size_t
spoil_row(const struct vector *row, const struct password_bounds *bounds, const char *scheme)
{
    size_t spoilt = 0;

    for (size_t i = 0; i < COUNT(ways); i++) {
        struct stored_password stored = vector_stored(row);
        struct password_facts facts;
        char value[VALUE_MAX];
        struct error err;

        if (!ways[i].spoil(row->stored, ways[i].with, value))
            continue;
        stored.value = span_of(value);
        spoilt++;
        if (password_inspect(bounds, &stored, &facts, &err) == PASSWORD_RIGHT)
            fail_msg("line %zu: %s with %s is good: %s", row->line, scheme, ways[i].what, value);
    }
    return spoilt;
}

static size_t
spoil_table(const char *table)
{
    static struct vector row;
    FILE *file = vectors_open(table, &row);
    struct password_bounds bounds;
    size_t spoilt = 0;

    password_bounds_default(&bounds);
    while (vectors_next(file, &row)) {
        const struct stored_password stored = vector_stored(&row);
        struct password_facts facts;
        struct error err;

        if (strcmp(row.expect, "ok") == 0
            && password_inspect(&bounds, &stored, &facts, &err) == PASSWORD_RIGHT
            && !is_text(facts.scheme))
            spoilt += spoil_row(&row, &bounds, facts.scheme);
    }
    fclose(file);
    return spoilt;
}

static void
a_good_value_that_was_spoilt_is_bad(void **state)
{
    (void)state;
    assert_true(spoil_table("passwords-public") > 15000);
    assert_true(spoil_table("uncommon") > 2000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_value_that_was_spoilt_is_bad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
