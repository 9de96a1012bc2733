/* guest/descriptor.h - descriptors that a host does not take for its own
 *
 * A host that closed its standard streams must not find one of ours in their place.
 */
#ifndef GUEST_DESCRIPTOR_H
#define GUEST_DESCRIPTOR_H

#include <errno.h>
#include <fcntl.h>
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

#endif
