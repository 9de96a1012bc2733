/* account/preset.c - see preset.h
 *
 * The text is kept in one piece. A query is a stretch of it between two headers, terminated
 * where the second one starts, so that lines stay what they are in the file.
 */
#include "account/preset.h"

#include "account/choice.h"
#include "common/file.h"
#include "common/nearest.h"

#include <stdlib.h>
#include <string.h>

#define ENGINES 3

static const char *const engines[ENGINES] = { "mysql", "pgsql", "sqlite" };

struct preset_entry {
    enum account_query which;
    unsigned engines;           /* bit i: engines[i] */
    size_t header_line;
    char *text;                 /* starts on the line after it */
};

struct preset {
    char *file;
    char *text;                 /* all strings below point into it */
    const char *name, *title, *scheme;
    size_t count;
    struct preset_entry entries[ACCOUNT_QUERIES * ENGINES];     /* each at most once */
};

struct parser {
    struct preset *preset;
    const char *name;           /* that the file has to say */
    size_t line;
    struct error *err;
};

/* --- words of a header -------------------------------------------------------------- */

static span
trim(span s)
{
    while (s.len && strchr(" \t\r", s.ptr[0]))
        s = span_from(s, 1);
    while (s.len && strchr(" \t\r", s.ptr[s.len - 1]))
        s = span_until(s, s.len - 1);
    return s;
}

/* Moves the first word of *in to *out; false when there is none. */
static bool
take_word(span *in, span *out)
{
    span s = trim(*in);
    size_t len = 0;

    while (len < s.len && s.ptr[len] != ' ' && s.ptr[len] != '\t')
        len++;
    *out = span_until(s, len);
    *in = span_from(s, len);
    return len > 0;
}

/* `names`: what may have been meant. */
static enum error_code
fault_with_nearest(const struct parser *p, const char *what, span quoted,
                   const char *const *names, size_t count)
{
    char word[64];
    const char *nearest = NULL;

    if (span_to_string(quoted, word, sizeof(word)))
        nearest = nearest_find(word, names, count);
    return error_set(p->err, ERROR_CONFIG, "%s:%zu: %s \"%.*s\"%s%s%s", p->preset->file, p->line,
                     what, (int)span_until(quoted, 64).len, (const char *)quoted.ptr,
                     nearest ? " (did you mean \"" : "", nearest ? nearest : "",
                     nearest ? "\"?)" : "");
}

static enum error_code
fault(const struct parser *p, const char *what, span quoted)
{
    return fault_with_nearest(p, what, quoted, NULL, 0);
}

/* --- the four headers --------------------------------------------------------------- */

/* A string that the header line holds to its end; the text is cut there, in place. */
static char *
keep(span value)
{
    char *start = (char *)(uintptr_t)value.ptr;     /* our own text, seen through a span */

    start[value.len] = '\0';
    return start;
}

static enum error_code
header_preset(struct parser *p, span value)
{
    if (p->preset->name)
        return fault(p, "a second name:", value);
    if (!span_is(value, p->name))
        return fault(p, "the file's name says another preset than", value);
    p->preset->name = keep(value);
    return ERROR_NONE;
}

static enum error_code
header_title(struct parser *p, span value)
{
    if (p->preset->title)
        return fault(p, "a second title:", value);
    p->preset->title = keep(value);
    return ERROR_NONE;
}

static enum error_code
header_scheme(struct parser *p, span value)
{
    if (p->preset->scheme)
        return fault(p, "a second scheme:", value);
    if (span_has(value, ' '))
        return fault(p, "a scheme is one word, not", value);
    p->preset->scheme = keep(value);
    return ERROR_NONE;
}

/* "[mysql pgsql]" as bits; 0, and an error, for anything else. */
static unsigned
parse_engines(struct parser *p, span list)
{
    unsigned bits = 0;
    span word;

    if (list.len < 2 || list.ptr[0] != '[' || list.ptr[list.len - 1] != ']') {
        fault(p, "engines are written as [mysql pgsql sqlite], not as", list);
        return 0;
    }
    list = span_until(span_from(list, 1), list.len - 2);
    while (take_word(&list, &word)) {
        size_t i = 0;

        while (i < COUNT(engines) && !span_is(word, engines[i]))
            i++;
        if (i == COUNT(engines)) {
            fault_with_nearest(p, "unknown engine", word, engines, COUNT(engines));
            return 0;
        }
        bits |= 1u << i;
    }
    if (!bits)
        fault(p, "no engine in", span_of("[]"));
    return bits;
}

static enum error_code
fault_unknown_query(struct parser *p, span word)
{
    const char *names[ACCOUNT_QUERIES];

    for (size_t i = 0; i < ACCOUNT_QUERIES; i++)
        names[i] = account_query_name((enum account_query)i);
    return fault_with_nearest(p, "unknown query", word, names, COUNT(names));
}

static const struct preset_entry *
find_entry(const struct preset *preset, enum account_query which, unsigned bits)
{
    for (size_t i = 0; i < preset->count; i++)
        if (preset->entries[i].which == which && (preset->entries[i].engines & bits))
            return &preset->entries[i];
    return NULL;
}

static enum error_code
header_query(struct parser *p, span value)
{
    struct preset *preset = p->preset;
    struct preset_entry entry = { .header_line = p->line };
    const struct preset_entry *other;
    span word = { 0 };

    take_word(&value, &word);
    if (!query_find(word, &entry.which))
        return fault_unknown_query(p, word);
    entry.engines = parse_engines(p, trim(value));
    if (!entry.engines)
        return ERROR_CONFIG;
    other = find_entry(preset, entry.which, entry.engines);
    if (other)
        return error_set(p->err, ERROR_CONFIG, "%s:%zu: query %s is on line %zu already, for the "
                         "same engine", preset->file, p->line, account_query_name(entry.which),
                         other->header_line);
    preset->entries[preset->count++] = entry;
    return ERROR_NONE;
}

static const struct header {
    const char *word;
    bool before_queries;        /* it is about all of them */
    enum error_code (*read)(struct parser *p, span value);
} headers[] = {
    { "preset", true, header_preset },
    { "title", true, header_title },
    { "scheme", true, header_scheme },
    { "query", false, header_query },
};

/* --- lines -------------------------------------------------------------------------- */

/* A mistyped "-- qeury lookup [sqlite]" must not become a comment: its text would run on the
 * end of another query. */
static enum error_code
check_comment(struct parser *p, span line)
{
    const char *words[COUNT(headers)];
    span rest = trim(span_from(line, 2)), word = { 0 };
    char copy[16];

    if (!rest.len || rest.ptr[rest.len - 1] != ']' || !take_word(&rest, &word)
        || !span_to_string(word, copy, sizeof(copy)))
        return ERROR_NONE;
    for (size_t i = 0; i < COUNT(headers); i++)
        words[i] = headers[i].word;
    if (!nearest_find(copy, words, COUNT(words)))
        return ERROR_NONE;
    return fault_with_nearest(p, "neither header nor comment: no header has the word", word,
                              words, COUNT(words));
}

static const struct header *
find_header(span line, span *value_out)
{
    span word;

    if (!span_starts(line, "-- "))
        return NULL;
    *value_out = span_from(line, 3);
    if (!value_out->len || value_out->ptr[0] == ' ' || !take_word(value_out, &word))
        return NULL;
    *value_out = trim(*value_out);
    for (size_t i = 0; i < COUNT(headers); i++)
        if (span_is(word, headers[i].word))
            return &headers[i];
    return NULL;
}

static enum error_code
read_header(struct parser *p, const struct header *header, span value)
{
    struct preset *preset = p->preset;

    if (!value.len)
        return fault(p, "nothing follows the header", span_of(header->word));
    if (!preset->name && header->read != header_preset)
        return fault(p, "the first header has to be \"-- preset NAME\", not",
                     span_of(header->word));
    if (header->before_queries && preset->count > 0)
        return fault(p, "this belongs before the first query:", span_of(header->word));
    return header->read(p, value);
}

/* One line, without its end; `next` is where the following one starts. */
static enum error_code
read_line(struct parser *p, span line, char *next)
{
    struct preset *preset = p->preset;
    size_t queries = preset->count;
    span value = { 0 };
    const struct header *header = find_header(line, &value);
    enum error_code code;

    if (!header) {
        if (span_starts(line, "--"))
            return check_comment(p, line);
        if (queries == 0 && trim(line).len)
            return fault(p, "SQL before the first \"-- query\" header:", trim(line));
        return ERROR_NONE;
    }
    code = read_header(p, header, value);
    if (code == ERROR_NONE && preset->count > queries) {
        *(char *)(uintptr_t)line.ptr = '\0';        /* ends the query before */
        preset->entries[queries].text = next;
    }
    return code;
}

static enum error_code
read_lines(struct parser *p)
{
    enum error_code code = ERROR_NONE;
    char *at = p->preset->text, *next;

    for (; *at && code == ERROR_NONE; at = next) {
        size_t len = strcspn(at, "\n");

        next = at + len + (at[len] == '\n');
        p->line++;
        code = read_line(p, span_make(at, len), next);
    }
    if (code == ERROR_NONE && !p->preset->name)
        code = fault(p, "no header says", span_of("-- preset NAME"));
    if (code == ERROR_NONE && p->preset->count == 0)
        code = fault(p, "no query in preset", span_of(p->name));
    return code;
}

enum error_code
preset_parse(const char *file, const char *name, const char *text, struct preset **out,
             struct error *err)
{
    struct preset *preset = calloc(1, sizeof(*preset));
    struct parser p = { preset, name, 0, err };
    enum error_code code;

    *out = NULL;
    if (preset) {
        preset->file = strdup(file);
        preset->text = strdup(text);
    }
    if (!preset || !preset->file || !preset->text)
        code = error_set(err, ERROR_UNAVAILABLE, "no memory for preset %s", name);
    else
        code = read_lines(&p);
    if (code != ERROR_NONE) {
        preset_free(preset);
        return code;
    }
    *out = preset;
    return ERROR_NONE;
}

enum error_code
preset_read(const char *dir, const char *name, struct preset **out, struct error *err)
{
    const struct choice presets = { "preset", dir, "", ".sql" };
    char *path = NULL, *text = NULL;
    enum error_code code;

    *out = NULL;
    code = choice_path(&presets, name, &path, err);
    if (code == ERROR_NONE)
        code = file_read_text(path, PRESET_MAX, &text, err);
    if (code == ERROR_NONE)
        code = preset_parse(path, name, text, out, err);
    free(text);
    free(path);
    return code;
}

void
preset_free(struct preset *preset)
{
    if (!preset)
        return;
    free(preset->file);
    free(preset->text);
    free(preset);
}

/* --- questions ---------------------------------------------------------------------- */

const char *
preset_title(const struct preset *preset)
{
    return preset->title ? preset->title : preset->name;
}

const char *
preset_scheme(const struct preset *preset)
{
    return preset->scheme;
}

static unsigned
engine_bit(const char *engine)
{
    for (size_t i = 0; i < COUNT(engines); i++)
        if (strcmp(engine, engines[i]) == 0)
            return 1u << i;
    return 0;
}

bool
preset_query(const struct preset *preset, enum account_query which, const char *engine,
             struct query_text *out)
{
    const struct preset_entry *entry = find_entry(preset, which, engine_bit(engine));

    if (!entry)
        return false;
    *out = (struct query_text){ preset->file, entry->header_line + 1, entry->text };
    return true;
}

bool
preset_fits(const struct preset *preset, const char *engine)
{
    unsigned bit = engine_bit(engine);

    for (size_t i = 0; i < preset->count; i++)
        if (preset->entries[i].engines & bit)
            return true;
    return false;
}
