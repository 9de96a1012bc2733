/* tools/cmd_status.c - clavigerctl status: what the daemon has done since it started */
#include "tools/command.h"
#include "tools/control_client.h"

#include <stdio.h>

static void
print_scalar(const char *name, const json_t *value, int indent)
{
    printf("%*s%-*s ", indent, "", 24 - indent, name);
    if (json_is_string(value))
        command_print_text(json_string_value(value));
    else if (json_is_integer(value))
        printf("%lld", (long long)json_integer_value(value));
    else
        printf("%s", json_is_true(value) ? "yes" : "no");
    printf("\n");
}

/* A group in which nothing was counted is left out, with its heading. */
static bool
has_counted(json_t *group)
{
    const char *name;
    json_t *value;

    json_object_foreach(group, name, value)
        if (!json_is_integer(value) || json_integer_value(value) != 0)
            return true;
    return false;
}

/* Shows whatever the daemon sends, so that a newer one needs no newer clavigerctl. */
static void
print_status(json_t *status)
{
    const char *name, *inner_name;
    json_t *value, *inner;

    json_object_foreach(status, name, value) {
        if (!json_is_object(value)) {
            print_scalar(name, value, 0);
            continue;
        }
        if (!has_counted(value))
            continue;
        printf("%s\n", name);
        json_object_foreach(value, inner_name, inner)
            print_scalar(inner_name, inner, 2);
    }
}

static enum exit_status
run(const struct command_call *call)
{
    struct error err;
    json_t *reply;

    if (control_ask_word(call->config_path, "status", &reply, &err) != ERROR_NONE)
        return command_failed(&err);
    if (command_value(call, "json")) {
        json_dumpf(reply, stdout, JSON_INDENT(2));
        printf("\n");
    } else {
        print_status(reply);
    }
    json_decref(reply);
    return EXIT_OK;
}

static const struct command_option options[] = {
    { "json", 'j', NULL, "as JSON, for programs" },
};

const struct command cmd_status = {
    .name = "status", .arguments = "",
    .summary = "Shows the daemon's counts: verdicts by reason, connections, cache",
    .detail = "Counts go up from the start of the daemon; clavigerctl(8) says what each one is.\n"
              "A group in which nothing was counted is left out, but not of --json.\n",
    .options = options, .options_count = COUNT(options), .run = run,
};
