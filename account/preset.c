/* account/preset.c - see preset.h
 *
 * The source is kept in one piece. A query is a stretch of it between two headers, terminated
 * where the second one starts; preset_choice.c makes what counts of it.
 */
#include "account/preset_parts.h"

#include "account/choice.h"
#include "common/file.h"
#include "common/nearest.h"

#include <stdlib.h>
#include <string.h>

#define ENGINES 3

static const char *const engines[ENGINES] = { "mysql", "pgsql", "sqlite" };

struct parser {
    struct preset *preset;
    const char *name;           /* that the file has to say */
    size_t line;
    size_t if_line;             /* of the "-- if" that is open; 0: none is */
    struct error *err;
};

/* --- words of a header -------------------------------------------------------------- */

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

/* --- the headers -------------------------------------------------------------------- */

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
header_versions(struct parser *p, span value)
{
    if (p->preset->versions)
        return fault(p, "a second line of versions:", value);
    p->preset->versions = keep(value);
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

static enum error_code
header_encoding(struct parser *p, span value)
{
    if (!span_is(value, "latin1"))
        return fault(p, "the only other encoding is latin1, not", value);
    p->preset->latin1 = true;
    return ERROR_NONE;
}

/* "name  title" or "name=default  title". */
static enum error_code
header_option(struct parser *p, span value)
{
    struct preset *preset = p->preset;
    struct preset_option *option = &preset->options[preset->options_count];
    size_t equals;
    span word;

    preset_take_word(&value, &word);
    equals = span_find(word, '=');
    value = preset_trim(value);
    if (preset->options_count == PRESET_OPTIONS_MAX)
        return fault(p, "too many options: no room for", word);
    if (!value.len)
        return fault(p, "an option says what it does: nothing follows", word);
    if (equals == 0 || span_is(word, "not") || preset_option_find(preset, span_until(word, equals)))
        return fault(p, "no name for an option, or one that is taken:", word);
    option->value = equals < word.len ? keep(span_from(word, equals + 1)) : NULL;
    option->name = keep(span_until(word, equals));
    option->title = keep(value);
    preset->options_count++;
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
    while (preset_take_word(&list, &word)) {
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

/* Whatever follows "if" in a header or a line. */
static enum error_code
read_condition(struct parser *p, span words, struct preset_condition *out)
{
    const char *names[PRESET_OPTIONS_MAX];
    span unknown;

    if (preset_condition_parse(p->preset, words, out, &unknown))
        return ERROR_NONE;
    if (!unknown.len)
        return fault(p, "a condition is names of options, perhaps with \"not\", and not", words);
    return fault_with_nearest(p, "no option of this preset, behind \"if\":", unknown, names,
                              preset_option_names(p->preset, names));
}

/* "if option" behind a header's words, or nothing; `what` says how the words are written. */
static enum error_code
read_end_condition(struct parser *p, span rest, const char *what, struct preset_condition *out)
{
    span word;

    if (!preset_take_word(&rest, &word))
        return ERROR_NONE;
    return span_is(word, "if") ? read_condition(p, rest, out) : fault(p, what, word);
}

static enum error_code
header_make(struct parser *p, span value)
{
    struct preset *preset = p->preset;
    struct preset_make *make = &preset->makes[preset->makes_count];
    span word;

    preset_take_word(&value, &word);
    if (preset->makes_count == PRESET_MAKES_MAX)
        return fault(p, "too many schemes to make: no room for", word);
    if ((word.ptr[0] == '{') != (word.ptr[word.len - 1] == '}'))
        return fault(p, "a scheme to make is a name, perhaps in braces, not", word);
    if (read_end_condition(p, value, "behind a scheme to make comes \"if\", not",
                           &make->condition) != ERROR_NONE)
        return ERROR_CONFIG;
    make->scheme = keep(word);
    preset->makes_count++;
    return ERROR_NONE;
}

/* The other query of that name for one of its engines, when both can be chosen at once. */
static const struct preset_entry *
find_rival(const struct preset *preset, const struct preset_entry *entry)
{
    for (size_t i = 0; i < preset->count; i++)
        if (preset->entries[i].which == entry->which
            && (preset->entries[i].engines & entry->engines)
            && !preset_condition_excludes(&preset->entries[i].condition, &entry->condition))
            return &preset->entries[i];
    return NULL;
}

static enum error_code
header_query(struct parser *p, span value)
{
    struct preset *preset = p->preset;
    struct preset_entry entry = { .header_line = p->line };
    const struct preset_entry *rival;
    span word = { 0 }, list;
    size_t end;

    preset_take_word(&value, &word);
    if (!query_find(word, &entry.which))
        return fault_unknown_query(p, word);
    value = preset_trim(value);
    end = span_find(value, ']');
    list = span_until(value, end < value.len ? end + 1 : value.len);
    entry.engines = parse_engines(p, list);
    if (!entry.engines
        || read_end_condition(p, span_from(value, list.len), "engines are written as [mysql pgsql "
                              "sqlite], and then comes \"if\", not", &entry.condition)
            != ERROR_NONE)
        return ERROR_CONFIG;
    rival = find_rival(preset, &entry);
    if (rival)
        return error_set(p->err, ERROR_CONFIG, "%s:%zu: query %s is on line %zu already, for the "
                         "same engine", preset->file, p->line, account_query_name(entry.which),
                         rival->header_line);
    if (preset->count == PRESET_ENTRIES_MAX)
        return fault(p, "too many queries: no room for", word);
    entry.engines_text = keep(list);
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
    { "versions", true, header_versions },
    { "scheme", true, header_scheme },
    { "make", true, header_make },
    { "encoding", true, header_encoding },
    { "option", true, header_option },
    { "query", false, header_query },
};

/* --- lines -------------------------------------------------------------------------- */

/* A mistyped "-- qeury lookup [sqlite]" must not become a comment: its text would run on the
 * end of another query. */
static enum error_code
check_comment(struct parser *p, span line)
{
    const char *words[COUNT(headers)];
    span rest = preset_trim(span_from(line, 2)), word = { 0 };
    char copy[16];

    if (!rest.len || rest.ptr[rest.len - 1] != ']' || !preset_take_word(&rest, &word)
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
    if (!value_out->len || value_out->ptr[0] == ' ' || !preset_take_word(value_out, &word))
        return NULL;
    *value_out = preset_trim(*value_out);
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

/* "-- if" and "-- endif" in a query. */
static enum error_code
read_branch(struct parser *p, enum preset_line kind, span words)
{
    struct preset_condition condition;

    if (p->preset->count == 0)
        return fault(p, "this belongs into a query:", span_of("-- if, -- endif"));
    if ((kind == PRESET_LINE_IF) == (p->if_line > 0))
        return fault(p, p->if_line ? "conditions do not nest: one is open before"
                                   : "no condition is open before",
                     p->if_line ? words : span_of("-- endif"));
    p->if_line = kind == PRESET_LINE_IF ? p->line : 0;
    return kind == PRESET_LINE_IF ? read_condition(p, words, &condition) : ERROR_NONE;
}

/* Each %{name} is an option with a value. */
static enum error_code
check_holes(struct parser *p, span line)
{
    struct preset_hole hole;

    while (preset_hole_find(line, &hole)) {
        const struct preset_option *option = preset_option_find(p->preset, hole.name);

        if (!option || !option->value)
            return fault(p, "no option with a value has the name", hole.name);
        line = span_from(line, hole.at + hole.len);
    }
    return ERROR_NONE;
}

/* A line that is no header. */
static enum error_code
read_text(struct parser *p, span line)
{
    span words;
    enum preset_line kind = preset_line_kind(line, &words);

    if (kind != PRESET_LINE_TEXT)
        return read_branch(p, kind, words);
    if (span_starts(line, "--"))
        return check_comment(p, line);
    if (p->preset->count == 0 && preset_trim(line).len)
        return fault(p, "SQL before the first \"-- query\" header:", preset_trim(line));
    return check_holes(p, line);
}

static enum error_code
check_closed(struct parser *p)
{
    if (p->if_line == 0)
        return ERROR_NONE;
    p->line = p->if_line;
    return fault(p, "this condition has no", span_of("-- endif"));
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

    if (!header)
        return read_text(p, line);
    code = check_closed(p);
    if (code == ERROR_NONE)
        code = read_header(p, header, value);
    if (code == ERROR_NONE && preset->count > queries) {
        *(char *)(uintptr_t)line.ptr = '\0';        /* ends the query before */
        preset->entries[queries].raw = next;
    }
    return code;
}

static enum error_code
read_lines(struct parser *p)
{
    enum error_code code = ERROR_NONE;
    char *at = p->preset->source, *next;

    for (; *at && code == ERROR_NONE; at = next) {
        size_t len = strcspn(at, "\n");

        next = at + len + (at[len] == '\n');
        p->line++;
        code = read_line(p, span_make(at, len), next);
    }
    if (code == ERROR_NONE)
        code = check_closed(p);
    if (code == ERROR_NONE && !p->preset->name)
        code = fault(p, "no header says", span_of("-- preset NAME"));
    if (code == ERROR_NONE && p->preset->count == 0)
        code = fault(p, "no query in preset", span_of(p->name));
    if (code == ERROR_NONE)
        code = preset_choose(p->preset, NULL, 0, p->err);
    return code;
}

enum error_code
preset_parse(const char *file, const char *name, const char *text, struct preset **out,
             struct error *err)
{
    struct preset *preset = calloc(1, sizeof(*preset));
    struct parser p = { preset, name, 0, 0, err };
    enum error_code code;

    *out = NULL;
    if (preset) {
        preset->file = strdup(file);
        preset->source = strdup(text);
    }
    if (!preset || !preset->file || !preset->source)
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

static struct choice
presets_of(const char *dir)
{
    return (struct choice){ "preset", dir, "", ".sql" };
}

void
preset_each(const char *dir, void (*each)(void *context, const char *name), void *context)
{
    const struct choice presets = presets_of(dir);

    choice_each(&presets, each, context);
}

enum error_code
preset_read(const char *dir, const char *name, struct preset **out, struct error *err)
{
    const struct choice presets = presets_of(dir);
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
    for (size_t i = 0; i < preset->count; i++)
        free(preset->entries[i].text);
    free(preset->file);
    free(preset->source);
    free(preset);
}

/* --- questions ---------------------------------------------------------------------- */

const char *
preset_title(const struct preset *preset)
{
    return preset->title ? preset->title : preset->name;
}

const char *
preset_versions(const struct preset *preset)
{
    return preset->versions;
}

const char *
preset_scheme(const struct preset *preset)
{
    return preset->scheme;
}

const char *
preset_make(const struct preset *preset)
{
    for (size_t i = 0; i < preset->makes_count; i++)
        if (preset_condition_holds(preset, &preset->makes[i].condition))
            return preset->makes[i].scheme;
    return NULL;
}

bool
preset_is_latin1(const struct preset *preset)
{
    return preset->latin1;
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
    unsigned bit = engine_bit(engine);

    for (size_t i = 0; i < preset->count; i++) {
        const struct preset_entry *entry = &preset->entries[i];

        if (entry->which != which || !(entry->engines & bit)
            || !preset_condition_holds(preset, &entry->condition))
            continue;
        *out = (struct query_text){ preset->file, entry->header_line + 1, entry->text };
        return true;
    }
    return false;
}

const char *
preset_engine(size_t i)
{
    return i < COUNT(engines) ? engines[i] : NULL;
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
