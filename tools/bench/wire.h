/* tools/bench/wire.h - what a client of a login server says and hears
 *
 * A table: a wire is a row. One question on a connection, one answer, as libsasl2 and
 * pam_claviger.so do it.
 */
#ifndef TOOLS_BENCH_WIRE_H
#define TOOLS_BENCH_WIRE_H

#include "common/span.h"

/* How a question ended. Accepted, rejected and temporary are what a server can say; the others
 * are ways of saying nothing. */
enum answer {
    ANSWER_ACCEPTED,
    ANSWER_REJECTED,
    ANSWER_TEMPORARY,           /* nobody could tell */
    ANSWER_CLOSED,              /* the connection ended before an answer did */
    ANSWER_GARBLED,             /* bytes that are no answer */
    ANSWER_TIMED_OUT,
    ANSWER_UNREACHABLE,         /* no connection */
    ANSWERS
};

const char *answer_word(enum answer answer);
bool answer_says_nothing(enum answer answer);

struct wire_question { span login, password, service, remote; };        /* remote: may be empty */

/* Six fields of the longest text and what counts them; no answer that means anything is longer. */
#define WIRE_QUESTION_MAX 4096
#define WIRE_ANSWER_MAX 1024

struct wire {
    const char *name;
    /* The bytes to send, and how many. */
    size_t (*ask)(const struct wire_question *question, unsigned char out[WIRE_QUESTION_MAX]);
    /* True when all of the answer, or enough to see that it is none, is in `came`. */
    bool (*hear)(span came, enum answer *out);
};

/* NULL for a word that is no wire. */
const struct wire *wire_find(const char *name);

extern const struct wire wire_saslauthd, wire_pam;

#endif
