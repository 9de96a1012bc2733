/* config/read.c - see read.h
 *
 * Every key is a string to libconfuse. Its parse callback gets the value while the line is known, and
 * stores it at once; a section's validate callback runs at its closing brace and looks at the whole.
 * libconfuse's tree of values is thrown away.
 */
#include "config/read.h"

#include "common/file.h"
#include "common/nearest.h"
#include "config/text.h"

#include <confuse.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    struct config_draft *draft;
    cfg_t *root;
    struct error *err;
    enum error_code code;               /* of the first fault; the later ones follow from it */
    unsigned depth, includes;
    bool is_torn;       /* by want of memory: libconfuse 3.3 cannot free a tree that it left half made */

    /* The section that is open, or was last. */
    const cfg_t *open;
    const struct config_section *section;
    void *base;
    int section_line;
    int key_lines[CONFIG_KEYS_MAX];     /* 0: not given */
};

/* libconfuse's callbacks have no argument for us. */
static struct reading *reading;

/* --- refusals ------------------------------------------------------------------------ */

/* The reason is in reading->err; puts the place before it. Returns what makes libconfuse stop. */
static int
fault_at(const char *path, int line)
{
    error_prefix(reading->err, "%s:%d", path, line);
    reading->code = reading->err->code;
    return -1;
}

/* "listen "cyrus"", for people. */
static const char *
section_words(const cfg_t *cfg, char out[120])
{
    if (cfg->title)
        snprintf(out, 120, "%s \"%.80s\"", cfg->name, cfg->title);
    else
        snprintf(out, 120, "%s", cfg->name);
    return out;
}

/* Which section knows a key that stands in the wrong one. */
static const char *
section_of_key(const char *name)
{
    for (size_t i = 0; i < CONFIG_SECTIONS; i++)
        if (config_key_find(&config_sections[i], name))
            return config_sections[i].name;
    return NULL;
}

static const char *
nearest_key(const struct config_section *section, const char *name)
{
    const char *names[CONFIG_KEYS_MAX];

    for (size_t i = 0; i < section->keys_count; i++)
        names[i] = section->keys[i].name;
    return nearest_find(name, names, section->keys_count);
}

static const char *
nearest_section(const char *name)
{
    const char *names[CONFIG_SECTIONS];

    for (size_t i = 0; i < CONFIG_SECTIONS; i++)
        names[i] = config_sections[i].name;
    return nearest_find(name, names, CONFIG_SECTIONS);
}

static void
refuse_unknown_section(const char *name)
{
    const char *home = section_of_key(name), *near = nearest_section(name);

    if (home)
        error_set(reading->err, ERROR_CONFIG, "the key \"%.80s\" belongs in a section, such as "
                  "%s", name, home);
    else if (near)
        error_set(reading->err, ERROR_CONFIG, "unknown section \"%.80s\": did you mean \"%s\"?",
                  name, near);
    else
        error_set(reading->err, ERROR_CONFIG, "unknown section \"%.80s\"", name);
}

static void
refuse_unknown_key(const cfg_t *cfg, const char *name)
{
    const struct config_section *section = config_section_find(cfg->name);
    const char *near = nearest_key(section, name), *home = section_of_key(name);

    if (strcmp(name, "include") == 0)
        error_set(reading->err, ERROR_CONFIG, "\"include\" stands outside of sections");
    else if (home)
        error_set(reading->err, ERROR_CONFIG, "%s has no key \"%s\": it belongs to the section "
                  "\"%s\"", section->name, name, home);
    else if (near)
        error_set(reading->err, ERROR_CONFIG, "%s has no key \"%.80s\": did you mean \"%s\"?",
                  section->name, name, near);
    else
        error_set(reading->err, ERROR_CONFIG, "%s has no key \"%.80s\"", section->name, name);
}

static void
refuse_unknown(const cfg_t *cfg, const char *name)
{
    if (cfg == reading->root)
        refuse_unknown_section(name);
    else
        refuse_unknown_key(cfg, name);
}

/* libconfuse's own words for what it finds (confuse.c 3.3), and ours where its are too short. */
static const char no_such_option[] = "no such option '%s'";
static const struct { const char *theirs, *ours; } phrases[] = {
    { "unexpected token '%s'", "\"%s\" is not expected here" },
    { "found duplicate title '%s'", "there is a section with the title \"%s\" already" },
    { "missing title for section '%s'", "%s needs a title: %s \"NAME\" { ... }" },
    { "missing opening brace for section '%s'", "after %s comes \"{\"" },
    { "missing equal sign after option '%s'", "after the key \"%s\" comes \"=\"" },
    { "missing parenthesis for function '%s'", "after %s comes (\"FILE\")" },
    { "unexpected closing brace", "\"}\" without a \"{\" before it" },
    { "premature end of file", "the file ends in the middle of a statement" },
};

/* Puts `word` for every %s of a phrase. */
static void
set_phrase(const char *phrase, const char *word)
{
    char text[400] = "";

    for (const char *hole; (hole = strstr(phrase, "%s")) != NULL; phrase = hole + 2) {
        size_t used = strlen(text);

        snprintf(text + used, sizeof(text) - used, "%.*s%.80s", (int)(hole - phrase), phrase, word);
    }
    error_set(reading->err, ERROR_CONFIG, "%s%s", text, phrase);
}

static void on_error(cfg_t *cfg, const char *format, va_list args) PRINTF_LIKE(2, 0);

/* Takes the place of libconfuse's line on standard error. */
static void
on_error(cfg_t *cfg, const char *format, va_list args)
{
    char text[300];

    if (reading->code != ERROR_NONE)
        return;
    if (strcmp(format, no_such_option) == 0) {
        refuse_unknown(cfg, va_arg(args, const char *));
        fault_at(cfg->filename, cfg->line);
        return;
    }
    for (size_t i = 0; i < COUNT(phrases); i++)
        if (strcmp(format, phrases[i].theirs) == 0) {
            set_phrase(phrases[i].ours, strstr(format, "%s") ? va_arg(args, const char *) : "");
            fault_at(cfg->filename, cfg->line);
            return;
        }
    vsnprintf(text, sizeof(text), format, args);
    error_set(reading->err, ERROR_CONFIG, "%s", text);
    fault_at(cfg->filename, cfg->line);
}

/* --- sections ------------------------------------------------------------------------ */

/* Called at a section's first key, or at its end when it has none. While a section is open, the
 * root's line stays at the section's opening brace. */
static int
enter_section(const cfg_t *cfg, int line)
{
    if (reading->open == cfg)
        return 0;
    reading->open = cfg;
    reading->section = config_section_find(cfg->name);
    reading->section_line = line;
    memset(reading->key_lines, 0, sizeof(reading->key_lines));
    if (!reading->section->titled && cfg_size(reading->root, cfg->name) > 1) {
        error_set(reading->err, ERROR_CONFIG, "there is a section \"%s\" already", cfg->name);
        return fault_at(cfg->filename, line);
    }
    if (cfg->title && config_title_check(cfg->title, reading->err) != ERROR_NONE)
        return fault_at(cfg->filename, line);
    reading->base = reading->section->begin(reading->draft, cfg->title, reading->err);
    return reading->base ? 0 : fault_at(cfg->filename, line);
}

static int
check_required(const cfg_t *cfg)
{
    const struct config_section *section = reading->section;
    char words[120];

    for (size_t i = 0; i < section->keys_count; i++)
        if (section->keys[i].required && !reading->key_lines[i]) {
            error_set(reading->err, ERROR_CONFIG, "%s lacks the key \"%s\"",
                      section_words(cfg, words), section->keys[i].name);
            return fault_at(cfg->filename, reading->section_line);
        }
    return 0;
}

/* A list that was given with nothing in it: for that libconfuse calls nobody back. */
static int
check_empty_lists(cfg_t *cfg)
{
    const struct config_section *section = reading->section;
    char words[120];

    for (size_t i = 0; i < section->keys_count; i++) {
        const struct config_key *key = &section->keys[i];
        const cfg_opt_t *option = cfg_getopt(cfg, key->name);

        if (!key->if_empty || !(option->flags & CFGF_MODIFIED) || option->nvalues > 0)
            continue;
        error_set(reading->err, ERROR_CONFIG, "%s: %s: %s", section_words(cfg, words), key->name,
                  key->if_empty);
        return fault_at(cfg->filename, reading->section_line);
    }
    return 0;
}

/* The line of the key that a rule found fault with; the section's when it was not given. */
static int
line_of_fault(const struct config_section_view *view)
{
    const struct config_key *key =
        view->fault ? config_key_find(reading->section, view->fault) : NULL;
    int line = key ? reading->key_lines[key - reading->section->keys] : 0;

    return line ? line : reading->section_line;
}

/* libconfuse's validate callback: the section's closing brace was read. */
static int
on_section_end(cfg_t *root, cfg_opt_t *option)
{
    cfg_t *cfg = cfg_opt_getnsec(option, cfg_opt_size(option) - 1);
    struct config_section_view view = { .draft = reading->draft };
    char words[120];

    if (enter_section(cfg, root->line) != 0 || check_required(cfg) != 0
        || check_empty_lists(cfg) != 0)
        return -1;
    view.base = reading->base;
    if (!reading->section->check
        || reading->section->check(&view, reading->err) == ERROR_NONE)
        return 0;
    error_prefix(reading->err, "%s", section_words(cfg, words));
    return fault_at(cfg->filename, line_of_fault(&view));
}

/* --- keys ---------------------------------------------------------------------------- */

/* libconfuse's parse callback: once for each value, so for each element of a list. The first
 * element of an assignment is the option's only one. */
static int
on_value(cfg_t *cfg, cfg_opt_t *option, const char *value, void *result)
{
    const struct config_key *key;
    char words[120];
    int *line;

    if (enter_section(cfg, reading->root->line) != 0)
        return -1;
    key = config_key_find(reading->section, option->name);
    line = &reading->key_lines[key - reading->section->keys];
    if (*line && option->nvalues == 1) {
        error_set(reading->err, ERROR_CONFIG, "%s: \"%s\" was given in line %d already",
                  section_words(cfg, words), key->name, *line);
        return fault_at(cfg->filename, cfg->line);
    }
    *line = cfg->line;
    if (key->kind->take(key, value, reading->base, &reading->draft->keep, reading->err)
        != ERROR_NONE) {
        error_prefix(reading->err, "%s: %s", section_words(cfg, words), key->name);
        return fault_at(cfg->filename, cfg->line);
    }
    *(const char **)result = value;
    return 0;
}

/* --- files --------------------------------------------------------------------------- */

/* Lexes and parses one text into the root, which keeps its own place. */
static int
parse_text(const char *path, char *text)
{
    cfg_t *root = reading->root;
    char *outer_path = root->filename;
    int outer_line = root->line, result = -1;
    FILE *stream = NULL;

    reading->code = config_text_prepare(path, text, reading->err);
    if (reading->code != ERROR_NONE || text[0] == '\0')
        return reading->code == ERROR_NONE ? 0 : -1;
    root->filename = strdup(path);
    stream = fmemopen(text, strlen(text), "r");
    errno = root->filename && stream ? 0 : ENOMEM;
    if (errno == 0)
        result = cfg_parse_fp(root, stream) == CFG_SUCCESS ? 0 : -1;
    reading->is_torn |= result != 0 && errno == ENOMEM;
    if (reading->is_torn && reading->code == ERROR_NONE)
        reading->code = error_set(reading->err, ERROR_UNAVAILABLE, "no memory to read \"%s\"", path);
    if (result != 0 && reading->code == ERROR_NONE) {
        error_set(reading->err, ERROR_CONFIG, "from here on it cannot be read");
        fault_at(path, root->line);
    }
    if (stream)
        fclose(stream);
    free(root->filename);
    root->filename = outer_path;
    root->line = outer_line;
    return result;
}

/* An include's path, relative to the folder of the file that it stands in. */
static enum error_code
resolve(const char *from, const char *path, char out[PATH_MAX], struct error *err)
{
    const char *slash = strrchr(from, '/');
    int folder = path[0] != '/' && slash ? (int)(slash - from) + 1 : 0;

    if (path[0] == '\0' || snprintf(out, PATH_MAX, "%.*s%s", folder, from, path) >= PATH_MAX)
        return error_set(err, ERROR_CONFIG, "include: \"%.80s\" is no file's path", path);
    return ERROR_NONE;
}

static int
include_text(const char *path)
{
    char *text = NULL;
    int result;

    if (file_read_text(path, CONFIG_FILE_MAX, &text, reading->err) != ERROR_NONE) {
        error_prefix(reading->err, "include");
        return fault_at(reading->root->filename, reading->root->line);
    }
    reading->depth++;
    reading->includes++;
    result = parse_text(path, text);
    reading->depth--;
    free(text);
    return result;
}

/* libconfuse's function callback. */
static int
on_include(cfg_t *cfg, cfg_opt_t *option, int argc, const char **argv)
{
    char path[PATH_MAX];

    (void)option;
    if (reading->depth >= CONFIG_INCLUDE_DEPTH || reading->includes >= CONFIG_INCLUDES_MAX) {
        error_set(reading->err, ERROR_CONFIG, "include: more than %d files deep, or %d in all: "
                  "does a file include itself?", CONFIG_INCLUDE_DEPTH, CONFIG_INCLUDES_MAX);
        return fault_at(cfg->filename, cfg->line);
    }
    if (resolve(cfg->filename, argc == 1 ? argv[0] : "", path, reading->err) != ERROR_NONE)
        return fault_at(cfg->filename, cfg->line);
    return include_text(path);
}

/* --- libconfuse's tables, made from ours --------------------------------------------- */

struct options {
    cfg_opt_t keys[CONFIG_SECTIONS][CONFIG_KEYS_MAX + 1];
    cfg_opt_t root[CONFIG_SECTIONS + 2];
};

static void
make_options(struct options *out)
{
    const cfg_opt_t end = CFG_END(), include = CFG_FUNC("include", on_include);

    for (size_t i = 0; i < CONFIG_SECTIONS; i++) {
        const struct config_section *section = &config_sections[i];
        const cfg_flag_t flags = section->titled
            ? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES : CFGF_MULTI;

        for (size_t k = 0; k < section->keys_count; k++)
            out->keys[i][k] = (cfg_opt_t)CFG_STR_CB(section->keys[k].name, NULL,
                CFGF_NODEFAULT | (section->keys[k].list ? CFGF_LIST : 0), on_value);
        out->keys[i][section->keys_count] = end;
        out->root[i] = (cfg_opt_t)CFG_SEC(section->name, out->keys[i], flags);
        out->root[i].validcb = on_section_end;
    }
    out->root[CONFIG_SECTIONS] = include;
    out->root[CONFIG_SECTIONS + 1] = end;
}

enum error_code
config_read(const char *path, char *text, struct config_draft *draft, struct error *err)
{
    struct reading state = { .draft = draft, .err = err };
    struct options options;

    config_schema_init();
    make_options(&options);
    state.root = cfg_init(options.root, CFGF_NONE);
    if (!state.root)
        return error_set(err, ERROR_UNAVAILABLE, "no memory to read \"%s\"", path);
    cfg_set_error_function(state.root, on_error);
    reading = &state;
    parse_text(path, text);
    if (!state.is_torn)
        cfg_free(state.root);
    reading = NULL;
    return state.code;
}
