/* account/mysql_call.h - calls of the client library that end by our deadline
 *
 * Purpose  The one seam between MariaDB's Connector/C and Oracle's libmysqlclient: each call that
 *          waits for the server, with a deadline over the whole of it.
 * Method   Connector/C: its non-blocking calls, poll(2) and our clock; what it waits for by itself (a TLS
 *          handshake) it waits for in our callback. At the deadline the socket is shut down, and the
 *          call is driven to its own end, so that nothing leaks.
 *          libmysqlclient: its timeouts, whole seconds and for each read of the socket; a server that
 *          drips holds a thread beyond the deadline there, one that is silent by a second at most.
 * Threads  A MYSQL is one thread's.
 */
#ifndef ACCOUNT_MYSQL_CALL_H
#define ACCOUNT_MYSQL_CALL_H

#include <mysql.h>
#include <stdbool.h>
#include <stdint.h>

/* The libraries' word for a truth. */
#ifdef MARIADB_PACKAGE_VERSION_ID
typedef my_bool mysql_flag;
#else
typedef bool mysql_flag;
#endif

/* Before mysql_call_connect(): what the library has to know about waiting. */
void mysql_call_set(MYSQL *mysql, int64_t deadline_ms);

/* How a server is reached; strings are borrowed, NULL: none. */
struct mysql_place {
    const char *host, *socket, *user, *password, *database;
    unsigned port;
};

/* False: it is not connected; mysql_error() says why, unless `deadline_ms` has passed. */
bool mysql_call_connect(MYSQL *mysql, const struct mysql_place *place, int64_t deadline_ms);

/* As the library's calls of these names return. */
int mysql_call_character_set(MYSQL *mysql, const char *name, int64_t deadline_ms);
int mysql_call_query(MYSQL *mysql, const char *text, int64_t deadline_ms);
int mysql_call_prepare(MYSQL *mysql, MYSQL_STMT *stmt, const char *text, int64_t deadline_ms);
int mysql_call_execute(MYSQL *mysql, MYSQL_STMT *stmt, int64_t deadline_ms);
int mysql_call_fetch(MYSQL *mysql, MYSQL_STMT *stmt, int64_t deadline_ms);

/* Closes without a word to the server when the session is lost, so that nothing is waited for. */
void mysql_call_close(MYSQL *mysql, bool lost);

#endif
