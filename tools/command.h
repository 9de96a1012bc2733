/* tools/command.h - what a command of clavigerctl is
 *
 * Purpose  One table of commands (commands.c), one file per command (cmd_*.c), one parser:
 *          help, the parser and the tests walk the same rows. Options may stand before or after
 *          the command word; "--" ends them.
 * Outputs  A result on standard output, everything else on standard error.
 * Errors   A fault of usage names the nearest known word. It never repeats an argument that
 *          nobody asked for: that may be a password.
 */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include "auth/identity.h"
#include "common/error.h"
#include "config/config.h"

/* Every way in which clavigerctl ends; clavigerctl(8) has the same table. */
enum exit_status {
    EXIT_OK = 0,                /* done; accepted */
    EXIT_REJECTED = 1,          /* rejected; no such account; it exists already */
    EXIT_UNAVAILABLE = 2,       /* nobody could tell: daemon or account source not reachable */
    EXIT_BAD_VALUE = 3,         /* verify: malformed, unknown, beyond a bound, or "no login" */
    EXIT_USAGE = 64,            /* EX_USAGE of sysexits.h */
    EXIT_CONFIGURATION = 78     /* EX_CONFIG */
};

struct command_option {
    const char *name;           /* "service", for --service */
    char letter;                /* 's', for -s; 0: none */
    const char *value;          /* what it takes, for people: "SERVICE"; NULL: nothing */
    const char *help;
};

#define COMMAND_OPTIONS_MAX 8
#define COMMAND_ARGUMENTS_MAX 2

struct command_call;

struct command {
    const char *name;
    const char *arguments;      /* "LOGIN"; "" for none */
    const char *summary;        /* one line */
    const char *detail;         /* more, for its --help; each line ended; or "" */
    size_t arguments_min, arguments_max;        /* at most COMMAND_ARGUMENTS_MAX */
    const struct command_option *options;       /* its own */
    size_t options_count;
    bool needs_no_config;       /* and reads none; one that is named has to be good all the same */
    enum exit_status (*run)(const struct command_call *call);
};

/* A command line that is right. Borrows argv. */
struct command_call {
    const struct command *command;              /* NULL: none was named */
    const char *config_path;
    bool names_config;                          /* by -c; else the installed one, which may be absent */
    bool help, version;
    const char *values[COMMAND_OPTIONS_MAX];    /* by place in command->options; NULL: not given */
    const char *arguments[COMMAND_ARGUMENTS_MAX];
    size_t arguments_count;
};

/* ERROR_MALFORMED for a fault of usage; call_out->command is set as soon as it is known. Puts
 * options before arguments in argv. With help or version the rest is not looked at. */
enum error_code command_parse(const struct command *const *table, size_t count, int argc,
                              char **argv, struct command_call *call_out, struct error *err);

/* The value of one of the command's own options, "" for a flag; NULL when it was not given. */
const char *command_value(const struct command_call *call, const char *name);

void command_print_help(const struct command *const *table, size_t count);
void command_print_help_of(const struct command *command);

/* For a command that can go without: NULL where none was named and the installed one is not there,
 * or not for us to read. The caller gives *out to config_free(). */
enum error_code command_config(const struct command_call *call, struct config **out,
                               struct error *err);

/* Says on standard error what went wrong; the exit status that goes with its code. */
enum exit_status command_failed(const struct error *err);

/* The same for a fault of usage that only the command itself can see. */
enum exit_status command_misused(const struct command_call *call, const char *format, ...)
    PRINTF_LIKE(2, 3);

/* What may hold anything, on a terminal: control characters become '?'. */
void command_print_text(const char *text);

/* LOGIN in its canonical form: the configured case, and no domain is added, as the daemon has it
 * for test and explain. */
enum error_code command_identity(const struct config *config, const char *login,
                                 struct identity *out, struct error *err);

/* The table, in commands.c, and its rows. */
extern const struct command *const commands[];
extern const size_t commands_count;
extern const struct command cmd_check_config, cmd_status, cmd_test, cmd_explain, cmd_flush,
    cmd_reload, cmd_hash, cmd_verify, cmd_schemes, cmd_calibrate, cmd_user, cmd_presets,
    cmd_mechanisms;

#endif
