/* account/pgsql_connect.h - a connection to one PostgreSQL server, made by a deadline
 *
 * Purpose  Tell libpq everything, so that nothing comes from the environment, a service file or a
 *          home folder; look up the name by ourselves; try each of its addresses; wait with
 *          our own clock.
 * Errors   ERROR_UNAVAILABLE with server and reason: libpq's, or the server's own words, which
 *          name the authentication method. ERROR_CONFIG for files and variables that have to go.
 * Threads  Any function from any thread; a connection is one thread's.
 */
#ifndef ACCOUNT_PGSQL_CONNECT_H
#define ACCOUNT_PGSQL_CONNECT_H

#include "account/driver.h"

struct pg_conn;                 /* libpq's PGconn */

/* How people call a server: "db1.example.net:5432", or a socket's path. */
#define PGSQL_SERVER_MAX 288

struct pgsql_server { char name[PGSQL_SERVER_MAX]; };

/* A connection that is made, in UTF-8 and does not block; the caller gives it to PQfinish(). */
enum error_code pgsql_connect(const struct account_source_config *config,
                              const struct account_target *target, bool writes,
                              int64_t deadline_ms, struct pg_conn **out,
                              struct pgsql_server *server_out, struct error *err);

/* Until the socket is ready for one of `events` (poll.h) or broken. False at the deadline. */
bool pgsql_wait(struct pg_conn *conn, short events, int64_t deadline_ms);

/* What libpq said, its first line, without the address that it starts with. ERROR_UNAVAILABLE. */
enum error_code pgsql_said(const char *message, const struct pgsql_server *server,
                           struct error *err);

#endif
