/* saslauthd_backend/scope.h - a digest of all settings that decide a verdict
 *
 * Part of every cache key: after a reload with other sources, other names or other bounds nothing
 * that was remembered under the old ones counts; after one that changed a listener all of it does.
 */
#ifndef SASLAUTHD_BACKEND_SCOPE_H
#define SASLAUTHD_BACKEND_SCOPE_H

#include "config/config.h"

#define SCOPE_BYTES 32

void scope_make(const struct config *config, unsigned char out[SCOPE_BYTES]);

#endif
