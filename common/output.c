/* common/output.c - see output.h */
#include "common/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum error_code
output_finish(struct error *err)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return ERROR_NONE;
    return error_set(err, ERROR_UNAVAILABLE, "cannot write to standard output%s%s",
                     errno ? ": " : "", errno ? strerror(errno) : "");
}
