/* tests/unit/test_account_preset.c - preset files: the grammar, its faults, and those we ship */
#include "account/preset.h"
#include "tests/unit/account_site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HEAD "-- preset p\n"
#define LOOKUP "-- query lookup [sqlite]\nSELECT 1\n"

static const char whole[] =
    "-- preset p\n"
    "-- title  A title of words\n"
    "-- scheme CRYPT\n"
    "\n"
    "-- people read this\n"
    "-- query lookup [mysql sqlite]\n"
    "SELECT 1\n"
    "-- and this\n"
    "  FROM a\n"
    "-- query lookup [pgsql]\r\n"
    "SELECT 2\n"
    "-- query  list  [ mysql\tpgsql ] \n"
    "SELECT 3";

static void
a_preset_gives_each_engine_its_query_and_the_line_it_stands_on(void **state)
{
    static const struct { enum account_query which; const char *engine, *text; size_t line; }
    wanted[] = {
        { ACCOUNT_LOOKUP, "mysql", "SELECT 1\n-- and this\n  FROM a\n", 7 },
        { ACCOUNT_LOOKUP, "sqlite", "SELECT 1\n-- and this\n  FROM a\n", 7 },
        { ACCOUNT_LOOKUP, "pgsql", "SELECT 2\n", 11 },
        { ACCOUNT_LIST, "mysql", "SELECT 3", 13 },
        { ACCOUNT_LIST, "pgsql", "SELECT 3", 13 },
    };
    struct preset *preset;
    struct query_text text;
    struct error err;

    (void)state;
    if (preset_parse("p.sql", "p", whole, &preset, &err) != ERROR_NONE)
        fail_msg("%s", err.reason);
    assert_string_equal(preset_title(preset), "A title of words");
    assert_string_equal(preset_scheme(preset), "CRYPT");
    for (size_t i = 0; i < COUNT(wanted); i++) {
        assert_true(preset_query(preset, wanted[i].which, wanted[i].engine, &text));
        assert_string_equal(text.text, wanted[i].text);
        assert_int_equal(text.line, wanted[i].line);
        assert_string_equal(text.origin, "p.sql");
    }
    assert_false(preset_query(preset, ACCOUNT_LIST, "sqlite", &text));
    assert_false(preset_query(preset, ACCOUNT_LOOKUP, "oracle", &text));
    assert_true(preset_fits(preset, "sqlite"));
    assert_false(preset_fits(preset, "oracle"));
    preset_free(preset);
}

static const struct { const char *what, *text, *says; } bad[] = {
    { "nothing", "", "no header says" },
    { "no header", "-- just words\n", "no header says" },
    { "no query", HEAD, "no query in preset \"p\"" },
    { "another preset's name", "-- preset q\n" LOOKUP, "p.sql:1: the file's name says another" },
    { "a query first", LOOKUP HEAD, "p.sql:1: the first header has to be" },
    { "a title first", "-- title t\n" HEAD LOOKUP, "p.sql:1: the first header has to be" },
    { "two names", HEAD HEAD LOOKUP, "p.sql:2: a second name" },
    { "two titles", HEAD "-- title a\n-- title b\n" LOOKUP, "p.sql:3: a second title" },
    { "two schemes", HEAD "-- scheme A\n-- scheme B\n" LOOKUP, "p.sql:3: a second scheme" },
    { "a scheme of two words", HEAD "-- scheme is somewhere\n" LOOKUP, "p.sql:2: a scheme is" },
    { "a title after a query", HEAD LOOKUP "-- title a\n", "p.sql:4: this belongs before" },
    { "a header with nothing in it", HEAD "-- title \n" LOOKUP, "p.sql:2: nothing follows" },
    { "a query header with nothing in it", HEAD "-- query\n" LOOKUP, "p.sql:2: nothing follows" },
    { "SQL before the first query", HEAD "SELECT 1\n" LOOKUP, "p.sql:2: SQL before" },
    { "an unknown query", HEAD "-- query lokup [sqlite]\n",
      "p.sql:2: unknown query \"lokup\" (did you mean \"lookup\"?)" },
    { "an unknown query like no other", HEAD "-- query zzzzzzzz [sqlite]\n", "unknown query" },
    { "no engines", HEAD "-- query lookup\n", "p.sql:2: engines are written as" },
    { "engines without brackets", HEAD "-- query lookup sqlite\n", "engines are written as" },
    { "an open bracket", HEAD "-- query lookup [sqlite\n", "engines are written as" },
    { "words after the bracket", HEAD "-- query lookup [sqlite] now\n", "engines are written as" },
    { "empty brackets", HEAD "-- query lookup [ ]\n", "no engine in" },
    { "an unknown engine", HEAD "-- query lookup [mysql sqlight]\n",
      "unknown engine \"sqlight\" (did you mean \"sqlite\"?)" },
    { "engines with commas", HEAD "-- query lookup [mysql,sqlite]\n", "unknown engine" },
    { "a query twice for one engine", HEAD LOOKUP "-- query lookup [mysql sqlite]\nSELECT 2\n",
      "p.sql:4: query lookup is on line 2 already" },
    { "a mistyped header", HEAD LOOKUP "-- qeury list [sqlite]\nSELECT 2\n",
      "p.sql:4: neither header nor comment: no header has the word \"qeury\" "
      "(did you mean \"query\"?)" },
    { "a header without its blank", HEAD LOOKUP "--query list [sqlite]\nSELECT 2\n",
      "p.sql:4: neither header nor comment" },
};

#define WITH_OPTION HEAD "-- option a  Does a\n-- option v=1  A value\n"

static const struct { const char *what, *text, *says; } bad_choices[] = {
    { "an option without words", HEAD "-- option a\n" LOOKUP, "p.sql:2: an option says what it does" },
    { "two options of one name", HEAD "-- option a  x\n-- option a=1  y\n" LOOKUP, "p.sql:3: no name for" },
    { "an option called not", HEAD "-- option not  x\n" LOOKUP, "p.sql:2: no name for an option" },
    { "an unknown option", WITH_OPTION LOOKUP "-- if b\nx\n-- endif\n", "p.sql:6: no option of this preset" },
    { "no option", WITH_OPTION LOOKUP "-- if\nx\n-- endif\n", "p.sql:6: a condition is" },
    { "not, and nothing", WITH_OPTION LOOKUP "-- if not\nx\n-- endif\n", "p.sql:6: a condition is" },
    { "conditions in conditions", WITH_OPTION LOOKUP "-- if a\n-- if v\n-- endif\n", "p.sql:7: conditions do not nest" },
    { "an end without a beginning", WITH_OPTION LOOKUP "-- endif\n", "p.sql:6: no condition is open" },
    { "a beginning without an end", WITH_OPTION LOOKUP "-- if a\nx\n", "p.sql:6: this condition has no" },
    { "an end in the next query", WITH_OPTION LOOKUP "-- if a\n-- query list [sqlite]\n-- endif\n",
      "p.sql:6: this condition has no" },
    { "a condition outside", WITH_OPTION "-- if a\n" LOOKUP, "p.sql:4: this belongs into a query" },
    { "a value of no option", WITH_OPTION LOOKUP "%{w}\n", "p.sql:6: no option with a value" },
    { "the value of a flag", WITH_OPTION LOOKUP "%{a}\n", "p.sql:6: no option with a value" },
    { "queries that can both be chosen", WITH_OPTION "-- query list [sqlite] if a\nX\n"
      "-- query list [sqlite] if v\nY\n", "p.sql:6: query list is on line 4 already" },
    { "words behind the engines", WITH_OPTION "-- query list [sqlite] when a\n", "engines are written as" },
    { "half a brace", HEAD "-- make {A\n" LOOKUP, "p.sql:2: a scheme to make" },
    { "words behind a scheme", HEAD "-- make A b\n" LOOKUP, "p.sql:2: behind a scheme to make" },
    { "another encoding", HEAD "-- encoding koi8\n" LOOKUP, "p.sql:2: the only other encoding" },
};

static void
a_faulty_condition_is_refused_with_file_and_line(void **state)
{
    struct preset *preset;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(bad_choices); i++) {
        if (preset_parse("p.sql", "p", bad_choices[i].text, &preset, &err) != ERROR_CONFIG)
            fail_msg("parsed: %s", bad_choices[i].what);
        if (!strstr(err.reason, bad_choices[i].says))
            fail_msg("%s: \"%s\" does not say \"%s\"", bad_choices[i].what, err.reason,
                     bad_choices[i].says);
        assert_null(preset);
    }
}

static const char choices[] =
    WITH_OPTION
    "-- make FIRST if a\n"
    "-- make {SECOND}\n"
    "-- query lookup [sqlite]\n"
    "start %{v}%{v}\n"
    "-- if a\n"
    "with\n"
    "-- endif\n"
    "-- if not a v\n"
    "value\n"
    "-- endif\n"
    "end\n"
    "-- query list [sqlite] if a\n"
    "A\n"
    "-- query list [sqlite] if not a\n"
    "B\n";

static const struct { const char *options[2]; size_t count; const char *lookup, *list, *make; } chosen[] = {
    { { NULL }, 0, "start 11\n\n\n\n\n\n\nend\n", "B\n", "{SECOND}" },
    { { "a" }, 1, "start 11\n\nwith\n\n\n\n\nend\n", "A\n", "FIRST" },
    { { "v=_7z" }, 1, "start _7z_7z\n\n\n\n\nvalue\n\nend\n", "B\n", "{SECOND}" },
    { { "v=", "a" }, 2, "start \n\nwith\n\n\n\n\nend\n", "A\n", "FIRST" },
};

static void
an_option_chooses_lines_queries_and_values_and_moves_no_line(void **state)
{
    struct preset *preset;
    struct query_text text;
    struct error err;

    (void)state;
    assert_int_equal(preset_parse("p.sql", "p", choices, &preset, &err), ERROR_NONE);
    for (size_t i = 0; i < 2 * COUNT(chosen); i++) {
        size_t k = i % COUNT(chosen);

        assert_int_equal(preset_choose(preset, chosen[k].options, chosen[k].count, &err), ERROR_NONE);
        assert_true(preset_query(preset, ACCOUNT_LOOKUP, "sqlite", &text));
        assert_string_equal(text.text, chosen[k].lookup);
        assert_int_equal(text.line, 7);
        assert_true(preset_query(preset, ACCOUNT_LIST, "sqlite", &text));
        assert_string_equal(text.text, chosen[k].list);
        assert_string_equal(preset_make(preset), chosen[k].make);
    }
    preset_free(preset);
}

static const struct { const char *options[2]; size_t count; const char *says; } refused[] = {
    { { "b" }, 1, "preset p has no option \"b\"" },
    { { "" }, 1, "preset p has no option \"\"" },
    { { "v" }, 1, "option \"v\" of preset p takes a value: \"v=1" },
    { { "a=1" }, 1, "option \"a\" of preset p takes no value" },
    { { "a", "a" }, 2, "option \"a\" is there twice" },
    { { "v=1;x" }, 1, "a value has letters, digits" },
    { { "v='" }, 1, "a value has letters, digits" },
    { { "v=a b" }, 1, "a value has letters, digits" },
    { { "v=0123456789012345678901234567890123456789012345678901234567890123" }, 1, "at most 63" },
};

static void
an_option_that_a_preset_lacks_or_cannot_take_is_refused(void **state)
{
    struct preset *preset;
    struct error err;

    (void)state;
    assert_int_equal(preset_parse("p.sql", "p", choices, &preset, &err), ERROR_NONE);
    for (size_t i = 0; i < COUNT(refused); i++) {
        assert_int_equal(preset_choose(preset, refused[i].options, refused[i].count, &err),
                         ERROR_CONFIG);
        if (!strstr(err.reason, refused[i].says))
            fail_msg("\"%s\" does not say \"%s\"", err.reason, refused[i].says);
    }
    preset_free(preset);
}

static void
a_faulty_preset_is_refused_with_file_and_line(void **state)
{
    struct preset *preset;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (preset_parse("p.sql", "p", bad[i].text, &preset, &err) != ERROR_CONFIG)
            fail_msg("parsed: %s", bad[i].what);
        if (!strstr(err.reason, bad[i].says))
            fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].what, err.reason, bad[i].says);
        assert_null(preset);
    }
}

static void
a_preset_may_have_every_query_for_every_engine_on_its_own(void **state)
{
    static const char *const engines[] = { "mysql", "pgsql", "sqlite" };
    char text[4096] = HEAD;
    struct preset *preset;
    struct error err;

    (void)state;
    for (size_t i = 0; i < ACCOUNT_QUERIES * COUNT(engines); i++)
        snprintf(strchr(text, '\0'), 64, "-- query %s [%s]\nX\n",
                 account_query_name((enum account_query)(i / COUNT(engines))),
                 engines[i % COUNT(engines)]);
    if (preset_parse("p.sql", "p", text, &preset, &err) != ERROR_NONE)
        fail_msg("%s", err.reason);
    preset_free(preset);
}

static const char *const shipped[] = {
    "claviger", "courier", "dbmail", "django-cyradm", "froxlor",
    "imscp", "iredmail", "ispconfig", "ispmail", "maddy",
    "mailcow", "mailinabox", "mailu", "modoboa", "postfixadmin",
    "tmail", "vexim", "vimbadmin", "vmm", "vpopmail",
    "web-cyradm",
};

static size_t
compile_all(struct site *site, const struct preset *preset)
{
    static const struct { const char *engine; enum account_mark mark; } engines[] = {
        { "mysql", ACCOUNT_MARK_QUESTION }, { "pgsql", ACCOUNT_MARK_DOLLAR },
        { "sqlite", ACCOUNT_MARK_QUESTION },
    };
    size_t compiled = 0;

    for (size_t j = 0; j < COUNT(engines) * ACCOUNT_QUERIES; j++) {
        enum account_query which = (enum account_query)(j / COUNT(engines));
        struct query_text text;
        struct query query;

        if (!preset_query(preset, which, engines[j % COUNT(engines)].engine, &text))
            continue;
        assert_code(query_compile(which, &text, engines[j % COUNT(engines)].mark, &query,
                                  &site->err), ERROR_NONE, site);
        query_wipe(&query);
        compiled++;
    }
    return compiled;
}

/* Each option alone, and none. */
static void
every_shipped_preset_compiles_for_each_of_its_engines_and_options(void **state)
{
    struct site *site = *state;
    size_t compiled = 0;

    for (size_t i = 0; i < COUNT(shipped); i++) {
        struct preset_option_info option;
        struct preset *preset;

        assert_code(preset_read(site->presets, shipped[i], &preset, &site->err), ERROR_NONE, site);
        assert_string_not_equal(preset_title(preset), shipped[i]);
        assert_non_null(preset_versions(preset));
        compiled += compile_all(site, preset);
        for (size_t k = 0; preset_option_get(preset, k, &option); k++) {
            const char *one[1];
            char text[128];

            snprintf(text, sizeof(text), "%s%s", option.name, option.value ? "=x_1" : "");
            one[0] = text;
            assert_code(preset_choose(preset, one, 1, &site->err), ERROR_NONE, site);
            compiled += compile_all(site, preset);
        }
        preset_free(preset);
    }
    assert_true(compiled > 300);
}

static void
an_unknown_preset_is_told_with_those_there_are_and_the_nearest(void **state)
{
    struct site *site = *state;
    struct preset *preset;

    assert_int_equal(preset_read(site->presets, "tmial", &preset, &site->err), ERROR_CONFIG);
    assert_says(&site->err, "unknown preset \"tmial\" (did you mean \"tmail\"?)");
    assert_says(&site->err, "claviger, courier, dbmail, django-cyradm");
}

static void
a_preset_name_is_no_path(void **state)
{
    static const char *const names[] = { "", ".", "..", "../presets/tmail", "/tmail", "tmail.sql",
                                         "tmail\n", "tmail/" };
    struct site *site = *state;
    struct preset *preset;

    for (size_t i = 0; i < COUNT(names); i++) {
        assert_int_equal(preset_read(site->presets, names[i], &preset, &site->err), ERROR_CONFIG);
        assert_says(&site->err, "unknown preset");
    }
}

static void
a_preset_that_others_can_write_is_refused(void **state)
{
    struct site *site = *state;
    struct preset *preset;
    char path[256];

    snprintf(path, sizeof(path), "%s/tmail.sql", site->presets);
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(preset_read(site->presets, "tmail", &preset, &site->err), ERROR_CONFIG);
    assert_says(&site->err, "tmail.sql");
    assert_null(preset);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_preset_gives_each_engine_its_query_and_the_line_it_stands_on),
        cmocka_unit_test(a_faulty_preset_is_refused_with_file_and_line),
        cmocka_unit_test(a_faulty_condition_is_refused_with_file_and_line),
        cmocka_unit_test(an_option_chooses_lines_queries_and_values_and_moves_no_line),
        cmocka_unit_test(an_option_that_a_preset_lacks_or_cannot_take_is_refused),
        cmocka_unit_test(a_preset_may_have_every_query_for_every_engine_on_its_own),
        ON_SITE(every_shipped_preset_compiles_for_each_of_its_engines_and_options),
        ON_SITE(an_unknown_preset_is_told_with_those_there_are_and_the_nearest),
        ON_SITE(a_preset_name_is_no_path),
        ON_SITE(a_preset_that_others_can_write_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
