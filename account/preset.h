/* account/preset.h - the queries of one account manager, as a file that people read
 *
 * Purpose  A manager's tables are data, not code: DIR/NAME.sql holds its queries for every engine.
 *
 *   -- preset tmail                        first; the file's own name
 *   -- title  tmail: users by address      for people
 *   -- scheme CRYPT                        default_scheme; may be left out
 *
 *   -- any other comment is for people
 *
 *   -- query lookup [mysql pgsql sqlite]   a name of account/query.c, and for which engines
 *   SELECT ... WHERE login = %u            up to the next header or the end of the file
 *
 *          A header is a line that starts with "-- ", one of the four words, and a blank,
 *          wherever it stands: no comment for people may look like one. An engine has each
 *          query at most once.
 * Inputs   A file that only root or we could have written (common/file.h), or a text.
 * Errors   ERROR_CONFIG with file and line.
 * Threads  A struct preset is read-only once made, and then any thread's.
 */
#ifndef ACCOUNT_PRESET_H
#define ACCOUNT_PRESET_H

#include "account/query.h"

/* Bytes of a file. */
#define PRESET_MAX 262144

struct preset;                  /* opaque */

/* Reads DIR/NAME.sql. The caller gives *out to preset_free(). An unknown name is ERROR_CONFIG
 * with the names that there are. */
enum error_code preset_read(const char *dir, const char *name, struct preset **out,
                            struct error *err);

/* The same from `text`; `file` is for complaints. Copies both. */
enum error_code preset_parse(const char *file, const char *name, const char *text,
                             struct preset **out, struct error *err);
void preset_free(struct preset *preset);        /* NULL is fine */

const char *preset_title(const struct preset *preset);
const char *preset_scheme(const struct preset *preset);         /* NULL: none */

/* False when the preset has no such query for that engine. *out borrows. */
bool preset_query(const struct preset *preset, enum account_query which, const char *engine,
                  struct query_text *out);

/* Whether any of its queries is for that engine. */
bool preset_fits(const struct preset *preset, const char *engine);

#endif
