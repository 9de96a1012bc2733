/* common/nearest.h - "did you mean ...?" for keys, commands and names */
#ifndef COMMON_NEAREST_H
#define COMMON_NEAREST_H

#include <stddef.h>

/* The name of the `count` given that takes the fewest edits (insert, delete, replace,
 * swap of neighbours; all that is behind a "_" counts as one) from `word`; NULL when none is near enough to be meant. Borrows. */
const char *nearest_find(const char *word, const char *const *names, size_t count);

#endif
