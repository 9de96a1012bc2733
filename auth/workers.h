/* auth/workers.h - threads that take jobs from a queue
 *
 * Purpose  Keep what may wait (a lookup) or burn (a hash) off the event loops. The queue is
 *          bounded by length and tells how long a new job would wait, so that whoever asks can refuse
 *          at once what could not be done in time.
 * Threads  workers_push() from any thread; workers_new() and workers_free() from one.
 */
#ifndef AUTH_WORKERS_H
#define AUTH_WORKERS_H

#include "auth/fair.h"
#include "common/error.h"

struct workers;                         /* opaque */

struct workers_config {
    const char *name;                   /* of the threads, at most 15 characters; static */
    size_t threads;                     /* at least 1 */
    size_t queue_max;
    bool fair;                          /* in the order of fair.h; else first come, first served,
                                         * without a lock */
    int niceness;                       /* added to the process's: 0 to 19 */
    void (*run)(void *context, size_t worker, struct job *job);  /* worker: 0 to threads - 1 */
    /* Not NULL, and not `fair`: where more wait than there are threads, a thread takes a few at once, and
     * says so before the first and after the last. */
    void (*together)(void *context, size_t worker, bool on);
    void *context;
};

enum error_code workers_new(const struct workers_config *config, struct workers **out,
                            struct error *err);

/* Runs what is queued, then stops the threads and waits for them. NULL is fine. */
void workers_free(struct workers *workers);

/* False when the queue is full, or has no room for the account; then the job is still the caller's. */
bool workers_push(struct workers *workers, struct job *job);

/* How long the job would wait if it were pushed now, in ms: how many go before it, by the recent
 * mean of a job's time. */
int64_t workers_wait_ms(struct workers *workers, const struct job *job);

#endif
