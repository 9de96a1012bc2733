/* config/check.c - see check.h */
#include "config/check.h"

#include "config/challenge_key.h"

#include <sodium.h>

enum error_code
config_source_new(const struct config *config, const struct account_source_config *accounts,
                  struct account_source **out, struct error *err)
{
    const struct account_dirs dirs = { config->daemon.preset_dir, config->daemon.driver_dir };

    if (account_source_new(accounts, &dirs, out, err) != ERROR_NONE)
        return error_prefix(err, "%s", config->path);
    return ERROR_NONE;
}

static enum error_code
check_challenge_key(const struct config *config, struct error *err)
{
    unsigned char key[AUTH_CHALLENGE_KEY];
    enum error_code code = challenge_key_make(config->daemon.challenge_key, key, err);

    sodium_memzero(key, sizeof(key));
    return code == ERROR_NONE ? code : error_prefix(err, "%s", config->path);
}

static enum error_code
check_source(const struct config *config, const struct account_source_config *accounts,
             const struct config_watch *watch, struct error *err)
{
    struct account_source *source;
    enum error_code code = config_source_new(config, accounts, &source, err);

    if (code == ERROR_NONE && watch->source)
        code = watch->source(watch->context, config, accounts, source, err);
    account_source_free(source);
    return code;
}

/* The first fault is the one that counts. */
static void
note(enum error_code code, const struct error *fault, const struct config_watch *watch,
     enum error_code *first, struct error *err)
{
    if (code == ERROR_NONE)
        return;
    if (*first == ERROR_NONE) {
        *first = code;
        *err = *fault;
    } else if (watch->fault) {
        watch->fault(watch->context, fault);
    }
}

enum error_code
config_check(const char *path, const struct config_watch *watch, struct config **out,
             struct error *err)
{
    struct config *config;
    struct error fault;
    enum error_code first;

    *out = NULL;
    if (config_load(path, &config, err) != ERROR_NONE)
        return err->code;
    first = check_challenge_key(config, err);
    for (size_t i = 0; i < config->accounts_count; i++)
        note(check_source(config, &config->accounts[i], watch, &fault), &fault, watch, &first, err);
    if (first == ERROR_NONE)
        *out = config;
    else
        config_free(config);
    return first;
}
