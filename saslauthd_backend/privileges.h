/* saslauthd_backend/privileges.h - be less than root, and leave no dump
 *
 * Threads  Before any is started.
 */
#ifndef SASLAUTHD_BACKEND_PRIVILEGES_H
#define SASLAUTHD_BACKEND_PRIVILEGES_H

#include "config/config.h"

/* No core dump, no ptrace by others of the same user, as many descriptors as the limit allows, a umask
 * that opens nothing. */
void privileges_harden(void);

/* Who privileges_drop() will make of us: daemon->user and ->group when we are root, else ourselves.
 * ERROR_CONFIG names who is unknown. */
enum error_code privileges_find(const struct daemon_config *daemon, uid_t *uid, gid_t *gid,
                                struct error *err);

/* Becomes daemon->user and ->group for good, when started as root. ERROR_CONFIG names who is unknown
 * or what failed; then nothing may be served. */
enum error_code privileges_drop(const struct daemon_config *daemon, struct error *err);

#endif
