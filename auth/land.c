/* auth/land.c - the end of a flight: who waits is answered, in its own time
 *
 * Every flight ends here once. Rejections leave by a timer, whatever they cost, and later the more
 * wrong passwords there were.
 */
#include "auth/engine.h"

#include <string.h>

void
land_answer(struct flight *flight, enum verdict_reason reason, enum verdict_via via,
            int64_t not_before_ms)
{
    struct auth *auth = flight->auth;
    struct auth_ticket *tickets = flight_land(&auth->flights, flight);
    struct verdict verdict = { .must_change = reason == REASON_OK && flight->account.must_change };

    if (reason == REASON_OK && flight->account.found)
        memcpy(verdict.account, flight->account.login, sizeof(verdict.account));
    else
        memcpy(verdict.account, flight->who.name, flight->who.len + 1);
    verdict_set(&verdict, reason, via);
    while (tickets) {
        struct auth_ticket *ticket = tickets;

        tickets = ticket->next;
        ticket->verdict = verdict;
        ticket->not_before_ms = not_before_ms;
        if (flight->action != AUTH_CREDENTIALS || reason != REASON_OK)     /* that is no sign-in yet */
            counts_verdict(&auth->counts, &verdict);
        ticket->done(ticket);
    }
    if (reason == REASON_OK && (via == VIA_LOOKUP || via == VIA_REVALIDATED)
        && (flight->action == AUTH_PASSWORD || flight->action == AUTH_SESSION))
        last_login_note(flight);
}

void
land_end(struct flight *flight)
{
    struct auth *auth = flight->auth;

    flight_free(&auth->flights, flight);
    atomic_fetch_sub(&auth->flights.open, 1);
}

void
land_flight(struct flight *flight, enum verdict_reason reason, enum verdict_via via,
            int64_t not_before_ms)
{
    land_answer(flight, reason, via, not_before_ms);
    land_end(flight);
}

/* How long a rejection is held back: the longer, the more wrong passwords there were. Those that policy
 * refuses wait like wrong ones, but count for nothing. */
static int64_t
hold_back_ms(struct auth *auth, const struct throttle_guest *guest, enum verdict_reason reason,
             int64_t now_ms)
{
    if (verdict_outcome_of(reason) != VERDICT_REJECTED)
        return 0;
    if (verdict_is_guess(reason))
        throttle_note_wrong(auth->throttle, guest, now_ms);
    return throttle_delay_ms(auth->throttle, guest, now_ms);
}

static int64_t
held_back_ms(struct flight *flight, enum verdict_reason reason, int64_t now_ms)
{
    bool was_right = flight->action == AUTH_CHANGE && !verdict_is_guess(reason);

    return flight_tries_password(flight) && !was_right
        ? hold_back_ms(flight->auth, &flight->guest, reason, now_ms) : 0;
}

/* Timers ring at whole milliseconds. So that nobody tells those that wait by one from those that took
 * their time, all rejections leave by one. */
int64_t
land_tick_ms(int64_t us)
{
    return us / 1000 + 1;
}

int64_t
land_tell_at_ms(struct auth *auth, const struct throttle_guest *guest, enum verdict_reason reason,
                int64_t now_us)
{
    int64_t wait_ms = hold_back_ms(auth, guest, reason, now_us / 1000);

    if (reason == REASON_THROTTLED)
        return now_us / 1000 + throttle_delay_ms(auth->throttle, guest, now_us / 1000);
    return verdict_outcome_of(reason) == VERDICT_REJECTED ? land_tick_ms(now_us) + wait_ms : 0;
}

void
land_paced(struct flight *flight, enum verdict_reason reason)
{
    struct auth *auth = flight->auth;
    int64_t now_us = clock_now_us(auth->clock);
    int64_t wait_ms = held_back_ms(flight, reason, now_us / 1000);

    land_flight(flight, reason, VIA_LOOKUP,
                land_tick_ms(now_us + pace_draw_us(&auth->pace)) + wait_ms);
}

void
land_answer_tried(struct flight *flight, enum verdict_reason reason)
{
    struct auth *auth = flight->auth;
    int64_t now_us = clock_now_us(auth->clock);
    int64_t wait_ms = held_back_ms(flight, reason, now_us / 1000);
    bool rejected = verdict_outcome_of(reason) == VERDICT_REJECTED;

    if (reason == REASON_OK)
        throttle_note_right(auth->throttle, &flight->guest, now_us / 1000);
    land_answer(flight, reason, VIA_LOOKUP, rejected ? land_tick_ms(now_us) + wait_ms : 0);
}

void
land_tried(struct flight *flight, enum verdict_reason reason)
{
    land_answer_tried(flight, reason);
    land_end(flight);
}

void
land_unavailable(struct flight *flight, enum verdict_reason reason)
{
    /* It was asked in time; but how long the source took to say nothing counts, too. */
    bool in_grace = flight->is_stale && clock_now_ms(flight->auth->clock) < flight->hit.grace_ends_ms;

    land_flight(flight, in_grace ? REASON_OK : reason, in_grace ? VIA_GRACE : VIA_LOOKUP, 0);
}
