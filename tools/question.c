/* tools/question.c - see question.h */
#include "tools/question.h"

#include "auth/network.h"
#include "saslauthd_backend/control_wire.h"
#include "tools/control_client.h"
#include "tools/password_input.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum error_code
put_text(json_t *request, const char *name, const char *text, struct error *err)
{
    if (!text || json_object_set_new(request, name, json_string(text)) == 0)
        return ERROR_NONE;
    return error_set(err, ERROR_MALFORMED, "the %s is not UTF-8", name);
}

/* The daemon would take it for an unknown address, which is another question. */
static enum error_code
check_remote(const char *remote, struct error *err)
{
    char address[NETWORK_TEXT_MAX];

    if (!remote || remote[0] == '\0' || network_normalise(span_of(remote), address))
        return ERROR_NONE;
    return error_set(err, ERROR_MALFORMED, "--remote \"%.64s\" is no address, such as 192.0.2.1 or "
                     "2001:db8::1", remote);
}

static enum error_code
put_password(json_t *request, struct error *err)
{
    struct secret password;
    enum error_code code = password_input(STDIN_FILENO, PASSWORD_ASK_ONCE, &password, err);

    if (code == ERROR_NONE)
        json_object_set_new(request, "password", control_password_new(secret_get(&password)));
    secret_wipe(&password);
    return code;
}

enum error_code
question_ask(const struct command_call *call, bool with_password, json_t **reply_out,
             struct error *err)
{
    static const struct { const char *field, *option; } fields[] = {
        { "service", "service" }, { "realm", "realm" }, { "remote", "remote" },
        { "mechanism", "mech" },
    };
    json_t *request = json_object();
    struct config *config;
    enum error_code code;

    *reply_out = NULL;
    code = config_load(call->config_path, &config, err);
    if (code == ERROR_NONE)
        code = check_remote(command_value(call, "remote"), err);
    if (code != ERROR_NONE)
        goto done;
    put_text(request, "command", call->command->name, err);
    code = put_text(request, "login", call->arguments[0], err);
    for (size_t i = 0; code == ERROR_NONE && i < COUNT(fields); i++)
        code = put_text(request, fields[i].field, command_value(call, fields[i].option), err);
    if (code == ERROR_NONE && with_password)
        code = put_password(request, err);
    if (code == ERROR_NONE)
        code = control_ask_daemon(config, json_incref(request), reply_out, NULL, err);

done:
    json_decref(request);
    config_free(config);
    return code;
}

static const char *
text_of(const json_t *reply, const char *name)
{
    const char *text = json_string_value(json_object_get(reply, name));

    return text ? text : "";
}

void
question_print_verdict(const json_t *reply)
{
    command_print_text(text_of(reply, "outcome"));
    printf(": ");
    command_print_text(text_of(reply, "reason"));
    printf(" (account \"");
    command_print_text(text_of(reply, "account"));
    printf("\", via ");
    command_print_text(text_of(reply, "via"));
    printf(", %lld ms%s)\n",
           (long long)json_integer_value(json_object_get(reply, "elapsed_ms")),
           json_is_true(json_object_get(reply, "must_change")) ? ", must change its password" : "");
}

enum exit_status
question_status(const json_t *reply)
{
    const char *outcome = text_of(reply, "outcome");

    if (strcmp(outcome, "accepted") == 0)
        return EXIT_OK;
    if (strcmp(outcome, "rejected") == 0)
        return EXIT_REJECTED;
    return EXIT_UNAVAILABLE;    /* also what a newer daemon may say and we do not know */
}
