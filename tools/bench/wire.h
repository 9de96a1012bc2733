/* tools/bench/wire.h - what a client of a login server says and hears
 *
 * A table: a wire is a row. One question on a connection, one answer, as libsasl2 and
 * pam_claviger.so do it; or many at a time on one that lasts, as clients of Dovecot's auth do.
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

/* What a wire has whose connections last. */
struct wire_pipe {
    /* What is said first, before or after what is heard first. */
    span hello;
    /* How many bytes of `came` are the server's hello; 0: not all is there; SIZE_MAX: it is none. */
    size_t (*greeting)(span came);
    /* What goes before the bytes of ask(), and how many: WIRE_NUMBER_MAX at most. */
    size_t (*number)(uint32_t number, unsigned char *out);
    /* Takes the next answer off *came. False: not all of one is there. Number 0: it is none. */
    bool (*hear)(span *came, uint32_t *number_out, enum answer *out);
};
#define WIRE_NUMBER_MAX 32

struct wire {
    const char *name;
    /* The bytes to send, and how many. */
    size_t (*ask)(const struct wire_question *question, unsigned char out[WIRE_QUESTION_MAX]);
    /* True when all of the answer, or enough to see that it is none, is in `came`. */
    bool (*hear)(span came, enum answer *out);
    const struct wire_pipe *pipe;       /* NULL: a connection is one question; then, hear() */
};

/* NULL for a word that is no wire. */
const struct wire *wire_find(const char *name);

extern const struct wire wire_saslauthd, wire_dovecot, wire_pam;

#endif
