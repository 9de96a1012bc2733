/* config/text.h - the bytes of a configuration file, before libconfuse reads them
 *
 * Purpose  Make sure of what libconfuse's lexer does not: it takes "${NAME}" from the environment,
 *          ends a file inside a string or a section without a word, drops characters that it does
 *          not know, keeps the state of an unfinished string for the next file, and counts the
 *          lines of comments twice (3.3).
 * Outputs  The same text, of the same length and lines, with its comments blanked.
 * Errors   ERROR_CONFIG with file and line.
 * Threads  Any function from any thread.
 */
#ifndef CONFIG_TEXT_H
#define CONFIG_TEXT_H

#include "common/error.h"

/* `path` is for messages. Blanks comments in place. */
enum error_code config_text_prepare(const char *path, char *text, struct error *err);

#endif
