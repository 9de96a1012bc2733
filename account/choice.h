/* account/choice.h - a name that chooses one of the files in a folder
 *
 * Purpose  Presets and drivers are files, FOLDER/PREFIXnameSUFFIX. A configuration names one;
 *          when it is not there, the operator is told what there is and which was meant.
 * Threads  Any function from any thread.
 */
#ifndef ACCOUNT_CHOICE_H
#define ACCOUNT_CHOICE_H

#include "common/error.h"

struct choice {
    const char *what;                   /* "preset", for people */
    const char *folder, *prefix, *suffix;
};

/* The path of the file, which exists; the caller frees *path_out. ERROR_CONFIG when there is
 * none of that name, or the name is none (letters, digits, '-' and '_' only). */
enum error_code choice_path(const struct choice *choice, const char *name, char **path_out,
                            struct error *err);

/* Calls `each` for every name that there is, in order; it borrows the name for the call. */
void choice_each(const struct choice *choice, void (*each)(void *context, const char *name),
                 void *context);

#endif
