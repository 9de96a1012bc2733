/* tools/input_pair.c - see input_pair.h */
#include "tools/input_pair.h"

#include "common/secret.h"
#include "tools/password_input.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

static enum error_code
read_all(int fd, struct input_pair *out, struct error *err)
{
    ssize_t got = 1;

    while (got != 0 && out->len < sizeof(out->bytes)) {
        got = read(fd, out->bytes + out->len, sizeof(out->bytes) - out->len);
        if (got < 0 && errno != EINTR)
            return error_set(err, ERROR_UNAVAILABLE, "cannot read standard input: %s",
                             strerror(errno));
        if (got > 0)
            out->len += (size_t)got;
    }
    if (out->len == sizeof(out->bytes))
        return error_set(err, ERROR_MALFORMED, "more than %d bytes on standard input",
                         INPUT_PAIR_MAX - 1);
    return ERROR_NONE;
}

/* Appends what a person answers; *value_out is it. */
static enum error_code
ask_one(int fd, const char *prompt, struct input_pair *out, span *value_out, struct error *err)
{
    struct secret answer = { 0 };
    enum error_code code = password_input_prompt(fd, prompt, &answer, err);

    memcpy(out->bytes + out->len, answer.bytes, answer.len);
    *value_out = span_make(out->bytes + out->len, answer.len);
    out->len += answer.len;
    secret_wipe(&answer);
    return code;
}

static enum error_code
ask_both(int fd, struct input_pair *out, struct error *err)
{
    enum error_code code;

    _Static_assert(2 * SECRET_MAX < INPUT_PAIR_MAX, "two answers have no room");
    error_clear(err);
    out->len = 0;
    out->ends_in_null = false;
    code = ask_one(fd, "Stored password: ", out, &out->first, err);
    if (code == ERROR_NONE)
        code = ask_one(fd, "Password: ", out, &out->second, err);
    if (code != ERROR_NONE)
        input_pair_wipe(out);
    return code;
}

static enum error_code
refuse_count(const struct input_pair *pair, bool by_null, struct error *err)
{
    return error_set(err, ERROR_MALFORMED, "standard input takes two values, "
                     "the stored password first, each %s: there is %s",
                     by_null ? "ended by a NUL" : "on a line of its own",
                     pair->len == 0 ? "none" : "one");
}

static enum error_code
read_both(int fd, bool by_null, struct input_pair *out, struct error *err)
{
    const unsigned char end = by_null ? '\0' : '\n';
    enum error_code code;
    size_t first_len;
    span all;

    error_clear(err);
    out->len = 0;
    code = read_all(fd, out, err);
    all = span_make(out->bytes, out->len);
    first_len = span_find(all, end);
    if (code == ERROR_NONE && first_len == all.len)
        code = refuse_count(out, by_null, err);
    out->first = span_until(all, first_len);
    out->second = span_from(all, first_len + 1);
    out->ends_in_null = by_null && out->second.len > 1
        && out->second.ptr[out->second.len - 1] == end;
    if (out->ends_in_null || (!by_null && out->second.len > 0
                              && out->second.ptr[out->second.len - 1] == end))
        out->second.len--;
    if (code == ERROR_NONE && !by_null && span_has(out->second, '\n'))
        code = error_set(err, ERROR_MALFORMED, "standard input holds more than two lines");
    if (code != ERROR_NONE)
        input_pair_wipe(out);
    return code;
}

enum error_code
input_pair_read(int fd, bool by_null, struct input_pair *out, struct error *err)
{
    return isatty(fd) ? ask_both(fd, out, err) : read_both(fd, by_null, out, err);
}

void
input_pair_wipe(struct input_pair *pair)
{
    sodium_memzero(pair->bytes, pair->len);
    pair->len = 0;
    pair->first = pair->second = span_make(NULL, 0);
}
