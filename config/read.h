/* config/read.h - the text of claviger.conf into a draft, by way of libconfuse
 *
 * Errors   ERROR_CONFIG with file and line; what was read until then stays in the draft.
 * Threads  One thread at a time: libconfuse's lexer is global. config_load() locks.
 */
#ifndef CONFIG_READ_H
#define CONFIG_READ_H

#include "config/schema.h"

/* Bytes of one file. */
#define CONFIG_FILE_MAX (1024 * 1024)
/* Files inside files inside files; and all files together. */
#define CONFIG_INCLUDE_DEPTH 8
#define CONFIG_INCLUDES_MAX 100

/* Reads `text`, which is changed. `path` is for messages, and includes are relative to its folder. */
enum error_code config_read(const char *path, char *text, struct config_draft *draft,
                            struct error *err);

#endif
