/* auth/throttle.c - see throttle.h
 *
 * Each count is a leaky bucket: a distinct wrong password adds one, and as many leak out in an hour
 * as its limit says. A tenth of the limit is free; from there on delays double, one step for each
 * tenth of that tenth; a full bucket refuses.
 *
 * Two tables of sets, each with a lock of its own: counts, and pairs of an account with a network or a
 * password that signed in rightly, which strangers cannot push out, for they cannot make any.
 */
#include "auth/throttle.h"

#include "auth/network.h"
#include "common/macros.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HOUR_MS 3600000
#define WAYS 8

/* How many wrong passwords of an account are known again: more than one cache set holds, so that none
 * is counted anew each time it is verified anew. */
#define SEEN 32

#define FIRST_DELAY_MS 250

/* A /48 is a site of many /64s. */
#define SITE_FACTOR 4

/* A bucket counts in thousandths, so that it can leak in milliseconds. */
#define ONE 1000

struct bucket {
    uint64_t key;                       /* 0: empty */
    int64_t at_ms;                      /* when `level` was true */
    int64_t level;                      /* thousandths */
    uint32_t next_seen;
    uint32_t seen[SEEN];                /* digests; 0: none */
};

struct set { pthread_mutex_t lock; struct bucket ways[WAYS]; };

struct table { struct set *sets; size_t mask, bytes; };

struct throttle {
    struct throttle_config config;
    unsigned char key[crypto_shorthash_KEYBYTES];
    struct table counts, pairs;
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

/* --- tables ----------------------------------------------------------------------------- */

static bool
table_set(struct table *table, size_t entries)
{
    size_t count = 16;
    void *memory;

    while (count * WAYS < entries)
        count *= 2;
    table->mask = count - 1;
    table->bytes = count * sizeof(*table->sets);
    /* Zeros are an unlocked mutex (PTHREAD_MUTEX_INITIALIZER of glibc), and memory that nobody has
     * touched yet; from mmap(2), so that none of it stays after a reload. */
    memory = mmap(NULL, table->bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    table->sets = memory == MAP_FAILED ? NULL : memory;
    return table->sets != NULL;
}

static void
table_free(struct table *table)
{
    if (table->sets)
        munmap(table->sets, table->bytes);
}

static struct set *
lock_set(const struct table *table, uint64_t key)
{
    struct set *set = &table->sets[key >> 16 & table->mask];

    pthread_mutex_lock(&set->lock);
    return set;
}

static void
unlock_set(struct set *set)
{
    pthread_mutex_unlock(&set->lock);
}

/* What is left in it at `now_ms`. A clock that was turned back lets nothing leak. */
static int64_t
level_at(const struct bucket *bucket, unsigned limit, int64_t now_ms)
{
    int64_t past_ms = now_ms > bucket->at_ms ? now_ms - bucket->at_ms : 0;
    int64_t leaked = past_ms >= HOUR_MS ? (int64_t)limit * ONE
                                        : past_ms * (int64_t)limit / (HOUR_MS / ONE);

    return bucket->level > leaked ? bucket->level - leaked : 0;
}

static struct bucket *
find(struct set *set, uint64_t key)
{
    for (size_t way = 0; way < WAYS; way++)
        if (set->ways[way].key == key)
            return &set->ways[way];
    return NULL;
}

/* After an hour all has leaked, whatever the limit. */
static int64_t
guilt_of(const struct bucket *bucket, int64_t now_ms)
{
    return now_ms - bucket->at_ms >= HOUR_MS ? 0 : bucket->level;
}

static bool
is_lesser(const struct bucket *a, const struct bucket *b, int64_t now_ms)
{
    int64_t guilt_a = guilt_of(a, now_ms), guilt_b = guilt_of(b, now_ms);

    if (a->key == 0 || b->key == 0)
        return b->key != 0;
    return guilt_a < guilt_b || (guilt_a == guilt_b && a->at_ms < b->at_ms);
}

/* In the place of the least guilty: of those who are, the one that was longest ago. */
static struct bucket *
find_or_make(struct set *set, uint64_t key, int64_t now_ms)
{
    struct bucket *bucket = find(set, key), *least = &set->ways[0];

    if (bucket)
        return bucket;
    for (size_t way = 1; way < WAYS; way++)
        if (is_lesser(&set->ways[way], least, now_ms))
            least = &set->ways[way];
    *least = (struct bucket){ .key = key, .at_ms = now_ms };
    return least;
}

/* --- making ------------------------------------------------------------------------------- */

enum error_code
throttle_new(const struct throttle_config *config, struct throttle **out, struct error *err)
{
    struct throttle *throttle = calloc(1, sizeof(*throttle));

    *out = NULL;
    if (!throttle || !table_set(&throttle->counts, config->entries)
        || !table_set(&throttle->pairs, config->entries)) {
        throttle_free(throttle);
        return error_set(err, ERROR_UNAVAILABLE, "throttle: no memory");
    }
    throttle->config = *config;
    crypto_shorthash_keygen(throttle->key);
    *out = throttle;
    return ERROR_NONE;
}

void
throttle_free(struct throttle *throttle)
{
    if (!throttle)
        return;
    table_free(&throttle->counts);
    table_free(&throttle->pairs);
    sodium_memzero(throttle, sizeof(*throttle));
    free(throttle);
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

/* Never 0, which is an empty place's. */
static uint64_t
digest(const struct throttle *throttle, const void *bytes, size_t len)
{
    uint64_t out;

    _Static_assert(sizeof(out) == crypto_shorthash_BYTES, "a digest is what SipHash gives");
    crypto_shorthash((unsigned char *)&out, bytes, len, throttle->key);
    return out ? out : 1;
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

/* 0 is nobody's. */
static bool
is_known(const struct throttle *throttle, uint64_t pair)
{
    struct set *set;
    bool known;

    if (pair == 0)
        return false;
    set = lock_set(&throttle->pairs, pair);
    known = find(set, pair) != NULL;
    unlock_set(set);
    return known;
}

bool
throttle_knows(struct throttle *throttle, const struct throttle_guest *guest)
{
    return is_known(throttle, guest->pair) || is_known(throttle, guest->proof);
}

static void
note_pair(struct throttle *throttle, uint64_t pair, int64_t now_ms)
{
    struct set *set;

    if (pair == 0)
        return;
    set = lock_set(&throttle->pairs, pair);
    find_or_make(set, pair, now_ms)->at_ms = now_ms;
    unlock_set(set);
}

void
throttle_note_right(struct throttle *throttle, const struct throttle_guest *guest, int64_t now_ms)
{
    note_pair(throttle, guest->pair, now_ms);
    note_pair(throttle, guest->proof, now_ms);
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

/* Never 0. */
static uint32_t
tag_of(uint64_t password)
{
    return (uint32_t)(password % UINT32_MAX + 1);
}

static bool
has_seen(const struct bucket *bucket, uint64_t password)
{
    for (size_t i = 0; i < SEEN; i++)
        if (bucket->seen[i] == tag_of(password))
            return true;
    return false;
}

/* Of the account: networks only count what is news there. */
static bool
is_news(struct throttle *throttle, const struct throttle_guest *guest, bool remember,
        int64_t now_ms)
{
    struct set *set = lock_set(&throttle->counts, guest->account);
    struct bucket *bucket = remember ? find_or_make(set, guest->account, now_ms)
                                     : find(set, guest->account);
    bool news = !bucket || !has_seen(bucket, guest->password);

    if (news && remember)
        bucket->seen[bucket->next_seen++ % SEEN] = tag_of(guest->password);
    unlock_set(set);
    return news;
}

static int64_t
level_of(struct throttle *throttle, const struct count *count, int64_t now_ms)
{
    struct set *set = lock_set(&throttle->counts, count->key);
    struct bucket *bucket = find(set, count->key);
    int64_t level = bucket ? level_at(bucket, count->limit, now_ms) : 0;

    unlock_set(set);
    return level;
}

static void
add_one(struct throttle *throttle, const struct count *count, int64_t now_ms)
{
    struct set *set = lock_set(&throttle->counts, count->key);
    struct bucket *bucket = find_or_make(set, count->key, now_ms);

    bucket->level = level_at(bucket, count->limit, now_ms) + ONE;
    bucket->at_ms = now_ms;
    unlock_set(set);
}

/* --- the door ----------------------------------------------------------------------------- */

bool
throttle_allows(struct throttle *throttle, const struct throttle_guest *guest, int64_t now_ms)
{
    struct count counts[COUNTS_MAX];
    size_t count;

    if (is_known(throttle, guest->proof))
        return true;
    count = counts_of(throttle, guest, !is_known(throttle, guest->pair), counts);
    for (size_t i = 0; i < count; i++)
        if (level_of(throttle, &counts[i], now_ms) > (int64_t)(counts[i].limit - 1) * ONE)
            return !is_news(throttle, guest, false, now_ms);
    return true;
}

void
throttle_note_wrong(struct throttle *throttle, const struct throttle_guest *guest, int64_t now_ms)
{
    struct count counts[COUNTS_MAX];
    size_t count = counts_of(throttle, guest, true, counts);

    if (count == 0 || !is_news(throttle, guest, true, now_ms))
        return;
    for (size_t i = 0; i < count; i++)
        add_one(throttle, &counts[i], now_ms);
}

static int64_t
delay_of(int64_t level, unsigned limit, int64_t longest_ms)
{
    int64_t free_level = (int64_t)limit * ONE / 10, step = free_level / 10;
    int64_t delay_ms = FIRST_DELAY_MS;

    if (level <= free_level)
        return 0;
    if (step < ONE)
        step = ONE;
    for (level -= free_level + step; level > 0 && delay_ms < longest_ms; level -= step)
        delay_ms *= 2;
    return delay_ms < longest_ms ? delay_ms : longest_ms;
}

int64_t
throttle_delay_ms(struct throttle *throttle, const struct throttle_guest *guest, int64_t now_ms)
{
    struct count counts[COUNTS_MAX];
    size_t count = counts_of(throttle, guest, !is_known(throttle, guest->pair), counts);
    int64_t longest_ms = 0;

    for (size_t i = 0; i < count; i++) {
        int64_t ms = delay_of(level_of(throttle, &counts[i], now_ms), counts[i].limit,
                              throttle->config.delay_ms);

        longest_ms = ms > longest_ms ? ms : longest_ms;
    }
    return longest_ms;
}
