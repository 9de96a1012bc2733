/* account/preset_choice.c - which lines of a preset count: its options; see preset.h
 *
 * A query's lines are copied each time options are chosen. One that does not count becomes an
 * empty line, so that a complaint about the others still names the line of the file.
 */
#include "account/preset_parts.h"
#include "common/nearest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- words -------------------------------------------------------------------------- */

span
preset_trim(span s)
{
    while (s.len && strchr(" \t\r", s.ptr[0]))
        s = span_from(s, 1);
    while (s.len && strchr(" \t\r", s.ptr[s.len - 1]))
        s = span_until(s, s.len - 1);
    return s;
}

bool
preset_take_word(span *in, span *out)
{
    span s = preset_trim(*in);
    size_t len = 0;

    while (len < s.len && s.ptr[len] != ' ' && s.ptr[len] != '\t')
        len++;
    *out = span_until(s, len);
    *in = span_from(s, len);
    return len > 0;
}

/* --- options and conditions ---------------------------------------------------------- */

const struct preset_option *
preset_option_find(const struct preset *preset, span name)
{
    for (size_t i = 0; i < preset->options_count; i++)
        if (span_is(name, preset->options[i].name))
            return &preset->options[i];
    return NULL;
}

size_t
preset_option_names(const struct preset *preset, const char *names[PRESET_OPTIONS_MAX])
{
    for (size_t i = 0; i < preset->options_count; i++)
        names[i] = preset->options[i].name;
    return preset->options_count;
}

bool
preset_condition_parse(const struct preset *preset, span words, struct preset_condition *out,
                       span *unknown_out)
{
    bool negated = false, any = false;
    span word;

    *out = (struct preset_condition){ 0, 0 };
    *unknown_out = span_make(NULL, 0);
    while (preset_take_word(&words, &word)) {
        const struct preset_option *option = preset_option_find(preset, word);

        if (!negated && span_is(word, "not")) {
            negated = true;
            continue;
        }
        if (!option) {
            *unknown_out = word;
            return false;
        }
        *(negated ? &out->unwanted : &out->wanted) |= 1u << (option - preset->options);
        negated = false;
        any = true;
    }
    return any && !negated;
}

bool
preset_condition_holds(const struct preset *preset, const struct preset_condition *condition)
{
    unsigned chosen = 0;

    for (size_t i = 0; i < preset->options_count; i++)
        chosen |= (unsigned)preset->options[i].chosen << i;
    return (chosen & condition->wanted) == condition->wanted && !(chosen & condition->unwanted);
}

bool
preset_condition_excludes(const struct preset_condition *a, const struct preset_condition *b)
{
    return (a->wanted & b->unwanted) || (b->wanted & a->unwanted);
}

/* --- lines -------------------------------------------------------------------------- */

enum preset_line
preset_line_kind(span line, span *words_out)
{
    span rest = preset_trim(line), word;

    *words_out = span_make(NULL, 0);
    if (!span_starts(line, "-- "))
        return PRESET_LINE_TEXT;
    rest = span_from(rest, 3);
    if (!rest.len || rest.ptr[0] == ' ' || !preset_take_word(&rest, &word))
        return PRESET_LINE_TEXT;
    if (span_is(word, "endif") && !preset_trim(rest).len)
        return PRESET_LINE_ENDIF;
    if (!span_is(word, "if"))
        return PRESET_LINE_TEXT;
    *words_out = preset_trim(rest);
    return PRESET_LINE_IF;
}

bool
preset_hole_find(span line, struct preset_hole *out)
{
    for (size_t i = 0; i + 1 < line.len; i++) {
        size_t end;

        if (line.ptr[i] != '%' || line.ptr[i + 1] != '{')
            continue;
        end = span_find(span_from(line, i), '}');
        *out = (struct preset_hole){ i, end + 1, span_until(span_from(line, i + 2), end - 2) };
        return i + end < line.len;
    }
    return false;
}

static const char *
value_of(const struct preset_option *option)
{
    return option->chosen ? option->given : option->value;
}

/* A text on its way into memory: the stream itself forgets that there was none for a part of it. */
struct copy { FILE *to; bool cut; };

static void
put(struct copy *copy, span text)
{
    if (fwrite(text.ptr, 1, text.len, copy->to) != text.len)
        copy->cut = true;
}

/* The parser has seen to it that every hole is an option's with a value, but in comments: what
 * looks like one there is words. */
static void
write_line(const struct preset *preset, span line, struct copy *to)
{
    const bool is_comment = span_starts(line, "--");
    struct preset_hole hole;

    while (!is_comment && preset_hole_find(line, &hole)) {
        put(to, span_until(line, hole.at));
        put(to, span_of(value_of(preset_option_find(preset, hole.name))));
        line = span_from(line, hole.at + hole.len);
    }
    put(to, line);
}

static void
write_entry(const struct preset *preset, const char *raw, struct copy *to)
{
    bool counts = true;

    while (*raw) {
        span line = span_make(raw, strcspn(raw, "\n")), words, unknown;
        enum preset_line kind = preset_line_kind(line, &words);
        struct preset_condition condition;

        raw += line.len + (raw[line.len] == '\n');
        if (kind == PRESET_LINE_IF)
            counts = preset_condition_parse(preset, words, &condition, &unknown)
                && preset_condition_holds(preset, &condition);
        else if (kind == PRESET_LINE_ENDIF)
            counts = true;
        else if (counts)
            write_line(preset, line, to);
        if (raw[-1] == '\n')
            put(to, span_of("\n"));
    }
}

static enum error_code
expand(struct preset *preset, struct preset_entry *entry, struct error *err)
{
    struct copy copy = { .cut = false };
    size_t len;

    free(entry->text);
    entry->text = NULL;
    copy.to = open_memstream(&entry->text, &len);
    if (copy.to) {
        write_entry(preset, entry->raw, &copy);
        if (fclose(copy.to) == 0 && !copy.cut && entry->text)
            return ERROR_NONE;
    }
    return error_set(err, ERROR_UNAVAILABLE, "no memory for preset %s", preset->name);
}

/* --- choosing ----------------------------------------------------------------------- */

static enum error_code
refuse_unknown(const struct preset *preset, span name, struct error *err)
{
    const char *names[PRESET_OPTIONS_MAX], *nearest = NULL;
    size_t count = preset_option_names(preset, names), used = 0;
    char list[160] = "", word[64];

    for (size_t i = 0; i < count; i++)
        if (used + strlen(names[i]) + 3 < sizeof(list))
            used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
                                     names[i]);
    if (span_to_string(name, word, sizeof(word)))
        nearest = nearest_find(word, names, count);
    return error_set(err, ERROR_CONFIG, "preset %s has no option \"%.*s\"%s%s%s; it has %s",
                     preset->name, (int)span_until(name, 63).len, (const char *)name.ptr,
                     nearest ? " (did you mean \"" : "", nearest ? nearest : "",
                     nearest ? "\"?)" : "", count ? list : "none");
}

static bool
is_value(span value)
{
    for (size_t i = 0; i < value.len; i++)
        if (!((value.ptr[i] >= 'a' && value.ptr[i] <= 'z')
              || (value.ptr[i] >= 'A' && value.ptr[i] <= 'Z')
              || (value.ptr[i] >= '0' && value.ptr[i] <= '9') || value.ptr[i] == '_'))
            return false;
    return value.len <= PRESET_VALUE_MAX;
}

static enum error_code
choose(struct preset *preset, const char *text, struct error *err)
{
    size_t equals = span_find(span_of(text), '=');
    span name = span_until(span_of(text), equals), value = span_from(span_of(text), equals + 1);
    const struct preset_option *found = preset_option_find(preset, name);
    struct preset_option *option = found ? &preset->options[found - preset->options] : NULL;
    bool has_value = equals < strlen(text);

    if (!option)
        return refuse_unknown(preset, name, err);
    if (option->chosen)
        return error_set(err, ERROR_CONFIG, "option \"%s\" is there twice", option->name);
    if (has_value != (option->value != NULL))
        return error_set(err, ERROR_CONFIG, "option \"%s\" of preset %s takes %s%s%s%s",
                         option->name, preset->name, has_value ? "no value" : "a value: \"",
                         has_value ? "" : option->name, has_value ? "" : "=",
                         has_value ? "" : option->value[0] ? option->value : "VALUE");
    if (has_value && !is_value(value))
        return error_set(err, ERROR_CONFIG, "option \"%s\": a value has letters, digits and \"_\", "
                         "at most %d", option->name, PRESET_VALUE_MAX);
    option->chosen = true;
    span_to_string(value, option->given, sizeof(option->given));
    return ERROR_NONE;
}

enum error_code
preset_choose(struct preset *preset, const char *const *options, size_t count, struct error *err)
{
    enum error_code code = ERROR_NONE;

    for (size_t i = 0; i < preset->options_count; i++)
        preset->options[i].chosen = false;
    for (size_t i = 0; i < count && code == ERROR_NONE; i++)
        code = choose(preset, options[i], err);
    for (size_t i = 0; i < preset->count && code == ERROR_NONE; i++)
        code = expand(preset, &preset->entries[i], err);
    return code;
}

/* --- for people --------------------------------------------------------------------- */

bool
preset_option_get(const struct preset *preset, size_t i, struct preset_option_info *out)
{
    if (i >= preset->options_count)
        return false;
    *out = (struct preset_option_info){ preset->options[i].name, preset->options[i].value,
                                        preset->options[i].title };
    return true;
}

bool
preset_part_get(const struct preset *preset, size_t i, struct preset_part *out)
{
    for (size_t k = 0; k < preset->count; k++) {
        const struct preset_entry *entry = &preset->entries[k];

        if (!preset_condition_holds(preset, &entry->condition) || i-- > 0)
            continue;
        *out = (struct preset_part){ entry->which, entry->engines_text, entry->text };
        return true;
    }
    return false;
}
