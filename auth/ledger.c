/* auth/ledger.c - see ledger.h
 *
 * Two tables of sets of 8, each set with a lock of its own: counts, and pairs, which strangers cannot
 * push out, for they cannot make any. The wrong passwords that are known again belong to a set of
 * counts, not to an account: most accounts have one or none.
 */
#include "auth/ledger.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HOUR_MS 3600000
#define WAYS 8

/* More than the cache's set holds rejections, so that none is counted anew each time it is verified
 * anew, and room for a neighbour who guesses. */
#define SEEN 64

struct bucket {
    uint64_t key;                       /* 0: empty */
    int64_t at_ms;                      /* when `level` was true */
    int64_t level;                      /* thousandths */
};

struct count_set {
    pthread_mutex_t lock;
    struct bucket ways[WAYS];
    uint32_t next_seen;
    uint32_t seen[SEEN];                /* digests of wrong passwords; 0: none */
};

struct pair { uint64_t key; int64_t at_ms; };           /* 0: empty; when it was right last */

struct pair_set { pthread_mutex_t lock; struct pair ways[WAYS]; };

struct ledger {
    _Atomic unsigned owners;
    size_t entries, mask;               /* sets of each table, less one */
    unsigned char *key;                 /* locked in memory, left out of core dumps */
    struct count_set *counts;
    struct pair_set *pairs;
};

/* --- making ------------------------------------------------------------------------------- */

/* Zeros are an unlocked mutex (PTHREAD_MUTEX_INITIALIZER of glibc), and memory that nobody has
 * touched yet; from mmap(2), so that none of it stays after a reload. */
static void *
map_sets(size_t count, size_t size)
{
    void *memory = mmap(NULL, count * size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

static void
unmap_sets(void *sets, size_t count, size_t size)
{
    if (sets)
        munmap(sets, count * size);
}

static void
ledger_free(struct ledger *ledger)
{
    unmap_sets(ledger->counts, ledger->mask + 1, sizeof(*ledger->counts));
    unmap_sets(ledger->pairs, ledger->mask + 1, sizeof(*ledger->pairs));
    sodium_free(ledger->key);
    free(ledger);
}

struct ledger *
ledger_new(size_t entries, const struct ledger *like)
{
    struct ledger *ledger = calloc(1, sizeof(*ledger));
    size_t count = 16;

    if (!ledger)
        return NULL;
    while (count * WAYS < entries)
        count *= 2;
    ledger->owners = 1;
    ledger->entries = entries;
    ledger->mask = count - 1;
    ledger->key = sodium_malloc(crypto_shorthash_KEYBYTES);
    ledger->counts = map_sets(count, sizeof(*ledger->counts));
    ledger->pairs = map_sets(count, sizeof(*ledger->pairs));
    if (!ledger->key || !ledger->counts || !ledger->pairs) {
        ledger_free(ledger);
        return NULL;
    }
    if (like)
        memcpy(ledger->key, like->key, crypto_shorthash_KEYBYTES);
    else
        crypto_shorthash_keygen(ledger->key);
    return ledger;
}

struct ledger *
ledger_hold(struct ledger *ledger)
{
    atomic_fetch_add(&ledger->owners, 1);
    return ledger;
}

void
ledger_release(struct ledger *ledger)
{
    if (ledger && atomic_fetch_sub(&ledger->owners, 1) == 1)
        ledger_free(ledger);
}

size_t
ledger_entries(const struct ledger *ledger)
{
    return ledger->entries;
}

uint64_t
ledger_digest(const struct ledger *ledger, const void *bytes, size_t len)
{
    uint64_t out;

    _Static_assert(sizeof(out) == crypto_shorthash_BYTES, "a digest is what SipHash gives");
    crypto_shorthash((unsigned char *)&out, bytes, len, ledger->key);
    return out ? out : 1;
}

/* --- pairs -------------------------------------------------------------------------------- */

static struct pair_set *
lock_pairs(const struct ledger *ledger, uint64_t key)
{
    struct pair_set *set = &ledger->pairs[key >> 16 & ledger->mask];

    pthread_mutex_lock(&set->lock);
    return set;
}

/* The key's place; else the one to take: empty, or of who was right longest ago. */
static struct pair *
place_of_pair(struct pair_set *set, uint64_t key)
{
    struct pair *place = &set->ways[0];

    for (size_t way = 0; way < WAYS; way++) {
        struct pair *its = &set->ways[way];

        if (its->key == key)
            return its;
        if (place->key != 0 && (its->key == 0 || its->at_ms < place->at_ms))
            place = its;
    }
    return place;
}

bool
ledger_knows(const struct ledger *ledger, uint64_t pair)
{
    struct pair_set *set;
    bool known;

    if (pair == 0)
        return false;
    set = lock_pairs(ledger, pair);
    known = place_of_pair(set, pair)->key == pair;
    pthread_mutex_unlock(&set->lock);
    return known;
}

void
ledger_note_pair(struct ledger *ledger, uint64_t pair, int64_t now_ms)
{
    struct pair_set *set;

    if (pair == 0)
        return;
    set = lock_pairs(ledger, pair);
    *place_of_pair(set, pair) = (struct pair){ pair, now_ms };
    pthread_mutex_unlock(&set->lock);
}

/* --- counts ------------------------------------------------------------------------------- */

static struct count_set *
lock_counts(const struct ledger *ledger, uint64_t key)
{
    struct count_set *set = &ledger->counts[key >> 16 & ledger->mask];

    pthread_mutex_lock(&set->lock);
    return set;
}

static struct bucket *
find(struct count_set *set, uint64_t key)
{
    for (size_t way = 0; way < WAYS; way++)
        if (set->ways[way].key == key)
            return &set->ways[way];
    return NULL;
}

/* What is left in it at `now_ms`. A clock that was turned back lets nothing leak. */
static int64_t
level_at(const struct bucket *bucket, unsigned limit, int64_t now_ms)
{
    int64_t past_ms = now_ms > bucket->at_ms ? now_ms - bucket->at_ms : 0;
    int64_t leaked = past_ms >= HOUR_MS ? (int64_t)limit * LEDGER_ONE
                                        : past_ms * (int64_t)limit / (HOUR_MS / LEDGER_ONE);

    return bucket->level > leaked ? bucket->level - leaked : 0;
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
find_or_make(struct count_set *set, uint64_t key, int64_t now_ms)
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

int64_t
ledger_level(const struct ledger *ledger, uint64_t key, unsigned limit, int64_t now_ms)
{
    struct count_set *set = lock_counts(ledger, key);
    struct bucket *bucket = find(set, key);
    int64_t level = bucket ? level_at(bucket, limit, now_ms) : 0;

    pthread_mutex_unlock(&set->lock);
    return level;
}

void
ledger_add_one(struct ledger *ledger, uint64_t key, unsigned limit, int64_t now_ms)
{
    struct count_set *set = lock_counts(ledger, key);
    struct bucket *bucket = find_or_make(set, key, now_ms);

    bucket->level = level_at(bucket, limit, now_ms) + LEDGER_ONE;
    bucket->at_ms = now_ms;
    pthread_mutex_unlock(&set->lock);
}

/* --- wrong passwords ---------------------------------------------------------------------- */

/* Never 0. */
static uint32_t
tag_of(uint64_t password)
{
    return (uint32_t)(password % UINT32_MAX + 1);
}

static bool
has_seen(const struct count_set *set, uint32_t tag)
{
    for (size_t i = 0; i < SEEN; i++)
        if (set->seen[i] == tag)
            return true;
    return false;
}

static bool
see(struct count_set *set, uint32_t tag)
{
    if (has_seen(set, tag))
        return false;
    set->seen[set->next_seen++ % SEEN] = tag;
    return true;
}

bool
ledger_is_news(const struct ledger *ledger, uint64_t account, uint64_t password)
{
    struct count_set *set = lock_counts(ledger, account);
    bool news = !has_seen(set, tag_of(password));

    pthread_mutex_unlock(&set->lock);
    return news;
}

bool
ledger_see(struct ledger *ledger, uint64_t account, uint64_t password)
{
    struct count_set *set = lock_counts(ledger, account);
    bool news = see(set, tag_of(password));

    pthread_mutex_unlock(&set->lock);
    return news;
}

/* --- taking over -------------------------------------------------------------------------- */

/* What has come here since is on top of it. */
static void
take_bucket(struct ledger *ledger, const struct bucket *theirs)
{
    struct count_set *set = lock_counts(ledger, theirs->key);
    struct bucket *ours = find_or_make(set, theirs->key, theirs->at_ms);

    ours->level += theirs->level;
    pthread_mutex_unlock(&set->lock);
}

/* In which of the sets here its account is, nobody knows any more: in a larger table it goes into
 * all that were one there. */
static void
take_seen(struct ledger *ledger, size_t index, size_t mask, const struct count_set *theirs)
{
    for (size_t at = index & ledger->mask; at <= ledger->mask; at += mask + 1) {
        struct count_set *set = &ledger->counts[at];

        pthread_mutex_lock(&set->lock);
        for (size_t i = 0; i < SEEN; i++) {
            uint32_t tag = theirs->seen[(theirs->next_seen + i) % SEEN];

            if (tag != 0)
                see(set, tag);
        }
        pthread_mutex_unlock(&set->lock);
    }
}

static void
take_counts(struct ledger *ledger, const struct ledger *from, size_t index)
{
    struct count_set copy;

    pthread_mutex_lock(&from->counts[index].lock);
    memcpy(copy.ways, from->counts[index].ways, sizeof(copy.ways));
    memcpy(copy.seen, from->counts[index].seen, sizeof(copy.seen));
    copy.next_seen = from->counts[index].next_seen;
    pthread_mutex_unlock(&from->counts[index].lock);
    for (size_t way = 0; way < WAYS; way++)
        if (copy.ways[way].key != 0)
            take_bucket(ledger, &copy.ways[way]);
    if (copy.next_seen > 0)
        take_seen(ledger, index, from->mask, &copy);
}

static void
take_pairs(struct ledger *ledger, const struct ledger *from, size_t index)
{
    struct pair copy[WAYS];

    pthread_mutex_lock(&from->pairs[index].lock);
    memcpy(copy, from->pairs[index].ways, sizeof(copy));
    pthread_mutex_unlock(&from->pairs[index].lock);
    for (size_t way = 0; way < WAYS; way++)
        ledger_note_pair(ledger, copy[way].key, copy[way].at_ms);
}

void
ledger_take_over(struct ledger *ledger, const struct ledger *from)
{
    for (size_t index = 0; index <= from->mask; index++) {
        take_counts(ledger, from, index);
        take_pairs(ledger, from, index);
    }
}
