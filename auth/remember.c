/* auth/remember.c - what the cache is told of a flight's verdict */
#include "auth/engine.h"

static enum cache_reach
reach_of(const struct flight *flight)
{
    const struct auth_source *sources = flight->auth->sources;
    const struct account_secret *secret = flight->secrets;
    bool by_network = flight->account.allow_nets[0] != '\0';

    for (; secret && !by_network; secret = secret->next)
        by_network = secret->allow_nets[0] != '\0';
    /* Any source that was asked on the way may have answered by the address. */
    for (size_t i = 0; i <= flight->source && i < flight->auth->sources_count; i++)
        by_network = by_network || account_source_uses_remote(sources[i].source);
    return by_network ? CACHE_THIS_NETWORK : CACHE_ANYWHERE;
}

void
remember_rejected(struct flight *flight, enum verdict_reason reason)
{
    if (flight->action == AUTH_PASSWORD && verdict_outcome_of(reason) == VERDICT_REJECTED)
        cache_reject(flight->auth->cache, &flight->key, (unsigned)reason, reach_of(flight),
                     clock_now_ms(flight->auth->clock));
}

/* The cache keeps no name, so it cannot hold an answer whose name is not the one that was asked
 * for; and whoever has to change a password is told so each time. */
static bool
is_cacheable(const struct flight *flight)
{
    return !flight->account.must_change
        && span_equal(identity_name(&flight->who), span_of(flight->account.login));
}

/* From when on the account is expired, by the monotonic clock, and rather a second before: the other one
 * has but seconds. No later than what is added may be. */
static int64_t
expires_at_ms(const struct clock *clock, const struct account *account)
{
    int64_t left_s = account->expires_at - clock_unix_s(clock);
    int64_t now_ms = clock_now_ms(clock);

    return left_s < UINT32_MAX ? now_ms + (left_s - 1) * 1000 : INT64_MAX;
}

void
remember_accepted(struct flight *flight)
{
    struct auth *auth = flight->auth;

    if (!is_cacheable(flight))
        return;
    if (flight->account.expires_at == 0)
        cache_accept(auth->cache, &flight->key, &flight->fingerprint, reach_of(flight),
                     flight->seen_at_ms);
    else
        cache_accept_until(auth->cache, &flight->key, &flight->fingerprint, reach_of(flight),
                           flight->seen_at_ms, expires_at_ms(auth->clock, &flight->account));
}
