/* saslauthd_backend/dovecot_conn.c - the socket of a Dovecot auth client: see dovecot_conn.h
 *
 * All of the hello goes out at accept: Postfix speaks without waiting for it, Exim waits for it
 * before it speaks. A client owes its VERSION and CPID, the rest of a line, and to read what it is
 * told: each within read_deadline. Between requests it owes nothing: an smtpd keeps its connection
 * for as long as it lives.
 */
#include "saslauthd_backend/dovecot_conn.h"

#include "common/log.h"

#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* A client that has said nothing for so long, and has nothing open, may be let go for a new one. */
#define IDLE_MS 1000

/* --- ending, and what is owed ------------------------------------------------------ */

static const char *
title(const struct dovecot_conn *conn)
{
    return conn->conn.listener ? conn->conn.listener->config->title : "-";
}

static void
protocol_error(struct dovecot_conn *conn, const char *what)
{
    log_line(LOG_LEVEL_WARNING, "listen \"%s\": client of the Dovecot protocol let go: %s",
             title(conn), what);
    conn->is_over = true;
}

static bool
is_timer_set(const struct conn *conn)
{
    return conn->alarm.timer.place != TIMER_UNSET;
}

/* Since when the client owes us something; INT64_MAX: it does not. */
static int64_t
owes_since_ms(const struct dovecot_conn *conn)
{
    int64_t since_ms = INT64_MAX;

    if (conn->stage != DOVECOT_READY)
        since_ms = conn->conn.accepted_ms;
    if (conn->conn.used > 0 && conn->partial_ms < since_ms)
        since_ms = conn->partial_ms;
    if ((conn->conn.watched & EPOLLOUT) && conn->stalled_ms < since_ms)
        since_ms = conn->stalled_ms;
    return since_ms;
}

/* One that is set already looks again when it rings: nothing is set or cancelled for each line. */
static bool
set_deadline(struct dovecot_conn *conn)
{
    int64_t since_ms = owes_since_ms(conn);

    return since_ms == INT64_MAX || is_timer_set(&conn->conn)
        || conn_set_alarm(&conn->conn, since_ms + conn->conn.loop->site->read_deadline_ms);
}

static uint32_t
events_wanted(const struct dovecot_conn *conn)
{
    if (!outbox_is_empty(&conn->out))
        return EPOLLOUT;        /* who does not read is not read */
    return conn->is_ending ? 0 : EPOLLIN;
}

static bool
is_done(const struct dovecot_conn *conn)
{
    return conn->is_over
        || (conn->is_ending && conn->open.asking == 0 && outbox_is_empty(&conn->out));
}

/* Sends what there is and sees what is next: more, the client's turn, or the end. */
static void
settle(struct dovecot_conn *conn)
{
    bool was_empty = outbox_is_empty(&conn->out);
    bool is_there = outbox_flush(&conn->out, conn->conn.fd);

    receipts_drop(&conn->receipts, outbox_sent(&conn->out));
    if (!was_empty && !outbox_is_empty(&conn->out) && !(conn->conn.watched & EPOLLOUT))
        conn->stalled_ms = conn->conn.loop->now_ms;
    if (!is_there || is_done(conn) || !conn_watch(&conn->conn, events_wanted(conn))
        || !set_deadline(conn))
        conn_close(&conn->conn);
}

/* --- lines ------------------------------------------------------------------------ */

static void
take_version(struct dovecot_conn *conn, const struct dovecot_line *line)
{
    if (conn->stage != DOVECOT_NO_VERSION)
        protocol_error(conn, "VERSION twice");
    else if (line->major != DOVECOT_MAJOR)
        protocol_error(conn, "another major version");
    conn->minor = line->minor;
    conn->stage = DOVECOT_NO_CPID;
}

static void
take_cpid(struct dovecot_conn *conn, const struct dovecot_line *line)
{
    if (conn->stage != DOVECOT_NO_CPID)
        protocol_error(conn, "CPID where none is due");
    else if (line->id == 0)
        protocol_error(conn, "CPID 0");
    conn->stage = DOVECOT_READY;
}

static const struct {
    void (*take)(struct dovecot_conn *conn, const struct dovecot_line *line);
    bool needs_hello;
} commands[] = {
    [DOVECOT_VERSION] = { take_version, false },
    [DOVECOT_CPID]    = { take_cpid, false },
    [DOVECOT_AUTH]    = { dovecot_auth, true },
    [DOVECOT_CONT]    = { dovecot_cont, true },
    [DOVECOT_CANCEL]  = { dovecot_cancel, true },
};

static void
take_line(struct dovecot_conn *conn, span text)
{
    struct dovecot_line line;
    struct error err;
    enum dovecot_parsed parsed = dovecot_parse(text, &line, &err);

    if (parsed == DOVECOT_BROKEN)
        protocol_error(conn, err.reason);
    else if (commands[line.command].needs_hello && conn->stage != DOVECOT_READY)
        protocol_error(conn, "a request before VERSION and CPID");
    else if (parsed == DOVECOT_BAD_REQUEST)
        dovecot_refuse(conn, line.id, err.reason);
    else
        commands[line.command].take(conn, &line);
}

static void
keep_rest(struct dovecot_conn *conn, span rest)
{
    if (rest.len > DOVECOT_LINE_MAX) {
        protocol_error(conn, "a line over 16384 bytes");
        return;
    }
    if (rest.len > 0)
        conn->partial_ms = conn->conn.loop->now_ms;
    if (!conn_keep(&conn->conn, rest))
        conn->is_over = true;
}

/* All bytes that came since the last whole line. A piece of a line that only grew longer does not
 * start its time anew. */
static void
take_lines(struct dovecot_conn *conn, span wire)
{
    bool is_first = true;
    int64_t partial_ms = conn->partial_ms;

    conn->heard_ms = conn->conn.loop->now_ms;
    while (!conn->is_over) {
        size_t end = span_find(wire, '\n');

        if (end == wire.len)
            break;
        take_line(conn, span_until(wire, end));
        wire = span_from(wire, end + 1);
        is_first = false;
    }
    is_first = is_first && conn->conn.used > 0;
    keep_rest(conn, wire);
    if (is_first)
        conn->partial_ms = partial_ms;
}

static void
read_some(struct dovecot_conn *conn)
{
    span wire;

    switch (conn_receive(&conn->conn, &wire)) {
    case CONN_CAME:
        take_lines(conn, wire);
        break;
    case CONN_NOTHING_YET:
        break;
    case CONN_ENDED:            /* perhaps only its half: what it asked is still answered */
        dovecot_drop_talking(conn);
        conn_keep(&conn->conn, span_make(NULL, 0));
        conn->is_ending = true;
        break;
    case CONN_BROKEN:
        conn->is_over = true;
        break;
    }
    conn_forget_read(&conn->conn, wire);
}

/* --- the kind --------------------------------------------------------------------- */

/* `came` is empty: nobody has read from it before us. */
static void
begin(struct conn *base, span came)
{
    struct dovecot_conn *conn = (struct dovecot_conn *)base;

    (void)came;
    dovecot_say_hello(conn);
    settle(conn);
}

static void
ready(struct conn *base)
{
    struct dovecot_conn *conn = (struct dovecot_conn *)base;

    if (outbox_is_empty(&conn->out) && !conn->is_ending)
        read_some(conn);
    settle(conn);
}

static void
flush(struct conn *base)
{
    settle((struct dovecot_conn *)base);
}

static void
alarm_rings(struct conn *base)
{
    struct dovecot_conn *conn = (struct dovecot_conn *)base;
    struct loop *loop = base->loop;

    if (owes_since_ms(conn) <= loop->now_ms - loop->site->read_deadline_ms) {
        atomic_fetch_add_explicit(&loop->counts->timed_out, 1, memory_order_relaxed);
        log_line(LOG_LEVEL_DEBUG, "listen \"%s\": client of the Dovecot protocol too slow: let go",
                 title(conn));
        conn->is_over = true;
    }
    settle(conn);
}

static bool
is_idle(const struct conn *base)
{
    const struct dovecot_conn *conn = (const struct dovecot_conn *)base;

    return conn->stage != DOVECOT_READY
        || (conn->open.asking == 0 && conn->heard_ms + IDLE_MS < base->loop->now_ms);
}

/* Nobody waits for an answer: a client that finds it closed connects again. */
static void
give_up(struct conn *base, enum verdict_reason reason)
{
    (void)reason;
    conn_close(base);
}

static void
stop(struct conn *base)
{
    struct dovecot_conn *conn = (struct dovecot_conn *)base;

    dovecot_drop_talking(conn);
    conn->is_ending = true;
    if (base->loop->is_stopping)
        dovecot_tell_delayed(conn);
    conn_keep(base, span_make(NULL, 0));
    settle(conn);
}

static void
moved(struct conn *base)
{
    dovecot_challenges_move((struct dovecot_conn *)base);
    if (!base->listener)
        stop(base);
}

static void
wipe(struct conn *base)
{
    struct dovecot_conn *conn = (struct dovecot_conn *)base;

    dovecot_drop_all(conn);
    dovecot_report_unsent(conn);
    receipts_wipe(&conn->receipts);
    outbox_wipe(&conn->out);
}

const struct conn_kind conn_dovecot = {
    .size = sizeof(struct dovecot_conn), .is_long = true, .begin = begin, .ready = ready,
    .alarm = alarm_rings, .is_idle = is_idle, .give_up = give_up, .stop = stop, .moved = moved,
    .flush = flush, .wipe = wipe,
};

const struct proto proto_dovecot = { .protocol = LISTEN_DOVECOT, .kind = &conn_dovecot };
