/* tools/bench/load.h - ask, for as long as it lasts
 *
 * Purpose  Closed loop: a thread for each client, which asks again when it has its answer, with
 *          blocking calls, as a process of a mail server does. Open loop: requests begin when
 *          they are due, whatever became of those before; a few threads with an epoll each.
 * Errors   Only that it could not start; what a server does wrong is counted. It ends early where
 *          `presence` says that nobody is there.
 * Threads  load_run() from one; load_stop() from a signal handler.
 */
#ifndef TOOLS_BENCH_LOAD_H
#define TOOLS_BENCH_LOAD_H

#include "tools/bench/draw.h"
#include "tools/bench/presence.h"
#include "tools/bench/schedule.h"
#include "tools/bench/tally.h"

#include <sys/un.h>

#define LOAD_CLIENTS_MAX 1024
#define LOAD_THREADS_MAX 64
#define LOAD_IN_FLIGHT_MAX 65536
#define LOAD_PIPE_MAX 1024              /* on one connection */
#define LOAD_GATHER_MAX_MS 1000

struct load_config {
    const char *path;           /* of the server's socket */
    unsigned clients;           /* closed loop; 0: open */
    double rate;                /* open loop: a second, of all threads */
    enum arrivals arrivals;
    unsigned threads;           /* of the open loop */
    unsigned in_flight;         /* at most so many at once, of the open loop or of each connection
                                 * that lasts */
    int64_t gather_ns;          /* how long a connection that lasts lets answers come together */
    int64_t warmup_ns;          /* asked, but not counted */
    int64_t duration_ns;        /* counted after that */
    int64_t timeout_ns;         /* of one request */
};

/* The caller frees *out; *presence is begun here. ERROR_CONFIG for a path that is no socket's. */
enum error_code load_run(const struct load_config *config, struct draw_plan *plan,
                         struct presence *presence, struct tally **out, struct error *err);

/* Nothing more begins. */
void load_stop(void);

/* --- for the loops: load_closed.c, load_pipe.c, load_open.c --- */

struct load {
    const struct load_config *config;
    struct draw_plan *plan;
    struct presence *presence;
    struct sockaddr_un address;
    int64_t start_ns, end_ns;   /* of load_now_ns() */
};

struct load_thread {
    const struct load *load;
    struct draw draw;
    unsigned index, count;
    struct tally *tally;
    bool has_failed;            /* no memory, no epoll */
};

void *load_closed_run(void *thread);
void *load_pipe_run(void *thread);
void *load_open_run(void *thread);

int64_t load_now_ns(void);
bool load_is_over(const struct load *load, int64_t now_ns);

/* Every question ends here. */
void load_count(struct load_thread *thread, enum expectation expectation, enum answer answer,
                int64_t began_ns, int64_t ended_ns);

/* A connected socket whose sends and receives end after the timeout; or -1, and how it failed. */
int load_connect(const struct load *load, enum answer *failed_out);

/* Nothing came: too late, or closed? By errno, which is 0 after an end. */
enum answer load_silence(const struct load *load, int64_t began_ns);

/* A pause that keeps a server that is not there from being asked a million times a second. */
void load_pause(int64_t ns);

#endif
