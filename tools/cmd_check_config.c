/* tools/cmd_check_config.c - clavigerctl check-config: would the daemon start with this? */
#include "tools/command.h"

#include <stdio.h>

/* Loads the driver and compiles the queries of each source; connects to none. */
static enum error_code
check_sources(const struct config *config, struct error *err)
{
    struct account_dirs dirs = { config->daemon.preset_dir, config->daemon.driver_dir };

    for (size_t i = 0; i < config->accounts_count; i++) {
        struct account_source *source;

        if (account_source_new(&config->accounts[i], &dirs, &source, err) != ERROR_NONE)
            return error_prefix(err, "%s", config->path);
        printf("accounts \"%s\": %s\n", config->accounts[i].title,
               account_source_origin(source));
        account_source_free(source);
    }
    return ERROR_NONE;
}

static void
print_listeners(const struct config *config)
{
    for (size_t i = 0; i < config->listens_count; i++)
        printf("listen \"%s\": %s at %s\n", config->listens[i].title,
               listen_protocol_word(config->listens[i].protocol), config->listens[i].path);
}

static enum exit_status
run(const struct command_call *call)
{
    struct config *config;
    struct error err;
    enum error_code code;

    code = config_load(call->config_path, &config, &err);
    if (code == ERROR_NONE)
        code = check_sources(config, &err);
    if (code == ERROR_NONE) {
        print_listeners(config);
        printf("%s is good\n", config->path);
    }
    config_free(config);
    return code == ERROR_NONE ? EXIT_OK : command_failed(&err);
}

const struct command cmd_check_config = {
    .name = "check-config", .arguments = "",
    .summary = "Reads the configuration as the daemon would, and starts nothing",
    .detail = "Loads drivers and presets and compiles the queries, but connects to no database.\n"
              "A fault is shown with its file and line, and the exit status is 78.\n",
    .run = run,
};
