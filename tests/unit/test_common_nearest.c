/* tests/unit/test_common_nearest.c - "did you mean ...?" */
#include "common/macros.h"
#include "common/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const names[] = {
    "default_scheme", "deadline", "file", "hosts", "mode", "path", "preset", "protocol", "ttl", "user",
    "set_password", "password_file", "password_encodings",
    "a_name_that_is_much_longer_than_any_key_there_is",
};

static const struct { const char *what, *word, *nearest; } words[] = {
    { "the word itself",     "file",             "file" },
    { "in capitals",         "FILE",             "file" },
    { "capitals and a slip", "Ptah",             "path" },
    { "a letter left out",   "fle",              "file" },
    { "a letter too many",   "filee",            "file" },
    { "another letter",      "fibe",             "file" },
    { "two swapped",         "usre",             "user" },
    { "swapped at the start", "apth",            "path" },
    { "several in a long one", "defalt_sheme",   "default_scheme" },
    { "a plural",            "protocols",        "protocol" },
    { "of two the nearer",   "modes",            "mode" },
    { "the beginning of one", "password",        "password_file" },
    { "of one in capitals",  "Default",          "default_scheme" },
    { "no whole beginning",  "set_passwor",      "set_password" },
    { "nothing like it",     "zzzzzzz",          NULL },
    { "far too short",       "",                 NULL },
    { "three of three wrong", "xyz",             NULL },
    { "far too long",        "a_name_that_is_much_longer_than_any_key_there_is", NULL },
};

static void
a_mistyped_word_finds_the_name_that_was_meant(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(words); i++) {
        const char *nearest = nearest_find(words[i].word, names, COUNT(names));

        if (!nearest != !words[i].nearest || (nearest && strcmp(nearest, words[i].nearest) != 0))
            fail_msg("%s: \"%s\" gives %s", words[i].what, words[i].word, nearest ? nearest : "none");
    }
}

static void
of_no_names_none_is_near(void **state)
{
    (void)state;
    assert_null(nearest_find("file", names, 0));
}

static void
of_equally_near_names_the_first_is_told(void **state)
{
    static const char *const twins[] = { "bat", "cat" };

    (void)state;
    assert_string_equal(nearest_find("rat", twins, COUNT(twins)), "bat");
}

/* 40 characters are the most that is compared. */
static void
the_longest_word_is_compared_and_longer_ones_are_not(void **state)
{
    char word[43];
    const char *const name = "aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd";

    (void)state;
    snprintf(word, sizeof(word), "%s", name);
    word[39] = 'x';
    assert_string_equal(nearest_find(word, &name, 1), name);
    strcat(word, "d");
    assert_null(nearest_find(word, &name, 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mistyped_word_finds_the_name_that_was_meant),
        cmocka_unit_test(of_no_names_none_is_near),
        cmocka_unit_test(of_equally_near_names_the_first_is_told),
        cmocka_unit_test(the_longest_word_is_compared_and_longer_ones_are_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
