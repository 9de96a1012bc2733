/* auth/workers.c - see workers.h
 *
 * Without the fair order, whoever pushes takes no lock and makes no system call unless a thread sleeps. A thread that is
 * about to sleep says so first and then looks once more; whoever pushes looks at that afterwards:
 * one of the two sees the other (ring.h).
 */
#include "auth/workers.h"

#include "auth/ring.h"
#include "common/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Enough to make what they share cheap, few enough that one that stalls holds up few. */
#define TOGETHER_MOST 4

struct worker { struct workers *all; pthread_t thread; size_t index; };

struct workers {
    struct workers_config config;
    struct ring queue;                  /* of struct job */
    struct ring_slot *slots;
    struct fair *fair;                  /* in place of the ring, under `lock`; or NULL */
    _Atomic int64_t mean_us;            /* of a job's time, exponentially weighted */
    _Alignas(CACHE_LINE) _Atomic size_t sleepers;
    pthread_mutex_t lock;               /* of sleeping, stopping, and `fair` */
    pthread_cond_t changed;
    bool stopping;
    size_t started;
    struct worker crew[];
};

static int64_t
monotonic_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Under the lock, when the order is a fair one. */
static struct job *
take_job(struct workers *workers, size_t worker)
{
    return workers->fair ? fair_take(workers->fair, worker) : ring_pop(&workers->queue);
}

/* Its last job is over. What waited for that one's account, it finds now itself. NULL: it has to wait. */
static struct job *
next_job(struct workers *workers, size_t worker)
{
    struct job *job;

    if (!workers->fair)
        return ring_pop(&workers->queue);
    pthread_mutex_lock(&workers->lock);
    fair_done(workers->fair, worker);
    job = fair_take(workers->fair, worker);
    pthread_mutex_unlock(&workers->lock);
    return job;
}

/* Waits for a job; NULL when the queue is empty and nobody will fill it any more. */
static struct job *
wait_for_job(struct workers *workers, size_t worker)
{
    struct job *job;

    pthread_mutex_lock(&workers->lock);
    atomic_fetch_add(&workers->sleepers, 1);
    while (!(job = take_job(workers, worker)) && !workers->stopping)
        pthread_cond_wait(&workers->changed, &workers->lock);
    atomic_fetch_sub(&workers->sleepers, 1);
    pthread_mutex_unlock(&workers->lock);
    return job;
}

/* Two that note at once may lose one of their times, which does a mean no harm. */
static void
note_time(struct workers *workers, int64_t took_us)
{
    int64_t mean_us = atomic_load_explicit(&workers->mean_us, memory_order_relaxed);

    atomic_store_explicit(&workers->mean_us, mean_us + (took_us - mean_us) / 16,
                          memory_order_relaxed);
}

/* Adds to the one in jobs[0]; how many there are. */
static size_t
take_together(struct workers *workers, struct job *jobs[TOGETHER_MOST])
{
    size_t count = 1;

    while (workers->config.together && count < TOGETHER_MOST
           && ring_count(&workers->queue) > workers->config.threads
           && (jobs[count] = ring_pop(&workers->queue)))
        count++;
    return count;
}

/* Gives back when it ended, which is when the next begins. */
static int64_t
run_jobs(struct worker *self, struct job *jobs[TOGETHER_MOST], size_t count, int64_t began_us)
{
    const struct workers_config *config = &self->all->config;

    if (count > 1)
        config->together(config->context, self->index, true);
    for (size_t i = 0; i < count; i++) {
        int64_t ended_us;

        config->run(config->context, self->index, jobs[i]);
        ended_us = monotonic_us();
        note_time(self->all, ended_us - began_us);
        began_us = ended_us;
    }
    if (count > 1)
        config->together(config->context, self->index, false);
    return began_us;
}

static void *
worker_main(void *argument)
{
    struct worker *self = argument;
    struct workers *workers = self->all;
    struct job *jobs[TOGETHER_MOST];
    int64_t began_us;

    if (workers->config.niceness > 0)
        thread_step_back(workers->config.niceness);
    began_us = monotonic_us();
    for (;;) {
        jobs[0] = next_job(workers, self->index);
        if (!jobs[0]) {
            jobs[0] = wait_for_job(workers, self->index);
            if (!jobs[0])
                return NULL;
            began_us = monotonic_us();
        }
        began_us = run_jobs(self, jobs, take_together(workers, jobs), began_us);
    }
}

/* The least power of two that holds so many. */
static size_t
ring_size(size_t count)
{
    size_t size = 2;

    while (size < count)
        size *= 2;
    return size;
}

/* Everything but locks and threads; NULL when there is no memory. */
static struct workers *
workers_alloc(const struct workers_config *config)
{
    size_t room = sizeof(struct workers) + config->threads * sizeof(struct worker);
    size_t slots = ring_size(config->queue_max);
    struct workers *workers;

    /* Aligned for the ring; a plain calloc() need not be. */
    room += -room % _Alignof(struct workers);
    workers = aligned_alloc(_Alignof(struct workers), room);
    if (!workers)
        return NULL;
    memset(workers, 0, room);
    workers->config = *config;
    if (config->fair)
        workers->fair = fair_new(config->queue_max, config->threads);
    else
        workers->slots = calloc(slots, sizeof(*workers->slots));
    if (!workers->fair && !workers->slots) {
        free(workers);
        return NULL;
    }
    if (workers->slots)
        ring_set(&workers->queue, workers->slots, slots);
    return workers;
}

enum error_code
workers_new(const struct workers_config *config, struct workers **out, struct error *err)
{
    struct workers *workers;
    int failed = 0;

    *out = NULL;
    workers = workers_alloc(config);
    if (!workers)
        return error_set(err, ERROR_UNAVAILABLE, "%s threads: no memory", config->name);
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->changed, NULL);
    while (!failed && workers->started < config->threads) {
        struct worker *worker = &workers->crew[workers->started];

        *worker = (struct worker){ .all = workers, .index = workers->started };
        failed = thread_start(&worker->thread, config->name, worker_main, worker);
        workers->started += !failed;
    }
    if (failed) {
        error_set(err, ERROR_UNAVAILABLE, "cannot start %zu %s threads: %s", config->threads,
                  config->name, strerror(failed));
        workers_free(workers);
        return err->code;
    }
    *out = workers;
    return ERROR_NONE;
}

void
workers_free(struct workers *workers)
{
    if (!workers)
        return;
    pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->changed);
    pthread_mutex_unlock(&workers->lock);
    for (size_t i = 0; i < workers->started; i++)
        pthread_join(workers->crew[i].thread, NULL);
    pthread_cond_destroy(&workers->changed);
    pthread_mutex_destroy(&workers->lock);
    free(workers->slots);
    fair_free(workers->fair);
    free(workers);
}

static void
wake_one(struct workers *workers)
{
    if (atomic_load(&workers->sleepers) == 0)
        return;
    pthread_mutex_lock(&workers->lock);         /* who looked before the push is asleep by then */
    pthread_mutex_unlock(&workers->lock);
    pthread_cond_signal(&workers->changed);     /* not under the lock, which is the first that it wants */
}

static bool
push_fair(struct workers *workers, struct job *job)
{
    bool room;

    pthread_mutex_lock(&workers->lock);
    room = fair_push(workers->fair, job);
    pthread_mutex_unlock(&workers->lock);
    if (room)
        pthread_cond_signal(&workers->changed);
    return room;
}

bool
workers_push(struct workers *workers, struct job *job)
{
    if (workers->fair)
        return push_fair(workers, job);
    if (ring_count(&workers->queue) >= workers->config.queue_max
        || !ring_push(&workers->queue, job))
        return false;
    wake_one(workers);
    return true;
}

static size_t
count_ahead(struct workers *workers, const struct job *job)
{
    size_t ahead;

    if (!workers->fair)
        return ring_count(&workers->queue);
    pthread_mutex_lock(&workers->lock);
    ahead = fair_ahead(workers->fair, job);
    pthread_mutex_unlock(&workers->lock);
    return ahead;
}

int64_t
workers_wait_ms(struct workers *workers, const struct job *job)
{
    int64_t mean_us = atomic_load_explicit(&workers->mean_us, memory_order_relaxed);

    return (int64_t)count_ahead(workers, job) * mean_us / (int64_t)workers->config.threads / 1000;
}
