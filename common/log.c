/* common/log.c - see log.h
 *
 * The ring is Vyukov's bounded queue: each slot carries a turn number, a producer claims
 * a slot by moving `tail`, and only the writer thread moves `head`. No producer waits for
 * another, and none makes a system call unless the writer sleeps.
 */
#include "common/log.h"
#include "common/clock.h"
#include "common/limit.h"
#include "common/thread.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1000     /* syslog receivers commonly stop at 1024 */
#define LINE_ROOM (LINE_MAX_BYTES + 64) /* with time, level and end */
#define BATCH_BYTES PIPE_BUF    /* a pipe takes so much in one piece, whoever else writes to it */
#define RING_LINES 2048         /* a power of two */
#define NAP_MS 5                /* a ring full in that time is 400,000 lines a second */
#define DOZES 100               /* naps after the last line before the writer sleeps */

struct line {
    struct timespec at;         /* when it was logged, however late it is written */
    enum log_level level;
    size_t len;
    char text[LINE_MAX_BYTES];  /* terminated */
};

struct slot {
    _Atomic uint64_t turn;
    struct line line;
};

/* Lines on their way to the error output, written together: under load a line costs no system call. */
struct batch {
    size_t used;
    time_t second;
    size_t second_len;
    char second_text[32];
    char text[BATCH_BYTES];
};

static struct {
    struct slot slots[RING_LINES];
    _Alignas(CACHE_LINE) _Atomic uint64_t tail;
    _Atomic unsigned producers;                 /* threads that may be about to fill a slot */
    _Alignas(CACHE_LINE) uint64_t head;         /* the writer's own */
    _Alignas(CACHE_LINE) _Atomic uint64_t dropped;
    uint64_t dropped_told;                      /* the writer's own */
    struct limit limit;
    _Atomic uint32_t limit_most;
    uint64_t left_out_told;                     /* the writer's own */
    uint32_t left_out_told_s;
    atomic_bool running, asleep, stopping;
    _Atomic int level;
    enum log_target target;
    struct batch batch;                         /* the writer's own */
    int wake;
    pthread_t writer;
} ring = { .level = LOG_LEVEL_INFO, .wake = -1 };

static const struct { const char *word; int priority; } levels[] = {
    [LOG_LEVEL_ERROR]   = { "error",   LOG_ERR },
    [LOG_LEVEL_WARNING] = { "warning", LOG_WARNING },
    [LOG_LEVEL_INFO]    = { "info",    LOG_INFO },
    [LOG_LEVEL_DEBUG]   = { "debug",   LOG_DEBUG },
};
_Static_assert(COUNT(levels) == LOG_LEVELS, "a level lacks its word");

void
log_set_level(enum log_level level)
{
    atomic_store(&ring.level, (int)level);
}

enum log_level
log_level(void)
{
    return (enum log_level)atomic_load_explicit(&ring.level, memory_order_relaxed);
}

uint64_t
log_dropped(void)
{
    return atomic_load_explicit(&ring.dropped, memory_order_relaxed);
}

void
log_set_limit(uint32_t lines_a_second)
{
    atomic_store(&ring.limit_most, lines_a_second);
}

uint64_t
log_left_out(void)
{
    return limit_refused(&ring.limit);
}

static uint32_t
this_second(void)
{
    return (uint32_t)(clock_now_ms(&clock_system) / 1000);
}

bool
log_admits(void)
{
    uint32_t most = atomic_load_explicit(&ring.limit_most, memory_order_relaxed);

    return most == 0 || limit_admits(&ring.limit, most, this_second());
}

static bool
is_plain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '-' && c <= ':') || c == '@'
        || c == '_' || c == '+';        /* '-' to ':' are - . / and digits */
}

const char *
log_token(span text, char out[LOG_TOKEN_MAX])
{
    size_t used = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (used > LOG_TOKEN_MAX - 9) {         /* room for \xNN, "..." and the end */
            memcpy(out + used, "...", 3);
            used += 3;
            break;
        }
        if (is_plain(text.ptr[i]))
            out[used++] = (char)text.ptr[i];
        else
            used += (size_t)snprintf(out + used, 5, "\\x%02x", text.ptr[i]);
    }
    out[used] = '\0';
    return out;
}

/* --- a line ----------------------------------------------------------------------- */

/* What is filled into a format, in one of two ways. */
struct words {
    va_list *args;              /* NULL: `values` */
    const span *values;
};

static void
make_one_line(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] >= 0x7f)
            text[i] = '?';
}

/* How long it would be; terminates what there is room for. */
PRINTF_LIKE(3, 0)
static size_t
put_formatted(char *out, size_t size, const char *format, va_list args)
{
    int len = vsnprintf(out, size, format, args);

    return len > 0 ? (size_t)len : 0;
}

/* NULL: there are no more. */
static const char *
next_value(const char *format)
{
    const char *mark = strchr(format, '%');

    while (mark && mark[1] != 's')
        mark = strchr(mark + 1, '%');
    return mark;
}

/* As put_formatted(). */
static size_t
put_values(char *out, size_t size, const char *format, const span *values)
{
    const size_t most = size - 1;
    size_t len = 0;

    for (;;) {
        const char *mark = next_value(format);
        const span pieces[] = { mark ? span_make(format, (size_t)(mark - format)) : span_of(format),
                                mark ? *values++ : span_make(NULL, 0) };

        for (size_t i = 0; i < COUNT(pieces); i++) {
            if (len < most && pieces[i].len > 0)
                memcpy(out + len, pieces[i].ptr, span_until(pieces[i], most - len).len);
            len += pieces[i].len;
        }
        if (!mark)
            break;
        format = mark + 2;
    }
    out[len < most ? len : most] = '\0';
    return len;
}

/* What is too long ends in "...", so that nobody takes it for the whole. */
PRINTF_LIKE(3, 0)
static void
fill(struct line *line, enum log_level level, const char *format, const struct words *words)
{
    const size_t size = sizeof(line->text), most = size - 1;
    size_t len = words->args ? put_formatted(line->text, size, format, *words->args)
                             : put_values(line->text, size, format, words->values);

    if (len > most)
        memcpy(line->text + most - 3, "...", 3);
    line->len = len < most ? len : most;
    make_one_line(line->text, line->len);
    clock_gettime(CLOCK_REALTIME, &line->at);
    line->level = level;
}

/* --- writing ------------------------------------------------------------------------ */

static void
count_dropped(size_t lines)
{
    atomic_fetch_add_explicit(&ring.dropped, lines, memory_order_relaxed);
}

/* How much of it was written: less than all on a full disk, or for a reader that went. */
static size_t
write_all(const char *text, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t written = write(STDERR_FILENO, text + done, len - done);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            break;
        done += (size_t)written;
    }
    return done;
}

static void
put(struct batch *batch, const char *text, size_t len)
{
    memcpy(batch->text + batch->used, text, len);
    batch->used += len;
}

/* The date and time to the second, made anew when it is another. */
static void
put_second(struct batch *batch, time_t second)
{
    struct tm utc;

    if (batch->second_len == 0 || batch->second != second) {
        gmtime_r(&second, &utc);
        batch->second = second;
        batch->second_len = strftime(batch->second_text, sizeof(batch->second_text),
                                     "%Y-%m-%dT%H:%M:%S", &utc);
    }
    put(batch, batch->second_text, batch->second_len);
}

/* How many lines were not written, or not to their end. */
static size_t
flush(struct batch *batch)
{
    size_t done = write_all(batch->text, batch->used), lost = 0;

    for (size_t i = done; i < batch->used; i++)
        lost += batch->text[i] == '\n';
    batch->used = 0;
    return lost;
}

/* ".012Z " */
static void
put_milliseconds(struct batch *batch, long ms)
{
    const char text[] = { '.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10),
                          (char)('0' + ms % 10), 'Z', ' ' };

    put(batch, text, sizeof(text));
}

static void
put_line(struct batch *batch, const struct line *line)
{
    if (sizeof(batch->text) - batch->used < LINE_ROOM)
        count_dropped(flush(batch));
    put_second(batch, line->at.tv_sec);
    put_milliseconds(batch, line->at.tv_nsec / 1000000);
    put(batch, levels[line->level].word, strlen(levels[line->level].word));
    put(batch, ": ", 2);
    put(batch, line->text, line->len);
    put(batch, "\n", 1);
}

static void
write_line(const struct line *line)
{
    if (ring.target == LOG_TO_STDERR)
        put_line(&ring.batch, line);
    else
        syslog(levels[line->level].priority, "%s", line->text);
}

static bool
write_next(void)
{
    struct slot *slot = &ring.slots[ring.head % RING_LINES];

    if (atomic_load_explicit(&slot->turn, memory_order_acquire) != ring.head + 1)
        return false;
    write_line(&slot->line);
    atomic_store_explicit(&slot->turn, ring.head + RING_LINES, memory_order_release);
    ring.head++;
    return true;
}

/* A line of the writer's own. How many lines were not written. */
PRINTF_LIKE(1, 2)
static size_t
tell(const char *format, ...)
{
    struct line line;
    va_list args;

    va_start(args, format);
    fill(&line, LOG_LEVEL_WARNING, format, &(struct words){ .args = &args });
    va_end(args);
    write_line(&line);
    return flush(&ring.batch);
}

/* Not told while nothing can be written: then it is with a later line. */
static void
tell_dropped(void)
{
    uint64_t dropped = log_dropped();

    if (dropped == ring.dropped_told)
        return;
    if (tell("log: %llu lines dropped, the writer was too slow or could not write",
             (unsigned long long)(dropped - ring.dropped_told)) == 0)
        ring.dropped_told = dropped;
}

static bool
has_left_out(void)
{
    return log_left_out() != ring.left_out_told;
}

/* Once a second, and at the end. */
static void
tell_left_out(bool at_the_end)
{
    uint64_t left_out = log_left_out();

    if (left_out == ring.left_out_told || (!at_the_end && ring.left_out_told_s == this_second()))
        return;
    count_dropped(tell("log: %llu lines left out, more than %u a second: clavigerctl status has the counts",
                       (unsigned long long)(left_out - ring.left_out_told),
                       atomic_load(&ring.limit_most)));
    ring.left_out_told = left_out;
    ring.left_out_told_s = this_second();
}

/* For a while after a line the writer looks by itself, so that whoever logs often wakes nobody. */
static bool
doze(unsigned *dozes)
{
    const struct timespec nap = { 0, NAP_MS * 1000000L };

    if ((*dozes == DOZES && !has_left_out()) || atomic_load(&ring.stopping))
        return false;
    *dozes += *dozes < DOZES;
    nanosleep(&nap, NULL);
    return true;
}

static void
sleep_until_woken(void)
{
    struct slot *next = &ring.slots[ring.head % RING_LINES];
    uint64_t count;

    atomic_store(&ring.asleep, true);
    if (atomic_load(&next->turn) == ring.head + 1 || atomic_load(&ring.stopping))
        atomic_store(&ring.asleep, false);      /* a line came in between */
    else
        while (read(ring.wake, &count, sizeof(count)) < 0 && errno == EINTR)
            ;
}

/* One round of the ring at a time, so that a flood does not keep the count of what it cost
 * from being told. */
static void *
writer_main(void *unused)
{
    unsigned dozes = 0;

    (void)unused;
    for (;;) {
        const bool stopping = atomic_load(&ring.stopping);
        size_t written = 0;

        while (written < RING_LINES && write_next())
            written++;
        count_dropped(flush(&ring.batch));
        tell_dropped();
        tell_left_out(stopping);
        if (written == RING_LINES)
            continue;
        if (stopping)
            return NULL;
        if (written > 0)
            dozes = 0;
        if (!doze(&dozes))
            sleep_until_woken();
    }
}

static void
wake_writer(void)
{
    const uint64_t one = 1;

    if (atomic_load(&ring.asleep) && atomic_exchange(&ring.asleep, false))
        while (write(ring.wake, &one, sizeof(one)) < 0 && errno == EINTR)
            ;
}

enum error_code
log_start(enum log_target target, struct error *err)
{
    int failed;

    ring.wake = eventfd(0, EFD_CLOEXEC);
    if (ring.wake < 0)
        return error_set(err, ERROR_UNAVAILABLE, "log: eventfd: %s", strerror(errno));
    for (size_t i = 0; i < RING_LINES; i++)
        atomic_store(&ring.slots[i].turn, i);
    atomic_store(&ring.tail, 0);
    ring.head = 0;
    ring.left_out_told_s = this_second();
    ring.target = target;
    atomic_store(&ring.stopping, false);
    if (target == LOG_TO_SYSLOG)
        openlog(program_invocation_short_name, LOG_PID | LOG_NDELAY, LOG_AUTHPRIV);
    failed = thread_start(&ring.writer, "log", writer_main, NULL);
    if (failed) {
        close(ring.wake);
        ring.wake = -1;
        return error_set(err, ERROR_UNAVAILABLE, "log: cannot start the writer thread: %s",
                         strerror(failed));
    }
    atomic_store(&ring.running, true);
    return ERROR_NONE;
}

void
log_stop(void)
{
    if (!atomic_exchange(&ring.running, false))
        return;
    while (atomic_load(&ring.producers) > 0)
        sched_yield();          /* a moment: no producer waits for anything */
    atomic_store(&ring.stopping, true);
    wake_writer();
    pthread_join(ring.writer, NULL);
    close(ring.wake);
    ring.wake = -1;
}

/* The claimed slot, or NULL when the ring is full. */
static struct slot *
claim(uint64_t *position_out)
{
    uint64_t position = atomic_load_explicit(&ring.tail, memory_order_relaxed);

    for (;;) {
        struct slot *slot = &ring.slots[position % RING_LINES];
        uint64_t turn = atomic_load_explicit(&slot->turn, memory_order_acquire);

        if (turn < position)
            return NULL;
        if (turn > position)
            position = atomic_load_explicit(&ring.tail, memory_order_relaxed);
        else if (atomic_compare_exchange_weak_explicit(&ring.tail, &position, position + 1,
                                                       memory_order_relaxed,
                                                       memory_order_relaxed)) {
            *position_out = position;
            return slot;
        }
    }
}

/* False: no writer runs. */
PRINTF_LIKE(2, 0)
static bool
put_into_ring(enum log_level level, const char *format, const struct words *words)
{
    bool running;

    atomic_fetch_add(&ring.producers, 1);       /* before `running` is read: see log_stop() */
    running = atomic_load(&ring.running);
    if (running) {
        uint64_t position;
        struct slot *slot = claim(&position);

        if (slot) {
            fill(&slot->line, level, format, words);
            atomic_store(&slot->turn, position + 1);
            wake_writer();
        } else {
            count_dropped(1);
        }
    }
    atomic_fetch_sub(&ring.producers, 1);
    return running;
}

/* No writer: straight to where its lines go. */
PRINTF_LIKE(2, 0)
static void
write_alone(enum log_level level, const char *format, const struct words *words)
{
    struct batch alone = { .used = 0 };
    struct line line;

    fill(&line, level, format, words);      /* nothing has read its arguments yet */
    put_line(&alone, &line);
    count_dropped(flush(&alone));
}

PRINTF_LIKE(2, 0)
static void
say(enum log_level level, const char *format, const struct words *words)
{
    if (!put_into_ring(level, format, words))
        write_alone(level, format, words);
}

void
log_line(enum log_level level, const char *format, ...)
{
    va_list args;

    if (level > log_level())
        return;
    va_start(args, format);
    say(level, format, &(struct words){ .args = &args });
    va_end(args);
}

void
log_values(enum log_level level, const char *format, const span values[])
{
    if (level <= log_level())
        say(level, format, &(struct words){ .values = values });
}
