/* auth/policy.c - see policy.h */
#include "auth/policy.h"

#include "auth/network.h"
#include "common/macros.h"

struct circumstances { const struct account_secret *secret; span network; int64_t unix_s; };

static bool
is_disabled(const struct account *account, const struct circumstances *now)
{
    (void)now;
    return !account->enabled;
}

static bool
is_expired(const struct account *account, const struct circumstances *now)
{
    return account->expires_at != 0 && now->unix_s >= account->expires_at;
}

static bool
is_password_expired(const struct account *account, const struct circumstances *now)
{
    (void)now;
    return account->password_expired;
}

static bool
is_service_denied(const struct account *account, const struct circumstances *now)
{
    if (now->secret && now->secret->judges_service)
        return !now->secret->service_ok;
    return !account->service_ok;
}

static bool
is_outside(const char *list, span network)
{
    return list[0] != '\0' && network_list_match(span_of(list), network) != NETWORK_INSIDE;
}

static bool
is_network_denied(const struct account *account, const struct circumstances *now)
{
    return is_outside(account->allow_nets, now->network)
        || (now->secret && is_outside(now->secret->allow_nets, now->network));
}

/* In the order in which an operator wants to hear of them. */
static const struct {
    bool (*refuses)(const struct account *account, const struct circumstances *now);
    enum verdict_reason reason;
} rules[] = {
    { is_disabled,          REASON_DISABLED },
    { is_expired,           REASON_EXPIRED },
    { is_password_expired,  REASON_PASSWORD_EXPIRED },
    { is_service_denied,    REASON_SERVICE_DENIED },
    { is_network_denied,    REASON_NETWORK_DENIED },
};

enum verdict_reason
policy_judge(const struct account *account, const struct account_secret *secret, span network,
             int64_t unix_s)
{
    const struct circumstances now = { secret, network, unix_s };

    for (size_t i = 0; i < COUNT(rules); i++)
        if (rules[i].refuses(account, &now))
            return rules[i].reason;
    return REASON_OK;
}

enum verdict_reason
policy_judge_any(const struct account *account, const struct account_secret *secrets,
                 span network, int64_t unix_s)
{
    enum verdict_reason own = policy_judge(account, NULL, network, unix_s);

    for (; own != REASON_OK && secrets; secrets = secrets->next)
        if (policy_judge(account, secrets, network, unix_s) == REASON_OK)
            return REASON_OK;
    return own;
}
