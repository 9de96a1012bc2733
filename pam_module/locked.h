/* pam_module/locked.h - pages that hold a password on its way to the daemon
 *
 * Purpose  Keep the one copy that the module makes out of swap, core dumps and forked children,
 *          in pages of its own: locking the host's stack would unlock what the host had locked.
 *          A few pages stay for the process's life, so that a call does not change its memory map,
 *          at which all of its threads would wait; what does not find room there gets pages of
 *          its own for the call.
 * Errors   Only "no memory". A host that may lock no page (RLIMIT_MEMLOCK) is served all the same.
 * Threads  Any function from any thread; a buffer belongs to one. A forked child finds the pages
 *          empty, and nobody in them.
 */
#ifndef PAM_MODULE_LOCKED_H
#define PAM_MODULE_LOCKED_H

#include <stddef.h>

/* Zeroed; the caller gives it to locked_free() with the same size. NULL: no memory. */
void *locked_new(size_t size);
void locked_free(void *buffer, size_t size);    /* wipes; NULL is fine */

#endif
