/* tools/bench/wire.c - see wire.h */
#include "tools/bench/wire.h"

#include "common/macros.h"

#include <string.h>

static const struct wire *const wires[] = { &wire_saslauthd, &wire_dovecot, &wire_pam };

const struct wire *
wire_find(const char *name)
{
    for (size_t i = 0; i < COUNT(wires); i++)
        if (strcmp(name, wires[i]->name) == 0)
            return wires[i];
    return NULL;
}

static const struct { const char *word; bool says_nothing; } answers[] = {
    [ANSWER_ACCEPTED]    = { "accepted", false },
    [ANSWER_REJECTED]    = { "rejected", false },
    [ANSWER_TEMPORARY]   = { "temporary", false },
    [ANSWER_CLOSED]      = { "closed", true },
    [ANSWER_GARBLED]     = { "garbled", true },
    [ANSWER_TIMED_OUT]   = { "timed_out", true },
    [ANSWER_UNREACHABLE] = { "unreachable", true },
};
_Static_assert(COUNT(answers) == ANSWERS, "an answer lacks its word");

const char *
answer_word(enum answer answer)
{
    return answers[answer].word;
}

bool
answer_says_nothing(enum answer answer)
{
    return answers[answer].says_nothing;
}
