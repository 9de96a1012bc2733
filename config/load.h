/* config/load.h - what config_load() does once the bytes are there; for tests and fuzzers */
#ifndef CONFIG_LOAD_H
#define CONFIG_LOAD_H

#include "config/config.h"

/* As config_load(), from `text`, which is changed. Includes are relative to the folder of `path`. */
enum error_code config_load_text(const char *path, char *text, struct config **out,
                                 struct error *err);

#endif
