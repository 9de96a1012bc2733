/* common/standard.c - see standard.h */
#include "common/standard.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* The lowest number that is free is what open() gives. What is opened the wrong way round can be
 * neither read from nor written to, and says so (EBADF). */
void
standard_hold(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF
            && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            _exit(1);           /* without /dev/null nothing is safe, and nobody could be told */
}
