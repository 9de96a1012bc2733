/* tools/control_client.h - clavigerctl's side of the control socket
 *
 * Purpose  One question, one answer (saslauthd_backend/control.h has their form).
 * Errors   What the daemon reports, with its code; ERROR_UNAVAILABLE when it is not there, does
 *          not answer in time, or what answers does not speak as it should.
 * Threads  Any; nothing is shared.
 */
#ifndef TOOLS_CONTROL_CLIENT_H
#define TOOLS_CONTROL_CLIENT_H

#include "config/config.h"

#include <jansson.h>

/* More than the longest deadline of a request, and than a reload with its last lookups. */
#define CONTROL_CLIENT_TIMEOUT_MS 30000

/* Takes `request`. The caller gives *reply_out, an object without "ok", to json_decref().
 * *absent_out, unless NULL: nobody listens there, which is what a stopped daemon looks like. */
enum error_code control_ask(const char *path, json_t *request, int64_t timeout_ms,
                            json_t **reply_out, bool *absent_out, struct error *err);

/* The same to the daemon of a configuration. ERROR_CONFIG when it has no control listener. */
enum error_code control_ask_daemon(const struct config *config, json_t *request,
                                   json_t **reply_out, bool *absent_out, struct error *err);

/* The same, for a command that is only a word, to the daemon of the configuration at that path. */
enum error_code control_ask_word(const char *config_path, const char *word, json_t **reply_out,
                                 struct error *err);

#endif
