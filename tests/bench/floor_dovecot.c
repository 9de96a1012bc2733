/* tests/bench/floor_dovecot.c - the least that a server of the Dovecot auth wire can do
 *
 *   floor_dovecot PATH [epoll]
 *
 * A thread for each connection: the hello, then for each line that begins with AUTH an OK with its
 * number; all that came at once is answered in one write. What claviger's hits are held against.
 * It waits in recv(); with "epoll", in epoll_wait(), as a server does whose threads have more than
 * one connection each. That is a system call more and yet no slower: who waits in recv() is woken
 * when its peer has read the last reply, too.
 * Ends by a signal. Does not look at what it reads, so it is for trusted folders only.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096

static const char hello[] =
    "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\n"
    "COOKIE\t00000000000000000000000000000000\nDONE\n";

static bool by_epoll;

static void
die(const char *what)
{
    fprintf(stderr, "floor_dovecot: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* The reply to one line, at `out`; where the next one goes. */
static char *
answer(const char *line, size_t len, char *out)
{
    static const char user[] = "\tuser=user@example.org\n";
    const char *number = line + 5;
    const char *tab;

    if (len < 5 || memcmp(line, "AUTH\t", 5) != 0 || !(tab = memchr(number, '\t', len - 5)))
        return out;
    memcpy(out, "OK\t", 3);
    memcpy(out + 3, number, (size_t)(tab - number));
    out += 3 + (tab - number);
    memcpy(out, user, sizeof(user) - 1);
    return out + sizeof(user) - 1;
}

static int
watch(int fd)
{
    struct epoll_event event = { .events = EPOLLIN };
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll");
    return epoll;
}

static ssize_t
wait_and_receive(int epoll, int fd, char *room, size_t size)
{
    struct epoll_event event;

    if (epoll >= 0)
        while (epoll_wait(epoll, &event, 1, -1) < 0 && errno == EINTR)
            ;
    return recv(fd, room, size, 0);
}

static void *
serve(void *argument)
{
    static _Thread_local char in[65536], out[8 * sizeof(in)];
    int fd = (int)(intptr_t)argument, epoll = by_epoll ? watch(fd) : -1;
    size_t used = 0;
    ssize_t got;

    send(fd, hello, sizeof(hello) - 1, MSG_NOSIGNAL);
    while ((got = wait_and_receive(epoll, fd, in + used, sizeof(in) - used)) > 0) {
        char *line = in, *end, *next = out;

        used += (size_t)got;
        while ((end = memchr(line, '\n', used - (size_t)(line - in)))) {
            next = answer(line, (size_t)(end - line), next);
            line = end + 1;
        }
        used -= (size_t)(line - in);
        memmove(in, line, used);
        if (next > out && send(fd, out, (size_t)(next - out), MSG_NOSIGNAL) < 0)
            break;
    }
    close(fd);
    if (epoll >= 0)
        close(epoll);
    return NULL;
}

static int
listen_on(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        die(path);
    }
    strcpy(address.sun_path, path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0
        || listen(fd, BACKLOG) != 0)
        die(path);
    return fd;
}

int
main(int argc, char **argv)
{
    int listening;

    by_epoll = argc == 3 && strcmp(argv[2], "epoll") == 0;
    if (argc != 2 && !by_epoll) {
        fprintf(stderr, "usage: floor_dovecot PATH [epoll]\n");
        return 64;
    }
    listening = listen_on(argv[1]);
    for (;;) {
        int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
        pthread_t id;

        if (fd < 0)
            continue;
        errno = pthread_create(&id, NULL, serve, (void *)(intptr_t)fd);
        if (errno != 0)
            die("pthread_create");
        pthread_detach(id);
    }
}
