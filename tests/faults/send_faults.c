/* tests/faults/send_faults.c - preloaded into clavigerd: a socket that takes little, or whose peer is gone
 *
 *   SEND_FAULTS=short   of each three sends one takes nothing (EAGAIN), one is interrupted (EINTR), one
 *                       takes only some bytes: 1, 2, 3 ... of what there is, by turns
 *   SEND_FAULTS=gone    each eighth send takes so many bytes, and then the peer is gone (EPIPE)
 *
 * Only what does not block, which is what loops do, and no hello: else nobody would get to ask.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define DESCRIPTORS 4096

static atomic_bool is_gone[DESCRIPTORS];
static _Atomic unsigned sends;

static ssize_t
really_send(int fd, const void *bytes, size_t len, int flags)
{
    ssize_t (*next)(int, const void *, size_t, int) =
        (ssize_t (*)(int, const void *, size_t, int))dlsym(RTLD_NEXT, "send");

    return next(fd, bytes, len, flags);
}

static ssize_t
fail(int how)
{
    errno = how;
    return -1;
}

/* At least one byte, and not all of them if there are more. */
static size_t
some_of(size_t len, unsigned turn)
{
    return len > 1 ? 1 + turn % (len - 1) : len;
}

static ssize_t
send_short(int fd, const void *bytes, size_t len, int flags)
{
    const unsigned turn = atomic_fetch_add(&sends, 1);

    if (turn % 3 == 0)
        return fail(EAGAIN);
    if (turn % 3 == 1)
        return fail(EINTR);
    return really_send(fd, bytes, some_of(len, turn / 3), flags);
}

static ssize_t
send_until_gone(int fd, const void *bytes, size_t len, int flags)
{
    const unsigned turn = atomic_fetch_add(&sends, 1);

    if (atomic_exchange(&is_gone[fd], false))
        return fail(EPIPE);
    if (turn % 8 != 0 || len < 2)
        return really_send(fd, bytes, len, flags);
    atomic_store(&is_gone[fd], true);
    return really_send(fd, bytes, some_of(len, turn / 8), flags);
}

ssize_t
send(int fd, const void *bytes, size_t len, int flags)
{
    const char *faults = getenv("SEND_FAULTS");
    const bool is_hello = len > 8 && memcmp(bytes, "VERSION\t", 8) == 0;

    if (!faults || is_hello || !(flags & MSG_DONTWAIT) || fd >= DESCRIPTORS)
        return really_send(fd, bytes, len, flags);
    return strcmp(faults, "gone") == 0 ? send_until_gone(fd, bytes, len, flags)
                                       : send_short(fd, bytes, len, flags);
}
