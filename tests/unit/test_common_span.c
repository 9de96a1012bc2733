/* tests/unit/test_common_span.c - bytes that belong to somebody else */
#include "common/macros.h"
#include "common/span.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const span empty = { NULL, 0 };

static void
a_span_is_its_bytes_and_their_number(void **state)
{
    const span literal = SPAN("a\0b");

    (void)state;
    assert_int_equal(literal.len, 3);
    assert_int_equal(span_of("abc").len, 3);
    assert_int_equal(span_of("").len, 0);
    assert_int_equal(span_of(NULL).len, 0);
    assert_true(span_equal(span_of(NULL), span_of("")));
    assert_true(span_is(empty, ""));
}

static const struct { span a; const char *b; bool same, same_nocase; } pairs[] = {
    { SPAN("imap"),    "imap",  true,  true },
    { SPAN("IMAP"),    "imap",  false, true },
    { SPAN("iMaP"),    "ImAp",  false, true },
    { SPAN("imap"),    "imaps", false, false },
    { SPAN("imaps"),   "imap",  false, false },
    { SPAN("imap\0"),  "imap",  false, false },
    { SPAN("im\0ap"),  "im",    false, false },
    { SPAN(""),        "",      true,  true },
    { SPAN(""),        "a",     false, false },
    { SPAN("@[`{"),    "`{@[",  false, false },     /* neighbours of the letters */
    { SPAN("@"),       "`",     false, false },
    { SPAN("\304"),    "\344",  false, false },     /* letters in ISO 8859 only */
};

static void
spans_compare_whole_and_only_ascii_letters_have_no_case(void **state)
{
    (void)state;
    setlocale(LC_ALL, "");
    for (size_t i = 0; i < COUNT(pairs); i++) {
        if (span_is(pairs[i].a, pairs[i].b) != pairs[i].same
            || span_equal(pairs[i].a, span_of(pairs[i].b)) != pairs[i].same)
            fail_msg("pair %zu: %s", i, pairs[i].b);
        if (span_is_nocase(pairs[i].a, pairs[i].b) != pairs[i].same_nocase
            || span_equal_nocase(pairs[i].a, span_of(pairs[i].b)) != pairs[i].same_nocase)
            fail_msg("pair %zu without case: %s", i, pairs[i].b);
    }
}

static void
a_byte_is_found_first_and_last_or_nowhere(void **state)
{
    const span s = SPAN("a@b@c\0d");

    (void)state;
    assert_int_equal(span_find(s, '@'), 1);
    assert_int_equal(span_find_last(s, '@'), 3);
    assert_int_equal(span_find(s, '\0'), 5);
    assert_int_equal(span_find(s, 'x'), s.len);
    assert_int_equal(span_find_last(s, 'x'), s.len);
    assert_true(span_has(s, 'd'));
    assert_false(span_has(s, 'x'));
    assert_false(span_has(empty, '\0'));
    assert_int_equal(span_find(empty, 'a'), 0);
    assert_int_equal(span_find_last(empty, 'a'), 0);
}

static void
a_part_is_cut_to_what_is_there(void **state)
{
    const span s = SPAN("abc");

    (void)state;
    assert_true(span_is(span_from(s, 1), "bc"));
    assert_true(span_is(span_from(s, 3), ""));
    assert_true(span_is(span_from(s, SIZE_MAX), ""));
    assert_true(span_is(span_until(s, 0), ""));
    assert_true(span_is(span_until(s, 2), "ab"));
    assert_true(span_is(span_until(s, SIZE_MAX), "abc"));
    assert_true(span_is(span_from(empty, 1), ""));
    assert_true(span_is(span_until(empty, 1), ""));
    assert_true(span_starts(s, ""));
    assert_true(span_starts(s, "ab"));
    assert_true(span_starts(s, "abc"));
    assert_false(span_starts(s, "abcd"));
    assert_false(span_starts(s, "b"));
    assert_false(span_starts(empty, "a"));
}

static void
counted_fields_come_off_the_front_one_by_one(void **state)
{
    span in = SPAN("\0\3abc\0\0\1\0rest"), field;

    (void)state;
    assert_true(span_take_counted(&in, &field));
    assert_true(span_is(field, "abc"));
    assert_true(span_take_counted(&in, &field));
    assert_true(span_is(field, ""));
    assert_false(span_take_counted(&in, &field));       /* 256 bytes: not there */
    assert_int_equal(in.len, 6);
    assert_true(span_is(field, ""));
}

static const struct { const char *what; span wire; } cut_short[] = {
    { "nothing",                 SPAN("") },
    { "half a length",           SPAN("\0") },
    { "a length and no byte",    SPAN("\0\1") },
    { "a length past the end",   SPAN("\0\4ada") },
    { "the longest, one short",  SPAN("\377\377") },
};

static void
a_counted_field_that_is_cut_short_leaves_all_as_it_was(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cut_short); i++) {
        span in = cut_short[i].wire, field = SPAN("before");

        if (span_take_counted(&in, &field) || !span_equal(in, cut_short[i].wire)
            || !span_is(field, "before"))
            fail_msg("%s", cut_short[i].what);
    }
}

static void
the_longest_counted_field_is_taken(void **state)
{
    static unsigned char wire[2 + 65535] = { 0xff, 0xff };
    span in = { wire, sizeof(wire) }, field;

    (void)state;
    assert_true(span_take_counted(&in, &field));
    assert_int_equal(field.len, 65535);
    assert_int_equal(in.len, 0);
}

static const struct { const char *text; bool good; uint64_t value; } numbers[] = {
    { "0", true, 0 }, { "7", true, 7 }, { "5000", true, 5000 },
    { "18446744073709551615", true, UINT64_MAX }, { "18446744073709551616", false, 0 },
    { "18446744073709551625", false, 0 }, { "99999999999999999999", false, 0 },
    { "184467440737095516150", false, 0 },
    { "", false, 0 }, { "00", false, 0 }, { "07", false, 0 }, { "+7", false, 0 }, { "-7", false, 0 },
    { " 7", false, 0 }, { "7 ", false, 0 }, { "7a", false, 0 }, { "0x7", false, 0 }, { "7.0", false, 0 },
    { "\xd9\xa7", false, 0 },           /* a digit, in Arabic */
};

static void
a_number_is_decimal_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(numbers); i++) {
        uint64_t value = 42;

        if (span_to_u64(span_of(numbers[i].text), &value) != numbers[i].good
            || value != (numbers[i].good ? numbers[i].value : 42))
            fail_msg("\"%s\"", numbers[i].text);
    }
}

/* Boundaries from RFC 3629; reliability row P08. */
static const struct { const char *what; span bytes; bool good; } texts[] = {
    { "nothing",                    SPAN(""),                 true },
    { "ASCII",                      SPAN("a\0\177"),          true },
    { "U+0080",                     SPAN("\xc2\x80"),         true },
    { "U+07FF",                     SPAN("\xdf\xbf"),         true },
    { "U+0800",                     SPAN("\xe0\xa0\x80"),     true },
    { "U+D7FF",                     SPAN("\xed\x9f\xbf"),     true },
    { "U+E000",                     SPAN("\xee\x80\x80"),     true },
    { "U+FFFF",                     SPAN("\xef\xbf\xbf"),     true },
    { "U+10000",                    SPAN("\xf0\x90\x80\x80"), true },
    { "U+10FFFF",                   SPAN("\xf4\x8f\xbf\xbf"), true },
    { "a continuation alone",       SPAN("\x80"),             false },
    { "/ in two bytes",             SPAN("\xc0\xaf"),         false },
    { "DEL in two bytes",           SPAN("\xc1\xbf"),         false },
    { "U+07FF in three bytes",      SPAN("\xe0\x9f\xbf"),     false },
    { "U+FFFF in four bytes",       SPAN("\xf0\x8f\xbf\xbf"), false },
    { "first surrogate",            SPAN("\xed\xa0\x80"),     false },
    { "last surrogate",             SPAN("\xed\xbf\xbf"),     false },
    { "U+110000",                   SPAN("\xf4\x90\x80\x80"), false },
    { "lead F5",                    SPAN("\xf5\x80\x80\x80"), false },
    { "five bytes",                 SPAN("\xf8\x88\x80\x80\x80"), false },
    { "FE",                         SPAN("\xfe"),             false },
    { "FF",                         SPAN("\xff"),             false },
    { "two bytes cut",              SPAN("a\xc3"),            false },
    { "three bytes cut",            SPAN("\xe2\x82"),         false },
    { "four bytes cut",             SPAN("\xf0\x9f\x9a"),     false },
    { "a letter in the middle",     SPAN("\xe2\x82z"),        false },
    { "good, then bad",             SPAN("\xc3\xbc\xbc"),     false },
};

static void
only_well_formed_utf8_is_utf8(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        if (span_is_utf8(texts[i].bytes) != texts[i].good)
            fail_msg("%s", texts[i].what);
}

static void
a_string_is_made_whole_or_not_at_all(void **state)
{
    char out[4];

    (void)state;
    assert_true(span_to_string(span_of("abc"), out, sizeof(out)));
    assert_string_equal(out, "abc");
    assert_false(span_to_string(span_of("abcd"), out, sizeof(out)));
    assert_string_equal(out, "");
    assert_false(span_to_string(span_make("a\0", 2), out, sizeof(out)));
    assert_string_equal(out, "");
    assert_true(span_to_string(empty, out, 1));
    assert_string_equal(out, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_span_is_its_bytes_and_their_number),
        cmocka_unit_test(spans_compare_whole_and_only_ascii_letters_have_no_case),
        cmocka_unit_test(a_byte_is_found_first_and_last_or_nowhere),
        cmocka_unit_test(a_part_is_cut_to_what_is_there),
        cmocka_unit_test(counted_fields_come_off_the_front_one_by_one),
        cmocka_unit_test(a_counted_field_that_is_cut_short_leaves_all_as_it_was),
        cmocka_unit_test(the_longest_counted_field_is_taken),
        cmocka_unit_test(a_number_is_decimal_and_nothing_else),
        cmocka_unit_test(only_well_formed_utf8_is_utf8),
        cmocka_unit_test(a_string_is_made_whole_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
