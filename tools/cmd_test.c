/* tools/cmd_test.c - clavigerctl test LOGIN: is this the password? */
#include "tools/question.h"

static enum exit_status
run(const struct command_call *call)
{
    enum exit_status status;
    struct error err;
    json_t *reply;

    if (question_ask(call, true, &reply, &err) != ERROR_NONE)
        return command_failed(&err);
    question_print_verdict(reply);
    status = question_status(reply);
    json_decref(reply);
    return status;
}

static const struct command_option options[] = {
    QUESTION_OPTIONS,
    { "mech", 'm', "MECHANISM", "by CRAM-MD5, SCRAM-SHA-1 or SCRAM-SHA-256" },
};

const struct command cmd_test = {
    .name = "test", .arguments = "LOGIN",
    .summary = "Asks the daemon whether a password is right, as a mail server would",
    .detail = "The password is the first line of standard input, or asked for at a terminal.\n"
              "The answer may come from the cache and is remembered there, like any other; by a\n"
              "mechanism of challenge and response it comes from the account's row each time.\n"
              "Exit status: 0 accepted, 1 rejected, 2 unavailable.\n",
    .arguments_min = 1, .arguments_max = 1,
    .options = options, .options_count = COUNT(options), .run = run,
};
