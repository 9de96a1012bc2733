/* tools/cmd_reload.c - clavigerctl reload: the daemon reads its configuration again */
#include "tools/command.h"
#include "tools/control_client.h"

#include <stdio.h>

static enum exit_status
run(const struct command_call *call)
{
    struct config *config;
    json_t *reply = NULL;
    struct error err;
    enum error_code code;

    code = config_load(call->config_path, &config, &err);
    if (code == ERROR_NONE)
        code = control_ask_daemon(config, json_pack("{s:s}", "command", "reload"), &reply, NULL,
                                  &err);
    config_free(config);
    json_decref(reply);
    if (code != ERROR_NONE)
        return command_failed(&err);
    printf("reloaded\n");
    return EXIT_OK;
}

const struct command cmd_reload = {
    .name = "reload", .arguments = "",
    .summary = "Makes the daemon read its configuration again",
    .detail = "A configuration that is wrong changes nothing: the daemon goes on with what it has,\n"
              "the error is shown, and the exit status is 78.\n",
    .run = run,
};
