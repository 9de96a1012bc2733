/* account/reach.h - what to do when a database server cannot be connected to
 *
 * Purpose  The client libraries tell errno, as a number or in libc's words, and nothing of what an
 *          operator may do about it.
 * Threads  Any function from any thread.
 */
#ifndef ACCOUNT_REACH_H
#define ACCOUNT_REACH_H

#include "common/error.h"
#include "common/span.h"

/* "SERVER: cannot connect: REASON: WAY OUT". Returns ERROR_UNAVAILABLE. */
enum error_code reach_failed(const char *server, int failure, struct error *err);

/* The errno that `said` ends with in parentheses, as MySQL's and MariaDB's libraries write it; 0: none. */
int reach_number(const char *said);

/* The errno of which `said` is libc's text, as libpq writes it; 0: none that a connect fails with. */
int reach_text(span said);

#endif
