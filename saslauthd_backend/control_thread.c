/* saslauthd_backend/control_thread.c - see control_thread.h */
#include "saslauthd_backend/control_thread.h"

#include "common/log.h"
#include "common/thread.h"
#include "saslauthd_backend/report.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONTROL_LISTENERS_MAX 8

/* Between two looks at a client that no descriptor is left for. */
#define CONTROL_REST_MS 100

struct control_thread {
    struct control_owner owner;
    pthread_t thread;
    int wake;
    int spare;                          /* kept for a client: who wants to know why a daemon has run out
                                         * of descriptors is answered; -1: it is in use */
    pthread_mutex_t lock;               /* of these */
    const struct site *site;
    bool moved;                         /* since its listeners were gathered: they may be gone */
    bool stopping;
    int serving;                        /* the client that is served; -1: none */
};

/* As whom `test` and `explain` ask: no domain is added, every service is served. */
static const struct auth_listener asks_as = { .name = "control" };

/* The descriptors to wait for, the wake-up first; false when it is time to end. */
static bool
gather(struct control_thread *thread, struct pollfd *polls, const struct listener **listeners,
       nfds_t *count_out)
{
    nfds_t count = 0;
    bool goes_on;

    polls[count++] = (struct pollfd){ .fd = thread->wake, .events = POLLIN };
    pthread_mutex_lock(&thread->lock);
    for (size_t i = 0; i < thread->site->listeners_count && count <= CONTROL_LISTENERS_MAX; i++) {
        const struct listener *listener = &thread->site->listeners[i];

        if (listener->proto)
            continue;
        listeners[count] = listener;
        polls[count++] = (struct pollfd){ .fd = listener->fd, .events = POLLIN };
    }
    thread->moved = false;
    goes_on = !thread->stopping;
    pthread_mutex_unlock(&thread->lock);
    *count_out = count;
    return goes_on;
}

static bool
is_out_of_descriptors(int failure)
{
    return failure == EMFILE || failure == ENFILE || failure == ENOBUFS || failure == ENOMEM;
}

/* With the spare one in its place when there is no other. */
static int
accept_with_spare(struct control_thread *thread, int listen_fd)
{
    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd >= 0 || !is_out_of_descriptors(errno) || thread->spare < 0)
        return fd;
    close(thread->spare);
    thread->spare = -1;
    return accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
}

/* Closes it, or keeps its number as the spare one, which nobody else can take in between. */
static void
let_go(struct control_thread *thread, int fd)
{
    if (thread->spare < 0 && dup3(thread->wake, fd, O_CLOEXEC) == fd)
        thread->spare = fd;
    else
        close(fd);
}

/* The descriptor of a peer that may ask; -1: there is none, with errno. Under the lock, for a reload
 * that comes from elsewhere takes the listener away, and the end ends who is served. */
static int
accept_peer(struct control_thread *thread, const struct listener *listener, int listen_fd)
{
    int fd = -1;

    pthread_mutex_lock(&thread->lock);
    errno = EAGAIN;
    if (!thread->moved && !thread->stopping)
        fd = accept_with_spare(thread, listen_fd);
    if (fd >= 0 && !listener_admits(listener, fd)) {
        report_refused_peer(listener->config->title, fd);
        let_go(thread, fd);
        fd = -1;
        errno = EACCES;
    }
    thread->serving = fd;
    pthread_mutex_unlock(&thread->lock);
    return fd;
}

/* False when there is somebody and no descriptor for him. */
static bool
serve_one(struct control_thread *thread, const struct listener *listener, int listen_fd)
{
    const struct control_host host = {
        .hold = thread->owner.hold, .release = thread->owner.release,
        .reload = thread->owner.reload, .fill_status = thread->owner.fill_status,
        .context = thread->owner.context, .clock = &clock_system, .listener = &asks_as,
        .patience_ms = CONTROL_PATIENCE_MS,
    };
    int fd = accept_peer(thread, listener, listen_fd);

    if (fd < 0)
        return !is_out_of_descriptors(errno);
    control_serve(fd, &host);
    pthread_mutex_lock(&thread->lock);
    thread->serving = -1;
    let_go(thread, fd);
    pthread_mutex_unlock(&thread->lock);
    return true;
}

/* Somebody waits and cannot be let in: looking again at once would be all that this thread does. */
static void
rest(struct control_thread *thread)
{
    struct pollfd wake = { .fd = thread->wake, .events = POLLIN };

    while (poll(&wake, 1, CONTROL_REST_MS) < 0 && errno == EINTR)
        ;
}

/* Of those that are ready, one: then gather again, for serving it may have been a reload. */
static void
serve_ready(struct control_thread *thread, const struct pollfd *polls,
            const struct listener *const *listeners, nfds_t count)
{
    for (nfds_t i = 1; i < count; i++) {
        if (!polls[i].revents)
            continue;
        if (!serve_one(thread, listeners[i], polls[i].fd))
            rest(thread);
        return;
    }
}

static void *
control_main(void *argument)
{
    const struct listener *listeners[CONTROL_LISTENERS_MAX + 1];
    struct pollfd polls[CONTROL_LISTENERS_MAX + 1];
    struct control_thread *thread = argument;
    uint64_t woken;
    nfds_t count;

    while (gather(thread, polls, listeners, &count)) {
        if (poll(polls, count, -1) <= 0)
            continue;
        serve_ready(thread, polls, listeners, count);
        if (polls[0].revents && read(thread->wake, &woken, sizeof(woken)) < 0)
            continue;
    }
    return NULL;
}

static void
wake(struct control_thread *thread)
{
    while (write(thread->wake, &(uint64_t){ 1 }, sizeof(uint64_t)) < 0 && errno == EINTR)
        ;
}

static void
close_own(struct control_thread *thread)
{
    close(thread->wake);
    if (thread->spare >= 0)
        close(thread->spare);
}

enum error_code
control_thread_new(const struct control_owner *owner, const struct site *site,
                   struct control_thread **out, struct error *err)
{
    struct control_thread *thread = calloc(1, sizeof(*thread));
    int failed;

    *out = NULL;
    if (!thread || (thread->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0) {
        free(thread);
        return error_set(err, ERROR_UNAVAILABLE, "control: %s", strerror(errno));
    }
    thread->owner = *owner;
    thread->site = site;
    thread->serving = -1;
    thread->spare = fcntl(thread->wake, F_DUPFD_CLOEXEC, 0);
    pthread_mutex_init(&thread->lock, NULL);
    failed = thread_start(&thread->thread, "control", control_main, thread);
    if (failed) {
        close_own(thread);
        free(thread);
        return error_set(err, ERROR_UNAVAILABLE, "control: cannot start its thread: %s",
                         strerror(failed));
    }
    *out = thread;
    return ERROR_NONE;
}

void
control_thread_move(struct control_thread *thread, const struct site *site)
{
    pthread_mutex_lock(&thread->lock);
    thread->site = site;
    thread->moved = true;
    pthread_mutex_unlock(&thread->lock);
    wake(thread);
}

void
control_thread_free(struct control_thread *thread)
{
    if (!thread)
        return;
    pthread_mutex_lock(&thread->lock);
    thread->stopping = true;
    if (thread->serving >= 0)
        shutdown(thread->serving, SHUT_RD);     /* what it has asked is answered, and no more is read */
    pthread_mutex_unlock(&thread->lock);
    wake(thread);
    pthread_join(thread->thread, NULL);
    close_own(thread);
    pthread_mutex_destroy(&thread->lock);
    free(thread);
}
