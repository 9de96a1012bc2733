/* account/writer.h - what sign-ins write, on a thread and a connection of their own
 *
 * Purpose  Note last logins and change stored passwords while nobody waits for the database: one
 *          thread for a source, one connection as its write account.
 *          Last logins are noted in memory, one for an account (and service, and address, where the
 *          query touch asks for them), and written together every `last_login_every`, or as soon as half
 *          of the room is used. What cannot be noted or written is dropped, counted, and told
 *          in the log once a minute at most. Jobs go before last logins.
 * Errors   A job's are told to its `done`. A last login's are the log's.
 * Threads  writer_note(), writer_push(), writer_counts_get(): any; none of them waits for the database.
 *          A job's `done` is called on the writer's thread. writer_new() and writer_free() from one.
 */
#ifndef ACCOUNT_WRITER_H
#define ACCOUNT_WRITER_H

#include "account/source.h"

struct writer;                          /* opaque */

struct writer_job {
    struct writer_job *next;            /* the writer's */
    enum account_query query;
    struct account_who who;             /* what it points to lives until `done` */
    int64_t deadline_ms;                /* of clock_system; it is not begun after it */

    /* Called once. ERROR_CONFIG: there is no such query, or no right to run it; *changed: rows. The
     * job is its owner's again. */
    void (*done)(struct writer_job *job, enum error_code code, size_t changed,
                 const struct error *err);
};

/* Borrows `source`, which outlives it; connects when there is something to write. At most `room`
 * last logins, and as many jobs, wait. */
enum error_code writer_new(struct account_source *source, size_t room, struct writer **out,
                           struct error *err);

/* Writes what is noted, for two seconds at most, then ends the thread; nobody notes or pushes any
 * more. NULL is fine. */
void writer_free(struct writer *writer);

/* Notes a sign-in; copies. False: it was dropped. */
bool writer_note(struct writer *writer, const struct account_who *who);

/* False when too many wait; then the job is still the caller's. */
bool writer_push(struct writer *writer, struct writer_job *job);

/* Has what is noted written now, and waits for that, two seconds at most. NULL is fine. */
void writer_flush(struct writer *writer);

struct writer_counts {
    uint64_t noted;                     /* last logins, before those of one account became one */
    uint64_t written;                   /* and after */
    uint64_t dropped;
};
void writer_counts_get(struct writer *writer, struct writer_counts *out);

#endif
