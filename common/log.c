/* common/log.c - see log.h
 *
 * The ring is Vyukov's bounded queue: each slot carries a turn number, a producer claims
 * a slot by moving `tail`, and only the writer thread moves `head`. No producer waits for
 * another, and none makes a system call unless the writer sleeps.
 */
#include "common/log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1000     /* syslog receivers commonly stop at 1024 */
#define RING_LINES 2048         /* a power of two */

struct slot {
    _Atomic uint64_t turn;
    enum log_level level;
    char text[LINE_MAX_BYTES];
};

static struct {
    struct slot slots[RING_LINES];
    _Alignas(CACHE_LINE) _Atomic uint64_t tail;
    _Alignas(CACHE_LINE) uint64_t head;         /* the writer's own */
    _Alignas(CACHE_LINE) _Atomic uint64_t dropped;
    uint64_t dropped_told;                      /* the writer's own */
    atomic_bool running, asleep, stopping;
    _Atomic int level;
    enum log_target target;
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

bool
log_level_parse(const char *word, enum log_level *out)
{
    for (size_t i = 0; i < COUNT(levels); i++)
        if (strcmp(word, levels[i].word) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    return false;
}

uint64_t
log_dropped(void)
{
    return atomic_load_explicit(&ring.dropped, memory_order_relaxed);
}

static bool
is_plain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
        || (c != '\0' && strchr("@._+:/-", c));
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

static void
write_stderr(enum log_level level, const char *text)
{
    char line[LINE_MAX_BYTES + 64];
    struct timespec now;
    struct tm utc;
    size_t len;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    len = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &utc);
    len += (size_t)snprintf(line + len, sizeof(line) - len, ".%03ldZ %s: %s\n",
                            now.tv_nsec / 1000000, levels[level].word, text);
    while (write(STDERR_FILENO, line, len) < 0 && errno == EINTR)
        ;
}

static void
write_line(enum log_level level, const char *text)
{
    if (ring.target == LOG_TO_SYSLOG && atomic_load(&ring.running))
        syslog(levels[level].priority, "%s", text);
    else
        write_stderr(level, text);
}

static bool
write_next(void)
{
    struct slot *slot = &ring.slots[ring.head % RING_LINES];

    if (atomic_load_explicit(&slot->turn, memory_order_acquire) != ring.head + 1)
        return false;
    write_line(slot->level, slot->text);
    atomic_store_explicit(&slot->turn, ring.head + RING_LINES, memory_order_release);
    ring.head++;
    return true;
}

static void
tell_dropped(void)
{
    uint64_t dropped = log_dropped();
    char text[80];

    if (dropped == ring.dropped_told)
        return;
    snprintf(text, sizeof(text), "log: %llu lines dropped, the writer was too slow",
             (unsigned long long)(dropped - ring.dropped_told));
    write_line(LOG_LEVEL_WARNING, text);
    ring.dropped_told = dropped;
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

static void *
writer_main(void *unused)
{
    (void)unused;
    for (;;) {
        while (write_next())
            ;
        tell_dropped();
        if (atomic_load(&ring.stopping) && !write_next())
            return NULL;
        sleep_until_woken();
    }
}

static void
wake_writer(void)
{
    const uint64_t one = 1;

    if (atomic_exchange(&ring.asleep, false))
        while (write(ring.wake, &one, sizeof(one)) < 0 && errno == EINTR)
            ;
}

enum error_code
log_start(enum log_target target, struct error *err)
{
    sigset_t all, old;
    int failed;

    ring.wake = eventfd(0, EFD_CLOEXEC);
    if (ring.wake < 0)
        return error_set(err, ERROR_UNAVAILABLE, "log: eventfd: %s", strerror(errno));
    for (size_t i = 0; i < RING_LINES; i++)
        atomic_store(&ring.slots[i].turn, i);
    atomic_store(&ring.tail, 0);
    ring.head = 0;
    ring.target = target;
    atomic_store(&ring.stopping, false);
    if (target == LOG_TO_SYSLOG)
        openlog("clavigerd", LOG_PID | LOG_NDELAY, LOG_AUTHPRIV);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    failed = pthread_create(&ring.writer, NULL, writer_main, NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
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

static void
make_one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
            *text = '?';
}

void
log_line(enum log_level level, const char *format, ...)
{
    char direct[LINE_MAX_BYTES];
    struct slot *slot = NULL;
    uint64_t position = 0;
    va_list args;
    char *text;

    if (level > log_level())
        return;
    if (atomic_load_explicit(&ring.running, memory_order_acquire)) {
        slot = claim(&position);
        if (!slot) {
            atomic_fetch_add_explicit(&ring.dropped, 1, memory_order_relaxed);
            return;
        }
    }
    text = slot ? slot->text : direct;
    va_start(args, format);
    vsnprintf(text, LINE_MAX_BYTES, format, args);
    va_end(args);
    make_one_line(text);
    if (!slot) {
        write_stderr(level, text);
        return;
    }
    slot->level = level;
    atomic_store(&slot->turn, position + 1);
    wake_writer();
}
