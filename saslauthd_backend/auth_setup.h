/* saslauthd_backend/auth_setup.h - the account sources and the auth room that a configuration says
 *
 * Errors   ERROR_CONFIG with the file's path before the reason.
 * Threads  From the one that starts or reloads.
 */
#ifndef SASLAUTHD_BACKEND_AUTH_SETUP_H
#define SASLAUTHD_BACKEND_AUTH_SETUP_H

#include "config/config.h"

/* Shares `cache` and borrows from `config`, which both outlive *out; the caller gives that to
 * auth_free(). */
enum error_code auth_setup_new(const struct config *config, struct cache *cache,
                               struct auth **out, struct error *err);

#endif
