/* tools/command.c - see command.h
 *
 * getopt_long(3) does the splitting. It is given the options of all commands at once only in
 * so far as they are known: the first pass stops at the command word and knows the general
 * ones, the second has the command's own too.
 */
#include "tools/command.h"

#include "common/nearest.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct command_option general[] = {
    { "config",  'c', "FILE", "the configuration" },
    { "help",    'h', NULL,   "say how it is used" },
    { "version", 'V', NULL,   "say which version this is" },
};
enum { OPTION_CONFIG, OPTION_HELP, OPTION_VERSION };

#define OPTIONS_MAX (COUNT(general) + COMMAND_OPTIONS_MAX)

/* The general options and a command's own, and getopt's forms of them. */
struct option_set {
    size_t count;
    const struct command_option *options[OPTIONS_MAX];
    struct option longs[OPTIONS_MAX + 1];
    char letters[2 + 2 * OPTIONS_MAX + 1];
};

static void
set_add(struct option_set *set, const struct command_option *option)
{
    size_t end = strlen(set->letters);

    set->longs[set->count] = (struct option){
        .name = option->name,
        .has_arg = option->value ? required_argument : no_argument,
        .val = (int)(256 + set->count),         /* no letter */
    };
    set->options[set->count++] = option;
    if (option->letter) {
        set->letters[end++] = option->letter;
        if (option->value)
            set->letters[end] = ':';
    }
}

static void
set_make(struct option_set *set, const struct command *command, const char *mode)
{
    *set = (struct option_set){ 0 };
    strcpy(set->letters, mode);
    for (size_t i = 0; i < COUNT(general); i++)
        set_add(set, &general[i]);
    for (size_t i = 0; command && i < command->options_count; i++)
        set_add(set, &command->options[i]);
}

static size_t
place_of(const struct option_set *set, int found)
{
    for (size_t i = 0; i < set->count; i++)
        if (found == set->longs[i].val || (found < 256 && found == set->options[i]->letter))
            return i;
    return set->count;
}

static enum error_code
refuse_option(const struct option_set *set, char *const *argv, struct error *err)
{
    const char *given = argv[optind - 1], *known[OPTIONS_MAX], *nearest;
    char word[64];

    if (optopt > 0 && optopt < 256)
        return error_set(err, ERROR_MALFORMED, "unknown option -%c", optopt);
    if (optopt >= 256)          /* --flag=value */
        return error_set(err, ERROR_MALFORMED, "option --%s takes no value",
                         set->options[place_of(set, optopt)]->name);
    snprintf(word, sizeof(word), "%.*s", (int)strcspn(given, "="), given);
    for (size_t i = 0; i < set->count; i++)
        known[i] = set->options[i]->name;
    nearest = nearest_find(word + 2, known, set->count);
    if (nearest)
        return error_set(err, ERROR_MALFORMED, "unknown option %s: did you mean --%s?", word,
                         nearest);
    return error_set(err, ERROR_MALFORMED, "unknown option %s", word);
}

static void
take_option(size_t place, struct command_call *call)
{
    switch (place) {
    case OPTION_CONFIG:
        call->config_path = optarg;
        call->names_config = true;
        break;
    case OPTION_HELP:
        call->help = true;
        break;
    case OPTION_VERSION:
        call->version = true;
        break;
    default:
        call->values[place - COUNT(general)] = optarg ? optarg : "";
    }
}

/* Takes the options of argv that `set` knows; leaves optind at the first that is none. */
static enum error_code
take_options(const struct option_set *set, int argc, char **argv, struct command_call *call,
             struct error *err)
{
    int found;

    opterr = 0;
    optind = 0;                 /* glibc and musl: from the start */
    while ((found = getopt_long(argc, argv, set->letters, set->longs, NULL)) != -1) {
        size_t place = place_of(set, found);

        if (found == '?')
            return refuse_option(set, argv, err);
        if (found == ':')
            return error_set(err, ERROR_MALFORMED, "option --%s needs %s",
                             set->options[place_of(set, optopt)]->name,
                             set->options[place_of(set, optopt)]->value);
        take_option(place, call);
    }
    return ERROR_NONE;
}

static enum error_code
find_command(const struct command *const *table, size_t count, const char *word,
             const struct command **out, struct error *err)
{
    const char *names[32], *nearest;
    size_t known = 0;

    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i]->name, word) == 0) {
            *out = table[i];
            return ERROR_NONE;
        }
        if (known < COUNT(names))
            names[known++] = table[i]->name;
    }
    nearest = nearest_find(word, names, known);
    if (nearest)
        return error_set(err, ERROR_MALFORMED, "unknown command %.40s: did you mean %s?", word,
                         nearest);
    return error_set(err, ERROR_MALFORMED, "unknown command %.40s; --help lists them", word);
}

static enum error_code
take_arguments(int argc, char **argv, struct command_call *call, struct error *err)
{
    const struct command *command = call->command;
    size_t count = (size_t)(argc - optind);

    if (count < command->arguments_min)
        return error_set(err, ERROR_MALFORMED, "needs %s", command->arguments);
    if (count > command->arguments_max)
        return error_set(err, ERROR_MALFORMED, "too many arguments (a password is read from "
                         "standard input, never from the command line)");
    for (size_t i = 0; i < count; i++)
        call->arguments[i] = argv[optind + (int)i];
    call->arguments_count = count;
    return ERROR_NONE;
}

enum error_code
command_parse(const struct command *const *table, size_t count, int argc, char **argv,
              struct command_call *call_out, struct error *err)
{
    struct option_set set;
    int command_at;

    *call_out = (struct command_call){ .config_path = config_default_path };
    set_make(&set, NULL, "+:");
    if (take_options(&set, argc, argv, call_out, err) != ERROR_NONE)
        return err->code;
    if (call_out->version)
        return ERROR_NONE;
    if (optind >= argc)
        return call_out->help ? ERROR_NONE
                              : error_set(err, ERROR_MALFORMED, "no command; --help lists them");
    command_at = optind;
    if (find_command(table, count, argv[command_at], &call_out->command, err) != ERROR_NONE)
        return err->code;
    set_make(&set, call_out->command, ":");
    argc -= command_at;
    argv += command_at;         /* the command word is where a program's name would be */
    if (take_options(&set, argc, argv, call_out, err) != ERROR_NONE)
        return err->code;
    if (call_out->help || call_out->version)
        return ERROR_NONE;
    return take_arguments(argc, argv, call_out, err);
}

const char *
command_value(const struct command_call *call, const char *name)
{
    for (size_t i = 0; i < call->command->options_count; i++)
        if (strcmp(call->command->options[i].name, name) == 0)
            return call->values[i];
    return NULL;
}

enum error_code
command_config(const struct command_call *call, struct config **out, struct error *err)
{
    *out = NULL;
    if (!call->names_config && access(call->config_path, R_OK) != 0)
        return ERROR_NONE;
    return config_load(call->config_path, out, err);
}

static void
print_option(const struct command_option *option)
{
    char form[64];

    snprintf(form, sizeof(form), "--%s%s%s", option->name, option->value ? " " : "",
             option->value ? option->value : "");
    printf("  %c%c%c %-22s %s\n", option->letter ? '-' : ' ',
           option->letter ? option->letter : ' ', option->letter ? ',' : ' ', form,
           option->help);
}

static void
print_general_options(void)
{
    for (size_t i = 0; i < COUNT(general); i++)
        print_option(&general[i]);
    printf("The configuration is %s unless -c says otherwise.\n", config_default_path);
}

void
command_print_help(const struct command *const *table, size_t count)
{
    printf("usage: clavigerctl [-c FILE] COMMAND [OPTION...] [ARGUMENT...]\n\n");
    for (size_t i = 0; i < count; i++)
        printf("  %-14s %s\n", table[i]->name, table[i]->summary);
    printf("\n");
    print_general_options();
    printf("\nclavigerctl COMMAND --help says more. A password is read from standard input, or\n"
           "asked for when that is a terminal; never taken from the command line.\n"
           "Exit status: 0 done or accepted, 1 rejected or no such account, 2 unavailable,\n"
           "64 wrong usage, 78 wrong configuration.\n");
}

void
command_print_help_of(const struct command *command)
{
    printf("usage: clavigerctl %s [OPTION...]%s%s\n%s.\n\n", command->name,
           command->arguments[0] ? " " : "", command->arguments, command->summary);
    for (size_t i = 0; i < command->options_count; i++)
        print_option(&command->options[i]);
    print_general_options();
    if (command->detail[0])
        printf("\n%s", command->detail);
}

enum exit_status
command_failed(const struct error *err)
{
    static const enum exit_status statuses[] = {
        [ERROR_NONE]        = EXIT_OK,
        [ERROR_REJECTED]    = EXIT_REJECTED,
        [ERROR_UNAVAILABLE] = EXIT_UNAVAILABLE,
        [ERROR_MALFORMED]   = EXIT_USAGE,
        [ERROR_CONFIG]      = EXIT_CONFIGURATION,
    };
    _Static_assert(COUNT(statuses) == ERROR_CODES, "a code lacks its exit status");

    fprintf(stderr, "clavigerctl: %s\n", err->reason);
    return statuses[err->code];
}

enum exit_status
command_misused(const struct command_call *call, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "clavigerctl: %s: ", call->command->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nclavigerctl %s --help says how it is used.\n", call->command->name);
    return EXIT_USAGE;
}

void
command_print_text(const char *text)
{
    for (; *text; text++)
        putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

enum error_code
command_identity(const struct config *config, const char *login, struct identity *out,
                 struct error *err)
{
    const struct identity_rules rules = { .local_case = config->auth.local_case };

    return identity_make(span_of(login), span_make(NULL, 0), &rules, out, err);
}
