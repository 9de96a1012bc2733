/* tools/bench/load_closed.c - one client, which waits for its answer: see load.h
 *
 * socket, connect, send, recv, close, and nothing else between two questions: what libsasl2 does,
 * so that the server's share of the time is as large as it is for a mail server.
 */
#include "tools/bench/load.h"

#include <errno.h>
#include <sodium.h>
#include <sys/socket.h>
#include <unistd.h>

#define RETRY_NS 10000000

/* What comes a byte at a time has no longer than what comes at once. */
static enum answer
hear(const struct load *load, int fd, int64_t began_ns)
{
    unsigned char came[WIRE_ANSWER_MAX];
    size_t len = 0;
    enum answer answer;

    while (len < sizeof(came)) {
        ssize_t got = recv(fd, came + len, sizeof(came) - len, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            errno = 0;
        if (got <= 0)
            return load_silence(load, began_ns);
        len += (size_t)got;
        if (load->plan->wire->hear(span_make(came, len), &answer))
            return answer;
        if (load_now_ns() - began_ns >= load->config->timeout_ns)
            return ANSWER_TIMED_OUT;
    }
    return ANSWER_GARBLED;
}

static enum answer
ask(const struct load *load, const struct drawn *drawn, int64_t began_ns)
{
    enum answer answer;
    int fd = load_connect(load, &answer);

    if (fd < 0)
        return answer;
    /* A server that answers and closes before it has read all: its answer is still there. */
    if (send(fd, drawn->bytes, drawn->len, MSG_NOSIGNAL) < 0 && errno != EPIPE)
        answer = load_silence(load, began_ns);
    else
        answer = hear(load, fd, began_ns);
    close(fd);
    return answer;
}

void *
load_closed_run(void *argument)
{
    struct load_thread *thread = argument;
    struct drawn drawn = { 0 };

    while (!load_is_over(thread->load, load_now_ns()) && draw_next(&thread->draw, &drawn)) {
        int64_t began_ns = load_now_ns();
        enum answer answer = ask(thread->load, &drawn, began_ns);

        load_count(thread, drawn.expectation, answer, began_ns, load_now_ns());
        if (answer == ANSWER_UNREACHABLE || answer == ANSWER_CLOSED)
            load_pause(RETRY_NS);
    }
    sodium_memzero(&drawn, sizeof(drawn));
    return NULL;
}
