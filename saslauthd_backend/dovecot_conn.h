/* saslauthd_backend/dovecot_conn.h - a connection of the Dovecot auth protocol, from inside
 *
 *   dovecot_conn.c        the socket: hello, lines, flushing, ending
 *   dovecot_dialogue.c    AUTH, CONT, CANCEL; what a request waits for
 *   dovecot_answer.c      how a request ends: told, held back, let go
 *   dovecot_challenge.c   the same where the mechanism has a dialogue of its own (sasl/dialogue.h)
 *   dovecot_mechanism.c   which there are; what PLAIN and LOGIN make of a client's bytes
 *   dovecot_say.c         what is said, into the outbox
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
#include "saslauthd_backend/receipts.h"

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
    struct receipts receipts;           /* of the replies in `out` that end a request */
    struct dovecot_requests open;
};

/* --- dovecot_dialogue.c ------------------------------------------------------------ */

void dovecot_auth(struct dovecot_conn *conn, const struct dovecot_line *line);
void dovecot_cont(struct dovecot_conn *conn, const struct dovecot_line *line);
void dovecot_cancel(struct dovecot_conn *conn, const struct dovecot_line *line);

/* A line whose request cannot be one: whatever is open with that id ends with it. */
void dovecot_refuse(struct dovecot_conn *conn, uint32_t id, const char *what);

/* What the answer and the log are made of. */
struct dovecot_asker { span login, service, remote; };

/* Says `prompt`, and has the request wait for what the client says to it. */
void dovecot_wait_for_client(struct dovecot_request *request, const struct dovecot_asker *asker,
                             span prompt);

/* The request's ticket is auth's. */
void dovecot_wait_for_ticket(struct dovecot_request *request, const struct dovecot_asker *asker);

/* What is to be told, is to be told at `at_ms`, or at the deadline when that is earlier. */
void dovecot_hold_back(struct dovecot_request *request, const struct dovecot_asker *asker,
                       int64_t at_ms);

/* --- dovecot_answer.c -------------------------------------------------------------- */

/* As it was kept when the request began to wait. Borrows. */
struct dovecot_asker dovecot_asker_of(const struct dovecot_request *request);

/* Ends a request: told, and let go. */
void dovecot_end(struct dovecot_request *request, const struct dovecot_asker *asker,
                 const struct verdict *verdict);
void dovecot_end_for(struct dovecot_request *request, const struct dovecot_asker *asker,
                     enum verdict_reason reason);
void dovecot_end_not_base64(struct dovecot_request *request, const struct dovecot_asker *asker);

/* Lets a request go without a word, and tells the log if it had a verdict; of one whose ticket is out,
 * when that comes back. */
void dovecot_drop(struct dovecot_request *request);
void dovecot_drop_all(struct dovecot_conn *conn);
void dovecot_drop_talking(struct dovecot_conn *conn);

/* What is in the outbox reaches nobody: the log is told. */
void dovecot_report_unsent(struct dovecot_conn *conn);

/* Answers that are held back are told now. */
void dovecot_tell_delayed(struct dovecot_conn *conn);

/* A request's ticket is back, or its time is over. */
void dovecot_ticket_back(struct question *question);
void dovecot_request_alarm(struct loop *loop, struct alarm *alarm);

/* --- dovecot_challenge.c ----------------------------------------------------------- */

/* `message` NULL: the client has said nothing yet. */
void dovecot_challenge(struct dovecot_request *request, struct dovecot_asker *asker,
                       const span *message);

/* Its ticket is back. When what follows from that is to be told by dovecot_challenge_tell(); 0: now. */
int64_t dovecot_challenge_resume(struct dovecot_request *request);
void dovecot_challenge_tell(struct dovecot_request *request, const struct dovecot_asker *asker);

/* Dialogues go on at the loop's new site. */
void dovecot_challenges_move(struct dovecot_conn *conn);

/* --- dovecot_say.c ----------------------------------------------------------------- */

void dovecot_say_hello(struct dovecot_conn *conn);

/* False: it has nowhere to go, and the connection is over. */
bool dovecot_say_ok(struct dovecot_conn *conn, uint32_t id, span user, span asked, span final);
bool dovecot_say_fail(struct dovecot_conn *conn, uint32_t id, enum dovecot_failure why, span asked);
bool dovecot_say_cont(struct dovecot_conn *conn, uint32_t id, span challenge);

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
    enum mechanism challenge;   /* where `step` is NULL: whose dialogue it is */
    span prompt;                /* for a client that sent no initial response */
    enum dovecot_step (*step)(struct dovecot_request *request, span message,
                              struct dovecot_claim *claim, span *prompt);
};

/* In any case of letters. NULL: not offered here: the listener does not, or no source serves it. */
const struct dovecot_mechanism *dovecot_mechanism_find(const struct conn *conn, span name);

/* Fills `offers` (of DOVECOT_MECHANISMS_MAX) with what is offered here. */
#define DOVECOT_MECHANISMS_MAX 16
size_t dovecot_mechanism_offers(const struct conn *conn,
                                struct dovecot_offer offers[DOVECOT_MECHANISMS_MAX]);

/* A PLAIN message (RFC 4616): authzid NUL authcid NUL password, and no NUL more. */
bool dovecot_split_plain(span message, struct dovecot_claim *out);

#endif
