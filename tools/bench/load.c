/* tools/bench/load.c - see load.h */
#include "tools/bench/load.h"

#include "common/thread.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static atomic_bool is_stopped;

void
load_stop(void)
{
    atomic_store(&is_stopped, true);
}

int64_t
load_now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

bool
load_is_over(const struct load *load, int64_t now_ns)
{
    return now_ns >= load->end_ns || atomic_load_explicit(&is_stopped, memory_order_relaxed)
        || presence_is_lost(load->presence);
}

void
load_count(struct load_thread *thread, enum expectation expectation, enum answer answer,
           int64_t began_ns, int64_t ended_ns)
{
    presence_note(thread->load->presence, answer, ended_ns);
    tally_add(thread->tally, expectation, answer, began_ns, ended_ns);
}

void
load_pause(int64_t ns)
{
    nanosleep(&(struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 }, NULL);
}

static bool
limit_waits(int fd, int64_t timeout_ns)
{
    struct timeval limit = { .tv_sec = timeout_ns / 1000000000,
                             .tv_usec = timeout_ns % 1000000000 / 1000 };

    return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0
        && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0;
}

int
load_connect(const struct load *load, enum answer *failed_out)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *failed_out = ANSWER_UNREACHABLE;
    if (fd >= 0 && limit_waits(fd, load->config->timeout_ns)) {
        if (connect(fd, (const struct sockaddr *)&load->address, sizeof(load->address)) == 0)
            return fd;
        *failed_out = errno == EAGAIN ? ANSWER_TIMED_OUT : ANSWER_UNREACHABLE;
    }
    presence_note_failure(load->presence, errno);
    if (fd >= 0)
        close(fd);
    return -1;
}

enum answer
load_silence(const struct load *load, int64_t began_ns)
{
    bool is_late = errno == EAGAIN || load_now_ns() - began_ns >= load->config->timeout_ns;

    return is_late ? ANSWER_TIMED_OUT : ANSWER_CLOSED;
}

static enum error_code
load_prepare(struct load *load, struct error *err)
{
    const char *path = load->config->path;

    load->address.sun_family = AF_UNIX;
    if (!span_to_string(span_of(path), load->address.sun_path, sizeof(load->address.sun_path)))
        return error_set(err, ERROR_CONFIG, "\"%s\" is too long for the path of a socket", path);
    load->start_ns = load_now_ns();
    presence_begin(load->presence, load->start_ns);
    load->end_ns = load->start_ns + load->config->warmup_ns + load->config->duration_ns;
    return ERROR_NONE;
}

static void *
thread_main(void *argument)
{
    struct load_thread *thread = argument;

    /* The kernel may wake us 50 us late by default; an open loop would count that as latency. */
    prctl(PR_SET_TIMERSLACK, 1UL);
    if (!thread->load->config->clients)
        return load_open_run(thread);
    return thread->load->plan->wire->pipe ? load_pipe_run(thread) : load_closed_run(thread);
}

/* How many were started is in *started. */
static enum error_code
threads_start(const struct load *load, struct load_thread *threads, pthread_t *ids,
              unsigned count, unsigned *started, struct error *err)
{
    int64_t first_ns = load->start_ns + load->config->warmup_ns;

    for (*started = 0; *started < count; ++*started) {
        struct load_thread *thread = &threads[*started];
        int failed;

        *thread = (struct load_thread){
            .load = load, .draw = draw_make(load->plan, *started), .index = *started,
            .count = count, .tally = tally_new(first_ns, load->config->duration_ns),
        };
        failed = thread->tally ? thread_start(&ids[*started], "load", thread_main, thread) : ENOMEM;
        if (failed) {
            tally_free(thread->tally);
            return error_set(err, ERROR_UNAVAILABLE, "cannot start thread %u of %u: %s",
                             *started + 1, count, strerror(failed));
        }
    }
    return ERROR_NONE;
}

/* Waits for all; the first's tally becomes everybody's. */
static enum error_code
threads_join(struct load_thread *threads, const pthread_t *ids, unsigned started,
             struct tally **out, struct error *err)
{
    bool has_failed = false;

    for (unsigned i = 0; i < started; i++) {
        pthread_join(ids[i], NULL);
        has_failed = has_failed || threads[i].has_failed;
        if (i == 0) {
            *out = threads[0].tally;
            continue;
        }
        tally_merge(*out, threads[i].tally);
        tally_free(threads[i].tally);
    }
    return has_failed ? error_set(err, ERROR_UNAVAILABLE, "a thread had no memory or descriptors")
                      : ERROR_NONE;
}

enum error_code
load_run(const struct load_config *config, struct draw_plan *plan, struct presence *presence,
         struct tally **out, struct error *err)
{
    static struct load_thread threads[LOAD_CLIENTS_MAX];
    static pthread_t ids[LOAD_CLIENTS_MAX];
    struct load load = { .config = config, .plan = plan, .presence = presence };
    unsigned started = 0;
    enum error_code code, joined;

    *out = NULL;
    code = load_prepare(&load, err);
    if (code != ERROR_NONE)
        return code;
    code = threads_start(&load, threads, ids, config->clients ? config->clients : config->threads,
                         &started, err);
    if (code != ERROR_NONE)
        load_stop();
    joined = threads_join(threads, ids, started, out, err);
    return code != ERROR_NONE ? code : joined;
}
