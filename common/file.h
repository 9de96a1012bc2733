/* common/file.h - files that decide who may sign in
 *
 * Purpose  Open a configuration, a secret or a data file only when nobody else could have
 *          written it: the checks are made on the opened descriptor, so that what was
 *          checked is what is read.
 * Errors   ERROR_CONFIG with the path, what is wrong and how to mend it.
 * Threads  Any function from any thread.
 */
#ifndef COMMON_FILE_H
#define COMMON_FILE_H

#include "common/error.h"
#include "common/secret.h"

enum file_trust {
    FILE_TRUSTED,       /* a regular file with one name, of root or of us, in a folder and
                         * with a mode that lets nobody else write */
    FILE_SECRET         /* that, and not readable by the world */
};

/* The caller closes *fd_out (close-on-exec). A FIFO or a device never blocks it. */
enum error_code file_open(const char *path, enum file_trust trust, int *fd_out,
                          struct error *err);

/* The first line of a FILE_SECRET, without its end. The caller wipes *out. */
enum error_code file_read_secret(const char *path, struct secret *out, struct error *err);

/* The whole of a FILE_TRUSTED of at most `max` bytes, terminated; the caller frees *text_out. */
enum error_code file_read_text(const char *path, size_t max, char **text_out,
                               struct error *err);

#endif
