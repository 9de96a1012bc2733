/* tests/faults/call_faults.c - preloaded into clavigerd: one call that the machine refuses
 *
 * CALL_FAULTS names a file of two numbers for each kind of call, which the test has mapped too: how
 * many calls there were, and how many more go well until one fails (0: none fails). The kinds are
 * memory (ENOMEM), descriptors (open, socket, accept, eventfd, ...: EMFILE) and threads (EAGAIN).
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum kind { MEMORY, DESCRIPTOR, THREAD, KINDS };

struct counts { _Atomic long calls, left; };

static struct counts none[KINDS], *counts = none;

/* glibc's own, which need no dlsym(), which allocates. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static void __attribute__((constructor))
map_counts(void)
{
    const char *path = getenv("CALL_FAULTS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *map = MAP_FAILED;

    if (fd >= 0) {
        map = mmap(NULL, sizeof(none), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
    }
    if (map != MAP_FAILED)
        counts = map;
}

static bool
fails(enum kind kind, int how)
{
    struct counts *count = &counts[kind];
    bool now;

    atomic_fetch_add(&count->calls, 1);
    now = atomic_load(&count->left) > 0 && atomic_fetch_sub(&count->left, 1) == 1;
    if (now)
        errno = how;
    return now;
}

void *
malloc(size_t size)
{
    return fails(MEMORY, ENOMEM) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
    return fails(MEMORY, ENOMEM) ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
    return fails(MEMORY, ENOMEM) ? NULL : __libc_realloc(old, size);
}

/* The next one of that name, with that type. */
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* There is one only where the call may make a file. */
static mode_t
mode_of(int flags, va_list args)
{
    bool makes = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;

    return makes ? va_arg(args, mode_t) : 0;
}

int
open(const char *path, int flags, ...)
{
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = mode_of(flags, args);
    va_end(args);
    return fails(DESCRIPTOR, EMFILE) ? -1 : REAL(open)(path, flags, mode);
}

/* SQLite's. */
extern __typeof__(open) open64 __attribute__((alias("open")));

int
openat(int dir, const char *path, int flags, ...)
{
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = mode_of(flags, args);
    va_end(args);
    return fails(DESCRIPTOR, EMFILE) ? -1 : REAL(openat)(dir, path, flags, mode);
}

int
socket(int domain, int type, int protocol)
{
    return fails(DESCRIPTOR, EMFILE) ? -1 : REAL(socket)(domain, type, protocol);
}

int
accept4(int fd, struct sockaddr *restrict peer, socklen_t *restrict len, int flags)
{
    return fails(DESCRIPTOR, EMFILE) ? -1 : REAL(accept4)(fd, peer, len, flags);
}

int
eventfd(unsigned value, int flags)
{
    return fails(DESCRIPTOR, EMFILE) ? -1 : REAL(eventfd)(value, flags);
}

int
epoll_create1(int flags)
{
    return fails(DESCRIPTOR, EMFILE) ? -1 : REAL(epoll_create1)(flags);
}

int
pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
               void *(*run)(void *), void *restrict context)
{
    return fails(THREAD, EAGAIN) ? EAGAIN
                                 : REAL(pthread_create)(thread, attributes, run, context);
}
