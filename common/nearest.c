/* common/nearest.c - see nearest.h */
#include "common/nearest.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Longer words are no typing errors of ours. */
#define WORD_MAX 40

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Whoever writes "plain" means "PLAIN". */
static bool
same_letter(char a, char b)
{
    return a == b || (a >= 'A' && a <= 'Z' && a + 'a' - 'A' == b)
        || (b >= 'A' && b <= 'Z' && b + 'a' - 'A' == a);
}

/* Optimal string alignment distance, whatever the case; both at most WORD_MAX characters. */
static size_t
distance(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b);
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_len; j++)
        above[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *spare = before;

        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t replaced = above[j - 1] + !same_letter(a[i - 1], b[j - 1]);

            row[j] = least(replaced, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2])
                && same_letter(a[i - 2], b[j - 1]))
                row[j] = least(row[j], before[j - 2] + 1);
        }
        before = above;
        above = row;
        row = spare;
    }
    return above[b_len];
}

/* "password" for "password_file": what was left out is one slip, however long. */
static bool
is_beginning(const char *word, const char *name)
{
    size_t len = strlen(word);

    for (size_t i = 0; i < len; i++)
        if (!same_letter(word[i], name[i]))     /* also where the name ends */
            return false;
    return len > 0 && name[len] == '_';
}

const char *
nearest_find(const char *word, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;

    if (strlen(word) > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t d;

        if (strlen(names[i]) > WORD_MAX)
            continue;
        d = is_beginning(word, names[i]) ? 1 : distance(word, names[i]);
        if (d < best_distance && d <= 1 + strlen(names[i]) / 3) {
            best_distance = d;
            best = names[i];
        }
    }
    return best;
}
