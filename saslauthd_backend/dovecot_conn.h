/* saslauthd_backend/dovecot_conn.h - a connection of the Dovecot auth protocol, from inside
 *
 *   dovecot_conn.c        the socket: hello, lines, flushing, ending
 *   dovecot_dialogue.c    AUTH, CONT, CANCEL; asking, answering
 *   dovecot_mechanism.c   what PLAIN and LOGIN make of a client's bytes
 *
 * Nothing here closes a connection in the middle of a thing: who finds a reason says so (is_over,
 * is_ending), and the end of the turn sees to it.
 */
#ifndef SASLAUTHD_BACKEND_DOVECOT_CONN_H
#define SASLAUTHD_BACKEND_DOVECOT_CONN_H

#include "saslauthd_backend/conn.h"
#include "saslauthd_backend/dovecot_requests.h"
#include "saslauthd_backend/outbox.h"
#include "saslauthd_backend/proto_dovecot_line.h"
#include "saslauthd_backend/proto_dovecot_reply.h"

enum dovecot_stage { DOVECOT_NO_VERSION, DOVECOT_NO_CPID, DOVECOT_READY };

struct dovecot_conn {
    struct conn conn;                   /* first */
    enum dovecot_stage stage;
    uint32_t minor;                     /* of the client's version */
    bool is_over;                       /* what is said so far is all: send it and close */
    bool is_ending;                     /* reads no more; closes when all that is asked is answered */
    bool is_shared;                     /* had two asked at once: not Postfix, whatever it looks like */
    int64_t heard_ms;                   /* the last line */
    int64_t partial_ms, stalled_ms;     /* since when half a line, or unsent bytes, wait */
    struct outbox out;
    struct dovecot_requests open;
};

/* --- dovecot_dialogue.c ------------------------------------------------------------ */

void dovecot_auth(struct dovecot_conn *conn, const struct dovecot_line *line);
void dovecot_cont(struct dovecot_conn *conn, const struct dovecot_line *line);
void dovecot_cancel(struct dovecot_conn *conn, const struct dovecot_line *line);

/* A line whose request cannot be one: whatever is open with that id ends with it. */
void dovecot_refuse(struct dovecot_conn *conn, uint32_t id, const char *what);

/* Everything that is open is let go; what auth still has is told to the log when it comes. */
void dovecot_drop_all(struct dovecot_conn *conn);
void dovecot_drop_talking(struct dovecot_conn *conn);

/* Answers that are held back are told now. */
void dovecot_tell_delayed(struct dovecot_conn *conn);

/* --- saying: into the outbox ------------------------------------------------------- */

void dovecot_say_hello(struct dovecot_conn *conn);
void dovecot_say_fail(struct dovecot_conn *conn, uint32_t id, enum dovecot_failure why, span asked);
void dovecot_say_cont(struct dovecot_conn *conn, uint32_t id, span challenge);

/* --- dovecot_mechanism.c ----------------------------------------------------------- */

/* Who a mechanism finds is asking. Borrows the client's bytes. */
struct dovecot_claim { span login, authzid, password; };

enum dovecot_step {
    DOVECOT_ASK,                /* *claim is filled */
    DOVECOT_PROMPT,             /* *prompt is to be sent */
    DOVECOT_NO_CLAIM            /* bytes that are none of this mechanism's */
};

struct dovecot_mechanism {
    struct dovecot_offer offer;
    unsigned bit;               /* of listen_config.mechanisms */
    bool is_plaintext;
    span prompt;                /* for a client that sent no initial response */
    enum dovecot_step (*step)(struct dovecot_request *request, span message,
                              struct dovecot_claim *claim, span *prompt);
};

/* In any case of letters. NULL: not offered by this listener. */
const struct dovecot_mechanism *dovecot_mechanism_find(const struct listener *listener, span name);

/* Fills `offers` (of DOVECOT_MECHANISMS_MAX) with what the listener offers. */
#define DOVECOT_MECHANISMS_MAX 16
size_t dovecot_mechanism_offers(const struct listener *listener,
                                struct dovecot_offer offers[DOVECOT_MECHANISMS_MAX]);

/* A PLAIN message (RFC 4616): authzid NUL authcid NUL password, and no NUL more. */
bool dovecot_split_plain(span message, struct dovecot_claim *out);

#endif
