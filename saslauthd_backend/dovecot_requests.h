/* saslauthd_backend/dovecot_requests.h - the open requests of one connection, by their id
 *
 *   AUTH ─▶ TALKING ─▶ ASKING ─▶ DELAYED ─▶ answered
 *              │          └─ CANCEL, or nobody there any more: DROPPED until its ticket is back
 *              └─ CANCEL, too old, or too many: forgotten
 *
 * A request that is answered at once never gets into the table: it is a spare that is filled, used and
 * put back. At most DOVECOT_TALKING_MAX wait for their client: a client that begins and never goes on,
 * as Postfix does when its remote says "*", costs that much and no more.
 */
#ifndef SASLAUTHD_BACKEND_DOVECOT_REQUESTS_H
#define SASLAUTHD_BACKEND_DOVECOT_REQUESTS_H

#include "auth/service.h"
#include "saslauthd_backend/conn.h"

struct dialogue;
struct dovecot_conn;
struct dovecot_mechanism;

/* The oldest is forgotten for one more. */
#define DOVECOT_TALKING_MAX 256

/* One more is refused as overloaded. */
#define DOVECOT_ASKING_MAX 4096

/* As Dovecot: its own clients give up after 155 s. */
#define DOVECOT_TALKING_MS 150000

enum dovecot_state {
    DOVECOT_SPARE, DOVECOT_TALKING, DOVECOT_ASKING, DOVECOT_DELAYED, DOVECOT_DROPPED
};

struct dovecot_request {
    struct question question;           /* first */
    struct alarm alarm;
    struct dovecot_conn *conn;
    const struct dovecot_mechanism *mechanism;
    struct dovecot_request *next;       /* of its bucket, or of the spares */
    struct dovecot_request *older, *newer;      /* of those that talk */
    enum dovecot_state state;
    uint32_t id;
    int64_t begun_ms;                   /* when the client last sent a part of it */
    bool is_bare;                       /* nologin and no session: Postfix, Exim and their like */
    bool is_told;                       /* answered, though its ticket may still be out */
    bool has_login;                     /* LOGIN: its first half is there */
    bool takes_final;
    struct dialogue *dialogue;          /* of a challenge-response mechanism; else NULL */
    bool is_last;                       /* its turn that waits to be told is its last, */
    span said;                          /* and this the server's part in it, borrowed from it */
    bool is_settled;                    /* accepted, and `said` is told: the client is to agree */
    char service[SERVICE_NAME_MAX + 1];
    char remote[64];
    char login[ACCOUNT_LOGIN_MAX + 2];  /* as it came; cut ones are longer than any name */
};

#define DOVECOT_BUCKETS 64      /* ids count up, so they spread */

struct dovecot_requests {
    struct dovecot_request *buckets[DOVECOT_BUCKETS];
    struct dovecot_request *oldest, *newest;    /* that talk */
    struct dovecot_request *spare;
    size_t talking, asking, spares;             /* asking: DELAYED too */
};

/* A blank one: only question and alarm are to be set, once. NULL: no memory. *is_fresh: it was never
 * used. */
struct dovecot_request *dovecot_requests_take(struct dovecot_requests *all, bool *is_fresh);

/* Back among the spares, or freed; wherever it was. Not while its ticket is out. */
void dovecot_requests_put_back(struct dovecot_requests *all, struct dovecot_request *request);

/* Into the table as TALKING or ASKING, or from one to the other. */
void dovecot_requests_enter(struct dovecot_requests *all, struct dovecot_request *request,
                            enum dovecot_state state);

/* Out of the table; its state becomes `state` (SPARE or DROPPED). */
void dovecot_requests_leave(struct dovecot_requests *all, struct dovecot_request *request,
                            enum dovecot_state state);

struct dovecot_request *dovecot_requests_find(const struct dovecot_requests *all, uint32_t id);

/* Calls `each` with every one that is in the table; it enters and leaves none. */
void dovecot_requests_visit(const struct dovecot_requests *all, void *context,
                            void (*each)(void *context, struct dovecot_request *request));

/* Any one that is in the table; NULL: it is empty. */
struct dovecot_request *dovecot_requests_any(const struct dovecot_requests *all);

void dovecot_requests_free_spares(struct dovecot_requests *all);

#endif
