/* sasl_plugin/daemon.h - one question to clavigerd, one answer, one deadline for all of it
 *
 * Purpose  Connect, make sure who listens, send, receive, close.
 * Errors   There is one: no answer. The reason is for the log.
 * A guest  It touches no signal, starts nothing and keeps nothing between calls; its descriptor is
 *          close-on-exec and never 0, 1 or 2.
 * Threads  Any function from any thread.
 */
#ifndef SASL_PLUGIN_DAEMON_H
#define SASL_PLUGIN_DAEMON_H

#include "sasl_plugin/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct daemon_place {
    const char *path;           /* of its socket */
    const char *user;           /* who may listen there besides root and ourselves; NULL: nobody */
    int64_t timeout_ms;
};

/* What came, and what it means: values point into bytes. The caller wipes it. */
struct daemon_answer {
    struct auxprop_reply reply;
    size_t used;
    unsigned char bytes[AUXPROP_WIRE_REPLY_MAX + 1];    /* one more shows that there are too many */
    char reason[160];           /* why there is no answer; else empty */
};

/* False, with `reason`, when no answer came in time. */
bool daemon_ask(const struct daemon_place *place, const unsigned char *request, size_t len,
                struct daemon_answer *out);

void daemon_answer_wipe(struct daemon_answer *answer);

#endif
