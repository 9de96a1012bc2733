/* tools/cmd_presets.c - clavigerctl presets [NAME]: which account managers are known, and how */
#include "account/preset.h"
#include "tools/command.h"

#include <stdio.h>
#include <string.h>

/* Options that a comma list chooses. */
#define CHOSEN_MAX 16
#define CHOSEN_TEXT_MAX 512

/* With the configuration at hand, its presets; those that were installed when there is none. */
static enum error_code
find_folder(const struct command_call *call, struct config **config_out, const char **folder_out,
            struct error *err)
{
    enum error_code code = command_config(call, config_out, err);

    *folder_out = *config_out ? (*config_out)->daemon.preset_dir : PRESET_DIR;
    return code;
}

/* --- what a preset is ------------------------------------------------------------------ */

static void
print_engines(const struct preset *preset)
{
    const char *engine, *comma = "";

    for (size_t i = 0; (engine = preset_engine(i)); i++)
        if (preset_fits(preset, engine)) {
            printf("%s%s", comma, engine);
            comma = " ";
        }
    printf("\n");
}

static void
print_facts(const struct preset *preset)
{
    struct preset_option_info option;

    if (preset_versions(preset))
        printf("    versions  %s\n", preset_versions(preset));
    printf("    engines   ");
    print_engines(preset);
    for (size_t i = 0; preset_option_get(preset, i, &option); i++)
        printf("    option    %s%s%s: %s\n", option.name, option.value ? "=" : "",
               option.value ? option.value : "", option.title);
}

struct listing { const char *folder; enum error_code code; struct error err; };

/* The first fault is kept; the other presets are shown all the same. */
static void
list_one(void *context, const char *name)
{
    struct listing *listing = context;
    struct preset *preset;
    struct error err;

    if (preset_read(listing->folder, name, &preset, &err) == ERROR_NONE) {
        printf("%s: %s\n", name, preset_title(preset));
        print_facts(preset);
    } else if (listing->code == ERROR_NONE) {
        listing->code = err.code;
        listing->err = err;
    }
    preset_free(preset);
}

/* --- its queries ----------------------------------------------------------------------- */

/* Lines that do not count are empty, and so are those between two queries. */
static void
print_text(const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");

        if (strspn(text, " \t\r") < len)
            printf("%.*s\n", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static void
print_parts(const struct preset *preset, const char *engine)
{
    struct preset_part part;

    for (size_t i = 0; preset_part_get(preset, i, &part); i++) {
        if (engine && !strstr(part.engines, engine))
            continue;
        printf("\n-- query %s %s\n", account_query_name(part.which), part.engines);
        print_text(part.text);
    }
}

/* "a,b=1" as a list that borrows from `text`. */
static enum error_code
choose(struct preset *preset, const char *list, struct error *err)
{
    char text[CHOSEN_TEXT_MAX], *save = NULL;
    const char *chosen[CHOSEN_MAX];
    size_t count = 0;

    if (!span_to_string(span_of(list), text, sizeof(text)))
        return error_set(err, ERROR_MALFORMED, "--options: too long a list");
    for (char *word = strtok_r(text, ", ", &save); word; word = strtok_r(NULL, ", ", &save)) {
        if (count == CHOSEN_MAX)
            return error_set(err, ERROR_MALFORMED, "--options: at most %d", CHOSEN_MAX);
        chosen[count++] = word;
    }
    return preset_choose(preset, chosen, count, err);
}

static enum error_code
show(const struct command_call *call, const char *folder, struct error *err)
{
    const char *name = call->arguments[0], *list = command_value(call, "options");
    struct preset *preset;
    enum error_code code = preset_read(folder, name, &preset, err);

    if (code == ERROR_NONE && list)
        code = choose(preset, list, err);
    if (code == ERROR_NONE) {
        printf("%s: %s\n", name, preset_title(preset));
        print_facts(preset);
        if (preset_scheme(preset))
            printf("    scheme    %s, of stored passwords that name none\n", preset_scheme(preset));
        if (preset_make(preset))
            printf("    makes     %s\n", preset_make(preset));
        print_parts(preset, command_value(call, "engine"));
    }
    preset_free(preset);
    return code;
}

static bool
is_engine(const char *name)
{
    const char *engine;

    for (size_t i = 0; (engine = preset_engine(i)); i++)
        if (strcmp(name, engine) == 0)
            return true;
    return false;
}

static enum exit_status
run(const struct command_call *call)
{
    const char *engine = command_value(call, "engine");
    struct listing listing = { .code = ERROR_NONE };
    struct config *config;

    if (engine && !is_engine(engine))
        return command_misused(call, "--engine takes mysql, pgsql or sqlite");
    listing.code = find_folder(call, &config, &listing.folder, &listing.err);
    if (listing.code == ERROR_NONE && call->arguments_count == 0)
        preset_each(listing.folder, list_one, &listing);
    else if (listing.code == ERROR_NONE)
        listing.code = show(call, listing.folder, &listing.err);
    config_free(config);
    return listing.code == ERROR_NONE ? EXIT_OK : command_failed(&listing.err);
}

static const struct command_option options[] = {
    { "engine",  'e', "ENGINE", "only its queries: mysql, pgsql or sqlite" },
    { "options", 'o', "LIST",   "as these options of the preset make them: a,b=1" },
};

const struct command cmd_presets = {
    .name = "presets", .arguments = "[NAME]",
    .summary = "Lists the account managers that are known, or shows one's queries",
    .detail = "Without NAME: each preset's title, the manager's versions, the engines and the options\n"
              "that accounts { options = { ... } } may name. With NAME: its queries too. Asks no\n"
              "database.\n",
    .arguments_min = 0, .arguments_max = 1,
    .options = options, .options_count = COUNT(options), .run = run,
};
