/* saslauthd_backend/control.h - the daemon's side of the control socket
 *
 * Purpose  Answer clavigerctl. One JSON object per line (control_wire.h), a reply for each
 *          request, in order; as many on a connection as the client likes.
 *
 *   request {"command":"status"}
 *           {"command":"test", "login":L, "password":P, "service":S, "realm":R, "remote":I}
 *           {"command":"explain", as test, the password may be missing}
 *           {"command":"flush", "login":L | "domain":D | "all":true}    both canonical
 *           {"command":"reload"}
 *   reply   {"ok":true, ...}
 *           {"ok":false, "error":"for people", "code":"rejected|unavailable|malformed|config"}
 *
 *   P is base64 of the password's bytes; service, realm and remote may be missing.
 *   status  version, pid; what the daemon adds (control_host.fill_status); reasons{word:count},
 *           via{word:count}; lookups, verifications, joined, waiting; cache{entries,
 *           negative_entries, accepted, rejected, bytes, hits, evictions, flushes}; log_dropped,
 *           log_left_out
 *   test    outcome, reason, via, account, must_change, elapsed_ms
 *   explain that, and steps[{step, text}]
 *   flush   entries: how many it forgot; not for "all"
 *
 * Errors   The client is told. After a line that is too long, cut short or late it is told and
 *          let go; after any other fault the next line is read.
 * Threads  control_serve() on any thread that may wait; what the host gives, from that thread.
 *          Who may connect is the caller's to check.
 */
#ifndef SASLAUTHD_BACKEND_CONTROL_H
#define SASLAUTHD_BACKEND_CONTROL_H

#include "auth/auth.h"

#include <jansson.h>

/* How long a client may take for a line, and for taking a reply. */
#define CONTROL_PATIENCE_MS 2000

/* What must not go away while a request is answered. */
struct control_held { struct auth *auth; struct sasl *sasl; struct cache *cache; };

/* What the daemon lends; all of it outlives control_serve(). */
struct control_host {
    void (*hold)(void *context, struct control_held *out);      /* a reload waits until ... */
    void (*release)(void *context);
    enum error_code (*reload)(void *context, struct error *err);/* called with nothing held */
    void (*fill_status)(void *context, json_t *status);         /* adds members; the same */
    void *context;
    const struct clock *clock;
    const struct auth_listener *listener;       /* as whom test and explain ask */
    int64_t patience_ms;                        /* CONTROL_PATIENCE_MS; a test has less */
};

/* Returns when the client has closed, or was let go. The caller closes `fd`. */
void control_serve(int fd, const struct control_host *host);

#endif
