/* tools/cmd_explain.c - clavigerctl explain LOGIN: why does it, or doesn't it, sign in? */
#include "tools/question.h"

#include <stdio.h>

/* The last step is the verdict. */
static void
print_steps(const json_t *steps)
{
    const json_t *step;
    size_t i;

    json_array_foreach(steps, i, step) {
        const char *name = json_string_value(json_object_get(step, "step"));
        const char *text = json_string_value(json_object_get(step, "text"));

        printf("%-12s ", name ? name : "");
        command_print_text(text ? text : "");
        printf("\n");
    }
}

static enum exit_status
run(const struct command_call *call)
{
    enum exit_status status;
    struct error err;
    json_t *reply;

    if (question_ask(call, command_value(call, "password") != NULL, &reply, &err)
        != ERROR_NONE)
        return command_failed(&err);
    print_steps(json_object_get(reply, "steps"));
    status = question_status(reply);
    json_decref(reply);
    return status;
}

static const struct command_option options[] = {
    QUESTION_OPTIONS,
    { "password", 'p', NULL, "read a password and verify it too" },
};

const struct command cmd_explain = {
    .name = "explain", .arguments = "LOGIN",
    .summary = "Shows each step of a decision, and never a secret",
    .detail = "Reads the account row anew and changes nothing in the cache. Without -p the question\n"
              "is whether the account may sign in at all.\n"
              "Exit status: 0 accepted, 1 rejected, 2 unavailable.\n",
    .arguments_min = 1, .arguments_max = 1,
    .options = options, .options_count = COUNT(options), .run = run,
};
