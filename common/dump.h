/* common/dump.h - no copy of a program that holds secrets
 *
 * Threads  Called before there is a secret, and once more after a change of user, which undoes it.
 */
#ifndef COMMON_DUMP_H
#define COMMON_DUMP_H

/* No core file, not even through a pipe to a collector, and no debugger of another process of
 * the same user. */
void dump_forbid(void);

#endif
