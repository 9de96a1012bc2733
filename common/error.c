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

/* Cuts what is too long. */
static void
set_reason(struct error *err, const char *made)
{
    size_t len = strnlen(made, sizeof(err->reason) - 1);

    memcpy(err->reason, made, len);
    err->reason[len] = '\0';
    make_printable(err->reason);
}

/* By way of `made`: an argument may be the reason that is there. */
enum error_code
error_set(struct error *err, enum error_code code, const char *format, ...)
{
    char made[sizeof(err->reason)];
    va_list args;

    va_start(args, format);
    vsnprintf(made, sizeof(made), format, args);
    va_end(args);
    set_reason(err, made);
    err->code = code;
    return code;
}

enum error_code
error_prefix(struct error *err, const char *format, ...)
{
    char made[2 * sizeof(err->reason) + 2];
    va_list args;
    size_t len;

    va_start(args, format);
    vsnprintf(made, sizeof(err->reason), format, args);
    va_end(args);
    len = strlen(made);
    snprintf(made + len, sizeof(made) - len, ": %s", err->reason);
    set_reason(err, made);
    return err->code;
}
