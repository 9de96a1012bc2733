/* common/error.c - see error.h */
#include "common/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
error_clear(struct error *err)
{
    err->code = ERROR_NONE;
    err->reason[0] = '\0';
}

/* A reason may quote what a stranger sent: it stays one line of a log. */
static void
make_printable(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

enum error_code
error_set(struct error *err, enum error_code code, const char *format, ...)
{
    va_list args;

    err->code = code;
    va_start(args, format);
    vsnprintf(err->reason, sizeof(err->reason), format, args);
    va_end(args);
    make_printable(err->reason);
    return code;
}

enum error_code
error_prefix(struct error *err, const char *format, ...)
{
    char old[sizeof(err->reason)];
    va_list args;
    size_t len;

    memcpy(old, err->reason, sizeof(old));
    va_start(args, format);
    vsnprintf(err->reason, sizeof(err->reason), format, args);
    va_end(args);
    len = strlen(err->reason);
    snprintf(err->reason + len, sizeof(err->reason) - len, ": %s", old);
    make_printable(err->reason);
    return err->code;
}
