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

struct proto {
    enum listen_protocol protocol;
    const struct conn_kind *kind;
    /* The rest is for conn_exchange alone. */
    size_t request_max;         /* bytes; more is never read */
    enum proto_progress (*parse)(span wire, struct auth_request *out, struct error *err);
    /* How many bytes of `out` are the reply. */
    size_t (*answer)(const struct verdict *verdict, unsigned char out[PROTO_REPLY_MAX]);
    span malformed;             /* the reply to bytes that are no request */
};

extern const struct proto proto_saslauthd;
extern const struct proto proto_dovecot;
extern const struct proto proto_pam;

/* NULL for a protocol that the loops do not serve. */
const struct proto *proto_find(enum listen_protocol protocol);

#endif
