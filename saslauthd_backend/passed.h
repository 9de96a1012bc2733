/* saslauthd_backend/passed.h - sockets that a service manager has bound for us
 *
 * Purpose  They outlive us: who connects while we are started again waits in their backlog and is not refused.
 *          What is passed, and how: sd_listen_fds(3). Without libsystemd nothing is.
 * Owner    Whoever passed them has them too, so we never close one: a listener that a reload took away may come back.
 * Threads  One at a time.
 */
#ifndef SASLAUTHD_BACKEND_PASSED_H
#define SASLAUTHD_BACKEND_PASSED_H

#include "config/config.h"

/* The one that listens where `listen` does; -1: none. */
int passed_find(const struct listen_config *listen);

/* ERROR_CONFIG when one is passed that no `listen` section would answer: its clients would wait for ever. */
enum error_code passed_check(const struct config *config, struct error *err);

#endif
