/* tests/unit/test_config_mutations.c - no text crashes the reader or gets a mad value past it
 *
 * Row C05 of what claviger promises: 100,000 mutated configurations. The seed is fixed, so that a
 * failure is the same every time; CLAVIGER_SEED gives another.
 */
#include "tests/unit/config_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

#define MUTANTS 100000
#define TEXT_MAX 8192
#define CHANGES_MAX 4

static const char *const originals[] = {
    EVERY_KEY,
    ONE_SOURCE ONE_LISTENER,
    "# a comment\n" ONE_LISTENER "cache { revalidate = 5s } // another\n/* and\n one */ " ONE_SOURCE,
    "include(\"/nowhere\")\n" ONE_LISTENER "accounts a { lookup = '\\'%u${x}' }",
};

/* What a mutation puts in: where lexers and number readers stumble. */
static const char *const pieces[] = {
    "\"", "'", "{", "}", "=", "+=", "(", ")", ",", "\\", "#", "//", "/*", "*/", "\n", "\r\n", "|", "${HOME}",
    "-1", "0", "18446744073709551616", "1d", "\xff", "\x01", "\xc3\xbc", "include(\"x\")", "listen", "\"\"",
};

/* xorshift64 (Marsaglia, 2003). */
static uint64_t state_of_chance;

static size_t
chance(size_t below)
{
    state_of_chance ^= state_of_chance << 13;
    state_of_chance ^= state_of_chance >> 7;
    state_of_chance ^= state_of_chance << 17;
    return (size_t)(state_of_chance % below);
}

static void
flip_a_bit(char *text)
{
    size_t len = strlen(text);

    if (len > 0)
        text[chance(len)] ^= (char)(1 << chance(8));
}

static void
delete_some(char *text)
{
    size_t len = strlen(text), at = len ? chance(len) : 0, count = 1 + chance(20);

    if (count > len - at)
        count = len - at;
    memmove(text + at, text + at + count, len - at - count + 1);
}

static void
insert_a_piece(char *text)
{
    const char *piece = pieces[chance(COUNT(pieces))];
    size_t len = strlen(text), at = chance(len + 1);

    if (len + strlen(piece) >= TEXT_MAX)
        return;
    memmove(text + at + strlen(piece), text + at, len - at + 1);
    memcpy(text + at, piece, strlen(piece));
}

/* Exchanges the line at a random place with the one after it. */
static void
swap_lines(char *text)
{
    char copy[TEXT_MAX], *first, *second, *end;
    size_t len = strlen(text);

    first = len ? strchr(text + chance(len), '\n') : NULL;
    second = first ? strchr(first + 1, '\n') : NULL;
    end = second ? strchr(second + 1, '\n') : NULL;
    if (!end)
        return;
    memcpy(copy, first, (size_t)(second - first));
    memmove(first, second, (size_t)(end - second));
    memcpy(first + (end - second), copy, (size_t)(second - first));
}

static void
swap_bytes(char *text)
{
    size_t len = strlen(text), a, b;
    char c;

    if (len == 0)
        return;
    a = chance(len);
    b = chance(len);
    c = text[a];
    text[a] = text[b];
    text[b] = c;
}

static void
mutate(char *text)
{
    static void (*const changes[])(char *) = {
        flip_a_bit, delete_some, insert_a_piece, swap_lines, swap_bytes,
    };

    for (size_t n = 1 + chance(CHANGES_MAX); n > 0; n--)
        changes[chance(COUNT(changes))](text);
}

/* Whether it was accepted. */
static bool
try_text(const char *text)
{
    struct error err;
    struct config *config = load_text(text, &err);
    const char *insane = config ? insane_value(config) : NULL;

    if (insane)
        fail_msg("accepted, with a mad %s:\n%s", insane, text);
    if (!config && (err.code != ERROR_CONFIG || strncmp(err.reason, TEXT_PATH ":", strlen(TEXT_PATH ":")) != 0))
        fail_msg("refused without its place: \"%s\":\n%s", err.reason, text);
    config_free(config);
    return config != NULL;
}

static void
a_mutated_configuration_is_refused_or_sane(void **state)
{
    const char *seed = getenv("CLAVIGER_SEED");
    size_t accepted = 0;

    (void)state;
    state_of_chance = seed ? strtoull(seed, NULL, 10) | 1 : UINT64_C(88172645463325252);
    for (size_t i = 0; i < MUTANTS; i++) {
        char text[TEXT_MAX];

        strcpy(text, originals[i % COUNT(originals)]);
        mutate(text);
        accepted += try_text(text);
    }
    /* Both kinds were there: the mutations are neither too wild nor too tame. */
    assert_in_range(accepted, MUTANTS / 100, MUTANTS / 2);
}

static void
a_configuration_cut_anywhere_is_refused_or_sane(void **state)
{
    char text[TEXT_MAX];

    (void)state;
    for (size_t len = strlen(EVERY_KEY); len > 0; len--) {
        strcpy(text, EVERY_KEY);
        text[len] = '\0';
        try_text(text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mutated_configuration_is_refused_or_sane),
        cmocka_unit_test(a_configuration_cut_anywhere_is_refused_or_sane),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
