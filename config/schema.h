/* config/schema.h - which sections and keys there are
 *
 * Purpose  One table that the parser, its refusals ("did you mean"), the fuzzers and the tests walk.
 * Threads  config_schema_init() before anything else, more than once is fine; then any thread.
 */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include "config/config.h"
#include "config/value.h"

/* What is being filled while a file is read. */
struct config_draft {
    struct config config;       /* its lists are `keep`'s */
    struct keep keep;
};

/* What a rule that looks at a whole section may know and say. */
struct config_section_view {
    struct config_draft *draft;
    void *base;                 /* the section's struct, filled */
    const char *fault;          /* the key that a refusal is about; NULL: the section */
};

struct config_section {
    const char *name;
    bool titled;                /* and then there may be any number of it */
    const struct config_key *keys;
    size_t keys_count;

    /* The struct that the keys' offsets are in; for a titled one a new one with its
     * defaults. NULL, with *err set, when it cannot be. */
    void *(*begin)(struct config_draft *draft, const char *title, struct error *err);
    /* What must hold between keys. NULL: nothing. */
    enum error_code (*check)(struct config_section_view *view, struct error *err);
};

enum { CONFIG_SECTIONS = 8 };
extern const struct config_section config_sections[CONFIG_SECTIONS];

/* The most keys that a section has. */
#define CONFIG_KEYS_MAX 48

/* Gives the keys of own queries the names that account/ knows them by. */
void config_schema_init(void);

/* NULL: unknown. */
const struct config_section *config_section_find(const char *name);
const struct config_key *config_key_find(const struct config_section *section, const char *name);

#endif
