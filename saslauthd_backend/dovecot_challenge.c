/* saslauthd_backend/dovecot_challenge.c - a dialogue of sasl/ on the Dovecot wire: see dovecot_conn.h
 *
 *   AUTH, CONT ─▶ dialogue_step ─┬─ later: ASKING ─▶ dialogue_resume ─┐
 *                                └────────────────────────────────────┴─▶ told, when it is time
 *
 * What is told is a challenge (CONT), after which the client goes on, or the end. What a mechanism
 * says last to whom it accepts goes in OK to clients that take it there (final-resp-ok), and to
 * others as a challenge more, which they are to answer with nothing.
 */
#include "saslauthd_backend/dovecot_conn.h"

#include <string.h>

static bool
begin(struct dovecot_request *request, const struct dovecot_asker *asker)
{
    const struct conn *conn = &request->conn->conn;
    const struct dialogue_who who = {
        .listener = &conn->listener->config->auth, .service = asker->service,
        .remote = asker->remote,
    };

    request->dialogue = dialogue_new(conn->loop->site->sasl, request->mechanism->challenge, &who,
                                     &request->question.ticket);
    return request->dialogue != NULL;
}

/* The turn lives in the request and the dialogue until it is told. */
static void
keep_turn(struct dovecot_request *request, enum dialogue_progress progress,
          const struct dialogue_turn *turn)
{
    request->is_last = progress == DIALOGUE_DONE;
    request->question.ticket.verdict = turn->verdict;
    request->said = turn->server;
}

void
dovecot_challenge_tell(struct dovecot_request *request, const struct dovecot_asker *asker)
{
    const struct verdict *verdict = &request->question.ticket.verdict;
    const span said = request->said;
    bool has_more = request->is_last && verdict->outcome == VERDICT_ACCEPTED && said.len > 0
                 && !request->takes_final;

    if (request->is_last && !has_more) {
        dovecot_end(request, asker, verdict);
    } else if (request->conn->is_ending) {      /* what it would say to it is not read any more */
        dovecot_end_for(request, asker, REASON_STOPPING);
    } else {
        request->is_settled = has_more;
        request->said = span_make(NULL, 0);
        dovecot_wait_for_client(request, asker, said);
    }
}

int64_t
dovecot_challenge_resume(struct dovecot_request *request)
{
    struct dialogue_turn turn;
    enum dialogue_progress progress = dialogue_resume(request->dialogue, &turn);

    keep_turn(request, progress, &turn);
    return turn.not_before_ms;
}

/* It has seen that the server knows its password too. */
static void
agree(struct dovecot_request *request, const struct dovecot_asker *asker, const span *message)
{
    if (message && message->len == 0)
        dovecot_end(request, asker, &request->question.ticket.verdict);
    else
        dovecot_end_for(request, asker, REASON_MALFORMED);
}

static void
step(struct dovecot_request *request, struct dovecot_asker *asker, const span *message)
{
    struct dialogue_turn turn;
    enum dialogue_progress progress = dialogue_step(request->dialogue, message, &turn);

    asker->login = dialogue_login(request->dialogue);
    if (progress == DIALOGUE_LATER) {
        dovecot_wait_for_ticket(request, asker);
        return;
    }
    keep_turn(request, progress, &turn);
    if (turn.not_before_ms > request->conn->conn.loop->now_ms)
        dovecot_hold_back(request, asker, turn.not_before_ms);
    else
        dovecot_challenge_tell(request, asker);
}

void
dovecot_challenge(struct dovecot_request *request, struct dovecot_asker *asker,
                  const span *message)
{
    if (!request->dialogue && !begin(request, asker))
        dovecot_end_for(request, asker, REASON_INTERNAL);
    else if (request->is_settled)
        agree(request, asker, message);
    else if (request->conn->open.asking >= DOVECOT_ASKING_MAX)
        dovecot_end_for(request, asker, REASON_OVERLOADED);
    else
        step(request, asker, message);
}

static void
move_one(void *context, struct dovecot_request *request)
{
    const struct conn *conn = context;

    if (request->dialogue)
        dialogue_move(request->dialogue, conn->loop->site->sasl,
                      conn->listener ? &conn->listener->config->auth : NULL);
}

void
dovecot_challenges_move(struct dovecot_conn *conn)
{
    dovecot_requests_visit(&conn->open, &conn->conn, move_one);
}
