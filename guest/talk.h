/* guest/talk.h - one request to clavigerd and its reply, from inside somebody else's program
 *
 * Purpose  Connect, make sure who listens, send, receive, close, all within one deadline. A request
 *          may hold a password: not a byte of it leaves before the socket's owner is known to be trusted.
 * Owner    The caller's frame. Nothing is kept between talks, so no connection is shared across fork().
 * Errors   Functions that give back false have written why to `reason`, for the log.
 * Times    Milliseconds, of CLOCK_MONOTONIC.
 * Threads  A talk is one thread's; different ones may be.
 * A guest  No signal is touched or raised, nothing is started, and no descriptor below 3 is taken
 *          from a host that closed its own.
 */
#ifndef GUEST_TALK_H
#define GUEST_TALK_H

#include "guest/reading.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct talk_place {
    const char *socket;                         /* a path */
    bool (*trusts)(void *context, uid_t owner); /* may that user hear us, and be believed? */
    void *context;
    const char *option;                         /* whose value such a user may be */
};

struct talk {
    int fd;                     /* -1: none */
    bool is_daemon;             /* or else a helper of the caller's */
    int64_t timeout_ms, ends_at_ms;
    char reason[160];
};

void talk_begin(struct talk *talk, int64_t timeout_ms);
bool talk_connect(struct talk *talk, const struct talk_place *place);

/* All of it, unless the other side has closed: it may have answered early. */
bool talk_send(struct talk *talk, const unsigned char *request, size_t len);

/* Where a reply is read to. `read` looks at what came so far, and says why it is broken. One byte of
 * room more than the longest reply shows that there are too many. */
struct talk_reply {
    unsigned char *bytes;
    size_t room, used;
    enum reading (*read)(void *context, const unsigned char *bytes, size_t len, const char **why_out);
    void *context;
};

bool talk_receive(struct talk *talk, struct talk_reply *reply);

void talk_end(struct talk *talk);

/* False, so that "return talk_fail(...)" reads well. %m is the error of the call just made. */
bool __attribute__((format(printf, 2, 3))) talk_fail(struct talk *talk, const char *format, ...);

#endif
