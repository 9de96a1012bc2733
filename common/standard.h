/* common/standard.h - standard input, output and error are these or nothing
 *
 * Purpose  A program that is started with one of them closed would be given its number for the next file or
 *          socket: a password would be read from a database, a log line written to a client.
 * Threads  Before any is started, and before anything is opened.
 */
#ifndef COMMON_STANDARD_H
#define COMMON_STANDARD_H

/* Takes the places of those that are closed. Using one fails as before. */
void standard_hold(void);

#endif
