/* tools/bench/wire_saslauthd.c - as libsasl2 asks saslauthd
 *
 *   question  login password service realm [remote]
 *   answer    text
 *
 * each a 16-bit big-endian length and its bytes. The realm stays empty: a login is whole. An
 * answer of length zero is what libsasl2 reports as a failure and not as a wrong password.
 */
#include "tools/bench/wire.h"
#include "tools/bench/wire_fields.h"

#include "common/macros.h"

static size_t
ask(const struct wire_question *question, unsigned char out[WIRE_QUESTION_MAX])
{
    const span fields[] = {
        question->login, question->password, question->service, { NULL, 0 }, question->remote,
    };
    size_t count = COUNT(fields) - (question->remote.len == 0);

    return (size_t)(wire_put_fields(out, fields, count) - out);
}

static enum answer
meaning(span text)
{
    if (text.len == 0)
        return ANSWER_TEMPORARY;
    if (span_starts(text, "OK"))
        return ANSWER_ACCEPTED;
    return span_starts(text, "NO") ? ANSWER_REJECTED : ANSWER_GARBLED;
}

static bool
hear(span came, enum answer *out)
{
    span text;

    if (came.len < 2)
        return false;
    *out = ANSWER_GARBLED;
    if (((size_t)came.ptr[0] << 8 | came.ptr[1]) > WIRE_ANSWER_MAX - 2)
        return true;
    if (!span_take_counted(&came, &text))
        return false;
    if (came.len == 0)
        *out = meaning(text);
    return true;
}

const struct wire wire_saslauthd = { "saslauthd", ask, hear, NULL };
