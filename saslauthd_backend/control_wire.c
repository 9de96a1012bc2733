/* saslauthd_backend/control_wire.c - see control_wire.h */
#include "saslauthd_backend/control_wire.h"

#include "common/clock.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BASE64 sodium_base64_VARIANT_ORIGINAL

struct control_channel {
    int fd;
    size_t used;                /* bytes in `in` */
    size_t told;                /* how many of them the last line and its end had */
    char in[CONTROL_LINE_MAX];
    char out[CONTROL_LINE_MAX];
};

struct control_channel *
control_channel_new(int fd)
{
    struct control_channel *channel = calloc(1, sizeof(*channel));

    if (channel)
        channel->fd = fd;
    return channel;
}

void
control_channel_free(struct control_channel *channel)
{
    if (!channel)
        return;
    sodium_memzero(channel, sizeof(*channel));
    free(channel);
}

/* True when the socket is ready for `events` (or broken) before `until_ms`. */
static bool
wait_ready(int fd, short events, int64_t until_ms)
{
    for (;;) {
        struct pollfd poller = { .fd = fd, .events = events };
        int64_t left_ms = until_ms - clock_now_ms(&clock_system);
        int ready;

        if (left_ms < 0)
            return false;
        ready = poll(&poller, 1, left_ms < INT32_MAX ? (int)left_ms : INT32_MAX);
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return false;
    }
}

/* Forgets the line that the caller has seen. */
static void
drop_told(struct control_channel *channel)
{
    size_t left = channel->used - channel->told;

    memmove(channel->in, channel->in + channel->told, left);
    sodium_memzero(channel->in + left, channel->told);
    channel->used = left;
    channel->told = 0;
}

/* Reads once. *ended: the peer will send no more. */
static enum error_code
read_some(struct control_channel *channel, int64_t until_ms, bool *ended, struct error *err)
{
    ssize_t got;

    if (channel->used == sizeof(channel->in))
        return error_set(err, ERROR_MALFORMED, "a line of more than %zu bytes",
                         sizeof(channel->in));
    do {
        if (!wait_ready(channel->fd, POLLIN, until_ms))
            return error_set(err, ERROR_UNAVAILABLE, "no whole line in time");
        got = recv(channel->fd, channel->in + channel->used,
                   sizeof(channel->in) - channel->used, MSG_DONTWAIT);
    } while (got < 0 && (errno == EINTR || errno == EAGAIN));
    if (got < 0)
        return error_set(err, ERROR_UNAVAILABLE, "cannot receive: %s", strerror(errno));
    channel->used += (size_t)got;
    *ended = got == 0;
    return ERROR_NONE;
}

enum error_code
control_receive(struct control_channel *channel, int64_t timeout_ms, span *line_out,
                struct error *err)
{
    int64_t until_ms = clock_now_ms(&clock_system) + timeout_ms;
    size_t searched = 0;
    bool ended = false;

    *line_out = span_make(NULL, 0);
    drop_told(channel);
    while (!ended) {
        span fresh = span_make(channel->in + searched, channel->used - searched);
        size_t at = searched + span_find(fresh, '\n');

        if (at < channel->used) {
            *line_out = span_make(channel->in, at);
            channel->told = at + 1;
            return ERROR_NONE;
        }
        searched = channel->used;
        if (read_some(channel, until_ms, &ended, err) != ERROR_NONE)
            return err->code;
    }
    if (channel->used > 0)
        return error_set(err, ERROR_MALFORMED, "the last line is cut short");
    return ERROR_NONE;
}

static enum error_code
send_bytes(int fd, span bytes, int64_t until_ms, struct error *err)
{
    while (bytes.len > 0) {
        ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent >= 0)
            bytes = span_from(bytes, (size_t)sent);
        else if (errno == EAGAIN && !wait_ready(fd, POLLOUT, until_ms))
            return error_set(err, ERROR_UNAVAILABLE, "the other side does not read");
        else if (errno != EAGAIN && errno != EINTR)
            return error_set(err, ERROR_UNAVAILABLE, "cannot send: %s", strerror(errno));
    }
    return ERROR_NONE;
}

enum error_code
control_send(struct control_channel *channel, const json_t *message, int64_t timeout_ms,
             struct error *err)
{
    int64_t until_ms = clock_now_ms(&clock_system) + timeout_ms;
    size_t len = json_dumpb(message, channel->out, sizeof(channel->out) - 1, JSON_COMPACT);
    enum error_code code;

    if (len == 0 || len > sizeof(channel->out) - 1) {
        code = error_set(err, ERROR_MALFORMED, "a message that does not fit %zu bytes",
                         sizeof(channel->out));
    } else {
        channel->out[len] = '\n';
        code = send_bytes(channel->fd, span_make(channel->out, len + 1), until_ms, err);
    }
    sodium_memzero(channel->out, sizeof(channel->out));
    return code;
}

/* jansson's own text quotes the place where it stopped: a reply or a log must not. */
static const char *
words_of(const json_error_t *fault)
{
    static const struct { enum json_error_code code; const char *words; } faults[] = {
        { json_error_out_of_memory,       "no memory" },
        { json_error_invalid_utf8,        "bytes that are not UTF-8" },
        { json_error_premature_end_of_input, "JSON that is cut short" },
        { json_error_end_of_input_expected, "more than one JSON value" },
        { json_error_null_character,      "a NUL in a string" },
        { json_error_null_byte_in_key,    "a NUL in a name" },
        { json_error_duplicate_key,       "a name that is there twice" },
        { json_error_numeric_overflow,    "a number that is too big" },
        { json_error_stack_overflow,      "JSON that is nested too deeply" },
    };

    for (size_t i = 0; i < COUNT(faults); i++)
        if (json_error_code(fault) == faults[i].code)
            return faults[i].words;
    return "no JSON";
}

json_t *
control_object_parse(span line, struct error *err)
{
    json_error_t fault;
    json_t *value;

    value = json_loadb((const char *)line.ptr, line.len,
                       JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
    if (!value) {
        error_set(err, ERROR_MALFORMED, "a line with %s at column %d", words_of(&fault),
                  fault.column);
        return NULL;
    }
    if (json_is_object(value))
        return value;
    json_decref(value);
    error_set(err, ERROR_MALFORMED, "a line that is no JSON object");
    return NULL;
}

bool
control_password_parse(const char *text, struct secret *out)
{
    secret_wipe(out);
    if (sodium_base642bin(out->bytes, sizeof(out->bytes), text, strlen(text), NULL, &out->len,
                          NULL, BASE64) == 0)
        return true;
    sodium_memzero(out->bytes, sizeof(out->bytes));
    out->len = 0;
    return false;
}

json_t *
control_password_new(span password)
{
    char text[sodium_base64_ENCODED_LEN(SECRET_MAX, BASE64)];
    json_t *string = NULL;

    if (password.len <= SECRET_MAX) {
        sodium_bin2base64(text, sizeof(text), password.ptr, password.len, BASE64);
        string = json_string(text);
    }
    sodium_memzero(text, sizeof(text));
    return string;
}

/* What stands before each of jansson's blocks, so that freeing knows how much to wipe. */
union block_head { size_t size; max_align_t aligned; };

static void *
wiping_malloc(size_t size)
{
    union block_head *head;

    if (size > SIZE_MAX - sizeof(*head))
        return NULL;
    head = malloc(sizeof(*head) + size);
    if (!head)
        return NULL;
    head->size = size;
    return head + 1;
}

static void
wiping_free(void *block)
{
    union block_head *head = block;

    if (!block)
        return;
    head--;
    sodium_memzero(block, head->size);
    free(head);
}

void
control_wipe_freed_json(void)
{
    json_set_alloc_funcs(wiping_malloc, wiping_free);
}
