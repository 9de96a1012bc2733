/* tools/commands.c - the commands of clavigerctl, in the order in which its help names them */
#include "tools/command.h"

const struct command *const commands[] = {
    &cmd_check_config, &cmd_status, &cmd_test, &cmd_explain, &cmd_flush, &cmd_reload, &cmd_hash,
    &cmd_verify, &cmd_schemes, &cmd_calibrate, &cmd_user, &cmd_presets, &cmd_mechanisms,
};

const size_t commands_count = COUNT(commands);
