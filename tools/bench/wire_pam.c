/* tools/bench/wire_pam.c - as pam_claviger.so asks clavigerd: see common/pam_wire.h */
#include "tools/bench/wire.h"
#include "tools/bench/wire_fields.h"

#include "common/macros.h"
#include "common/pam_wire.h"

static size_t
ask(const struct wire_question *question, unsigned char out[WIRE_QUESTION_MAX])
{
    const span nothing = { NULL, 0 };
    const span fields[PAM_WIRE_FIELDS] = {
        question->login, question->password, nothing, question->service, question->remote, nothing,
    };

    out[0] = PAM_WIRE_VERSION;
    out[1] = PAM_WIRE_PASSWORD;
    out[2] = 0;
    return (size_t)(wire_put_fields(out + PAM_WIRE_HEAD, fields, COUNT(fields)) - out);
}

static const enum answer meanings[] = {
    [PAM_WIRE_ACCEPTED]         = ANSWER_ACCEPTED,
    [PAM_WIRE_MUST_CHANGE]      = ANSWER_ACCEPTED,
    [PAM_WIRE_WRONG]            = ANSWER_REJECTED,
    [PAM_WIRE_UNKNOWN]          = ANSWER_REJECTED,
    [PAM_WIRE_DISABLED]         = ANSWER_REJECTED,
    [PAM_WIRE_EXPIRED]          = ANSWER_REJECTED,
    [PAM_WIRE_PASSWORD_EXPIRED] = ANSWER_REJECTED,
    [PAM_WIRE_DENIED]           = ANSWER_REJECTED,
    [PAM_WIRE_UNAVAILABLE]      = ANSWER_TEMPORARY,
    [PAM_WIRE_MALFORMED]        = ANSWER_GARBLED,
    [PAM_WIRE_CHANGE_DENIED]    = ANSWER_REJECTED,
    [PAM_WIRE_NEW_UNFIT]        = ANSWER_REJECTED,
};
_Static_assert(COUNT(meanings) == PAM_WIRE_ANSWERS, "an answer of the wire lacks its meaning");

static bool
hear(span came, enum answer *out)
{
    span left = span_from(came, 2), user;

    *out = ANSWER_GARBLED;
    if (came.len >= 1 && came.ptr[0] != PAM_WIRE_VERSION)
        return true;
    if (came.len >= 2 && came.ptr[1] >= PAM_WIRE_ANSWERS)
        return true;
    if (left.len >= 2 && ((size_t)left.ptr[0] << 8 | left.ptr[1]) > PAM_WIRE_USER_MAX)
        return true;
    if (came.len < 2 || !span_take_counted(&left, &user))
        return false;
    if (left.len == 0)
        *out = meanings[came.ptr[1]];
    return true;
}

const struct wire wire_pam = { "pam", ask, hear, NULL };
