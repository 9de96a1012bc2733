/* tools/bench/load_pipe.c - one client that has many questions on one connection: see load.h
 *
 * As many as may be in flight go out in one write; each answer that comes, in whatever order,
 * makes room for the next question, and those leave together when all that came has been read.
 */
#include "tools/bench/load.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RETRY_NS 10000000

/* A question's number is its slot, plus 1, plus a multiple of how many slots there are: a number
 * never comes twice while somebody might still answer it. */
struct asked { uint32_t number; enum expectation expectation; int64_t began_ns; };

struct pipeline {
    struct load_thread *thread;
    const struct load *load;
    const struct wire_pipe *wire;
    int fd;
    bool is_drained;            /* the plan's requests are used up, or the time is over */
    size_t slots_count, waiting;
    struct asked *slots;        /* number 0: free */
    uint32_t rounds;
    unsigned char *out;
    size_t out_used, out_room;
    unsigned char came[65536];
    size_t came_used;
    struct drawn drawn;
};

/* --- connecting --------------------------------------------------------------------- */

/* Whatever is still out was not answered. */
static void
hang_up(struct pipeline *line, enum answer answer)
{
    int64_t now_ns = load_now_ns();

    for (size_t i = 0; i < line->slots_count; i++) {
        struct asked *asked = &line->slots[i];

        if (asked->number)
            load_count(line->thread, asked->expectation, answer, asked->began_ns, now_ns);
        asked->number = 0;
    }
    line->waiting = line->came_used = line->out_used = 0;
    if (line->fd >= 0)
        close(line->fd);
    line->fd = -1;
}

/* False, and errno, when nothing more comes in time. */
static bool
receive(struct pipeline *line)
{
    ssize_t got;

    do
        got = recv(line->fd, line->came + line->came_used, sizeof(line->came) - line->came_used, 0);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        errno = 0;
    if (got > 0)
        line->came_used += (size_t)got;
    return got > 0;
}

/* False, and how it failed. A server may have said what it is, and closed, before it hears us. */
static bool
greet(struct pipeline *line, int64_t began_ns, enum answer *failed_out)
{
    span hello = line->wire->hello;
    size_t len;

    *failed_out = ANSWER_GARBLED;
    if (send(line->fd, hello.ptr, hello.len, MSG_NOSIGNAL) < 0 && errno != EPIPE) {
        *failed_out = load_silence(line->load, began_ns);
        return false;
    }
    while ((len = line->wire->greeting(span_make(line->came, line->came_used))) == 0) {
        if (line->came_used == sizeof(line->came))
            return false;
        if (!receive(line)) {
            *failed_out = load_silence(line->load, began_ns);
            return false;
        }
    }
    if (len == SIZE_MAX)
        return false;
    line->came_used -= len;
    memmove(line->came, line->came + len, line->came_used);
    return true;
}

static bool
connect_line(struct pipeline *line)
{
    int64_t began_ns = load_now_ns();
    enum answer failed;

    if (line->fd >= 0)
        return true;
    line->fd = load_connect(line->load, &failed);
    if (line->fd >= 0 && greet(line, began_ns, &failed))
        return true;
    hang_up(line, ANSWER_CLOSED);
    load_count(line->thread, EXPECT_RIGHT, failed, began_ns, load_now_ns());
    load_pause(RETRY_NS);
    return false;
}

/* --- asking and hearing ------------------------------------------------------------- */

static uint32_t
next_number(struct pipeline *line, size_t slot)
{
    uint32_t round = line->rounds++ % (uint32_t)(UINT32_MAX / line->slots_count);

    return (uint32_t)(round * line->slots_count + slot + 1);
}

static void
ask_in(struct pipeline *line, size_t slot, int64_t now_ns)
{
    if (line->is_drained || !draw_next(&line->thread->draw, &line->drawn)) {
        line->is_drained = true;
        return;
    }
    line->slots[slot] = (struct asked){
        .number = next_number(line, slot),
        .expectation = line->drawn.expectation, .began_ns = now_ns,
    };
    line->waiting++;
    line->out_used += line->wire->number(line->slots[slot].number, line->out + line->out_used);
    memcpy(line->out + line->out_used, line->drawn.bytes, line->drawn.len);
    line->out_used += line->drawn.len;
}

static bool
send_all(struct pipeline *line)
{
    size_t sent = 0;

    while (sent < line->out_used) {
        ssize_t went = send(line->fd, line->out + sent, line->out_used - sent, MSG_NOSIGNAL);

        if (went < 0 && errno != EINTR)
            return false;
        sent += went > 0 ? (size_t)went : 0;
    }
    line->out_used = 0;
    return true;
}

/* False: an answer that nobody asked for. */
static bool
take_answers(struct pipeline *line, int64_t now_ns)
{
    span left = span_make(line->came, line->came_used);
    enum answer answer;
    uint32_t number;

    while (line->wire->hear(&left, &number, &answer)) {
        size_t slot = number ? (number - 1) % line->slots_count : 0;
        struct asked *asked = &line->slots[slot];

        if (number == 0 || asked->number != number)
            return false;
        load_count(line->thread, asked->expectation, answer, asked->began_ns, now_ns);
        asked->number = 0;
        line->waiting--;
        ask_in(line, slot, now_ns);
    }
    line->came_used = left.len;
    memmove(line->came, left.ptr, left.len);
    return left.len < sizeof(line->came);
}

/* What comes while it pauses is read at once; when nothing more is asked, nobody dawdles. */
static bool
await_answers(struct pipeline *line)
{
    int64_t pause_ns = line->load->config->gather_ns;

    if (line->waiting == 0)
        return true;
    if (pause_ns > 0 && !line->is_drained)
        load_pause(pause_ns);
    return receive(line);
}

static void
turn(struct pipeline *line)
{
    int64_t now_ns = load_now_ns();

    if (!connect_line(line))
        return;
    for (size_t i = 0; line->waiting == i && i < line->slots_count && !line->is_drained; i++)
        ask_in(line, i, now_ns);
    if (!send_all(line) || !await_answers(line)) {
        hang_up(line, load_silence(line->load, now_ns));
        load_pause(RETRY_NS);
        return;
    }
    now_ns = load_now_ns();
    line->is_drained = line->is_drained || load_is_over(line->load, now_ns);
    if (!take_answers(line, now_ns))
        hang_up(line, ANSWER_GARBLED);
}

static bool
prepare(struct pipeline *line)
{
    line->slots_count = line->load->config->in_flight;
    line->slots = calloc(line->slots_count, sizeof(*line->slots));
    line->out_room = line->slots_count * (WIRE_QUESTION_MAX + WIRE_NUMBER_MAX);
    line->out = malloc(line->out_room);
    return line->slots && line->out;
}

void *
load_pipe_run(void *argument)
{
    struct load_thread *thread = argument;
    struct pipeline *line = calloc(1, sizeof(*line));

    thread->has_failed = !line;
    if (!line)
        return NULL;
    line->thread = thread;
    line->load = thread->load;
    line->wire = thread->load->plan->wire->pipe;
    line->fd = -1;
    thread->has_failed = !prepare(line);
    while (!thread->has_failed && (line->waiting > 0 || !line->is_drained)) {
        turn(line);
        line->is_drained = line->is_drained || load_is_over(line->load, load_now_ns());
    }
    if (line->fd >= 0)
        close(line->fd);
    if (line->out)
        sodium_memzero(line->out, line->out_room);
    free(line->out);
    free(line->slots);
    sodium_memzero(line, sizeof(*line));
    free(line);
    return NULL;
}
