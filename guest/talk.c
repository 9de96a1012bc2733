/* guest/talk.c - see talk.h */
#include "guest/talk.h"

#include "guest/descriptor.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* What the daemon remembers it says within this time, and a thread that sleeps is awake again no
 * sooner: so the answer is looked for so long before anybody sleeps (doc/performance.md). */
#define LOOK_NS 30000

/* Talks of this process that go on now. A child forked meanwhile may count one too many: it sleeps. */
static _Atomic unsigned talking;

static int64_t
now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t
now_ms(void)
{
    return now_ns() / 1000000;
}

bool
talk_fail(struct talk *talk, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(talk->reason, sizeof talk->reason, format, args);
    va_end(args);
    return false;
}

static bool
fail_late(struct talk *talk, const char *what)
{
    return talk_fail(talk, "%s within %lld ms", what, (long long)talk->timeout_ms);
}

static int64_t
left_ms(const struct talk *talk)
{
    const int64_t left = talk->ends_at_ms - now_ms();

    return left > 0 ? left : 0;
}

void
talk_begin(struct talk *talk, int64_t timeout_ms)
{
    *talk = (struct talk){ .fd = -1, .timeout_ms = timeout_ms, .ends_at_ms = now_ms() + timeout_ms };
    (void)atomic_fetch_add(&talking, 1);
}

void
talk_end(struct talk *talk)
{
    (void)atomic_fetch_sub(&talking, 1);
    if (talk->fd >= 0)
        (void)close(talk->fd);
    talk->fd = -1;
}

/* --- connecting ------------------------------------------------------------------------- */

static bool
open_socket(struct talk *talk)
{
    talk->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (talk->fd < 0)
        return talk_fail(talk, "cannot make a socket: %m");
    talk->fd = descriptor_raise(talk->fd);
    return talk->fd >= 0 || talk_fail(talk, "cannot move a socket off the standard streams: %m");
}

/* While the daemon's queue is full, a connect() that may not block fails at once and poll()
 * cannot wait for it; one with a send timeout is queued by the kernel, in order of arrival. */
static bool
connect_socket(struct talk *talk, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct timeval wait;
    int64_t left;

    if (strlen(path) >= sizeof address.sun_path)
        return talk_fail(talk, "longer than a socket's path may be");
    memcpy(address.sun_path, path, strlen(path));
    while ((left = left_ms(talk)) > 0) {
        wait = (struct timeval){ left / 1000, left % 1000 * 1000 };
        if (setsockopt(talk->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) != 0)
            return talk_fail(talk, "cannot limit the time to connect: %m");
        if (connect(talk->fd, (const struct sockaddr *)&address, sizeof address) == 0)
            return true;
        if (errno != EINTR && errno != EAGAIN)
            return talk_fail(talk, "cannot connect: %m");
    }
    return fail_late(talk, "no connection");
}

/* The kernel tells who called listen(), which nobody can forge. */
static bool
check_owner(struct talk *talk, const struct talk_place *place)
{
    struct ucred owner;
    socklen_t len = sizeof owner;

    if (getsockopt(talk->fd, SOL_SOCKET, SO_PEERCRED, &owner, &len) != 0)
        return talk_fail(talk, "cannot tell who listens: %m");
    return place->trusts(place->context, owner.uid)
        || talk_fail(talk, "belongs to uid %u, who is not trusted; see %s", (unsigned)owner.uid,
                     place->option);
}

bool
talk_connect(struct talk *talk, const struct talk_place *place)
{
    talk->is_daemon = true;
    return open_socket(talk) && connect_socket(talk, place->socket) && check_owner(talk, place);
}

/* --- talking ---------------------------------------------------------------------------- */

/* Whatever came, time left or an error: the next call on the descriptor tells. */
static bool
wait_for(struct talk *talk, short events)
{
    struct pollfd ready = { .fd = talk->fd, .events = events };
    int64_t left;

    while ((left = left_ms(talk)) > 0) {
        int n = poll(&ready, 1, (int)left);

        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return talk_fail(talk, "cannot wait: %m");
    }
    return fail_late(talk, "no answer");
}

static bool
is_again(int error)
{
    return error == EAGAIN || error == EINTR;
}

bool
talk_send(struct talk *talk, const unsigned char *request, size_t len)
{
    for (size_t sent = 0; sent < len; ) {
        ssize_t n = send(talk->fd, request + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n > 0)
            sent += (size_t)n;
        else if (errno == EPIPE || errno == ECONNRESET)
            return true;
        else if (!is_again(errno))
            return talk_fail(talk, "cannot send: %m");
        else if (!wait_for(talk, POLLOUT))
            return false;
    }
    return true;
}

/* Until when to look: not at all where nobody answers that soon, nor where other threads could use
 * the processor, to ask or to sleep. */
static int64_t
look_until_ns(const struct talk *talk)
{
    const bool may_look = talk->is_daemon && atomic_load(&talking) == 1;

    return may_look ? now_ns() + LOOK_NS : 0;
}

static bool
fail_closed(struct talk *talk, size_t have)
{
    if (have > 0)
        return talk_fail(talk, "closed in the middle of an answer");
    return talk_fail(talk, "closed without an answer; %s", talk->is_daemon
                     ? "may this process ask it?" : "its reason is in the log, if it ran");
}

bool
talk_receive(struct talk *talk, struct talk_reply *reply)
{
    const int64_t look_until = look_until_ns(talk);
    const char *why = "";

    do {
        ssize_t n = recv(talk->fd, reply->bytes + reply->used, reply->room - reply->used,
                         MSG_DONTWAIT);

        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return fail_closed(talk, reply->used);
        if (n < 0 && !is_again(errno))
            return talk_fail(talk, "cannot receive: %m");
        if (n > 0) {
            reply->used += (size_t)n;
            switch (reply->read(reply->context, reply->bytes, reply->used, &why)) {
            case READING_WHOLE:  return true;
            case READING_BROKEN: return talk_fail(talk, "%s", why);
            case READING_MORE:   break;
            }
        }
    } while (now_ns() < look_until || wait_for(talk, POLLIN));
    return false;
}
