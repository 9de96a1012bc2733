/* config/keep.c - see keep.h */
#include "config/keep.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct keep_block {
    struct keep_block *next;
    _Alignas(max_align_t) unsigned char bytes[];
};

void *
keep_bytes(struct keep *keep, size_t len)
{
    struct keep_block *block;

    if (len > SIZE_MAX - sizeof(*block))
        return NULL;
    block = calloc(1, sizeof(*block) + len);
    if (!block)
        return NULL;
    block->next = keep->blocks;
    keep->blocks = block;
    return block->bytes;
}

char *
keep_text(struct keep *keep, const char *text)
{
    size_t len = strlen(text);
    char *copy = keep_bytes(keep, len + 1);

    if (copy)
        memcpy(copy, text, len);
    return copy;
}

/* Arrays double when their count is a power of two, so that what is left behind is no more than
 * what is in use. */
void *
keep_grow(struct keep *keep, const void *array, size_t count, size_t element)
{
    size_t room = count ? 2 * count : 1;
    void *larger;

    if (count & (count - 1))
        return (void *)(uintptr_t)array;
    if (room > SIZE_MAX / element)
        return NULL;
    larger = keep_bytes(keep, room * element);
    if (larger && count > 0)
        memcpy(larger, array, count * element);
    return larger;
}

void
keep_free(struct keep *keep)
{
    while (keep->blocks) {
        struct keep_block *next = keep->blocks->next;

        free(keep->blocks);
        keep->blocks = next;
    }
}
