/* account/preset_parts.h - what a preset is made of, for preset.c and preset_choice.c */
#ifndef ACCOUNT_PRESET_PARTS_H
#define ACCOUNT_PRESET_PARTS_H

#include "account/preset.h"

/* Far more than any manager needs; a condition is two words of bits. */
#define PRESET_OPTIONS_MAX 16
#define PRESET_ENTRIES_MAX 96
#define PRESET_MAKES_MAX 4

/* Bytes of an option's value. */
#define PRESET_VALUE_MAX 63

/* Bit i: the preset's option i. */
struct preset_condition { unsigned wanted, unwanted; };

struct preset_option {
    const char *name, *title;
    const char *value;          /* its default; NULL: it takes none */
    bool chosen;
    char given[PRESET_VALUE_MAX + 1];   /* the value that was chosen */
};

struct preset_make { const char *scheme; struct preset_condition condition; };

struct preset_entry {
    enum account_query which;
    unsigned engines;           /* bit i: engine i of preset.c */
    const char *engines_text;
    struct preset_condition condition;
    size_t header_line;
    char *raw;                  /* starts on the line after it */
    char *text;                 /* as chosen; on the heap */
};

struct preset {
    char *file;
    char *source;               /* the strings below, but for `text`, point into it */
    const char *name, *title, *versions, *scheme;
    size_t makes_count;
    struct preset_make makes[PRESET_MAKES_MAX];
    bool latin1;
    size_t options_count;
    struct preset_option options[PRESET_OPTIONS_MAX];
    size_t count;
    struct preset_entry entries[PRESET_ENTRIES_MAX];
};

/* The words behind "if". False, with the word that is none of its options in *unknown_out (empty: there is no
 * word), for anything else. */
bool preset_condition_parse(const struct preset *preset, span words,
                            struct preset_condition *out, span *unknown_out);
bool preset_condition_holds(const struct preset *preset, const struct preset_condition *condition);

/* No choice of options makes both true. */
bool preset_condition_excludes(const struct preset_condition *a, const struct preset_condition *b);

/* What kind of line it is, inside a query. *words_out: behind "if". */
enum preset_line { PRESET_LINE_TEXT, PRESET_LINE_IF, PRESET_LINE_ENDIF };
enum preset_line preset_line_kind(span line, span *words_out);

/* The first %{NAME} of a line; false: there is none. `at` is where it starts, `len` all of it. */
struct preset_hole { size_t at, len; span name; };
bool preset_hole_find(span line, struct preset_hole *out);
const struct preset_option *preset_option_find(const struct preset *preset, span name);

/* Names of options, for "did you mean". */
size_t preset_option_names(const struct preset *preset, const char *names[PRESET_OPTIONS_MAX]);

/* Blanks around it do not count; the first word of *in moves to *out, false when there is none. */
span preset_trim(span s);
bool preset_take_word(span *in, span *out);

#endif
