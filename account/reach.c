/* account/reach.c - see reach.h */
#include "account/reach.h"

#include "common/macros.h"

#include <errno.h>
#include <string.h>

/* What connect(2) fails with where the server, or the way to it, is not as it should be. */
static const struct { int failure; const char *way_out; } rows[] = {
    { ENOENT,       "is the database server running, and \"hosts\" right?" },
    { ENOTDIR,      "is \"hosts\" right?" },
    { ECONNREFUSED, "is the database server running, and \"hosts\" right?" },
    { ECONNRESET,   "is that a database server, and is it well?" },
    { EACCES,       "may the user that clavigerd runs as use that socket?" },
    { EPERM,        "does a firewall refuse it?" },
    { ETIMEDOUT,    "is the host up, and no firewall between?" },
    { EHOSTUNREACH, "is the host up, and \"hosts\" right?" },
    { ENETUNREACH,  "has this host a route there, and is \"hosts\" right?" },
    { EADDRNOTAVAIL, "is \"hosts\" right?" },
    { EAGAIN,       "the database server is too busy to accept" },
};

enum error_code
reach_failed(const char *server, int failure, struct error *err)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        if (rows[i].failure == failure)
            return error_set(err, ERROR_UNAVAILABLE, "%s: cannot connect: %s: %s", server,
                             strerror(failure), rows[i].way_out);
    return error_set(err, ERROR_UNAVAILABLE, "%s: cannot connect: %s", server, strerror(failure));
}

int
reach_number(const char *said)
{
    const char *open = strrchr(said, '(');
    span digits = open ? span_of(open + 1) : span_make(NULL, 0);
    uint64_t number = 0;

    digits = span_until(digits, span_find(digits, ')'));
    return span_to_u64(digits, &number) && number < 4096 ? (int)number : 0;     /* MAX_ERRNO */
}

int
reach_text(span said)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        if (span_is(said, strerror(rows[i].failure)))
            return rows[i].failure;
    return 0;
}
