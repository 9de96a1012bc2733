/* saslauthd_backend/auth_setup.c - the account sources and the auth room that a configuration says */
#include "saslauthd_backend/auth_setup.h"

#include "saslauthd_backend/scope.h"

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
    unsigned char scope[SCOPE_BYTES];
    struct account_source **sources;
    enum error_code code = auth_setup_sources(config, &sources, err);

    *out = NULL;
    if (code != ERROR_NONE)
        return code;
    scope_make(config, scope);
    code = auth_new(&config->auth, sources, config->accounts_count, span_make(scope, sizeof(scope)),
                    cache, &clock_system, out, err);
    free(sources);              /* the list; what is in it is auth's */
    return code;
}
