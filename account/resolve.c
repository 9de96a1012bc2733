/* account/resolve.c - see resolve.h */
#include "account/resolve.h"

#include "common/clock.h"
#include "common/thread.h"

#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One name being asked for. Whoever comes last, the thread or who waits for it, frees it. */
struct task {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done, left;            /* the thread has an answer; nobody waits for it any more */
    int result;                 /* of getaddrinfo() */
    struct resolve_addresses addresses;
    char host[];
};

static atomic_uint running;

static void
collect(const struct addrinfo *list, struct resolve_addresses *out)
{
    out->count = 0;
    for (; list && out->count < RESOLVE_ADDRESSES_MAX; list = list->ai_next)
        if (getnameinfo(list->ai_addr, list->ai_addrlen, out->text[out->count],
                        RESOLVE_TEXT_MAX, NULL, 0, NI_NUMERICHOST) == 0)
            out->count++;
}

/* Blocks, unless `flags` have AI_NUMERICHOST. */
static int
look_up(const char *host, int flags, struct resolve_addresses *out)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags,
    };
    struct addrinfo *list = NULL;
    int result = getaddrinfo(host, NULL, &hints, &list);

    collect(list, out);
    if (list)
        freeaddrinfo(list);
    return result == 0 && out->count == 0 ? EAI_NONAME : result;
}

static void
task_free(struct task *task)
{
    pthread_cond_destroy(&task->changed);
    pthread_mutex_destroy(&task->lock);
    free(task);
}

static struct task *
task_new(const char *host)
{
    size_t size = strlen(host) + 1;
    struct task *task = calloc(1, sizeof(*task) + size);
    pthread_condattr_t monotonic;

    if (!task)
        return NULL;
    memcpy(task->host, host, size);
    pthread_mutex_init(&task->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&task->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return task;
}

static void *
task_run(void *context)
{
    struct task *task = context;
    int result = look_up(task->host, 0, &task->addresses);
    bool left;

    pthread_mutex_lock(&task->lock);
    task->result = result;
    task->done = true;
    left = task->left;
    pthread_cond_signal(&task->changed);
    pthread_mutex_unlock(&task->lock);
    if (left)
        task_free(task);
    atomic_fetch_sub(&running, 1);
    return NULL;
}

static bool
task_start(struct task *task)
{
    pthread_t thread;

    if (atomic_fetch_add(&running, 1) < RESOLVE_THREADS_MAX
        && thread_start(&thread, "resolve", task_run, task) == 0) {
        pthread_detach(thread);
        return true;
    }
    atomic_fetch_sub(&running, 1);
    return false;
}

/* The moment at which condition variables stop waiting, on a clock that they know. */
static struct timespec
moment_of(int64_t deadline_ms)
{
    int64_t left_ms = deadline_ms - clock_now_ms(&clock_system);
    struct timespec moment;
    int64_t nanoseconds;

    clock_gettime(CLOCK_MONOTONIC, &moment);
    nanoseconds = moment.tv_nsec + (left_ms > 0 ? left_ms % 1000 : 0) * 1000000;
    moment.tv_sec += (time_t)((left_ms > 0 ? left_ms / 1000 : 0) + nanoseconds / 1000000000);
    moment.tv_nsec = (long)(nanoseconds % 1000000000);
    return moment;
}

/* False at the deadline: the task is the thread's then. */
static bool
task_wait(struct task *task, int64_t deadline_ms)
{
    struct timespec until = moment_of(deadline_ms);
    bool done;
    int late = 0;

    pthread_mutex_lock(&task->lock);
    while (!task->done && late == 0)
        late = pthread_cond_timedwait(&task->changed, &task->lock, &until);
    done = task->done;
    task->left = !done;
    pthread_mutex_unlock(&task->lock);
    return done;
}

enum error_code
resolve_host(const char *host, int64_t deadline_ms, struct resolve_addresses *out,
             struct error *err)
{
    struct task *task;
    int result;

    if (look_up(host, AI_NUMERICHOST, out) == 0)
        return ERROR_NONE;
    out->count = 0;
    task = task_new(host);
    if (!task || !task_start(task)) {
        if (task)
            task_free(task);
        return error_set(err, ERROR_UNAVAILABLE, "%s: cannot be looked up: no memory, or %d other "
                         "names are still waited for", host, RESOLVE_THREADS_MAX);
    }
    if (!task_wait(task, deadline_ms))
        return error_set(err, ERROR_UNAVAILABLE, "%s: no answer from the name servers within the "
                         "deadline", host);
    result = task->result;
    if (result == 0)
        *out = task->addresses;
    task_free(task);
    if (result != 0)
        return error_set(err, ERROR_UNAVAILABLE, "%s: the name has no address: %s: is "
                         "\"hosts\" right?", host,
                         gai_strerror(result));
    return ERROR_NONE;
}
