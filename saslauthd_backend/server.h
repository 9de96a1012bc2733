/* saslauthd_backend/server.h - start, reload, stop
 *
 * Purpose  Put the rooms together from a configuration, replace them all at once on a reload, and take
 *          them down without losing what is in flight.
 * Errors   ERROR_CONFIG: the operator has to change something; nothing was started, or what ran goes on.
 * Threads  server_new(), server_run() and server_free() from the main thread.
 */
#ifndef SASLAUTHD_BACKEND_SERVER_H
#define SASLAUTHD_BACKEND_SERVER_H

#include "config/config.h"

struct server;                  /* opaque */

/* Binds the sockets, drops root, starts the threads; ready when it returns. */
enum error_code server_new(const char *path, struct server **out, struct error *err);

/* Serves until SIGTERM or SIGINT; SIGHUP reloads. All three are blocked since server_new(). */
void server_run(struct server *server);

/* Ends what is in flight, at most until its deadline. NULL is fine. */
void server_free(struct server *server);

#endif
