/* tests/unit/vectors.h - the rows of the tables of stored passwords in tests/vectors
 *
 * scheme (the default scheme), generator, user, password (percent-encoded bytes), stored, expect (ok,
 * reject, malformed). In passwords-public.tsv the generator is who made it and who confirmed it, and
 * the shape; each ok row was confirmed by an implementation other than its maker. In
 * uncommon.tsv it is what is uncommon in the row: a clause of some format. Its values were
 * computed with Python's hashlib, passlib, pyca's bcrypt and argon2-cffi.
 */
#ifndef TESTS_UNIT_VECTORS_H
#define TESTS_UNIT_VECTORS_H

#include "password/password.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct vector {
    size_t line;
    const char *scheme, *generator, *user, *stored, *expect;
    span password;
    char text[65536];
};

/* In place; the length of the result. */
static inline size_t
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

static inline FILE *
vectors_open(const char *table, struct vector *vector)
{
    const char *source = getenv("CLAVIGER_SOURCE");
    char path[4096];
    FILE *file;

    snprintf(path, sizeof(path), "%s/tests/vectors/%s.tsv", source ? source : ".", table);
    file = fopen(path, "r");
    if (!file)
        fail_msg("cannot open %s", path);
    assert_non_null(fgets(vector->text, sizeof(vector->text), file));   /* the header */
    vector->line = 1;
    return file;
}

/* False at the end. */
static inline bool
vectors_next(FILE *file, struct vector *vector)
{
    const char **const columns[] = { &vector->scheme, &vector->generator, &vector->user, NULL,
                                     &vector->stored, &vector->expect };
    char *line = vector->text, *password = NULL;

    if (!fgets(vector->text, sizeof(vector->text), file))
        return false;
    vector->line++;
    line[strcspn(line, "\n")] = '\0';
    for (size_t i = 0; i < COUNT(columns); i++) {
        char *column = strsep(&line, "\t");

        assert_non_null(column);
        if (columns[i])
            *columns[i] = column;
        else
            password = column;
    }
    assert_null(line);
    vector->password = span_make(password, percent_decode(password));
    return true;
}

static inline struct stored_password
vector_stored(const struct vector *vector)
{
    return (struct stored_password){
        .value = span_of(vector->stored), .scheme = span_of(vector->scheme),
        .login = span_of(strcmp(vector->user, "-") == 0 ? NULL : vector->user),
    };
}

#endif
