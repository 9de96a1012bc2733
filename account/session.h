/* account/session.h - a session with whichever server answers
 *
 * Threads  A struct session is one thread's; the source's hosts are all threads'.
 */
#ifndef ACCOUNT_SESSION_H
#define ACCOUNT_SESSION_H

#include "account/source_parts.h"

struct session {
    struct account_source *source;
    enum account_access access;
    struct account_session *driver;     /* the driver's own; NULL: none is open */
    size_t host;                        /* of a driver with servers: whose it is */
};

/* Opens one when there is none; changes over to a better host when that is there again. */
enum error_code session_open(struct session *session, int64_t deadline_ms, struct error *err);

/* Closes it, if there is one. */
void session_close(struct session *session);

/* The driver says that it is good for nothing any more; `why` if that was a fault. */
void session_lose(struct session *session, int64_t deadline_ms, const struct error *why);

#endif
