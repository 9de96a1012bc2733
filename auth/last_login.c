/* auth/last_login.c - see last_login.h, and engine.h for what is told of whom */
#include "auth/engine.h"

#include "auth/credentials.h"

#include <stdlib.h>
#include <string.h>

/* 512 KiB. */
#define PLACES 65536

/* --- which are due --------------------------------------------------------------------- */

bool
last_logins_set(struct last_logins *logins, int64_t every_ms)
{
    *logins = (struct last_logins){ .every_s = (every_ms + 999) / 1000 };
    if (every_ms > 0)
        logins->noted = calloc(PLACES, sizeof(*logins->noted));
    return every_ms == 0 || logins->noted;
}

void
last_logins_close(struct last_logins *logins)
{
    free((void *)logins->noted);
}

bool
last_logins_due(struct last_logins *logins, const struct cache_key *key, int64_t now_ms)
{
    const uint32_t tag = (uint32_t)(key->here >> 32) | 1;       /* never 0: that is a free place */
    const uint32_t now_s = (uint32_t)(now_ms / 1000);
    _Atomic uint64_t *place;
    uint64_t before;

    if (!logins->noted)
        return false;
    place = &logins->noted[key->here % PLACES];
    before = atomic_load_explicit(place, memory_order_relaxed);
    if (before >> 32 == tag && (int64_t)(now_s - (uint32_t)before) < logins->every_s)
        return false;
    return atomic_compare_exchange_strong(place, &before, (uint64_t)tag << 32 | now_s);
}

/* --- who is told ------------------------------------------------------------------------- */

static void
note(struct auth_source *source, span login, const char *service, const char *network)
{
    const struct account_who who = {
        .login = login, .service = span_of(service), .remote = span_of(network),
        .at_s = clock_unix_s(source->auth->clock),
    };

    if (account_source_last_login_ms(source->source) > 0)
        writer_note(source->writer, &who);
}

void
last_login_note(const struct flight *flight)
{
    struct auth *auth = flight->auth;

    if (flight->action == AUTH_PASSWORD
        && !last_logins_due(&auth->last_logins, &flight->key, clock_now_ms(auth->clock)))
        return;
    note(&auth->sources[flight->source], span_of(flight->account.login), flight->service,
         flight->network);
}

/* The source that has the account, when it can be but one; NULL: it has to be looked up. */
static struct auth_source *
only_source(struct auth *auth, const struct auth_asked *asked)
{
    size_t first = auth_next_source(auth, &asked->who, asked->only, 0);

    if (first == auth->sources_count
        || auth_next_source(auth, &asked->who, asked->only, first + 1) < auth->sources_count)
        return NULL;
    return &auth->sources[first];
}

/* Whoever it is, nobody waits for it. */
static void
look_up(struct auth *auth, const struct auth_asked *asked)
{
    struct flight *flight;

    if (atomic_load(&auth->flights.open) >= auth->config.queue_max || !(flight = flight_new(&auth->flights)))
        return;
    flight->auth = auth;
    flight->key = asked->key;
    flight->action = AUTH_SESSION;
    flight->who = asked->who;
    flight->only = asked->only;
    memcpy(flight->service, asked->service, sizeof(flight->service));
    memcpy(flight->network, asked->network, sizeof(flight->network));
    atomic_init(&flight->deadline_ms, clock_now_ms(auth->clock) + auth->config.deadline_ms);
    flight_open_alone(&auth->flights, flight, NULL);
    judge_start(flight);
}

void
last_login_note_asked(struct auth *auth, const struct auth_asked *asked, bool known)
{
    struct auth_source *source;

    if (!auth->last_logins.noted        /* before the clock is asked */
        || !last_logins_due(&auth->last_logins, &asked->key, clock_now_ms(auth->clock)))
        return;
    source = known ? only_source(auth, asked) : NULL;
    if (source)
        note(source, identity_name(&asked->who), asked->service, asked->network);
    else
        look_up(auth, asked);
}

/* By its title: the source may be another configuration's by now. */
void
last_login_note_proved(struct auth *auth, const struct auth_credentials *credentials)
{
    const size_t most = sizeof(credentials->source) - 1;

    if (!auth->last_logins.noted
        || !last_logins_due(&auth->last_logins, &credentials->key, clock_now_ms(auth->clock)))
        return;
    for (size_t i = 0; i < auth->sources_count; i++)
        if (strncmp(account_source_title(auth->sources[i].source), credentials->source, most) == 0) {
            note(&auth->sources[i], span_of(credentials->ticket.verdict.account),
                 credentials->service, credentials->network);
            return;
        }
}
