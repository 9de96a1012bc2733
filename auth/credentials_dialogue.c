/* auth/credentials_dialogue.c - see credentials.h: for challenge-response dialogues
 *
 *   row ─▶ the stored password that makes the challenge ─▶ the others that it serves ─▶ ticket
 *   proof ─▶ of which of them? ─▶ policy's word to that one ─▶ verdict, last login, throttle
 */
#include "auth/credentials_parts.h"

#include "auth/trial.h"
#include "common/log.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- all that a challenge serves -------------------------------------------------------- */

static struct auth_chance
chance_of(const struct flight *flight, const struct account_secret *secret)
{
    struct auth_chance chance = {
        .if_right = credentials_policy(flight, secret),
        .must_change = !secret && flight->account.must_change, .is_further = secret != NULL,
    };

    _Static_assert(sizeof(chance.secret) == sizeof(secret->name), "a name fits");
    if (secret)
        memcpy(chance.secret, secret->name, sizeof(chance.secret));
    return chance;
}

/* A SCRAM client proves against the salt and rounds that it was told; CRAM-MD5 has none. */
static bool
is_same_challenge(const struct credential *a, const struct credential *b)
{
    return a->rounds == b->rounds && a->salt_len == b->salt_len
        && memcmp(a->salt, b->salt, a->salt_len) == 0;
}

/* Whether the salt of plaintexts was told: else to hash one would be for nothing. */
static bool
is_of_plaintext(const struct flight *flight, enum mechanism mechanism,
                const struct credential *told)
{
    unsigned char salt[CREDENTIALS_SALT];
    const struct credential_terms terms = credentials_terms(flight, mechanism, salt);

    return told->rounds == terms.rounds
        && span_equal(span_make(told->salt, told->salt_len), terms.salt);
}

static size_t
count_secrets(const struct account_secret *secret)
{
    size_t count = 0;

    for (; secret; secret = secret->next)
        count++;
    return count;
}

static void
log_secret_fault(const struct flight *flight, const struct account_secret *secret,
                 const struct error *err)
{
    char login[LOG_TOKEN_MAX], name[LOG_TOKEN_MAX];

    log_line(LOG_LEVEL_ERROR, "accounts \"%s\": %s: secret=%s: %s", flight->account.source,
             log_token(span_of(flight->account.login), login),
             log_token(span_of(secret->name), name), err->reason);
}

/* One that nobody can tell about is no reason to refuse who proves another, but one to tell nobody
 * that his password is wrong. */
static void
add_further(struct flight *flight, const struct account_secret *secret, enum mechanism mechanism)
{
    struct auth_credentials *out = credentials_asked_by(flight);
    const struct credential *told = &out->credentials[mechanism];
    const struct stored_password stored = trial_stored(&flight->account, secret,
                                                       identity_name(&flight->who));
    struct auth_further *further = &out->further[out->further_count];
    enum password_verdict made;
    struct error err;

    if (credential_is_slow(&stored, mechanism) && !is_of_plaintext(flight, mechanism, told))
        return;
    made = credentials_make(flight, secret, mechanism, &further->credential, &err);
    if (made == PASSWORD_RIGHT && is_same_challenge(told, &further->credential)) {
        further->chance = chance_of(flight, secret);
        out->further_count++;
        return;
    }
    credential_wipe(&further->credential);
    if (made == PASSWORD_BAD || made == PASSWORD_FAILED) {
        log_secret_fault(flight, secret, &err);
        out->if_wrong = trial_reason(made);
    }
}

/* Behind the one that makes the challenge and before it: the row's own is never behind one. */
static enum verdict_reason
add_all_further(struct flight *flight, const struct account_secret *first, enum mechanism mechanism)
{
    struct auth_credentials *out = credentials_asked_by(flight);
    struct auth *auth = flight->auth;
    const struct account_secret *secret = NULL;
    bool more = true;

    if (!flight->secrets)
        return REASON_OK;
    out->further = calloc(count_secrets(flight->secrets) + 1, sizeof(*out->further));
    if (!out->further)
        return REASON_INTERNAL;
    while (more) {
        if (clock_now_ms(auth->clock) >= atomic_load(&flight->deadline_ms))
            return REASON_DEADLINE;
        if (secret != first && credentials_serves(flight, secret, MECHANISM_BIT(mechanism)))
            add_further(flight, secret, mechanism);
        secret = secret ? secret->next : flight->secrets;
        more = secret != NULL;
    }
    return REASON_OK;
}

/* On the lookup's thread, or on a hash thread. */
static void
make(struct flight *flight, const struct choice *choice)
{
    struct auth_credentials *out = credentials_asked_by(flight);
    const enum mechanism mechanism = credentials_first_wanted(out);
    struct error err;
    const enum password_verdict verdict =
        credentials_make(flight, choice->secret, mechanism, &out->credentials[mechanism], &err);
    enum verdict_reason reason;

    if (verdict == PASSWORD_WRONG) {
        credentials_land_without(flight, REASON_MECHANISM_UNSERVED);
        return;
    }
    if (verdict != PASSWORD_RIGHT) {
        credentials_land_fault(flight, trial_reason(verdict), &err);
        return;
    }
    out->chance = chance_of(flight, choice->secret);
    out->if_wrong = REASON_WRONG_PASSWORD;
    reason = add_all_further(flight, choice->secret, mechanism);
    if (reason == REASON_OK)
        credentials_land_real(flight, REASON_OK);
    else
        land_flight(flight, reason, VIA_LOOKUP, 0);
}

void
credentials_make_for_dialogue(struct flight *flight)
{
    const struct choice choice = credentials_choose(flight, credentials_mechanisms(flight));

    make(flight, &choice);
}

void
credentials_serve_dialogue(struct flight *flight)
{
    struct stored_password stored;
    struct choice choice;

    if (!credentials_find(flight, credentials_mechanisms(flight), &choice, &stored))
        return;
    if (credential_is_slow(&stored, credentials_first_wanted(credentials_asked_by(flight))))
        judge_send_to_hash(flight);
    else
        make(flight, &choice);
}

/* --- how it ends ------------------------------------------------------------------------ */

const struct credential *
auth_credentials_get(const struct auth_credentials *credentials, enum mechanism mechanism,
                     size_t n)
{
    if (n == 0)
        return &credentials->credentials[mechanism];
    return n <= credentials->further_count ? &credentials->further[n - 1].credential : NULL;
}

static const struct auth_chance *
chance_get(const struct auth_credentials *credentials, size_t n)
{
    return n == 0 ? &credentials->chance : &credentials->further[n - 1].chance;
}

static void
refuse(struct auth *auth, const struct auth_credentials *credentials, enum verdict_reason reason,
       bool must_change, struct verdict *verdict)
{
    *verdict = credentials->ticket.verdict;
    verdict_set(verdict, reason, VIA_LOOKUP);
    verdict->must_change = verdict->outcome == VERDICT_ACCEPTED && must_change;
    counts_verdict(&auth->counts, verdict);
}

void
auth_credentials_refuse(struct auth *auth, const struct auth_credentials *credentials,
                        enum verdict_reason reason, struct verdict *verdict)
{
    refuse(auth, credentials, reason, false, verdict);
}

static void
note_right(struct auth *auth, const struct auth_credentials *credentials, size_t proved)
{
    const struct auth_chance *chance = chance_get(credentials, proved);

    if (chance->is_further)
        trial_log_used(credentials->source, credentials->ticket.verdict.account, chance->secret);
    last_login_note_proved(auth, credentials);
}

void
auth_credentials_settle(struct auth *auth, const struct auth_credentials *credentials,
                        size_t proved, struct verdict *verdict, int64_t *not_before_ms_out)
{
    const bool is_proved = proved != AUTH_UNPROVED;
    enum verdict_reason reason = is_proved ? chance_get(credentials, proved)->if_right
                                           : credentials->if_wrong;
    const int64_t now_us = clock_now_us(auth->clock);
    struct throttle_guest guest;
    uint64_t proof;

    randombytes_buf(&proof, sizeof(proof));
    throttle_guest_set(auth->throttle, credentials->account, proof,
                       span_of(credentials->network), &guest);
    guest.proof = 0;            /* nothing that could be right again */
    /* Others of the account were found wrong while this one was under way. */
    if (!throttle_allows(auth->throttle, &guest, now_us / 1000))
        reason = REASON_THROTTLED;
    if (reason == REASON_OK)
        throttle_note_right(auth->throttle, &guest, now_us / 1000);
    *not_before_ms_out = land_tell_at_ms(auth, &guest, reason, now_us);
    if (reason == REASON_OK)
        note_right(auth, credentials, proved);
    refuse(auth, credentials, reason, is_proved && chance_get(credentials, proved)->must_change,
           verdict);
}
