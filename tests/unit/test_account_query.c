/* tests/unit/test_account_query.c - a query text becomes SQL with marks */
#include "account/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* `bound`: the letters of the parameters in their order. */
static const struct { const char *what, *text, *question, *dollar, *bound; } good[] = {
    { "one placeholder", "SELECT a WHERE b = %u", "SELECT a WHERE b = ?",
      "SELECT a WHERE b = $1", "u" },
    { "each of the lookup's", "SELECT %u,%n,%d,%s,%i,%t", "SELECT ?,?,?,?,?,?",
      "SELECT $1,$2,$3,$4,$5,$6", "undsit" },
    { "one that occurs twice", "SELECT %u, %s, %u", "SELECT ?, ?, ?", "SELECT $1, $2, $3", "usu" },
    { "at the very end and start", "%u", "?", "$1", "u" },
    { "a doubled percent sign", "SELECT 5 %% 2, %u", "SELECT 5 % 2, ?", "SELECT 5 % 2, $1", "u" },
    { "a doubled percent sign after a word", "SELECT a%%2", "SELECT a%2", "SELECT a%2", "" },
    { "three percent signs", "SELECT a %%%u", "SELECT a %?", "SELECT a %$1", "u" },
    { "single quotes", "SELECT '%u', %u", "SELECT '%u', ?", "SELECT '%u', $1", "u" },
    { "a doubled single quote", "SELECT 'it''s %u', %u", "SELECT 'it''s %u', ?",
      "SELECT 'it''s %u', $1", "u" },
    { "nothing but quotes", "SELECT '', '''', %u", "SELECT '', '''', ?", "SELECT '', '''', $1",
      "u" },
    { "double quotes", "SELECT \"%u\"\"%n\", %u", "SELECT \"%u\"\"%n\", ?",
      "SELECT \"%u\"\"%n\", $1", "u" },
    { "backticks", "SELECT `%u`, %u", "SELECT `%u`, ?", "SELECT `%u`, $1", "u" },
    { "a quote in another's", "SELECT '\"`', %u, \"'`\", `'\"`", "SELECT '\"`', ?, \"'`\", `'\"`",
      "SELECT '\"`', $1, \"'`\", `'\"`", "u" },
    { "a doubled percent sign in quotes", "SELECT 'a%%b'", "SELECT 'a%%b'", "SELECT 'a%%b'", "" },
    { "a percent sign alone in quotes", "SELECT strftime('%Y-%m-%d', 1)",
      "SELECT strftime('%Y-%m-%d', 1)", "SELECT strftime('%Y-%m-%d', 1)", "" },
    { "a backslash in the middle of a string", "SELECT 'a\\b', %u", "SELECT 'a\\b', ?",
      "SELECT 'a\\b', $1", "u" },
    { "a line comment", "SELECT 1 -- it's %u\n, %u", "SELECT 1 -- it's %u\n, ?",
      "SELECT 1 -- it's %u\n, $1", "u" },
    { "a line comment at the end", "SELECT %u -- %u", "SELECT ? -- %u", "SELECT $1 -- %u", "u" },
    { "an empty line comment", "SELECT %u --\n", "SELECT ? --\n", "SELECT $1 --\n", "u" },
    { "a block comment", "SELECT /* '%u */ %u", "SELECT /* '%u */ ?", "SELECT /* '%u */ $1", "u" },
    { "stars in a comment", "/***/ SELECT %u /* ** */", "/***/ SELECT ? /* ** */",
      "/***/ SELECT $1 /* ** */", "u" },
    { "a comment's start in a string", "SELECT '/*', %u, '--'", "SELECT '/*', ?, '--'",
      "SELECT '/*', $1, '--'", "u" },
    { "a minus and a slash", "SELECT 3 - -1 / 2, %u", "SELECT 3 - -1 / 2, ?",
      "SELECT 3 - -1 / 2, $1", "u" },
    { "dollar quotes", "SELECT $$%u$$, %u", "SELECT $$%u$$, ?", "SELECT $$%u$$, $1", "u" },
    { "a tagged dollar quote", "SELECT $a$%u $$ $b$ $a$, %u", "SELECT $a$%u $$ $b$ $a$, ?",
      "SELECT $a$%u $$ $b$ $a$, $1", "u" },
    { "a dollar in a name", "SELECT a$b, c$1, %u", "SELECT a$b, c$1, ?", "SELECT a$b, c$1, $1",
      "u" },
    { "a semicolon at the end", "SELECT %u;", "SELECT ?;", "SELECT $1;", "u" },
    { "a comment after the semicolon", "SELECT %u; -- done\n", "SELECT ?; -- done\n",
      "SELECT $1; -- done\n", "u" },
    { "letters beyond ASCII", "SELECT 'ü' AS größe, %u", "SELECT 'ü' AS größe, ?",
      "SELECT 'ü' AS größe, $1", "u" },
    { "sixteen", "SELECT %u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u",
      "SELECT ?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?",
      "SELECT $1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16", "uuuuuuuuuuuuuuuu" },
};

static const struct { const char *what, *text, *says; } bad[] = {
    { "nothing", "", "no statement" },
    { "blanks", " \n\t ", "no statement" },
    { "a comment alone", "-- SELECT 1\n", "no statement" },
    { "an unknown placeholder", "SELECT %x", "q:7:8: query lookup: unknown placeholder" },
    { "an unknown one on the third line", "SELECT a\n  FROM b\n WHERE c = %q",
      "q:9:12: query lookup: unknown placeholder" },
    { "a column after letters beyond ASCII", "SELECT 'üü' = %q", "q:7:15:" },
    { "a word for a placeholder", "SELECT %user", "unknown placeholder" },
    { "a long placeholder", "SELECT %{user}", "unknown placeholder" },
    { "a modified placeholder", "SELECT %Lu", "unknown placeholder" },
    { "an upper-case placeholder", "SELECT %U", "unknown placeholder" },
    { "a percent sign at the end", "SELECT 5 %", "unknown placeholder" },
    { "a percent sign before a blank", "SELECT a % b", "unknown placeholder" },
    { "a placeholder before a digit", "SELECT %u1", "unknown placeholder" },
    { "a word that runs into a placeholder", "SELECT a LIKE%u", "runs into" },
    { "a remainder without a doubled sign", "SELECT id%d", "runs into" },
    { "an open single quote", "SELECT 'a, %u", "q:7:8: query lookup: this quote is never closed" },
    { "an open double quote", "SELECT \"a, %u", "never closed" },
    { "an open backtick", "SELECT `a, %u", "never closed" },
    { "an open block comment", "SELECT %u /* a", "comment is never closed" },
    { "an open dollar quote", "SELECT $a$ %u $b$", "dollar quote is never closed" },
    { "a backslash before a quote", "SELECT 'a\\' OR 1=1 -- ', %u", "backslash" },
    { "two backslashes before a quote", "SELECT 'a\\\\', %u", "backslash" },
    { "a comment in a comment", "SELECT /* a /* %u */ */ 1", "comment in a comment" },
    { "an executable comment", "SELECT /*!50000 %u */ 1", "MySQL executes" },
    { "MariaDB's executable comment", "SELECT /*M!100100 %u */ 1", "MySQL executes" },
    { "two minus signs and a word", "SELECT 1 --a\n", "blank after" },
    { "MySQL's other comment", "SELECT 1 # %u", "MySQL begins a comment" },
    { "a question mark", "SELECT ?", "by hand" },
    { "a dollar mark", "SELECT $1", "by hand" },
    { "two statements", "SELECT 1; SELECT %u", "q:7:11: query lookup: a second statement" },
    { "a second statement after a comment", "SELECT 1; /* a */ DROP TABLE b", "second statement" },
    { "a new password in a lookup", "SELECT %p", "says nothing" },
    { "an old password in a lookup", "SELECT %o", "says nothing" },
    { "seventeen", "SELECT %u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u", "more" },
};

static enum error_code
compile(enum account_query which, const char *text, enum account_mark mark, struct query *out,
        struct error *err)
{
    const struct query_text from = { "q", 7, text };

    return query_compile(which, &from, mark, out, err);
}

static void
assert_compiles(const char *what, const char *text, enum account_mark mark, const char *wanted,
                const char *bound)
{
    static const char letters[] = "undsipto";
    struct query query;
    struct error err;

    if (compile(ACCOUNT_LOOKUP, text, mark, &query, &err) != ERROR_NONE)
        fail_msg("%s: %s", what, err.reason);
    if (strcmp(query.text, wanted) != 0)
        fail_msg("%s: %s", what, query.text);
    assert_int_equal(query.parameters_count, strlen(bound));
    for (size_t i = 0; i < query.parameters_count; i++)
        if (letters[query.parameters[i]] != bound[i])
            fail_msg("%s: parameter %zu is %%%c", what, i + 1, letters[query.parameters[i]]);
    query_wipe(&query);
}

static void
placeholders_become_marks_and_nothing_else_changes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_compiles(good[i].what, good[i].text, ACCOUNT_MARK_QUESTION, good[i].question,
                        good[i].bound);
        assert_compiles(good[i].what, good[i].text, ACCOUNT_MARK_DOLLAR, good[i].dollar,
                        good[i].bound);
    }
}

static void
what_databases_read_differently_is_refused_with_its_place(void **state)
{
    struct query query;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (compile(ACCOUNT_LOOKUP, bad[i].text, ACCOUNT_MARK_QUESTION, &query, &err)
            != ERROR_CONFIG)
            fail_msg("compiled: %s", bad[i].what);
        if (!strstr(err.reason, bad[i].says))
            fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].what, err.reason, bad[i].says);
        assert_null(query.text);
    }
}

static void
a_question_mark_is_an_operator_where_marks_are_dollars(void **state)
{
    struct query query;
    struct error err;

    (void)state;
    assert_int_equal(compile(ACCOUNT_LOOKUP, "SELECT a ? 'b' # 2, %u", ACCOUNT_MARK_DOLLAR,
                             &query, &err), ERROR_NONE);
    assert_string_equal(query.text, "SELECT a ? 'b' # 2, $1");
    query_wipe(&query);
}

static void
only_a_schema_is_several_statements_and_it_has_no_parameters(void **state)
{
    struct query query;
    struct error err;

    (void)state;
    assert_int_equal(compile(ACCOUNT_SCHEMA, "CREATE TABLE a (b);\nPRAGMA c = 1;",
                             ACCOUNT_MARK_QUESTION, &query, &err), ERROR_NONE);
    assert_string_equal(query.text, "CREATE TABLE a (b);\nPRAGMA c = 1;");
    query_wipe(&query);
    assert_int_equal(compile(ACCOUNT_SCHEMA, "CREATE TABLE a (b DEFAULT %u)",
                             ACCOUNT_MARK_QUESTION, &query, &err), ERROR_CONFIG);
}

static void
a_query_has_only_the_placeholders_that_say_something_there(void **state)
{
    static const char *const placeholders[ACCOUNT_QUERIES] = {
        [ACCOUNT_LOOKUP] = "undsit", [ACCOUNT_LIST] = "t", [ACCOUNT_SET_PASSWORD] = "undpt",
        [ACCOUNT_ENABLE] = "undt", [ACCOUNT_DISABLE] = "undt", [ACCOUNT_ADD] = "undpt",
        [ACCOUNT_DELETE] = "undt", [ACCOUNT_SCHEMA] = "", [ACCOUNT_SECRETS] = "undsit",
        [ACCOUNT_TOUCH] = "undsit", [ACCOUNT_CHANGES] = "t",
        [ACCOUNT_REHASH] = "undpot",
    };
    struct query query;
    struct error err;

    (void)state;
    for (size_t i = 0; i < ACCOUNT_QUERIES; i++)
        for (const char *letter = "undsipto"; *letter; letter++) {
            char text[] = { 'X', ' ', '%', *letter, '\0' };
            bool fine = strchr(placeholders[i], *letter) != NULL;

            if ((compile((enum account_query)i, text, ACCOUNT_MARK_QUESTION, &query, &err)
                 == ERROR_NONE) != fine)
                fail_msg("%s with %%%c", account_query_name((enum account_query)i), *letter);
            query_wipe(&query);
        }
}

static void
a_text_as_long_as_may_be_compiles_and_one_byte_more_does_not(void **state)
{
    char *text = malloc(QUERY_TEXT_MAX + 2);
    struct query query;
    struct error err;

    (void)state;
    assert_non_null(text);
    memset(text, 'a', QUERY_TEXT_MAX + 1);
    text[QUERY_TEXT_MAX + 1] = '\0';
    assert_int_equal(compile(ACCOUNT_LOOKUP, text, ACCOUNT_MARK_QUESTION, &query, &err),
                     ERROR_CONFIG);
    text[QUERY_TEXT_MAX] = '\0';
    assert_int_equal(compile(ACCOUNT_LOOKUP, text, ACCOUNT_MARK_QUESTION, &query, &err),
                     ERROR_NONE);
    query_wipe(&query);
    free(text);
}

static void
each_query_is_found_by_its_name_and_nothing_else(void **state)
{
    enum account_query found;

    (void)state;
    for (size_t i = 0; i < ACCOUNT_QUERIES; i++) {
        assert_true(query_find(span_of(account_query_name((enum account_query)i)), &found));
        assert_int_equal(found, i);
    }
    assert_false(query_find(span_of("Lookup"), &found));
    assert_false(query_find(span_of("look"), &found));
    assert_false(query_find(span_of(""), &found));
}

/* Whether the login is taken for a pattern. */
static const struct { const char *text; bool pattern; } patterns[] = {
    { "SELECT 1 WHERE login = %u", false },
    { "SELECT 1 WHERE login LIKE %u", true },
    { "SELECT 1 WHERE login like lower(%u)", true },
    { "SELECT 1 WHERE login ILIKE concat('%', %n, '%')", true },
    { "SELECT 1 WHERE login NOT RLIKE %d", true },
    { "SELECT 1 WHERE login SIMILAR TO %u", true },
    { "SELECT 1 WHERE login LIKE BINARY %u", true },
    { "SELECT 1 WHERE login ~* %u", true },
    { "SELECT 1 WHERE login GLOB /* so */ %u", true },
    { "SELECT 1 WHERE login LIKE 'a%' AND login = %u", false },
    { "SELECT 1 WHERE kind LIKE %s AND login = %u", false },
    { "SELECT 'LIKE' WHERE login = %u -- LIKE", false },
    { "SELECT likes WHERE login = %u", false },
};

static void
a_login_that_is_taken_for_a_pattern_is_noticed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(patterns); i++) {
        struct query query;
        struct error err;

        if (compile(ACCOUNT_LOOKUP, patterns[i].text, ACCOUNT_MARK_DOLLAR, &query, &err) != ERROR_NONE)
            fail_msg("%s: %s", patterns[i].text, err.reason);
        if (query.takes_pattern != patterns[i].pattern)
            fail_msg("%s: %d", patterns[i].text, query.takes_pattern);
        query_wipe(&query);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_login_that_is_taken_for_a_pattern_is_noticed),
        cmocka_unit_test(placeholders_become_marks_and_nothing_else_changes),
        cmocka_unit_test(what_databases_read_differently_is_refused_with_its_place),
        cmocka_unit_test(a_question_mark_is_an_operator_where_marks_are_dollars),
        cmocka_unit_test(only_a_schema_is_several_statements_and_it_has_no_parameters),
        cmocka_unit_test(a_query_has_only_the_placeholders_that_say_something_there),
        cmocka_unit_test(a_text_as_long_as_may_be_compiles_and_one_byte_more_does_not),
        cmocka_unit_test(each_query_is_found_by_its_name_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
