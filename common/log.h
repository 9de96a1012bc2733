/* common/log.h - one line per event, and nobody waits for it
 *
 * Purpose  A line is put into a fixed ring and written by a thread of its own, so that a
 *          full disk or a stopped syslog never delays an answer. When the ring is full the
 *          line is dropped and counted; the count is logged when there is room again. Of what
 *          strangers can cause as often as they like, so many lines a second are made.
 * Inputs   printf-like; bytes outside printable ASCII become "?", so that one event is one
 *          line whatever a stranger sent; log_token() keeps them apart where it matters.
 * Errors   None reach the caller.
 * Threads  Any function from any thread, log_start() and log_stop() from one.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include "common/error.h"
#include "common/span.h"

#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG, LOG_LEVELS };

enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG };

/* Starts the writer. To syslog, lines bear the program's own name. Before it, and after log_stop(), lines go straight to standard error. */
enum error_code log_start(enum log_target target, struct error *err);

/* Writes what is left and stops the writer. */
void log_stop(void);

/* Lines above it are not made. The default is LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);
enum log_level log_level(void);

void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

/* The same, each "%s" being the next of `values`, of which there are as many; nothing else is a
 * conversion. For the line of each sign-in: printf's would cost more than the rest of a cached answer. */
void log_values(enum log_level level, const char *format, const span values[]) PRINTF_LIKE(2, 0);

/* Asked before a line that strangers can cause as often as they like. False: there were too many of
 * those in this second, it is to be left out, and is counted; a line tells how many once a second. */
bool log_admits(void);
void log_set_limit(uint32_t lines_a_second);            /* 0, the default: none */
uint64_t log_left_out(void);                            /* since the start */

/* What a stranger sent, as one token that a filter cannot mistake for another field: all
 * but letters, digits and @._+:/- becomes \xNN, and what is longer ends in "...". Returns `out`. */
#define LOG_TOKEN_MAX 400
const char *log_token(span text, char out[LOG_TOKEN_MAX]);

/* How many lines were dropped since the start. */
uint64_t log_dropped(void);

#endif
