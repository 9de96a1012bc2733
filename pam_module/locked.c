/* pam_module/locked.c - pages that hold a password on its way to the daemon */
#include "pam_module/locked.h"

#include <string.h>
#include <sys/mman.h>

void *
locked_new(size_t size)
{
    void *buffer = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (buffer == MAP_FAILED)
        return NULL;
    (void)mlock(buffer, size);
    (void)madvise(buffer, size, MADV_DONTDUMP);
    (void)madvise(buffer, size, MADV_WIPEONFORK);
    return buffer;
}

void
locked_free(void *buffer, size_t size)
{
    if (buffer == NULL)
        return;
    explicit_bzero(buffer, size);
    (void)munmap(buffer, size);         /* unlocks it too */
}
