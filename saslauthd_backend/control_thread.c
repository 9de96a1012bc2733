/* saslauthd_backend/control_thread.c - see control_thread.h */
#include "saslauthd_backend/control_thread.h"

#include "common/log.h"
#include "common/thread.h"
#include "saslauthd_backend/report.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CONTROL_LISTENERS_MAX 8

struct control_thread {
    struct control_owner owner;
    pthread_t thread;
    int wake;
    pthread_mutex_t lock;               /* of these */
    const struct site *site;
    bool moved;                         /* since its listeners were gathered: they may be gone */
    bool stopping;
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

/* The descriptor of a peer that may ask; -1: there is none. Under the lock, for a reload that comes
 * from elsewhere takes the listener away. */
static int
accept_peer(struct control_thread *thread, const struct listener *listener, int listen_fd)
{
    int fd = -1;

    pthread_mutex_lock(&thread->lock);
    if (!thread->moved)
        fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0 && !listener_admits(listener, fd)) {
        report_refused_peer(listener->config->title, fd);
        close(fd);
        fd = -1;
    }
    pthread_mutex_unlock(&thread->lock);
    return fd;
}

static void
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
        return;
    control_serve(fd, &host);
    close(fd);
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
        /* One, then gather again: serving it may have been a reload. */
        for (nfds_t i = 1; i < count; i++)
            if (polls[i].revents) {
                serve_one(thread, listeners[i], polls[i].fd);
                break;
            }
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
    pthread_mutex_init(&thread->lock, NULL);
    failed = thread_start(&thread->thread, "control", control_main, thread);
    if (failed) {
        close(thread->wake);
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
    pthread_mutex_unlock(&thread->lock);
    wake(thread);
    pthread_join(thread->thread, NULL);
    close(thread->wake);
    pthread_mutex_destroy(&thread->lock);
    free(thread);
}
