/* account/preset.h - the queries of one account manager, as a file that people read
 *
 * Purpose  A manager's tables are data, not code: DIR/NAME.sql holds its queries for every engine.
 *
 *   -- preset tmail                        first; the file's own name
 *   -- title  tmail: users by address      for people
 *   -- versions 1.0 to 2.3                 for people
 *   -- scheme CRYPT                        default_scheme; may be left out
 *   -- make {BLF-CRYPT}                    the scheme of new stored passwords that the manager
 *                                          itself understands; in braces: with that prefix.
 *                                          "if" and a condition may follow; the first that
 *                                          holds counts
 *   -- encoding latin1                     the manager hashes passwords in ISO-8859-1
 *   -- option send-only  What it does      may be chosen in claviger.conf
 *   -- option server-id=1  What it is      the same with a value, and its default
 *
 *   -- any other comment is for people
 *
 *   -- query lookup [mysql pgsql sqlite]   a name of account/query.c, and for which engines
 *   SELECT ... WHERE login = %u            up to the next header or the end of the file
 *   -- if send-only                        the lines up to the next -- endif count only then
 *      AND id = %{server-id}               the option's value
 *   -- endif
 *   -- query secrets [mysql] if send-only  the whole query does
 *
 *          A condition is names of options that all have to be chosen; "not" before one: not
 *          chosen. Conditions do not nest. An option's value has letters, digits and '_' only, so
 *          that it can change no text around it; a client never sees or sends one.
 *          A header is a line that starts with "-- ", one of these words, and a blank,
 *          wherever it stands: no comment for people may look like one. Whatever is chosen, an
 *          engine has each query at most once.
 * Inputs   A file that only root or we could have written (common/file.h), or a text.
 * Errors   ERROR_CONFIG with file and line.
 * Threads  A struct preset is any thread's between preset_choose()s.
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

/* Calls `each` for the name of every preset in DIR, in order. */
void preset_each(const char *dir, void (*each)(void *context, const char *name), void *context);

/* The same from `text`; `file` is for complaints. Copies both. */
enum error_code preset_parse(const char *file, const char *name, const char *text,
                             struct preset **out, struct error *err);
void preset_free(struct preset *preset);        /* NULL is fine */

/* Chooses options, "name" or "name=value", in place of those chosen before; a preset that was
 * just made has none. ERROR_CONFIG for one that it does not have, with those that it has. */
enum error_code preset_choose(struct preset *preset, const char *const *options, size_t count,
                              struct error *err);

const char *preset_title(const struct preset *preset);
const char *preset_versions(const struct preset *preset);       /* NULL: not told */
const char *preset_scheme(const struct preset *preset);         /* NULL: none */
const char *preset_make(const struct preset *preset);           /* NULL: not told; "{NAME}" or "NAME" */
bool preset_is_latin1(const struct preset *preset);

/* Its options, for people: i counts from 0; false past the end. Borrows. */
struct preset_option_info { const char *name, *value, *title; };        /* value NULL: takes none */
bool preset_option_get(const struct preset *preset, size_t i, struct preset_option_info *out);

/* Its queries as they are chosen, in the order of the file; the same. `engines`: "[mysql pgsql]". */
struct preset_part { enum account_query which; const char *engines, *text; };
bool preset_part_get(const struct preset *preset, size_t i, struct preset_part *out);

/* False when the preset has no such query for that engine. *out borrows until the next
 * preset_choose(). Lines that do not count are empty, so that each stands on its own line. */
bool preset_query(const struct preset *preset, enum account_query which, const char *engine,
                  struct query_text *out);

/* The engine at `i` of those that there are; NULL past the end. */
const char *preset_engine(size_t i);

/* Whether any of its queries, chosen or not, is for that engine. */
bool preset_fits(const struct preset *preset, const char *engine);

#endif
