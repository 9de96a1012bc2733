/* pam_module/client.c - one question upstream, one answer, one deadline for all of it */
#include "pam_module/client.h"

#include "pam_module/descriptor.h"
#include "pam_module/helper.h"

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

struct exchange {
    const struct client_upstream *upstream;
    int fd;                     /* -1: none */
    int64_t ends_at_ms;
    struct client_fault *fault;
};

/* Calls of this process that ask now. A child forked meanwhile may count one too many: it sleeps. */
static _Atomic unsigned asking;

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

/* False, so that "return fail(...)" reads well. %m is the error of the call just made. */
static bool __attribute__((format(printf, 2, 3)))
fail(struct exchange *x, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(x->fault->reason, sizeof x->fault->reason, format, args);
    va_end(args);
    return false;
}

static bool
fail_late(struct exchange *x, const char *what)
{
    return fail(x, "%s within %lld ms", what, (long long)x->upstream->timeout_ms);
}

static int64_t
left_ms(const struct exchange *x)
{
    int64_t left = x->ends_at_ms - now_ms();

    return left > 0 ? left : 0;
}

static bool
open_socket(struct exchange *x)
{
    x->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (x->fd < 0)
        return fail(x, "cannot make a socket: %m");
    x->fd = descriptor_raise(x->fd);
    return x->fd >= 0 || fail(x, "cannot move a socket off the standard streams: %m");
}

/* While the daemon's queue is full, a connect() that may not block fails at once and poll()
 * cannot wait for it; one with a send timeout is queued by the kernel, in order of arrival. */
static bool
connect_socket(struct exchange *x)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct timeval wait;
    int64_t left;

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", x->upstream->socket);
    while ((left = left_ms(x)) > 0) {
        wait = (struct timeval){ left / 1000, left % 1000 * 1000 };
        if (setsockopt(x->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) != 0)
            return fail(x, "cannot limit the time to connect: %m");
        if (connect(x->fd, (const struct sockaddr *)&address, sizeof address) == 0)
            return true;
        if (errno != EINTR && errno != EAGAIN)
            return fail(x, "cannot connect: %m");
    }
    return fail_late(x, "no connection");
}

/* The kernel tells who called listen(), which nobody can forge. */
static bool
check_owner(struct exchange *x)
{
    struct ucred owner;
    socklen_t len = sizeof owner;

    if (getsockopt(x->fd, SOL_SOCKET, SO_PEERCRED, &owner, &len) != 0)
        return fail(x, "cannot tell who listens: %m");
    if (!x->upstream->trusts(x->upstream->context, owner.uid))
        return fail(x, "belongs to uid %u, whom this module does not trust; see daemon_user=",
                    (unsigned)owner.uid);
    return true;
}

static bool
open_helper(struct exchange *x)
{
    const char *what;
    int error;

    x->fd = helper_start(x->upstream->helper, x->upstream->config, &what, &error);
    if (x->fd >= 0)
        return true;
    errno = error;
    return fail(x, "%s: %m", what);
}

static bool
open_upstream(struct exchange *x)
{
    if (x->upstream->helper != NULL)
        return open_helper(x);
    return open_socket(x) && connect_socket(x) && check_owner(x);
}

/* Whatever came, time left or an error: the next call on the descriptor tells. */
static bool
wait_for(struct exchange *x, short events)
{
    struct pollfd ready = { .fd = x->fd, .events = events };
    int64_t left;

    while ((left = left_ms(x)) > 0) {
        int n = poll(&ready, 1, (int)left);

        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return fail(x, "cannot wait: %m");
    }
    return fail_late(x, "no answer");
}

static bool
is_again(int error)
{
    return error == EAGAIN || error == EINTR;
}

/* A daemon that closes early may have left an answer: what it said is read all the same. */
static bool
send_request(struct exchange *x, const unsigned char *request, size_t len)
{
    for (size_t sent = 0; sent < len; ) {
        ssize_t n = send(x->fd, request + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n > 0)
            sent += (size_t)n;
        else if (errno == EPIPE || errno == ECONNRESET)
            return true;
        else if (!is_again(errno))
            return fail(x, "cannot send: %m");
        else if (!wait_for(x, POLLOUT))
            return false;
    }
    return true;
}

/* Until when to look: not at all where nobody answers that soon, nor where other threads could use
 * the processor, to ask or to sleep. */
static int64_t
look_until_ns(const struct exchange *x)
{
    bool may_look = x->upstream->helper == NULL && atomic_load(&asking) == 1;

    return may_look ? now_ns() + LOOK_NS : 0;
}

static bool
fail_closed(struct exchange *x, size_t have)
{
    if (have > 0)
        return fail(x, "closed in the middle of an answer");
    return fail(x, "closed without an answer; %s", x->upstream->helper != NULL
                ? "its reason is in the log, if it ran" : "may this process ask it?");
}

/* One byte more than the longest reply is room enough to see that there are too many. */
static bool
receive_reply(struct exchange *x, struct wire_reply *out)
{
    unsigned char bytes[PAM_WIRE_REPLY_MAX + 1];
    const int64_t look_until = look_until_ns(x);
    const char *why = "";
    size_t have = 0;

    do {
        ssize_t n = recv(x->fd, bytes + have, sizeof bytes - have, MSG_DONTWAIT);

        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return fail_closed(x, have);
        if (n < 0 && !is_again(errno))
            return fail(x, "cannot receive: %m");
        if (n > 0) {
            have += (size_t)n;
            switch (wire_read_reply(bytes, have, out, &why)) {
            case WIRE_WHOLE:  return true;
            case WIRE_BROKEN: return fail(x, "%s", why);
            case WIRE_MORE:   break;
            }
        }
    } while (now_ns() < look_until || wait_for(x, POLLIN));
    return false;
}

const char *
client_name(const struct client_upstream *upstream)
{
    return upstream->helper != NULL ? upstream->helper : upstream->socket;
}

bool
client_ask(const struct client_upstream *upstream, const unsigned char *request, size_t len,
           struct wire_reply *out, struct client_fault *fault)
{
    struct exchange x = { upstream, -1, now_ms() + upstream->timeout_ms, fault };
    bool answered;

    *out = (struct wire_reply){ .answer = PAM_WIRE_UNAVAILABLE };
    fault->reason[0] = '\0';
    (void)atomic_fetch_add(&asking, 1);
    answered = open_upstream(&x) && send_request(&x, request, len) && receive_reply(&x, out);
    (void)atomic_fetch_sub(&asking, 1);
    if (x.fd >= 0)
        (void)close(x.fd);
    return answered;
}
