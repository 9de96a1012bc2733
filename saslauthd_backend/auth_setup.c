/* saslauthd_backend/auth_setup.c - the account sources and the auth room that a configuration says */
#include "saslauthd_backend/auth_setup.h"

#include "saslauthd_backend/challenge_key.h"
#include "saslauthd_backend/scope.h"

#include <sodium.h>
#include <stdlib.h>

void
auth_setup_free_sources(struct account_source **sources, size_t count)
{
    for (size_t i = 0; sources && i < count; i++)
        account_source_free(sources[i]);
    free(sources);
}

enum error_code
auth_setup_sources(const struct config *config, struct account_source ***out, struct error *err)
{
    const struct account_dirs dirs = { config->daemon.preset_dir, config->daemon.driver_dir };
    struct account_source **sources = calloc(config->accounts_count, sizeof(*sources));
    enum error_code code = ERROR_NONE;

    *out = NULL;
    if (!sources)
        return error_set(err, ERROR_UNAVAILABLE, "accounts: no memory");
    for (size_t i = 0; code == ERROR_NONE && i < config->accounts_count; i++)
        code = account_source_new(&config->accounts[i], &dirs, &sources[i], err);
    if (code != ERROR_NONE) {
        auth_setup_free_sources(sources, config->accounts_count);
        return error_prefix(err, "%s", config->path);
    }
    *out = sources;
    return ERROR_NONE;
}

enum error_code
auth_setup_new(const struct config *config, struct cache *cache, struct auth **out,
               struct error *err)
{
    unsigned char scope[SCOPE_BYTES], key[AUTH_CHALLENGE_KEY];
    struct auth_config auth = config->auth;
    struct account_source **sources = NULL;
    enum error_code code = challenge_key_make(config->daemon.challenge_key, key, err);

    *out = NULL;
    if (code == ERROR_NONE)
        code = auth_setup_sources(config, &sources, err);
    if (code != ERROR_NONE)
        return code;
    auth.challenge_key = key;
    scope_make(config, scope);
    code = auth_new(&auth, sources, config->accounts_count, span_make(scope, sizeof(scope)),
                    cache, &clock_system, out, err);
    sodium_memzero(key, sizeof(key));
    free(sources);              /* the list; what is in it is auth's */
    return code;
}
