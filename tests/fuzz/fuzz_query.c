/* tests/fuzz/fuzz_query.c - the compiler of queries, against a second reading of the same rules
 *
 * Whatever the text: it compiles or is refused with a reason. When it compiles, text and result
 * are walked side by side: they differ in placeholders and nowhere else, every difference stands
 * outside quotes and comments, the marks are numbered in order, and there are as many as
 * parameters.
 */
#include "account/query.h"
#include "tests/fuzz/check.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The end of what starts at `at` and is no SQL of its own; `at` when nothing does. The text has
 * been accepted, so that every quote is closed. */
static const char *
skip_opaque(const char *at)
{
    static const struct { const char *start, *end; } pairs[] = {
        { "'", "'" }, { "\"", "\"" }, { "`", "`" }, { "--", "\n" }, { "/*", "*/" },
    };

    for (size_t i = 0; i < COUNT(pairs); i++)
        if (strncmp(at, pairs[i].start, strlen(pairs[i].start)) == 0) {
            const char *end = strstr(at + strlen(pairs[i].start), pairs[i].end);

            return end ? end + strlen(pairs[i].end) : strchr(at, '\0');
        }
    return at;
}

static bool
is_name_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (c & 0x80);
}

/* A name or a number, with the dollars in it; "$tag$ ... $tag$". */
static const char *
skip_name_or_dollars(const char *at)
{
    const char *tag = at + 1;
    char *quote;
    const char *end;

    if (*at != '$') {
        while (is_name_byte(*at) || (at >= tag && *at == '$'))
            at++;
        return at;
    }
    while (is_name_byte(*tag))
        tag++;
    if (*tag != '$')
        return at;
    quote = strndup(at, (size_t)(tag - at) + 1);
    end = strstr(tag + 1, quote);
    end = end ? end + strlen(quote) : at;
    free(quote);
    return end;
}

/* The mark that stands for the n-th parameter. */
static size_t
mark_text(enum account_mark mark, size_t n, char out[8])
{
    return (size_t)(mark == ACCOUNT_MARK_QUESTION ? snprintf(out, 8, "?")
                                                  : snprintf(out, 8, "$%zu", n));
}

static void
compare(const char *text, const struct query *query, enum account_mark mark)
{
    const char *in = text, *out = query->text;
    size_t marks = 0;
    char wanted[8];

    while (*in) {
        const char *end = skip_opaque(in);

        /* Two quotes that follow each other are one with a doubled quote there, and two here:
         * the same bytes either way. */
        if (end == in)
            end = skip_name_or_dollars(in);
        if (end == in && *in != '%')
            end = in + 1;
        CHECK(strncmp(in, out, (size_t)(end - in)) == 0);
        out += end - in;
        if (end == in && in[1] == '%') {
            CHECK(*out++ == '%');
            end = in + 2;
        } else if (end == in) {
            size_t len = mark_text(mark, ++marks, wanted);

            CHECK(strchr("undsipto", in[1]) && strncmp(out, wanted, len) == 0);
            CHECK("undsipto"[query->parameters[marks - 1]] == in[1]);
            out += len;
            end = in + 2;
        }
        in = end;
    }
    CHECK(*out == '\0');
    CHECK(marks == query->parameters_count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct query query;
    struct error err;
    char *text;

    if (size < 1)
        return 0;
    text = strndup((const char *)data + 1, size - 1);
    for (unsigned i = 0; i < 2; i++) {
        enum account_mark mark = i ? ACCOUNT_MARK_DOLLAR : ACCOUNT_MARK_QUESTION;
        enum account_query which = (enum account_query)(data[0] % ACCOUNT_QUERIES);
        const struct query_text from = { "fuzz", 1, text };

        error_clear(&err);
        if (query_compile(which, &from, mark, &query, &err) == ERROR_NONE)
            compare(text, &query, mark);
        else
            CHECK(err.code == ERROR_CONFIG && err.reason[0] && !query.text);
        query_wipe(&query);
    }
    free(text);
    return 0;
}
