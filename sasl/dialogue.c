/* sasl/dialogue.c - see dialogue.h: the frame that every mechanism's dialogue has */
#include "sasl/dialogue.h"

#include "auth/trial.h"
#include "common/macros.h"
#include "sasl/inside.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct mechanism_row *const rows[] = {
    [MECHANISM_CRAM_MD5]      = &mechanism_cram_md5,
    [MECHANISM_SCRAM_SHA_1]   = &mechanism_scram,
    [MECHANISM_SCRAM_SHA_256] = &mechanism_scram,
};
_Static_assert(COUNT(rows) == MECHANISMS, "a mechanism lacks its dialogue");

/* --- what all of them share --------------------------------------------------------- */

#define NONCE_BYTES 18          /* 144 bits, 24 characters */

static void
random_nonce(void *context, char out[static SASL_NONCE_ROOM])
{
    unsigned char bytes[NONCE_BYTES];

    (void)context;
    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2base64(out, SASL_NONCE_ROOM, bytes, sizeof(bytes),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

void
sasl_world_system(struct sasl_world *out)
{
    static char host[256];      /* written once, before there are threads that read */

    if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0')
        memcpy(host, "localhost", sizeof("localhost"));
    *out = (struct sasl_world){ .clock = &clock_system, .nonce = random_nonce, .host = host };
}

struct sasl *
sasl_new(struct auth *auth, const struct sasl_world *world)
{
    struct sasl *sasl = calloc(1, sizeof(*sasl));

    if (sasl)
        *sasl = (struct sasl){ .auth = auth, .world = *world };
    return sasl;
}

void
sasl_free(struct sasl *sasl)
{
    free(sasl);
}

bool
sasl_offers(const struct sasl *sasl, enum mechanism mechanism)
{
    return auth_mechanisms(sasl->auth) & MECHANISM_BIT(mechanism);
}

/* --- one of them ---------------------------------------------------------------------- */

/* On a thread of auth: the caller's own ticket says that it is time for dialogue_resume(). */
static void
credentials_came(struct auth_ticket *ticket)
{
    struct dialogue *dialogue = (struct dialogue *)ticket;
    struct auth_ticket *callers = dialogue->ticket;

    callers->verdict = ticket->verdict;
    callers->not_before_ms = ticket->not_before_ms;
    callers->done(callers);
}

/* Cut so that it is too long for a name, and so nobody's, where it is. */
static void
copy_name(span from, char *out, size_t size)
{
    const span cut = span_until(from, size - 1);

    if (!span_to_string(cut, out, size))
        memcpy(out, "\1", 2);   /* a NUL in it: no name either */
}

struct dialogue *
dialogue_new(struct sasl *sasl, enum mechanism mechanism, const struct dialogue_who *who,
             struct auth_ticket *ticket)
{
    struct dialogue *dialogue = calloc(1, sizeof(*dialogue));

    if (!dialogue)
        return NULL;
    dialogue->credentials.ticket.done = credentials_came;
    dialogue->credentials.wanted = MECHANISM_BIT(mechanism);
    dialogue->ticket = ticket;
    dialogue->sasl = sasl;
    dialogue->row = rows[mechanism];
    dialogue->mechanism = mechanism;
    dialogue->listener = who->listener;
    copy_name(who->service, dialogue->service, sizeof(dialogue->service));
    copy_name(who->remote, dialogue->remote, sizeof(dialogue->remote));
    return dialogue;
}

void
dialogue_free(struct dialogue *dialogue)
{
    if (!dialogue)
        return;
    auth_credentials_wipe(&dialogue->credentials);
    sodium_memzero(dialogue->client, sizeof(dialogue->client));
    free(dialogue);
}

void
dialogue_move(struct dialogue *dialogue, struct sasl *sasl, const struct auth_listener *listener)
{
    dialogue->sasl = sasl;
    dialogue->listener = listener;
}

span
dialogue_login(const struct dialogue *dialogue)
{
    return span_of(dialogue->login);
}

enum dialogue_progress
dialogue_step(struct dialogue *dialogue, const span *response, struct dialogue_turn *turn)
{
    *turn = (struct dialogue_turn){ .not_before_ms = 0 };
    if (response && response->len > DIALOGUE_CLIENT_MAX)
        return dialogue_refuse(dialogue, REASON_MALFORMED, turn);
    return dialogue->row->step(dialogue, response, turn);
}

enum dialogue_progress
dialogue_resume(struct dialogue *dialogue, struct dialogue_turn *turn)
{
    const struct auth_ticket *ticket = &dialogue->credentials.ticket;

    *turn = (struct dialogue_turn){ .not_before_ms = ticket->not_before_ms,
                                    .verdict = ticket->verdict };
    if (ticket->verdict.outcome != VERDICT_ACCEPTED)
        return DIALOGUE_DONE;
    return dialogue->row->resume(dialogue, turn);
}

/* --- for the mechanisms ----------------------------------------------------------------- */

enum dialogue_progress
dialogue_say(struct dialogue *dialogue, struct dialogue_turn *turn)
{
    turn->server = span_of(dialogue->server);
    return DIALOGUE_CONTINUE;
}

enum dialogue_progress
dialogue_refuse(struct dialogue *dialogue, enum verdict_reason reason, struct dialogue_turn *turn)
{
    auth_credentials_refuse(dialogue->sasl->auth, &dialogue->credentials, reason, &turn->verdict);
    return DIALOGUE_DONE;
}

/* Whose number is in *proved_out. All are looked at, whichever is right. */
static enum password_verdict
prove(const struct dialogue *dialogue, proof_check *check, void *context, size_t *proved_out)
{
    enum password_verdict best = PASSWORD_WRONG;
    const struct credential *credential;

    *proved_out = AUTH_UNPROVED;
    for (size_t n = 0; (credential = auth_credentials_get(&dialogue->credentials,
                                                          dialogue->mechanism, n)); n++) {
        enum password_verdict verdict = check(context, credential);

        if (verdict == PASSWORD_RIGHT && *proved_out == AUTH_UNPROVED)
            *proved_out = n;
        if (best == PASSWORD_WRONG || verdict == PASSWORD_RIGHT)
            best = verdict;
    }
    return best;
}

enum dialogue_progress
dialogue_settle(struct dialogue *dialogue, proof_check *check, void *context, const char *final,
                struct dialogue_turn *turn)
{
    int64_t not_before_ms;
    size_t proved;

    if (prove(dialogue, check, context, &proved) == PASSWORD_FAILED)
        return dialogue_refuse(dialogue, trial_reason(PASSWORD_FAILED), turn);
    auth_credentials_settle(dialogue->sasl->auth, &dialogue->credentials, proved, &turn->verdict,
                            &not_before_ms);
    if (not_before_ms > turn->not_before_ms)
        turn->not_before_ms = not_before_ms;
    if (turn->verdict.outcome == VERDICT_ACCEPTED)
        turn->server = span_of(final);
    return DIALOGUE_DONE;
}

enum dialogue_progress
dialogue_send_for(struct dialogue *dialogue, span login, span authzid, struct dialogue_turn *turn)
{
    const struct auth_request request = {
        .login = login, .authzid = authzid, .service = span_of(dialogue->service),
        .remote = span_of(dialogue->remote), .listener = dialogue->listener,
    };

    copy_name(login, dialogue->login, sizeof(dialogue->login));
    if (auth_credentials_ask(dialogue->sasl->auth, &request, &dialogue->credentials,
                             &turn->verdict) == AUTH_LATER)
        return DIALOGUE_LATER;
    return DIALOGUE_DONE;
}
