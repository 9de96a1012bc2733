/* guest/descriptor.h - descriptors that a host does not take for its own
 *
 * A host that closed its standard streams must not find one of ours in their place.
 */
#ifndef GUEST_DESCRIPTOR_H
#define GUEST_DESCRIPTOR_H

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

/* The same file at a number above standard error, close-on-exec; -1, and none left, with errno
 * set, when there is no number. A negative `fd` stays what it is. */
static inline int
descriptor_raise(int fd)
{
    int high, saved;

    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    saved = errno;
    (void)close(fd);
    errno = saved;
    return high;
}

/* Takes what is free of the standard streams while somebody else opens a descriptor, and may keep it.
 * A socket needs no file system, so this goes in a chroot, too. */
struct descriptor_hold { int fds[STDERR_FILENO + 1], count; };

static inline void
descriptor_hold(struct descriptor_hold *hold)
{
    int fd = -1;

    hold->count = 0;
    while (hold->count <= STDERR_FILENO && (fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) >= 0
           && fd <= STDERR_FILENO)
        hold->fds[hold->count++] = fd;
    if (fd > STDERR_FILENO)
        (void)close(fd);
}

static inline void
descriptor_release(const struct descriptor_hold *hold)
{
    for (int i = 0; i < hold->count; i++)
        (void)close(hold->fds[i]);
}

#endif
