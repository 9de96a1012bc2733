/* pam_module/client.h - one question upstream, one answer, one deadline for all of it
 *
 * Purpose  Connect to the daemon and make sure who listens, or start the helper in its place;
 *          send, receive, close. The request holds a password: not a byte of it leaves before
 *          the owner of the socket is known to be trusted.
 * Errors   There is one: no answer. The reason is for the log.
 * Threads  Any function from any thread; nothing is kept between calls. A connection never
 *          outlives its call, so none is shared across fork().
 * A guest  No signal is touched or raised, and no descriptor below 3 is taken from a host that
 *          closed its own.
 */
#ifndef PAM_MODULE_CLIENT_H
#define PAM_MODULE_CLIENT_H

#include "pam_module/wire.h"

#include <stdint.h>
#include <sys/types.h>

struct client_upstream {
    const char *socket;                         /* the daemon's path; fits a sockaddr_un */
    const char *helper;                         /* a program to run instead; NULL: none */
    const char *config;                         /* what that reads; NULL: its default */
    int64_t timeout_ms;
    bool (*trusts)(void *context, uid_t owner); /* may that user see passwords? */
    void *context;
};

/* The path of whom it asks. */
const char *client_name(const struct client_upstream *upstream);

struct client_fault { char reason[160]; };

/* False, with *fault filled and *out empty, when there is no answer within the time. */
bool client_ask(const struct client_upstream *upstream, const unsigned char *request, size_t len,
                struct wire_reply *out, struct client_fault *fault);

#endif
