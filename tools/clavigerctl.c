/* tools/clavigerctl.c - the operator's program; command.h says what it is made of */
#include "common/dump.h"
#include "common/output.h"
#include "common/standard.h"
#include "saslauthd_backend/control_wire.h"
#include "tools/command.h"

#include <sodium.h>
#include <stdio.h>

static enum exit_status
run_command(const struct command_call *call)
{
    struct config *named = NULL;
    struct error err;

    if (call->names_config && call->command->needs_no_config
        && command_config(call, &named, &err) != ERROR_NONE)
        return command_failed(&err);
    config_free(named);
    return call->command->run(call);
}

static enum exit_status
run(const struct command_call *call)
{
    if (call->version) {
        printf("clavigerctl %s\n", PACKAGE_VERSION);
        return EXIT_OK;
    }
    if (call->help && call->command)
        command_print_help_of(call->command);
    else if (call->help)
        command_print_help(commands, commands_count);
    else
        return run_command(call);
    return EXIT_OK;
}

int
main(int argc, char **argv)
{
    struct command_call call;
    struct error err;
    enum exit_status status;

    standard_hold();
    dump_forbid();
    control_wipe_freed_json();
    if (sodium_init() < 0) {
        error_set(&err, ERROR_UNAVAILABLE, "libsodium cannot start");
        return (int)command_failed(&err);
    }
    if (command_parse(commands, commands_count, argc, argv, &call, &err) != ERROR_NONE)
        return call.command ? (int)command_misused(&call, "%s", err.reason) : (int)command_failed(&err);
    status = run(&call);
    return output_finish(&err) == ERROR_NONE ? (int)status : (int)command_failed(&err);
}
