/* config/keep.h - memory that is given back all at once
 *
 * Purpose  A configuration has many small strings and lists of one lifetime: they are freed
 *          together, with the configuration, and nobody walks its structs to find them.
 * Errors   NULL when there is no memory.
 * Threads  One thread at a time.
 */
#ifndef CONFIG_KEEP_H
#define CONFIG_KEEP_H

#include <stddef.h>

struct keep { struct keep_block *blocks; };

/* `len` zeroed bytes, aligned for anything; and a copy of a string. */
void *keep_bytes(struct keep *keep, size_t len);

char *keep_text(struct keep *keep, const char *text);

/* Room for one element more than `count` in an array that is only ever grown by this function,
 * from NULL and 0: the array itself, or a larger copy of it. */
void *keep_grow(struct keep *keep, const void *array, size_t count, size_t element);

/* Frees everything that was kept. */
void keep_free(struct keep *keep);

#endif
