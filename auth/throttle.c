/* auth/throttle.c - see throttle.h
 *
 * Each count is a leaky bucket (auth/ledger.h): a distinct wrong password adds one, and as many leak
 * out in an hour as its limit says. A tenth of the limit is free; from there on delays double, one
 * step for each tenth of that tenth; a full bucket refuses.
 */
#include "auth/throttle.h"

#include "auth/ledger.h"
#include "auth/network.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_DELAY_MS 250

/* A /48 is a site of many /64s. */
#define SITE_FACTOR 4

struct throttle {
    struct throttle_config config;
    _Atomic(struct ledger *) ledger;
    struct ledger *outgrown;            /* what was there before a successor's; else NULL */
};

void
throttle_config_default(struct throttle_config *config)
{
    *config = (struct throttle_config){
        /* A tenth is free: 30 mistakes an hour, which no owner makes. */
        .per_account = 300, .per_network = 3000, .delay_ms = 4000, .entries = 65536,
    };
}

void
throttle_config_off(struct throttle_config *config)
{
    throttle_config_default(config);
    config->per_account = config->per_network = 0;
}

/* --- making ------------------------------------------------------------------------------- */

enum error_code
throttle_new(const struct throttle_config *config, struct throttle **out, struct error *err)
{
    struct throttle *throttle = calloc(1, sizeof(*throttle));
    struct ledger *ledger = ledger_new(config->entries, NULL);

    *out = NULL;
    if (!throttle || !ledger) {
        ledger_release(ledger);
        free(throttle);
        return error_set(err, ERROR_UNAVAILABLE, "throttle: no memory");
    }
    throttle->config = *config;
    atomic_init(&throttle->ledger, ledger);
    *out = throttle;
    return ERROR_NONE;
}

void
throttle_free(struct throttle *throttle)
{
    if (!throttle)
        return;
    ledger_release(throttle->ledger);
    ledger_release(throttle->outgrown);
    free(throttle);
}

static struct ledger *
ledger_of(const struct throttle *throttle)
{
    return atomic_load_explicit(&throttle->ledger, memory_order_acquire);
}

/* Of another size: first nobody writes to the old one any more, then what it has is carried over. Who
 * is inside it at this moment may still be, so it is kept. */
static enum error_code
outgrow(struct throttle *next, struct throttle *previous, struct error *err)
{
    struct ledger *old = ledger_of(previous);
    struct ledger *wide = ledger_new(next->config.entries, old);

    if (!wide)
        return error_set(err, ERROR_UNAVAILABLE, "throttle: no memory");
    ledger_release(ledger_of(next));
    atomic_store(&next->ledger, wide);
    atomic_store(&previous->ledger, ledger_hold(wide));
    previous->outgrown = old;
    ledger_take_over(wide, old);
    return ERROR_NONE;
}

enum error_code
throttle_inherit(struct throttle *next, struct throttle *previous, struct error *err)
{
    struct ledger *theirs = ledger_of(previous);

    if (ledger_entries(theirs) != next->config.entries)
        return outgrow(next, previous, err);
    ledger_release(ledger_of(next));
    atomic_store(&next->ledger, ledger_hold(theirs));
    return ERROR_NONE;
}

/* --- guests ------------------------------------------------------------------------------- */

static bool
is_trusted(const struct throttle *throttle, span network)
{
    for (size_t i = 0; i < throttle->config.trusted_nets_count; i++)
        if (network_list_match(span_of(throttle->config.trusted_nets[i]), network)
            == NETWORK_INSIDE)
            return true;
    return false;
}

static uint64_t
digest(const struct throttle *throttle, const void *bytes, size_t len)
{
    return ledger_digest(ledger_of(throttle), bytes, len);
}

uint64_t
throttle_account(const struct throttle *throttle, span name)
{
    return digest(throttle, name.ptr, name.len);
}

uint64_t
throttle_password(const struct throttle *throttle, uint64_t account, span password)
{
    const uint64_t bound[2] = { account, digest(throttle, password.ptr, password.len) };

    return digest(throttle, bound, sizeof(bound));
}

static uint64_t
digest_prefix(const struct throttle *throttle, const struct network_address *address, size_t bytes)
{
    unsigned char text[1 + sizeof(address->bytes)] = { (unsigned char)bytes };

    memcpy(text + 1, address->bytes, bytes);
    return digest(throttle, text, 1 + bytes);
}

void
throttle_guest_set(const struct throttle *throttle, uint64_t account, uint64_t password,
                   span network, struct throttle_guest *out)
{
    struct network_address address;
    uint64_t pair[2] = { account, 0 };
    const uint64_t proof[3] = { account, password, 1 };     /* longer than a pair: another's digest */

    *out = (struct throttle_guest){ .account = digest(throttle, &account, sizeof(account)),
                                    .password = password,
                                    .proof = digest(throttle, proof, sizeof(proof)) };
    if (!network_address_parse(network, &address))
        return;
    out->networks[0] = pair[1] = digest_prefix(throttle, &address, address.len == 4 ? 4 : 8);
    if (address.len == 16)
        out->networks[1] = digest_prefix(throttle, &address, 6);
    out->pair = digest(throttle, pair, sizeof(pair));
    if (is_trusted(throttle, network))
        memset(out->networks, 0, sizeof(out->networks));
}

/* --- who signed in rightly ---------------------------------------------------------------- */

bool
throttle_knows(struct throttle *throttle, const struct throttle_guest *guest)
{
    const struct ledger *ledger = ledger_of(throttle);

    return ledger_knows(ledger, guest->pair) || ledger_knows(ledger, guest->proof);
}

void
throttle_note_right(struct throttle *throttle, const struct throttle_guest *guest, int64_t now_ms)
{
    ledger_note_pair(ledger_of(throttle), guest->pair, now_ms);
    ledger_note_pair(ledger_of(throttle), guest->proof, now_ms);
}

/* --- what counts for a guest -------------------------------------------------------------- */

struct count { uint64_t key; unsigned limit; };

#define COUNTS_MAX (1 + THROTTLE_NETWORKS)

/* Fills those that have a limit; the account's is the first, where it counts. */
static size_t
counts_of(const struct throttle *throttle, const struct throttle_guest *guest, bool of_account,
          struct count out[COUNTS_MAX])
{
    size_t count = 0;

    if (of_account && throttle->config.per_account > 0)
        out[count++] = (struct count){ guest->account, throttle->config.per_account };
    for (size_t i = 0; i < THROTTLE_NETWORKS; i++)
        if (guest->networks[i] != 0 && throttle->config.per_network > 0)
            out[count++] = (struct count){ guest->networks[i],
                                           throttle->config.per_network * (i ? SITE_FACTOR : 1) };
    return count;
}

/* --- the door ----------------------------------------------------------------------------- */

bool
throttle_allows(struct throttle *throttle, const struct throttle_guest *guest, int64_t now_ms)
{
    const struct ledger *ledger = ledger_of(throttle);
    struct count counts[COUNTS_MAX];
    size_t count;

    if (ledger_knows(ledger, guest->proof))
        return true;
    count = counts_of(throttle, guest, !ledger_knows(ledger, guest->pair), counts);
    for (size_t i = 0; i < count; i++)
        if (ledger_level(ledger, counts[i].key, counts[i].limit, now_ms) > (int64_t)(counts[i].limit - 1) * LEDGER_ONE)
            return !ledger_is_news(ledger, guest->account, guest->password);
    return true;
}

void
throttle_note_wrong(struct throttle *throttle, const struct throttle_guest *guest, int64_t now_ms)
{
    struct ledger *ledger = ledger_of(throttle);
    struct count counts[COUNTS_MAX];
    size_t count = counts_of(throttle, guest, true, counts);

    if (count == 0 || !ledger_see(ledger, guest->account, guest->password))
        return;
    for (size_t i = 0; i < count; i++)
        ledger_add_one(ledger, counts[i].key, counts[i].limit, now_ms);
}

static int64_t
delay_of(int64_t level, unsigned limit, int64_t longest_ms)
{
    int64_t free_level = (int64_t)limit * LEDGER_ONE / 10, step = free_level / 10;
    int64_t delay_ms = FIRST_DELAY_MS;

    if (level <= free_level)
        return 0;
    if (step < LEDGER_ONE)
        step = LEDGER_ONE;
    for (level -= free_level + step; level > 0 && delay_ms < longest_ms; level -= step)
        delay_ms *= 2;
    return delay_ms < longest_ms ? delay_ms : longest_ms;
}

int64_t
throttle_delay_ms(struct throttle *throttle, const struct throttle_guest *guest, int64_t now_ms)
{
    const struct ledger *ledger = ledger_of(throttle);
    struct count counts[COUNTS_MAX];
    size_t count = counts_of(throttle, guest, !ledger_knows(ledger, guest->pair), counts);
    int64_t longest_ms = 0;

    for (size_t i = 0; i < count; i++) {
        int64_t ms = delay_of(ledger_level(ledger, counts[i].key, counts[i].limit, now_ms),
                              counts[i].limit, throttle->config.delay_ms);

        longest_ms = ms > longest_ms ? ms : longest_ms;
    }
    return longest_ms;
}
