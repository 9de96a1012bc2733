/* saslauthd_backend/dovecot_say.c - what a Dovecot auth client is told: see dovecot_conn.h */
#include "saslauthd_backend/dovecot_conn.h"

#include <sodium.h>
#include <unistd.h>

/* NULL, and the connection is over: its client does not read, or there is no memory. */
static unsigned char *
reply_room(struct dovecot_conn *conn)
{
    unsigned char *room = conn->is_over ? NULL : outbox_room(&conn->out, DOVECOT_REPLY_MAX);

    if (!room)
        conn->is_over = true;
    return room;
}

bool
dovecot_say_fail(struct dovecot_conn *conn, uint32_t id, enum dovecot_failure why, span asked)
{
    unsigned char *room = reply_room(conn);

    if (room)
        outbox_add(&conn->out, dovecot_put_fail(id, why, asked, room));
    return room != NULL;
}

bool
dovecot_say_cont(struct dovecot_conn *conn, uint32_t id, span challenge)
{
    unsigned char *room = reply_room(conn);

    if (room)
        outbox_add(&conn->out, dovecot_put_cont(id, challenge, room));
    return room != NULL;
}

bool
dovecot_say_ok(struct dovecot_conn *conn, uint32_t id, span user, span asked, span final)
{
    unsigned char *room = reply_room(conn);

    if (room)
        outbox_add(&conn->out, dovecot_put_ok(id, user, asked, final, room));
    return room != NULL;
}

void
dovecot_say_hello(struct dovecot_conn *conn)
{
    static _Atomic uint32_t connections;
    struct dovecot_offer offers[DOVECOT_MECHANISMS_MAX];
    struct dovecot_hello hello = {
        .offers = offers, .offers_count = dovecot_mechanism_offers(&conn->conn, offers),
        .pid = (uint32_t)getpid(), .connection = atomic_fetch_add(&connections, 1) + 1,
    };
    unsigned char *room = reply_room(conn);

    randombytes_buf(hello.cookie, sizeof(hello.cookie));
    if (room)
        outbox_add(&conn->out, dovecot_put_hello(&hello, room));
}
