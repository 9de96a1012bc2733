/* saslauthd_backend/auth_setup.c - see auth_setup.h */
#include "saslauthd_backend/auth_setup.h"

#include "config/challenge_key.h"
#include "config/check.h"
#include "saslauthd_backend/scope.h"

#include <sodium.h>
#include <stdlib.h>

static void
free_sources(struct account_source **sources, size_t count)
{
    for (size_t i = 0; i < count; i++)
        account_source_free(sources[i]);
    free(sources);
}

/* All of them, connecting to none. */
static enum error_code
make_sources(const struct config *config, struct account_source ***out, struct error *err)
{
    struct account_source **sources = calloc(config->accounts_count, sizeof(*sources));
    enum error_code code = ERROR_NONE;

    *out = NULL;
    if (!sources)
        return error_set(err, ERROR_UNAVAILABLE, "accounts: no memory");
    for (size_t i = 0; code == ERROR_NONE && i < config->accounts_count; i++)
        code = config_source_new(config, &config->accounts[i], &sources[i], err);
    if (code == ERROR_NONE)
        *out = sources;
    else
        free_sources(sources, config->accounts_count);
    return code;
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
        code = make_sources(config, &sources, err);
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
