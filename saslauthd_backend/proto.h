/* saslauthd_backend/proto.h - what a wire protocol gives the loops: one row each
 *
 * A protocol says how its connections live. Where that is one request and one reply (conn_exchange),
 * it is handed all bytes that came so far, and says whether they are a request; it never blocks
 * and keeps nothing.
 */
#ifndef SASLAUTHD_BACKEND_PROTO_H
#define SASLAUTHD_BACKEND_PROTO_H

#include "auth/auth.h"
#include "config/config.h"

enum proto_progress {
    PROTO_MORE,                 /* a request's beginning: read on */
    PROTO_REQUEST,              /* a whole one; *out is filled, borrowing the bytes */
    PROTO_MALFORMED             /* nothing that can become one; *err says why */
};

#define PROTO_REPLY_MAX 512

struct conn_kind;               /* saslauthd_backend/conn.h */
extern const struct conn_kind conn_exchange, conn_dovecot;
/* What a request of some protocols holds besides its ticket, until it is answered. */
struct proto_held { void (*free)(struct proto_held *held); };

struct proto {
    enum listen_protocol protocol;
    const struct conn_kind *kind;
    /* The rest is for conn_exchange alone. */
    size_t request_max;         /* bytes; more is never read */
    enum proto_progress (*parse)(span wire, struct auth_request *out, struct error *err);
    /* How many bytes of `out` are the reply. */
    size_t (*answer)(const struct verdict *verdict, unsigned char out[PROTO_REPLY_MAX]);
    span malformed;             /* the reply to bytes that are no request */
    /* Where a verdict is not all that is asked for, both; else NULL: auth_ask() and `answer`.
     * *held_out is the connection's from then on. */
    enum auth_answer (*ask)(struct auth *auth, const struct auth_request *request,
                            struct auth_ticket *ticket, struct verdict *verdict,
                            struct proto_held **held_out);
    /* The reply, borrowed from `held`. `held` is NULL when nothing was asked. */
    span (*answer_held)(struct proto_held *held, const struct verdict *verdict);
};

extern const struct proto proto_saslauthd;
extern const struct proto proto_dovecot;
extern const struct proto proto_pam;
extern const struct proto proto_auxprop;

/* NULL for a protocol that the loops do not serve. */
const struct proto *proto_find(enum listen_protocol protocol);

#endif
