/* config/check.h - would a daemon start with this configuration?
 *
 * Purpose  Everything that a daemon refuses to start with and that needs no connection and no socket: the file,
 *          the key of challenges, and of each account source its driver, preset, queries and files.
 * Errors   ERROR_CONFIG with the file's path before the reason.
 * Threads  Any function from any thread.
 */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include "config/config.h"

/* The source that one section says, connecting to nothing. The caller gives *out to
 * account_source_free(). */
enum error_code config_source_new(const struct config *config,
                                  const struct account_source_config *accounts,
                                  struct account_source **out, struct error *err);

/* Who watches a check; each may be NULL. */
struct config_watch {
    void *context;

    /* A source that is good so far; what it returns is the source's outcome. */
    enum error_code (*source)(void *context, const struct config *config,
                              const struct account_source_config *accounts,
                              struct account_source *source, struct error *err);

    /* A fault after the first, which is the check's own. */
    void (*fault)(void *context, const struct error *err);
};

/* Looks at all sources, whatever the ones before have come to. *out is the configuration, for
 * config_free(), where the code is ERROR_NONE. */
enum error_code config_check(const char *path, const struct config_watch *watch, struct config **out,
                             struct error *err);

#endif
