/* saslauthd_backend/acceptor.c - see acceptor.h */
#include "saslauthd_backend/acceptor.h"

#include "common/log.h"
#include "common/macros.h"
#include "common/thread.h"
#include "saslauthd_backend/report.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Interrupts accept(); its handler does nothing. */
#define CALL_BACK SIGUSR1

/* How long a thread waits for a descriptor to become free, or for whatever else is missing: with
 * a full table, accept() fails at once while somebody waits. */
#define NAP_NS 20000000

/* A signal that comes just before accept() is lost: so again, until the thread has ended. */
#define CALL_AGAIN_NS 500000

struct acceptor {
    _Alignas(CACHE_LINE) struct acceptors *all;
    const struct listener *listener;
    struct loop *loop;                  /* that gets what cannot be answered at once */
    pthread_t thread;
    _Atomic uint64_t *accepted;         /* its own, as good as always */
    _Atomic bool has_ended;
    unsigned char scratch[LOOP_SCRATCH];
};

struct acceptors {
    const struct site *site;
    struct loop_counts *counts;
    _Atomic bool is_stopping;
    struct acceptor *threads;
    size_t count;
};

/* --- one connection ----------------------------------------------------------------- */

/* All that is there. -1: nothing yet; 0: the peer is gone. A client connects and writes, and we may be
 * faster than its second step: then it gets the processor, once, before an epoll is bothered. */
static ssize_t
take_bytes(struct acceptor *self, int fd)
{
    ssize_t came = recv(fd, self->scratch, sizeof(self->scratch), MSG_DONTWAIT);

    if (came < 0 && (errno == EAGAIN || errno == EINTR)) {
        sched_yield();
        came = recv(fd, self->scratch, sizeof(self->scratch), MSG_DONTWAIT);
    }
    return came < 0 && errno != EAGAIN && errno != EINTR ? 0 : came;
}

static void
answer(const struct listener *listener, int fd, const struct auth_request *request,
       const struct verdict *verdict)
{
    const struct report report = {
        .listener = listener->config->title, .service = request->service,
        .login = verdict->account[0] ? span_of(verdict->account) : request->login,
        .remote = request->remote, .took_ms = 0,
    };
    unsigned char reply[PROTO_REPLY_MAX];
    ssize_t sent;

    report_verdict(&report, verdict);
    sent = send(fd, reply, listener->proto->answer(verdict, reply), MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
    if (sent < 0)
        report_unsent(&report);
}

/* False: these bytes are no whole request, or the loop has to see to them. */
static bool
answer_or_ask(struct acceptor *self, int fd, span wire)
{
    const struct listener *listener = self->listener;
    struct auth_request request;
    struct verdict verdict;
    struct error err;

    /* What asks for more than a verdict is not in the cache. */
    if (listener->proto->ask || listener->proto->parse(wire, &request, &err) != PROTO_REQUEST)
        return false;
    request.listener = &listener->config->auth;
    request.by_root = request.by_root && listener_peer_is_root(fd);
    if (!auth_recall(self->all->site->auth, &request, &verdict))
        return loop_ask(self->loop, listener, fd, &request);
    answer(listener, fd, &request, &verdict);
    return true;
}

static void
serve(struct acceptor *self, int fd)
{
    ssize_t came;

    atomic_fetch_add_explicit(self->accepted, 1, memory_order_relaxed);
    if (!listener_admits(self->listener, fd)) {
        atomic_fetch_add_explicit(&self->all->counts->refused_peers, 1, memory_order_relaxed);
        report_refused_peer(self->listener->config->title, fd);
        close(fd);
        return;
    }
    came = take_bytes(self, fd);
    if (came == 0)
        close(fd);
    else if (came < 0)
        loop_hand(self->loop, self->listener, fd, span_make(NULL, 0));
    else if (!answer_or_ask(self, fd, span_make(self->scratch, (size_t)came)))
        loop_hand(self->loop, self->listener, fd, span_make(self->scratch, (size_t)came));
    if (came > 0)
        sodium_memzero(self->scratch, (size_t)came);
}

/* --- the threads -------------------------------------------------------------------- */

/* accept() failed: for lack of a descriptor, the loops may have an idle one to give. */
static void
wait_for_room(struct acceptor *self, int failure)
{
    if (failure == EINTR || failure == ECONNABORTED || failure == EAGAIN)
        return;
    if (failure == EMFILE || failure == ENFILE || failure == ENOBUFS || failure == ENOMEM)
        loop_shed(self->loop);
    nanosleep(&(struct timespec){ .tv_nsec = NAP_NS }, NULL);
}

static void *
acceptor_main(void *argument)
{
    struct acceptor *self = argument;
    sigset_t calls;

    sigemptyset(&calls);
    sigaddset(&calls, CALL_BACK);
    pthread_sigmask(SIG_UNBLOCK, &calls, NULL);
    while (!atomic_load_explicit(&self->all->is_stopping, memory_order_relaxed)) {
        int fd = accept4(self->listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0)
            serve(self, fd);
        else
            wait_for_room(self, errno);
    }
    atomic_store(&self->has_ended, true);
    return NULL;
}

static void
called_back(int number)
{
    (void)number;
}

void
acceptors_prepare(void)
{
    const struct sigaction action = { .sa_handler = called_back };

    sigaction(CALL_BACK, &action, NULL);
}

static void
set_blocking(const struct site *site, bool blocks)
{
    for (size_t i = 0; i < site->listeners_count; i++)
        if (site->listeners[i].by_acceptors)
            fcntl(site->listeners[i].fd, F_SETFL, blocks ? 0 : O_NONBLOCK);
}

static enum error_code
start_one(struct acceptors *all, const struct listener *listener, struct loop *loop,
          struct error *err)
{
    struct acceptor *self = &all->threads[all->count];
    int failed;

    *self = (struct acceptor){
        .all = all, .listener = listener, .loop = loop,
        .accepted = &all->counts->accepted[1 + all->count % (LOOP_COUNTERS - 1)].count,
    };
    failed = thread_start(&self->thread, "accept", acceptor_main, self);
    if (failed)
        return error_set(err, ERROR_UNAVAILABLE, "listen \"%s\": cannot start a thread: %s",
                         listener->config->title, strerror(failed));
    all->count++;
    return ERROR_NONE;
}

enum error_code
acceptors_new(const struct site *site, struct loop *const *loops, size_t loops_count,
              struct loop_counts *counts, struct acceptors **out, struct error *err)
{
    struct acceptors *all = calloc(1, sizeof(*all));
    enum error_code code = ERROR_NONE;

    *out = NULL;
    if (all)
        all->threads = aligned_alloc(_Alignof(struct acceptor),
                                     (site->listeners_count + 1) * loops_count * sizeof(*all->threads));
    if (!all || !all->threads) {
        free(all);
        return error_set(err, ERROR_UNAVAILABLE, "accept: no memory");
    }
    all->site = site;
    all->counts = counts;
    set_blocking(site, true);
    for (size_t i = 0; code == ERROR_NONE && i < site->listeners_count * loops_count; i++)
        if (site->listeners[i / loops_count].by_acceptors)
            code = start_one(all, &site->listeners[i / loops_count], loops[i % loops_count], err);
    if (code != ERROR_NONE)
        acceptors_free(all);
    else
        *out = all;
    return code;
}

static void
end_one(struct acceptor *self)
{
    while (!atomic_load(&self->has_ended)) {
        pthread_kill(self->thread, CALL_BACK);
        nanosleep(&(struct timespec){ .tv_nsec = CALL_AGAIN_NS }, NULL);
    }
    pthread_join(self->thread, NULL);
}

void
acceptors_free(struct acceptors *all)
{
    if (!all)
        return;
    atomic_store(&all->is_stopping, true);
    for (size_t i = 0; i < all->count; i++)
        end_one(&all->threads[i]);
    set_blocking(all->site, false);
    free(all->threads);
    free(all);
}
