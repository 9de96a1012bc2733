/* sasl_plugin/daemon.c - see daemon.h */
#include "sasl_plugin/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct talk {
    const struct daemon_place *place;
    int fd;                     /* -1: none */
    int64_t ends_at_ms;
    struct daemon_answer *answer;
};

static int64_t
now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* False, so that "return fail(...)" reads well. %m is the error of the call just made. */
static bool __attribute__((format(printf, 2, 3)))
fail(struct talk *talk, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(talk->answer->reason, sizeof talk->answer->reason, format, args);
    va_end(args);
    return false;
}

/* The next call on the socket waits no longer than what is left. */
static bool
limit(struct talk *talk, int direction)
{
    const int64_t left = talk->ends_at_ms - now_ms();
    const struct timeval wait = { left / 1000, left % 1000 * 1000 };

    if (left <= 0)
        return fail(talk, "no answer within %lld ms", (long long)talk->place->timeout_ms);
    return setsockopt(talk->fd, SOL_SOCKET, direction, &wait, sizeof wait) == 0
        || fail(talk, "cannot limit the time: %m");
}

/* A host that closed its standard streams must not find our socket in their place. */
static bool
open_socket(struct talk *talk)
{
    const int low = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    talk->fd = low;
    if (low < 0)
        return fail(talk, "cannot make a socket: %m");
    if (low > STDERR_FILENO)
        return true;
    talk->fd = fcntl(low, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    (void)close(low);
    return talk->fd >= 0 || fail(talk, "cannot move a socket off the standard streams: %m");
}

static bool
connect_socket(struct talk *talk)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (strlen(talk->place->path) >= sizeof address.sun_path)
        return fail(talk, "longer than a socket's path may be");
    memcpy(address.sun_path, talk->place->path, strlen(talk->place->path));
    while (limit(talk, SO_SNDTIMEO)) {
        if (connect(talk->fd, (const struct sockaddr *)&address, sizeof address) == 0)
            return true;
        if (errno != EINTR && errno != EAGAIN)
            return fail(talk, "cannot connect: %m");
    }
    return false;
}

static bool
is_named(const char *name, uid_t uid)
{
    struct passwd entry, *found = NULL;
    char room[4096];

    return name != NULL && getpwnam_r(name, &entry, room, sizeof room, &found) == 0
        && found != NULL && entry.pw_uid == uid;
}

/* The kernel tells who called listen(), which nobody can forge. A stranger could give passwords
 * of his own, and sign in as whom he likes. */
static bool
check_owner(struct talk *talk)
{
    struct ucred owner;
    socklen_t len = sizeof owner;

    if (getsockopt(talk->fd, SOL_SOCKET, SO_PEERCRED, &owner, &len) != 0)
        return fail(talk, "cannot tell who listens: %m");
    return owner.uid == 0 || owner.uid == geteuid() || is_named(talk->place->user, owner.uid)
        || fail(talk, "belongs to uid %u, who is not trusted; see claviger_daemon_user",
                (unsigned)owner.uid);
}

static bool
send_request(struct talk *talk, const unsigned char *request, size_t len)
{
    size_t sent = 0;

    while (sent < len) {
        ssize_t n;

        if (!limit(talk, SO_SNDTIMEO))
            return false;
        n = send(talk->fd, request + sent, len - sent, MSG_NOSIGNAL);
        if (n > 0)
            sent += (size_t)n;
        else if (errno != EINTR && errno != EAGAIN)
            return fail(talk, "cannot send: %m");
    }
    return true;
}

static bool
receive_reply(struct talk *talk)
{
    struct daemon_answer *answer = talk->answer;
    const char *why = "";

    while (limit(talk, SO_RCVTIMEO)) {
        const ssize_t n = recv(talk->fd, answer->bytes + answer->used,
                               sizeof answer->bytes - answer->used, 0);

        if (n == 0)
            return fail(talk, "closed without an answer; may this process ask it?");
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return fail(talk, "cannot receive: %m");
        if (n < 0)
            continue;
        answer->used += (size_t)n;
        switch (auxprop_read_reply(answer->bytes, answer->used, &answer->reply, &why)) {
        case AUXPROP_WHOLE:  return true;
        case AUXPROP_BROKEN: return fail(talk, "%s", why);
        case AUXPROP_MORE:   break;
        }
    }
    return false;
}

bool
daemon_ask(const struct daemon_place *place, const unsigned char *request, size_t len,
           struct daemon_answer *out)
{
    struct talk talk = { place, -1, now_ms() + place->timeout_ms, out };
    bool answered;

    out->reply = (struct auxprop_reply){ .answer = AUXPROP_WIRE_UNAVAILABLE };
    out->used = 0;
    out->reason[0] = '\0';
    answered = open_socket(&talk) && connect_socket(&talk) && check_owner(&talk)
        && send_request(&talk, request, len) && receive_reply(&talk);
    if (talk.fd >= 0)
        (void)close(talk.fd);
    return answered;
}

void
daemon_answer_wipe(struct daemon_answer *answer)
{
    explicit_bzero(answer->bytes, answer->used);
    answer->used = 0;
    answer->reply = (struct auxprop_reply){ .answer = AUXPROP_WIRE_UNAVAILABLE };
}
