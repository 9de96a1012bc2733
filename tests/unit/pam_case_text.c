/* tests/unit/pam_case_text.c - the words of a line in tests/pam_cases: see pam_case_text.h */
#include "tests/unit/pam_case_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
reader_wrong(const struct reader *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fprintf(stderr, "# %s:%d: ", r->one->path, r->line);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(99);
}

struct case_text
text_keep(struct reader *r, const char *bytes, size_t len, size_t times)
{
    struct pam_case *one = r->one;
    struct case_text text = { calloc(len * times + 1, 1), len * times };

    if (text.bytes == NULL || one->texts_count == sizeof one->texts / sizeof one->texts[0])
        reader_wrong(r, "too much text");
    for (size_t i = 0; i < times; i++)
        memcpy(text.bytes + i * len, bytes, len);
    return one->texts[one->texts_count++] = text;
}

static char
take_escape(struct reader *r)
{
    static const char letters[] = "ntr\\\"", bytes[] = "\n\t\r\\\"";
    const char *letter = *r->at != '\0' ? strchr(letters, *r->at) : NULL;
    int value = 0;

    if (letter != NULL) {
        r->at++;
        return bytes[letter - letters];
    }
    if (*r->at < '0' || *r->at > '7')
        reader_wrong(r, "unknown escape");
    for (int i = 0; i < 3 && *r->at >= '0' && *r->at <= '7'; i++)
        value = value * 8 + (*r->at++ - '0');
    return (char)value;
}

static struct case_text
take_quoted(struct reader *r)
{
    char bytes[CASE_TEXT];
    size_t len = 0, times = 1;

    for (r->at++; *r->at != '"'; ) {
        if (*r->at == '\0' || len == sizeof bytes)
            reader_wrong(r, "a text without an end");
        if (*r->at == '\\') {
            r->at++;
            bytes[len++] = take_escape(r);
        } else {
            bytes[len++] = *r->at++;
        }
    }
    r->at++;
    if (*r->at == '*')
        times = strtoul(r->at + 1, (char **)&r->at, 10);
    return text_keep(r, bytes, len, times);
}

static void
skip_blanks(struct reader *r)
{
    r->at += strspn(r->at, " \t");
}

bool
is_more(struct reader *r)
{
    skip_blanks(r);
    return *r->at != '\0';
}

struct case_text
take_until(struct reader *r, const char *ends)
{
    size_t len;

    if (!is_more(r))
        reader_wrong(r, "something is missing");
    if (*r->at == '"')
        return take_quoted(r);
    len = strcspn(r->at, ends);
    r->at += len;
    return text_keep(r, r->at - len, len, 1);
}

struct case_text
take_text(struct reader *r)
{
    return take_until(r, " \t");
}

struct case_text
take_rest(struct reader *r)
{
    skip_blanks(r);
    return text_keep(r, r->at, strlen(r->at), 1);
}

int
take_word(struct reader *r, const struct word *words)
{
    struct case_text text = take_text(r);

    for (; words->name != NULL; words++)
        if (strcmp(words->name, text.bytes) == 0)
            return words->value;
    reader_wrong(r, "\"%s\" is no word here", text.bytes);
}
