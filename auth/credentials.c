/* auth/credentials.c - see credentials.h: the last steps of a flight that asks for credentials
 *
 *   row ─┬─ serves, nothing to hash ──────────────────────────▶ credential
 *        ├─ serves: SCRAM from plaintext ─▶ hash thread ──────▶ credential
 *        └─ serves nothing, or no row at all ─────────────────▶ one that no proof fits, in its time
 */
#include "auth/credentials.h"

#include "auth/credentials_parts.h"
#include "auth/policy.h"
#include "auth/trial.h"
#include "common/log.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A flight of this action has one ticket, the first member of who asked. */
struct auth_credentials *
credentials_asked_by(const struct flight *flight)
{
    return (struct auth_credentials *)flight->tickets;
}

/* The one that a dialogue wants; the first of a peer's. */
enum mechanism
credentials_first_wanted(const struct auth_credentials *credentials)
{
    unsigned mechanism = 0;

    while (!(credentials->wanted & MECHANISM_BIT(mechanism)))
        mechanism++;
    return (enum mechanism)mechanism;
}

/* --- schemes ------------------------------------------------------------------------ */

/* "NAME" or "{NAME}". */
static span
name_of_scheme(const char *scheme)
{
    const span name = span_of(scheme);

    return span_starts(name, "{") ? span_until(span_from(name, 1), span_find(name, '}') - 1) : name;
}

static unsigned
mechanisms_of_scheme(const char *scheme)
{
    return credential_mechanisms_of(name_of_scheme(scheme));
}

/* How many rounds a verifier is made with; 0 for what is none. */
static uint64_t
rounds_of_scheme(const char *scheme)
{
    struct password_scheme_info info;

    if (!(mechanisms_of_scheme(scheme) & MECHANISMS_SCRAM))
        return 0;
    for (size_t i = 0; password_scheme_get(i, &info); i++)
        if (span_is_nocase(name_of_scheme(scheme), info.name))
            return info.default_cost;
    return 0;
}

/* --- salts of names ----------------------------------------------------------------- */

void
credentials_set(struct auth *auth)
{
    for (unsigned i = 0; i < MECHANISMS; i++)
        pace_set(&auth->challenge_pace[i]);
    if (auth->config.challenge_key)
        memcpy(auth->challenge_key, auth->config.challenge_key, AUTH_CHALLENGE_KEY);
    else
        randombytes_buf(auth->challenge_key, AUTH_CHALLENGE_KEY);
    auth->config.challenge_key = NULL;          /* it was lent for the start */
    for (size_t i = 0; auth->config.scram_rounds == 0 && i < auth->sources_count; i++)
        auth->config.scram_rounds = rounds_of_scheme(account_source_make(auth->sources[i].source));
    if (auth->config.scram_rounds < CREDENTIAL_ROUNDS_MIN)
        auth->config.scram_rounds = CREDENTIAL_ROUNDS_MIN;
}

void
credentials_close(struct auth *auth)
{
    sodium_memzero(auth->challenge_key, AUTH_CHALLENGE_KEY);
}

/* The same for plaintext and for nobody, so that neither can be told from the other. */
struct credential_terms
credentials_terms(const struct flight *flight, enum mechanism mechanism, unsigned char salt[CREDENTIALS_SALT])
{
    const unsigned char which = (unsigned char)mechanism;
    crypto_generichash_state state;

    crypto_generichash_init(&state, flight->auth->challenge_key, AUTH_CHALLENGE_KEY, CREDENTIALS_SALT);
    crypto_generichash_update(&state, &which, 1);
    crypto_generichash_update(&state, (const unsigned char *)flight->who.name, flight->who.len);
    crypto_generichash_final(&state, salt, CREDENTIALS_SALT);
    return (struct credential_terms){ span_make(salt, CREDENTIALS_SALT),
                                      flight->auth->config.scram_rounds };
}

/* --- the end ------------------------------------------------------------------------ */

void
credentials_fake(struct flight *flight, enum mechanism mechanism)
{
    unsigned char salt[CREDENTIALS_SALT];
    const struct credential_terms terms = credentials_terms(flight, mechanism, salt);

    credential_fake(mechanism, &terms, &credentials_asked_by(flight)->credentials[mechanism]);
}

/* What is said to whoever has no credential, in the time that a real one takes. */
void
credentials_land_without(struct flight *flight, enum verdict_reason reason)
{
    struct auth_credentials *out = credentials_asked_by(flight);
    struct auth *auth = flight->auth;

    if (out->plaintext) {
        land_flight(flight, reason, VIA_LOOKUP, 0);
        return;
    }
    for (unsigned i = 0; i < MECHANISMS; i++)
        if (out->wanted & MECHANISM_BIT(i))
            credentials_fake(flight, (enum mechanism)i);
    out->served = out->wanted;
    out->chance.if_right = out->if_wrong = reason;
    land_flight(flight, out->for_peer ? reason : REASON_OK, VIA_LOOKUP,
                land_tick_ms(clock_now_us(auth->clock)
                             + pace_draw_us(&auth->challenge_pace[credentials_first_wanted(out)])));
}

/* By a timer, as those that have none. */
void
credentials_land_real(struct flight *flight, enum verdict_reason reason)
{
    struct auth_credentials *out = credentials_asked_by(flight);
    struct auth *auth = flight->auth;
    const int64_t now_us = clock_now_us(auth->clock);

    pace_note(&auth->challenge_pace[credentials_first_wanted(out)], now_us - flight->row_at_us);
    out->served = out->wanted;
    land_flight(flight, reason, VIA_LOOKUP, land_tick_ms(now_us));
}

void
credentials_land_fault(struct flight *flight, enum verdict_reason reason,
                       const struct error *err)
{
    char login[LOG_TOKEN_MAX];

    log_line(LOG_LEVEL_ERROR, "accounts \"%s\": %s: %s", flight->account.source,
             log_token(span_of(flight->account.login), login), err->reason);
    land_flight(flight, reason, VIA_LOOKUP, 0);
}

/* --- which of the stored passwords --------------------------------------------------- */

bool
credentials_serves(const struct flight *flight, const struct account_secret *secret, unsigned mechanisms)
{
    const struct stored_password stored = trial_stored(&flight->account, secret,
                                                       identity_name(&flight->who));

    return credential_mechanisms(&stored) & mechanisms;
}

enum verdict_reason
credentials_policy(const struct flight *flight, const struct account_secret *secret)
{
    return policy_judge(&flight->account, secret, span_of(flight->network),
                        clock_unix_s(flight->auth->clock));
}

/* The first that serves and may; else the first that serves. */
struct choice
credentials_choose(const struct flight *flight, unsigned mechanisms)
{
    struct choice choice = { .found = false };
    const struct account_secret *secret = NULL;
    bool more = true;

    while (more && !(choice.found && choice.policy == REASON_OK)) {
        if (credentials_serves(flight, secret, mechanisms)
            && (!choice.found || credentials_policy(flight, secret) == REASON_OK))
            choice = (struct choice){ true, secret, credentials_policy(flight, secret) };
        secret = secret ? secret->next : flight->secrets;
        more = secret != NULL;
    }
    return choice;
}

/* Nothing that is stored serves: is that a fault of the row, a locked account, or how it is? */
void
credentials_land_unserved(struct flight *flight)
{
    const struct stored_password stored = trial_stored(&flight->account, NULL,
                                                       identity_name(&flight->who));
    struct password_facts facts;
    struct error err;
    enum password_verdict value = password_inspect(&flight->auth->config.password, &stored,
                                                   &facts, &err);

    if (value == PASSWORD_BAD)
        credentials_land_fault(flight, REASON_BAD_STORED_PASSWORD, &err);
    else if (value == PASSWORD_LOCKED && !flight->secrets)
        credentials_land_without(flight, REASON_NO_PASSWORD);
    else
        credentials_land_without(flight, REASON_MECHANISM_UNSERVED);
}

bool
credentials_find(struct flight *flight, unsigned mechanisms, struct choice *choice_out,
                 struct stored_password *stored_out)
{
    *choice_out = credentials_choose(flight, mechanisms);
    *stored_out = trial_stored(&flight->account, choice_out->secret, identity_name(&flight->who));
    if (!choice_out->found)
        credentials_land_unserved(flight);
    return choice_out->found;
}

/* --- the credential ------------------------------------------------------------------ */

/* Once: who has verifiers of other rounds can be told from who has none. */
static void
tell_rounds(struct flight *flight, const struct credential *credential)
{
    struct auth *auth = flight->auth;

    if (credential->rounds != 0 && credential->rounds != auth->config.scram_rounds
        && !atomic_exchange(&auth->has_told_rounds, true))
        log_line(LOG_LEVEL_WARNING, "accounts \"%s\": a SCRAM verifier has %llu rounds, and names "
                 "that nobody has are told scram_rounds = %llu: who asks can tell them apart",
                 flight->account.source, (unsigned long long)credential->rounds,
                 (unsigned long long)auth->config.scram_rounds);
}

/* RIGHT: it is in *out. BAD also for a scheme that is refused. */
enum password_verdict
credentials_make(struct flight *flight, const struct account_secret *secret,
                 enum mechanism mechanism, struct credential *out, struct error *err)
{
    const struct auth_config *config = &flight->auth->config;
    const struct stored_password stored = trial_stored(&flight->account, secret,
                                                       identity_name(&flight->who));
    unsigned char salt[CREDENTIALS_SALT];
    const struct credential_terms terms = credentials_terms(flight, mechanism, salt);
    const char *scheme = password_scheme_name(&stored, err);
    enum password_verdict verdict;

    if (scheme && trial_refuses(config, scheme)) {
        error_set(err, ERROR_CONFIG, "stored password: %s: refuse_schemes refuses it", scheme);
        return PASSWORD_BAD;
    }
    verdict = credential_make(&config->password, &stored, mechanism, &terms, out, err);
    if (verdict == PASSWORD_RIGHT)
        tell_rounds(flight, out);
    return verdict;
}

unsigned
credentials_mechanisms(const struct flight *flight)
{
    return credentials_asked_by(flight)->wanted
        & auth_mechanisms_of(flight->auth->sources[flight->source].source);
}

/* --- the way in and on ----------------------------------------------------------------- */

static void
note_who(const struct flight *flight)
{
    struct auth_credentials *out = credentials_asked_by(flight);

    out->key = flight->key;
    memcpy(out->service, flight->service, sizeof(out->service));
    out->account = throttle_account(flight->auth->throttle, identity_name(&flight->who));
    memcpy(out->network, flight->network, sizeof(out->network));
    if (flight->account.found)
        snprintf(out->source, sizeof(out->source), "%s", flight->account.source);
}

void
credentials_of_nobody(struct flight *flight, enum verdict_reason reason)
{
    note_who(flight);
    credentials_land_without(flight, reason);
}

void
credentials_of_row(struct flight *flight)
{
    note_who(flight);
    if (credentials_asked_by(flight)->for_peer)
        credentials_serve_peer(flight);
    else
        credentials_serve_dialogue(flight);
}

void
credentials_run_hash(struct flight *flight)
{
    if (credentials_asked_by(flight)->for_peer)
        credentials_give(flight);
    else
        credentials_make_for_dialogue(flight);
}

/* --- the door -------------------------------------------------------------------------- */

enum auth_answer
auth_credentials_ask(struct auth *auth, const struct auth_request *request,
                     struct auth_credentials *credentials, struct verdict *verdict)
{
    struct auth_request asked = *request;

    asked.action = AUTH_CREDENTIALS;
    asked.password = span_make(NULL, 0);
    credentials->served = 0;
    credentials->chance = (struct auth_chance){ .must_change = false };
    credentials->ticket.verdict = (struct verdict){ 0 };
    return auth_ask(auth, &asked, &credentials->ticket, verdict);
}

/* A peer that checks proofs by itself is not told how they end, so it is not counted against either. */
bool
credentials_try_proof(const struct auth_request *request, const struct auth_ticket *ticket)
{
    return request->action == AUTH_CREDENTIALS
        && !((const struct auth_credentials *)ticket)->for_peer;
}

unsigned
auth_mechanisms_of(const struct account_source *source)
{
    const unsigned said = account_source_mechanisms(source);

    if (said & ACCOUNT_MECHANISMS_SAID)
        return said & MECHANISMS_ALL;
    return mechanisms_of_scheme(account_source_make(source))
        | mechanisms_of_scheme(account_source_default_scheme(source));
}

unsigned
auth_mechanisms(const struct auth *auth)
{
    unsigned mechanisms = 0;

    for (size_t i = 0; i < auth->sources_count; i++)
        mechanisms |= auth_mechanisms_of(auth->sources[i].source);
    return mechanisms;
}

void
auth_credentials_wipe(struct auth_credentials *credentials)
{
    if (credentials->plaintext)
        secret_wipe(credentials->plaintext);
    sodium_memzero(credentials->credentials, sizeof(credentials->credentials));
    if (credentials->further)
        sodium_memzero(credentials->further,
                       credentials->further_count * sizeof(*credentials->further));
    free(credentials->further);
    credentials->further = NULL;
    credentials->further_count = 0;
}
