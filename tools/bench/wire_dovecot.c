/* tools/bench/wire_dovecot.c - as a busy client asks a Dovecot's auth socket
 *
 * The hello both ways, then lines: AUTH with a number, PLAIN and its initial response, and
 * whatever comes back in any order (saslauthd_backend/proto_dovecot_line.h has the protocol).
 */
#include "tools/bench/wire.h"

#include "common/base64.h"

#include <sodium.h>
#include <string.h>

static unsigned char *
put(unsigned char *out, span bytes)
{
    if (bytes.len > 0)
        memcpy(out, bytes.ptr, bytes.len);
    return out + bytes.len;
}

static unsigned char *
put_plain(unsigned char *out, span login, span password)
{
    unsigned char message[WIRE_QUESTION_MAX / 2];
    unsigned char *end = message;

    *end++ = 0;
    end = put(end, login);
    *end++ = 0;
    end = put(end, password);
    out += base64_encode(span_make(message, (size_t)(end - message)), out);
    sodium_memzero(message, (size_t)(end - message));
    return out;
}

/* All but the number. */
static size_t
ask(const struct wire_question *question, unsigned char out[WIRE_QUESTION_MAX])
{
    static const span mechanism = SPAN("PLAIN\tservice="), words = SPAN("\tsecured\tno-penalty\tnologin");
    static const span rip = SPAN("\trip="), resp = SPAN("\tresp=");
    span address = span_until(question->remote, span_find(question->remote, ';'));
    unsigned char *end = put(put(put(out, mechanism), question->service), words);

    if (address.len > 0)
        end = put(put(end, rip), address);
    end = put_plain(put(end, resp), question->login, question->password);
    *end++ = '\n';
    return (size_t)(end - out);
}

static size_t
number(uint32_t value, unsigned char *out)
{
    static const span word = SPAN("AUTH\t");
    unsigned char digits[10];
    size_t at = sizeof(digits);
    unsigned char *end;

    do
        digits[--at] = (unsigned char)('0' + value % 10);
    while ((value /= 10) > 0);
    end = put(put(out, word), span_make(digits + at, sizeof(digits) - at));
    *end++ = '\t';
    return (size_t)(end - out);
}

/* A server's hello begins with its version and ends with the line DONE. */
static size_t
greeting(span came)
{
    static const span version = SPAN("VERSION\t1\t"), done = SPAN("\nDONE\n");
    const unsigned char *end = came.len ? memmem(came.ptr, came.len, done.ptr, done.len) : NULL;

    if (!span_equal(span_until(came, version.len), span_until(version, came.len)))
        return SIZE_MAX;
    return end ? (size_t)(end - came.ptr) + done.len : 0;
}

/* What the first word says. */
static bool
meaning(span word, span rest, enum answer *out)
{
    static const span temporary = SPAN("\tcode=temp_fail");

    if (span_is(word, "OK"))
        *out = ANSWER_ACCEPTED;
    else if (!span_is(word, "FAIL"))
        return false;
    else if (rest.len && memmem(rest.ptr, rest.len, temporary.ptr, temporary.len))
        *out = ANSWER_TEMPORARY;
    else
        *out = ANSWER_REJECTED;
    return true;
}

static bool
hear_one(span *came, uint32_t *number_out, enum answer *out)
{
    size_t end = span_find(*came, '\n');
    span line = span_until(*came, end), rest;
    size_t tab = span_find(line, '\t');
    uint64_t value = 0;

    *number_out = 0;
    *out = ANSWER_GARBLED;
    if (end == came->len)
        return false;
    *came = span_from(*came, end + 1);
    rest = span_from(line, tab + 1);
    if (meaning(span_until(line, tab), rest, out)
        && span_to_u64(span_until(rest, span_find(rest, '\t')), &value) && value <= UINT32_MAX)
        *number_out = (uint32_t)value;
    return true;
}

static const struct wire_pipe pipe = {
    .hello = SPAN("VERSION\t1\t2\nCPID\t1\n"), .greeting = greeting, .number = number,
    .hear = hear_one,
};

const struct wire wire_dovecot = { "dovecot", ask, NULL, &pipe };
