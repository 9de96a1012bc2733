/* account/writer.c - see writer.h
 *
 *   writer_note ─▶ notes that gather ──(half full, or last_login_every)──▶ notes that are written ─▶ touch
 *   writer_push ─▶ jobs ─▶ the query of each, and its `done`
 *
 * One thread. It looks for jobs between any two last logins, so that a person who changes a password waits
 * for one query and not for a batch.
 */
#include "account/writer.h"

#include "account/notes.h"
#include "account/source_parts.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/thread.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How long the end of the process or a reload may wait for a database that does not answer. */
#define END_MS 2000

/* Between two lines in the log about last logins that were dropped. */
#define TELL_MS 60000

/* Last logins that are written together: few enough that their locks, and SQLite's one, are held for
 * some milliseconds. */
#define BATCH 64

/* One row may be at fault; so many in a row mean that the others would fail, too. */
#define FAILURES_MAX 3

struct writer {
    struct account_source *source;
    struct account_conn *conn;          /* the thread's */
    size_t room;
    bool notes_service, notes_remote;   /* the query touch asks for them */
    pthread_t thread;
    bool started;

    pthread_mutex_t lock;               /* of all below */
    pthread_cond_t changed;             /* for the thread: there is something to do */
    pthread_cond_t flushed;             /* for who waits for a flush */
    struct writer_job *first, **last;
    size_t jobs;
    struct notes gathering;
    int64_t due_ms;                     /* of what has gathered */
    uint64_t flushes_wanted, flushes_done;
    bool stopping;
    int64_t end_ms;                     /* nothing is begun after it */
    struct writer_counts counts;
    uint64_t refused;                   /* sign-ins that had no room, and are not told yet */

    /* The thread's own. */
    struct notes writing;
    uint64_t untold;                    /* dropped since the log was told */
    int64_t told_ms;
};

static int64_t
now_ms(void)
{
    return clock_now_ms(&clock_system);
}

static int64_t
timeout_end_ms(const struct writer *writer)
{
    return now_ms() + account_source_timeout_ms(writer->source);
}

/* --- jobs ------------------------------------------------------------------------------ */

/* Under the lock. */
static struct writer_job *
take_job(struct writer *writer)
{
    struct writer_job *job = writer->first;

    if (!job)
        return NULL;
    writer->first = job->next;
    if (!writer->first)
        writer->last = &writer->first;
    writer->jobs--;
    return job;
}

/* A change that failed may never work: no query, a column or a right that is missing. */
static enum error_code
sort_fault(struct writer *writer, enum account_query query, enum error_code code,
           int64_t deadline_ms, struct error *err)
{
    struct error why;

    if (code != ERROR_UNAVAILABLE || now_ms() >= deadline_ms
        || account_check(writer->conn, query, deadline_ms, &why) != ERROR_CONFIG)
        return code;
    *err = why;
    return ERROR_CONFIG;
}

static void
run_job(struct writer *writer, struct writer_job *job)
{
    int64_t deadline_ms = job->deadline_ms;
    size_t changed = 0;
    struct error err;
    enum error_code code;

    error_clear(&err);
    if (now_ms() >= deadline_ms) {
        code = error_set(&err, ERROR_UNAVAILABLE, "accounts \"%s\": query %s: not begun before the "
                         "deadline", account_source_title(writer->source),
                         account_query_name(job->query));
    } else {
        if (deadline_ms > timeout_end_ms(writer))
            deadline_ms = timeout_end_ms(writer);
        code = account_change(writer->conn, job->query, &job->who, deadline_ms, &changed, &err);
        code = sort_fault(writer, job->query, code, deadline_ms, &err);
    }
    job->done(job, code, changed, &err);
}

static void
run_jobs(struct writer *writer)
{
    struct writer_job *job;

    do {
        pthread_mutex_lock(&writer->lock);
        job = take_job(writer);
        pthread_mutex_unlock(&writer->lock);
        if (job)
            run_job(writer, job);
    } while (job);
}

/* --- last logins ------------------------------------------------------------------------ */

static void
count_written(struct writer *writer, uint64_t written, uint64_t dropped)
{
    pthread_mutex_lock(&writer->lock);
    writer->counts.written += written;
    writer->counts.dropped += dropped;
    pthread_mutex_unlock(&writer->lock);
}

/* `why`: of the last fault. */
static void
tell_dropped(struct writer *writer, uint64_t dropped, const char *why)
{
    writer->untold += dropped;
    if (writer->untold == 0 || (writer->told_ms && now_ms() - writer->told_ms < TELL_MS))
        return;
    log_line(LOG_LEVEL_WARNING, "accounts \"%s\": last logins not noted: %llu: %s",
             account_source_title(writer->source), (unsigned long long)writer->untold, why);
    writer->untold = 0;
    writer->told_ms = now_ms();
}

/* However long a query may take, the end does not wait for one that was begun before it. */
static int64_t
write_deadline_ms(struct writer *writer)
{
    int64_t deadline_ms = timeout_end_ms(writer);

    if (deadline_ms > now_ms() + END_MS)
        deadline_ms = now_ms() + END_MS;
    pthread_mutex_lock(&writer->lock);
    if (writer->end_ms < deadline_ms)
        deadline_ms = writer->end_ms;
    pthread_mutex_unlock(&writer->lock);
    return deadline_ms;
}

static enum error_code
write_note(struct writer *writer, const struct note *note, int64_t deadline_ms, struct error *err)
{
    const struct account_who who = {
        .login = note_login(note), .service = note_service(note), .remote = note_remote(note),
        .at_s = note->at_s,
    };
    size_t changed;

    if (now_ms() >= deadline_ms)
        return error_set(err, ERROR_UNAVAILABLE, "there was no time left");
    return account_change(writer->conn, ACCOUNT_TOUCH, &who, deadline_ms, &changed, err);
}

/* Notes from `first` on, together: all of them, or none for a fault of any. */
static enum error_code
write_together(struct writer *writer, size_t first, size_t count, struct error *err)
{
    int64_t deadline_ms = write_deadline_ms(writer);
    struct error unheard;
    enum error_code code = account_batch_begin(writer->conn, deadline_ms, err);

    if (code != ERROR_NONE)
        return code;
    for (size_t i = first; code == ERROR_NONE && i < first + count; i++)
        code = write_note(writer, &writer->writing.list[i], deadline_ms, err);
    if (code == ERROR_NONE)
        return account_batch_end(writer->conn, true, deadline_ms, err);
    account_batch_end(writer->conn, false, deadline_ms, &unheard);
    return code;
}

/* The same, each for itself, until too many in a row fail. Answers how many were written. */
static size_t
write_singly(struct writer *writer, size_t first, size_t count, struct error *err)
{
    size_t written = 0, failures = 0;

    for (size_t i = first; i < first + count && failures < FAILURES_MAX; i++) {
        run_jobs(writer);
        if (write_note(writer, &writer->writing.list[i], write_deadline_ms(writer), err)
            == ERROR_NONE) {
            written++;
            failures = 0;
        } else {
            failures++;
        }
    }
    return written;
}

/* All that were taken. A batch that is refused is tried once more, row by row; when no row of it can be
 * written, the others are not tried. */
static void
write_notes(struct writer *writer)
{
    size_t all = writer->writing.count, written = 0, next = 0;
    bool hopeless = false;
    struct error err;

    error_clear(&err);
    while (next < all && !hopeless) {
        size_t count = all - next < BATCH ? all - next : BATCH, done = count;

        run_jobs(writer);
        if (count == 1 || write_together(writer, next, count, &err) != ERROR_NONE)
            done = write_singly(writer, next, count, &err);
        hopeless = done == 0;
        written += done;
        next += count;
    }
    count_written(writer, written, all - written);
    tell_dropped(writer, all - written, err.reason);
    notes_clear(&writer->writing);
}

/* Under the lock: what has gathered changes places with what was written. */
static void
take_notes(struct writer *writer)
{
    struct notes taken = writer->gathering;

    writer->gathering = writer->writing;
    writer->writing = taken;
}

/* --- the thread ---------------------------------------------------------------------------- */

/* Under the lock. */
static bool
is_flush_due(const struct writer *writer)
{
    return writer->gathering.count > 0
        && (writer->stopping || writer->flushes_wanted > writer->flushes_done
            || writer->gathering.count >= (writer->room + 1) / 2 || now_ms() >= writer->due_ms);
}

/* Under the lock: until there is something to do. */
static void
wait_for_work(struct writer *writer)
{
    struct timespec until;

    if (writer->gathering.count == 0) {
        pthread_cond_wait(&writer->changed, &writer->lock);
        return;
    }
    until = (struct timespec){ writer->due_ms / 1000, writer->due_ms % 1000 * 1000000 };
    pthread_cond_timedwait(&writer->changed, &writer->lock, &until);
}

/* Under the lock, but while it writes. */
static void
flush(struct writer *writer)
{
    uint64_t wanted = writer->flushes_wanted, refused = writer->refused;

    writer->refused = 0;
    take_notes(writer);
    pthread_mutex_unlock(&writer->lock);
    tell_dropped(writer, refused, "more came than could be written");
    write_notes(writer);
    pthread_mutex_lock(&writer->lock);
    writer->flushes_done = wanted;
    pthread_cond_broadcast(&writer->flushed);
}

static void *
writer_main(void *argument)
{
    struct writer *writer = argument;

    pthread_mutex_lock(&writer->lock);
    for (;;) {
        if (writer->first) {
            pthread_mutex_unlock(&writer->lock);
            run_jobs(writer);
            pthread_mutex_lock(&writer->lock);
        } else if (is_flush_due(writer)) {
            flush(writer);
        } else if (writer->stopping) {
            break;
        } else if (writer->flushes_wanted > writer->flushes_done) {
            writer->flushes_done = writer->flushes_wanted;
            pthread_cond_broadcast(&writer->flushed);
        } else {
            wait_for_work(writer);
        }
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

/* --- making and unmaking ------------------------------------------------------------------ */

static void
cond_set_monotonic(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
}

static enum error_code
fill(struct writer *writer, struct error *err)
{
    const struct query *touch = &writer->source->queries[ACCOUNT_TOUCH];
    bool notes = account_source_last_login_ms(writer->source) > 0;
    int failed;

    writer->notes_service = notes && query_uses(touch, QUERY_SERVICE);
    writer->notes_remote = notes && query_uses(touch, QUERY_REMOTE);
    if (notes && (!notes_open(&writer->gathering, writer->room)
                  || !notes_open(&writer->writing, writer->room)))
        return error_set(err, ERROR_UNAVAILABLE, "no memory for last logins");
    if (account_conn_open(writer->source, ACCOUNT_WRITES, &writer->conn, err) != ERROR_NONE)
        return err->code;
    failed = thread_start(&writer->thread, "writer", writer_main, writer);
    if (failed)
        return error_set(err, ERROR_UNAVAILABLE, "cannot start a writer thread: %s",
                         strerror(failed));
    writer->started = true;
    return ERROR_NONE;
}

enum error_code
writer_new(struct account_source *source, size_t room, struct writer **out, struct error *err)
{
    struct writer *writer = calloc(1, sizeof(*writer));

    *out = NULL;
    if (!writer)
        return error_set(err, ERROR_UNAVAILABLE, "no memory for a writer");
    writer->source = source;
    writer->room = room;
    writer->last = &writer->first;
    writer->end_ms = INT64_MAX;
    pthread_mutex_init(&writer->lock, NULL);
    cond_set_monotonic(&writer->changed);
    cond_set_monotonic(&writer->flushed);
    if (fill(writer, err) != ERROR_NONE) {
        writer_free(writer);
        return error_prefix(err, "accounts \"%s\"", account_source_title(source));
    }
    *out = writer;
    return ERROR_NONE;
}

void
writer_free(struct writer *writer)
{
    if (!writer)
        return;
    pthread_mutex_lock(&writer->lock);
    writer->stopping = true;
    writer->end_ms = now_ms() + END_MS;
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
    if (writer->started)
        pthread_join(writer->thread, NULL);
    account_conn_close(writer->conn);
    notes_close(&writer->gathering);
    notes_close(&writer->writing);
    pthread_cond_destroy(&writer->changed);
    pthread_cond_destroy(&writer->flushed);
    pthread_mutex_destroy(&writer->lock);
    free(writer);
}

/* --- from other threads -------------------------------------------------------------------- */

bool
writer_note(struct writer *writer, const struct account_who *who)
{
    const span none = span_make(NULL, 0);
    bool noted;

    pthread_mutex_lock(&writer->lock);
    writer->counts.noted++;
    noted = writer->gathering.room > 0
        && notes_add(&writer->gathering, who->login, writer->notes_service ? who->service : none,
                     writer->notes_remote ? who->remote : none, who->at_s);
    writer->counts.dropped += !noted;
    writer->refused += !noted;
    if (noted && writer->gathering.count == 1)
        writer->due_ms = now_ms() + account_source_last_login_ms(writer->source);
    if (noted && (writer->gathering.count == 1 || is_flush_due(writer)))
        pthread_cond_signal(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
    return noted;
}

bool
writer_push(struct writer *writer, struct writer_job *job)
{
    bool room;

    pthread_mutex_lock(&writer->lock);
    room = writer->jobs < writer->room;
    if (room) {
        job->next = NULL;
        *writer->last = job;
        writer->last = &job->next;
        writer->jobs++;
        pthread_cond_signal(&writer->changed);
    }
    pthread_mutex_unlock(&writer->lock);
    return room;
}

void
writer_flush(struct writer *writer)
{
    int64_t end_ms = now_ms() + END_MS;
    const struct timespec until = { end_ms / 1000, end_ms % 1000 * 1000000 };
    uint64_t wanted;

    if (!writer)
        return;
    pthread_mutex_lock(&writer->lock);
    wanted = ++writer->flushes_wanted;
    pthread_cond_signal(&writer->changed);
    while (writer->flushes_done < wanted
           && pthread_cond_timedwait(&writer->flushed, &writer->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&writer->lock);
}

void
writer_counts_get(struct writer *writer, struct writer_counts *out)
{
    pthread_mutex_lock(&writer->lock);
    *out = writer->counts;
    pthread_mutex_unlock(&writer->lock);
}
