/* auth/credentials_peer.c - see credentials.h: for peers that verify by themselves */
#include "auth/credentials_parts.h"

/* Of the stored passwords that policy allows, the first that is plaintext. */
static void
give_plaintext(struct flight *flight, unsigned mechanisms)
{
    struct stored_password stored;
    struct choice choice;

    if (!credentials_find(flight, mechanisms, &choice, &stored))
        return;
    if (choice.policy != REASON_OK)
        land_flight(flight, choice.policy, VIA_LOOKUP, 0);
    else if (trial_refuses(&flight->auth->config, password_scheme_name(&stored, &(struct error){ 0 }))
             || !credential_plaintext(&stored, credentials_asked_by(flight)->plaintext))
        land_flight(flight, REASON_MECHANISM_UNSERVED, VIA_LOOKUP, 0);
    else
        land_flight(flight, REASON_OK, VIA_LOOKUP, 0);
}

/* One of those that the peer wants. WRONG: it is made up. *reason_io: what the best of them says. */
static enum password_verdict
make_for_peer(struct flight *flight, enum mechanism mechanism, const struct choice *choice,
              enum verdict_reason *reason_io, struct error *err)
{
    struct auth_credentials *out = credentials_asked_by(flight);
    const enum password_verdict verdict = choice->found
        ? credentials_make(flight, choice->secret, mechanism, &out->credentials[mechanism], err)
        : PASSWORD_WRONG;

    if (verdict == PASSWORD_WRONG)
        credentials_fake(flight, mechanism);
    if (verdict != PASSWORD_RIGHT)
        return verdict;
    if (choice->policy != REASON_OK)
        credential_spoil(&out->credentials[mechanism]);
    if (*reason_io != REASON_OK)
        *reason_io = choice->policy;
    return verdict;
}

/* On the lookup's thread, or on a hash thread. */
void
credentials_give(struct flight *flight)
{
    struct auth_credentials *out = credentials_asked_by(flight);
    enum verdict_reason reason = REASON_MECHANISM_UNSERVED;
    struct error err;

    for (unsigned i = 0; i < MECHANISMS; i++) {
        const struct choice choice = credentials_choose(flight, credentials_mechanisms(flight) & MECHANISM_BIT(i));
        enum password_verdict verdict;

        if (!(out->wanted & MECHANISM_BIT(i)))
            continue;
        verdict = make_for_peer(flight, (enum mechanism)i, &choice, &reason, &err);
        if (verdict == PASSWORD_BAD || verdict == PASSWORD_FAILED) {
            credentials_land_fault(flight, trial_reason(verdict), &err);
            return;
        }
    }
    if (reason == REASON_MECHANISM_UNSERVED) {
        credentials_land_unserved(flight);
        return;
    }
    credentials_land_real(flight, reason);
}

static bool
is_slow(const struct flight *flight)
{
    const struct choice choice = credentials_choose(flight, credentials_mechanisms(flight)
                                                            & MECHANISMS_SCRAM);
    struct stored_password stored;

    if (!choice.found)
        return false;
    stored = trial_stored(&flight->account, choice.secret, identity_name(&flight->who));
    return credential_is_slow(&stored, MECHANISM_SCRAM_SHA_256);
}

void
credentials_serve_peer(struct flight *flight)
{
    if (credentials_asked_by(flight)->plaintext)
        give_plaintext(flight, auth_mechanisms_of(flight->auth->sources[flight->source].source));
    else if (is_slow(flight))
        judge_send_to_hash(flight);
    else
        credentials_give(flight);
}

