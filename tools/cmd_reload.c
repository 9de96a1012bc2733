/* tools/cmd_reload.c - clavigerctl reload: the daemon reads its configuration again */
#include "tools/command.h"
#include "tools/control_client.h"

#include <stdio.h>

static enum exit_status
run(const struct command_call *call)
{
    struct error err;
    json_t *reply;

    if (control_ask_word(call->config_path, "reload", &reply, &err) != ERROR_NONE)
        return command_failed(&err);
    json_decref(reply);
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
