/* tests/bench/floor.c - the least that a server of the saslauthd wire can do
 *
 *   floor PATH [VARIANT [THREADS]]
 *
 * Accept, read, write "OK", close, for any question: what claviger's hits are held against. A
 * VARIANT is a way for THREADS threads (4) to share a socket:
 *
 *   accept   each waits in accept() and then in recv(): the floor itself
 *   epoll    each has an epoll with the listening socket in it (EPOLLEXCLUSIVE); one accept and a
 *            recv that does not wait for each wake-up; what is not there yet goes to the epoll
 *   batch    the same, and accepts until nobody is left
 *   peek     as accept, but the question is only looked at (MSG_PEEK) until its answer is sent: a
 *            client that waits in recv() is else woken twice, because taking its bytes tells it
 *            that there is room to write
 *   try      each waits in accept(), with a recv that does not wait; what is not there yet goes
 *            to the epoll of one more thread
 *
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

#define EVENTS_AT_ONCE 64
#define BACKLOG 4096

struct variant {
    const char *name;
    void *(*run)(void *variant);
    bool is_batch;
    bool has_helper;
};

static int listening, helper_epoll;

static void
die(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* False when nothing is there yet; else the connection is done with. */
static bool
answer(int fd, int flags)
{
    unsigned char question[8192];
    ssize_t came = recv(fd, question, sizeof(question), flags);

    if (came < 0 && errno == EAGAIN)
        return false;
    if (came > 0)
        send(fd, "\0\2OK", 4, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
    return true;
}

static void
answer_then_take(int fd)
{
    unsigned char question[8192];

    if (recv(fd, question, sizeof(question), MSG_PEEK) > 0) {
        send(fd, "\0\2OK", 4, MSG_NOSIGNAL | MSG_DONTWAIT);
        recv(fd, question, sizeof(question), MSG_DONTWAIT);     /* left there, it would be a reset */
    }
    close(fd);
}

static void
watch(int epoll, int fd, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.fd = fd };

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll_ctl");
}

static int
epoll_new(void)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    if (epoll < 0)
        die("epoll_create1");
    return epoll;
}

static void *
run_accept(void *variant)
{
    (void)variant;
    for (;;) {
        int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

        if (fd >= 0)
            answer(fd, 0);
    }
    return NULL;
}

static void *
run_peek(void *variant)
{
    (void)variant;
    for (;;) {
        int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

        if (fd >= 0)
            answer_then_take(fd);
    }
    return NULL;
}

static bool
accept_one(int epoll)
{
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd >= 0 && !answer(fd, MSG_DONTWAIT))
        watch(epoll, fd, EPOLLIN);
    return fd >= 0;
}

static void *
run_epoll(void *argument)
{
    const struct variant *variant = argument;
    struct epoll_event events[EVENTS_AT_ONCE];
    int epoll = epoll_new();

    watch(epoll, listening, EPOLLIN | EPOLLEXCLUSIVE);
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS_AT_ONCE, -1);

        for (int i = 0; i < count; i++) {
            if (events[i].data.fd != listening)
                answer(events[i].data.fd, MSG_DONTWAIT);
            else
                while (accept_one(epoll) && variant->is_batch)
                    ;
        }
    }
    return NULL;
}

static void *
run_try(void *variant)
{
    (void)variant;
    for (;;) {
        int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0 && !answer(fd, MSG_DONTWAIT))
            watch(helper_epoll, fd, EPOLLIN);
    }
    return NULL;
}

static void *
run_helper(void *variant)
{
    struct epoll_event events[EVENTS_AT_ONCE];

    (void)variant;
    for (;;) {
        int count = epoll_wait(helper_epoll, events, EVENTS_AT_ONCE, -1);

        for (int i = 0; i < count; i++)
            answer(events[i].data.fd, MSG_DONTWAIT);
    }
    return NULL;
}

static struct variant variants[] = {
    { "accept", run_accept, false, false },
    { "epoll",  run_epoll,  false, false },
    { "batch",  run_epoll,  true,  false },
    { "peek",   run_peek,   false, false },
    { "try",    run_try,    false, true },
};

static struct variant *
variant_find(const char *name)
{
    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++)
        if (strcmp(variants[i].name, name) == 0)
            return &variants[i];
    fprintf(stderr, "usage: floor PATH [accept|epoll|batch|peek|try [THREADS]]\n");
    exit(64);
}

/* Threads that wait in accept() need a socket that does. */
static void
listen_on(const char *path, bool is_blocking)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        die(path);
    }
    strcpy(address.sun_path, path);
    listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (is_blocking ? 0 : SOCK_NONBLOCK), 0);
    if (listening < 0 || bind(listening, (struct sockaddr *)&address, sizeof(address)) != 0
        || listen(listening, BACKLOG) != 0)
        die(path);
}

static void
start(void *(*run)(void *), struct variant *variant)
{
    pthread_t id;

    errno = pthread_create(&id, NULL, run, variant);
    if (errno != 0)
        die("pthread_create");
}

int
main(int argc, char **argv)
{
    struct variant *variant = variant_find(argc < 2 ? "" : argc > 2 ? argv[2] : "accept");
    int threads = argc > 3 ? atoi(argv[3]) : 4;

    listen_on(argv[1], variant->run != run_epoll);
    if (variant->has_helper) {
        helper_epoll = epoll_new();
        start(run_helper, variant);
    }
    for (int i = 0; i < threads; i++)
        start(variant->run, variant);
    for (;;)
        pause();
}
