/* tools/cmd_flush.c - clavigerctl flush: the daemon forgets cached verdicts */
#include "tools/command.h"
#include "tools/control_client.h"

#include <stdio.h>

/* The canonical form of "@DOMAIN" is that of anybody's domain there. */
static enum error_code
domain_request(const struct config *config, const char *at_domain, json_t **out,
               struct error *err)
{
    char login[ACCOUNT_LOGIN_MAX + 2];
    struct identity who;
    span domain;

    if (snprintf(login, sizeof(login), "x%s", at_domain) >= (int)sizeof(login))
        return error_set(err, ERROR_MALFORMED, "the domain has more than %d bytes",
                         ACCOUNT_LOGIN_MAX);
    if (command_identity(config, login, &who, err) != ERROR_NONE)
        return err->code;
    domain = identity_domain(&who);
    *out = json_pack("{s:s, s:s%}", "command", "flush", "domain", (const char *)domain.ptr,
                     domain.len);
    return ERROR_NONE;
}

static enum error_code
make_request(const struct config *config, const struct command_call *call, json_t **out,
             struct error *err)
{
    struct identity who;

    *out = NULL;
    if (command_value(call, "all")) {
        *out = json_pack("{s:s, s:b}", "command", "flush", "all", 1);
        return ERROR_NONE;
    }
    if (call->arguments[0][0] == '@')
        return domain_request(config, call->arguments[0], out, err);
    if (command_identity(config, call->arguments[0], &who, err) != ERROR_NONE)
        return err->code;
    *out = json_pack("{s:s, s:s}", "command", "flush", "login", who.name);
    return ERROR_NONE;
}

static void
print_result(const json_t *reply)
{
    const json_t *entries = json_object_get(reply, "entries");

    if (entries)
        printf("entries forgotten: %lld\n", (long long)json_integer_value(entries));
    else
        printf("all entries forgotten\n");
}

static enum exit_status
run(const struct command_call *call)
{
    json_t *request, *reply = NULL;
    struct config *config;
    struct error err;
    enum error_code code;

    if ((command_value(call, "all") != NULL) != (call->arguments_count == 0))
        return command_misused(call, "needs a LOGIN, a @DOMAIN, or --all");
    code = config_load(call->config_path, &config, &err);
    if (code == ERROR_NONE)
        code = make_request(config, call, &request, &err);
    if (code == ERROR_NONE)
        code = control_ask_daemon(config, request, &reply, NULL, &err);
    config_free(config);
    if (code != ERROR_NONE)
        return command_failed(&err);
    print_result(reply);
    json_decref(reply);
    return EXIT_OK;
}

static const struct command_option options[] = {
    { "all", 'a', NULL, "everything" },
};

const struct command cmd_flush = {
    .name = "flush", .arguments = "LOGIN|@DOMAIN|--all",
    .summary = "Forgets what the cache knows of an account, a domain, or everything",
    .detail = "When it returns, nobody is accepted from what was remembered before.\n",
    .arguments_min = 0, .arguments_max = 1,
    .options = options, .options_count = COUNT(options), .run = run,
};
