/* auth/workers.c - see workers.h */
#include "auth/workers.h"

#include "common/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct worker { struct workers *all; pthread_t thread; size_t index; };

struct workers {
    struct workers_config config;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct job *first, **last;
    size_t queued;
    bool stopping;
    int64_t mean_us;                    /* of a job's time, exponentially weighted */
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

/* Waits for a job; NULL when the queue is empty and nobody will fill it any more. */
static struct job *
next_job(struct workers *workers)
{
    struct job *job;

    pthread_mutex_lock(&workers->lock);
    while (!workers->first && !workers->stopping)
        pthread_cond_wait(&workers->changed, &workers->lock);
    job = workers->first;
    if (job) {
        workers->first = job->next;
        if (!workers->first)
            workers->last = &workers->first;
        workers->queued--;
    }
    pthread_mutex_unlock(&workers->lock);
    return job;
}

static void
note_time(struct workers *workers, int64_t took_us)
{
    pthread_mutex_lock(&workers->lock);
    workers->mean_us += (took_us - workers->mean_us) / 16;
    pthread_mutex_unlock(&workers->lock);
}

static void *
worker_main(void *argument)
{
    struct worker *self = argument;
    struct workers *workers = self->all;
    struct job *job;

    if (workers->config.niceness > 0) {
        pid_t thread = (pid_t)syscall(SYS_gettid);

        setpriority(PRIO_PROCESS, (id_t)thread,
                    getpriority(PRIO_PROCESS, (id_t)thread) + workers->config.niceness);
    }
    while ((job = next_job(workers))) {
        int64_t began_us = monotonic_us();

        workers->config.run(workers->config.context, self->index, job);
        note_time(workers, monotonic_us() - began_us);
    }
    return NULL;
}

enum error_code
workers_new(const struct workers_config *config, struct workers **out, struct error *err)
{
    struct workers *workers;
    int failed = 0;

    *out = NULL;
    workers = calloc(1, sizeof(*workers) + config->threads * sizeof(workers->crew[0]));
    if (!workers)
        return error_set(err, ERROR_UNAVAILABLE, "%s threads: no memory", config->name);
    workers->config = *config;
    workers->last = &workers->first;
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
    free(workers);
}

bool
workers_push(struct workers *workers, struct job *job)
{
    bool room;

    pthread_mutex_lock(&workers->lock);
    room = workers->queued < workers->config.queue_max;
    if (room) {
        job->next = NULL;
        *workers->last = job;
        workers->last = &job->next;
        workers->queued++;
        pthread_cond_signal(&workers->changed);
    }
    pthread_mutex_unlock(&workers->lock);
    return room;
}

int64_t
workers_wait_ms(struct workers *workers)
{
    int64_t wait_us;

    pthread_mutex_lock(&workers->lock);
    wait_us = (int64_t)workers->queued * workers->mean_us / (int64_t)workers->config.threads;
    pthread_mutex_unlock(&workers->lock);
    return wait_us / 1000;
}
