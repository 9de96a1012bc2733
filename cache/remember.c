/* cache/remember.c - what becomes known is put in, kept fresh, or dropped; see cache.h
 *
 * Each function works under the lock of one set of one table. Entries pushed out are, in this
 * order: the one that says the same of an earlier time; one that is dead; the one whose row
 * was seen least lately. An entry in use is seen again every `revalidate`, so this is "least
 * recently used" with that grain, and a hit has nothing to write.
 */
#include "cache/inside.h"

/* Under the lock of the account's set in either table: false when nothing is to be kept, or a
 * flush came since the key was made. When none came, the generation of `at`, which is younger
 * than the key, is still the one that counts; and if one comes now, the entry is born dead. */
static bool
may_remember(const struct cache *cache, const struct cache_key *key, const struct moment *at)
{
    return at->life_ms > 0 && at->now_ms >= -TABLE_TIME_MAX_MS && at->now_ms <= TABLE_TIME_MAX_MS
        && cache_epoch(cache, key->account, cache_flushes(cache)) == key->epoch;
}

static struct entry
entry_make(const struct cache_key *key, enum cache_reach reach, int64_t at_ms,
           uint32_t generation)
{
    bool here = reach == CACHE_THIS_NETWORK;

    return (struct entry){
        .question = here ? question_here(key) : key->anywhere,
        .password = { key->password[0], key->password[1] ^ (here ? key->here : 0) },
        .stamp = entry_stamp(at_ms, key->domain),
        .generation = generation,
    };
}

/* --- which entry goes --- */

/* What a new entry takes the place of. */
enum succession {
    SUCCEEDS_QUESTION,          /* an acceptance: whatever the password was */
    SUCCEEDS_PASSWORD           /* a rejection: of the same password only */
};

/* Of two entries, the one of lower worth goes. Above these, it is when the row was seen. */
#define WORTH_SUCCEEDED INT64_MIN
#define WORTH_DEAD (INT64_MIN + 1)

static int64_t
worth(const struct entry *entry, const struct entry *next, enum succession succession,
      const struct moment *now)
{
    if (entry->question == next->question
        && (succession == SUCCEEDS_QUESTION || digest_same(entry->password, next->password)))
        return WORTH_SUCCEEDED;
    return entry_lives(entry, now) ? entry_seen_at_ms(entry) : WORTH_DEAD;
}

/* True when that pushed out a living entry. */
static bool
place(struct table_set *set, uint64_t account, const struct entry *next,
      enum succession succession, const struct moment *now)
{
    int64_t least = INT64_MAX;
    size_t chosen = 0;

    for (size_t way = 0; way < TABLE_WAYS; way++) {
        struct entry entry;
        int64_t its = WORTH_DEAD;

        if (table_way_get(set, way, account, &entry) != WAY_EMPTY)
            its = worth(&entry, next, succession, now);
        if (its < least) {
            least = its;
            chosen = way;
        }
    }
    table_way_put(set, chosen, account, next);
    return least > WORTH_DEAD;
}

/* --- entries that rest on another row --- */

/* Whether the way holds an acceptance of this account and service that rests on another row
 * than `fingerprint`'s; NULL: on any. */
static bool
rests_on_other_row(const struct table_set *set, size_t way, const struct cache_key *key,
                   const struct cache_fingerprint *fingerprint, struct entry *out)
{
    return table_way_get(set, way, key->account, out) == WAY_OF_ACCOUNT
        && question_service(out->question) == question_service(key->anywhere)
        && !(fingerprint && out->fingerprint == fingerprint->word);
}

static void
forget_other_rows(struct table_set *set, const struct cache_key *key,
                  const struct cache_fingerprint *fingerprint)
{
    struct entry entry;

    for (size_t way = 0; way < TABLE_WAYS; way++)
        if (rests_on_other_row(set, way, key, fingerprint, &entry))
            table_way_wipe(set, way);
}

/* Whether another row was seen later than this one: then this one is the old one. Not when it
 * is so much later that the clock was turned back. */
static bool
is_outdated(const struct table_set *set, const struct cache_key *key,
            const struct cache_fingerprint *fingerprint, const struct moment *seen)
{
    struct entry entry;

    for (size_t way = 0; way < TABLE_WAYS; way++)
        if (rests_on_other_row(set, way, key, fingerprint, &entry)
            && entry_lives(&entry, seen) && entry_seen_at_ms(&entry) > seen->now_ms
            && moment_age_ms(entry_seen_at_ms(&entry), seen->now_ms) == 0)
            return true;
    return false;
}

static void
forget_rejection(struct cache *cache, const struct cache_key *key)
{
    struct table_set *set = table_lock(cache->rejected, key->account);
    struct entry entry;

    for (size_t way = 0; way < TABLE_WAYS; way++)
        if (table_way_get(set, way, key->account, &entry) == WAY_OF_ACCOUNT
            && entry_answers(&entry, key))
            table_way_wipe(set, way);
    table_unlock(set);
}

/* --- what others call --- */

/* An entry lives for so long; one that has an end of its own is taken to be as much older. */
static void
set_end(struct entry *entry, int64_t life_ms, int64_t seen_at_ms, int64_t until_ms)
{
    if (until_ms >= seen_at_ms + life_ms)
        return;
    entry->stamp = entry_stamp(until_ms - life_ms, entry_domain(entry));
    entry->seen_after_ms = (uint32_t)(seen_at_ms - (until_ms - life_ms));
}

static void
accept_row(struct cache *cache, const struct cache_key *key,
           const struct cache_fingerprint *fingerprint, enum cache_reach reach,
           int64_t seen_at_ms, int64_t until_ms)
{
    struct moment seen = moment_at(cache, cache->accepted, seen_at_ms);
    struct table_set *set;
    bool kept;

    if (cache->off)
        return;
    set = table_lock(cache->accepted, key->account);
    kept = may_remember(cache, key, &seen) && !is_outdated(set, key, fingerprint, &seen);
    if (kept) {
        struct entry entry = entry_make(key, reach, seen_at_ms, seen.generation);

        entry.fingerprint = fingerprint->word;
        set_end(&entry, seen.life_ms, seen_at_ms, until_ms);
        forget_other_rows(set, key, fingerprint);
        if (place(set, key->account, &entry, SUCCEEDS_QUESTION, &seen))
            atomic_fetch_add_explicit(&cache->evictions, 1, memory_order_relaxed);
    }
    table_unlock(set);
    if (kept)
        forget_rejection(cache, key);
}

void
cache_accept(struct cache *cache, const struct cache_key *key,
             const struct cache_fingerprint *fingerprint, enum cache_reach reach,
             int64_t seen_at_ms)
{
    accept_row(cache, key, fingerprint, reach, seen_at_ms, INT64_MAX);
}

void
cache_accept_until(struct cache *cache, const struct cache_key *key,
                   const struct cache_fingerprint *fingerprint, enum cache_reach reach,
                   int64_t seen_at_ms, int64_t until_ms)
{
    atomic_store(&cache->has_ends, true);
    if (until_ms > seen_at_ms)
        accept_row(cache, key, fingerprint, reach, seen_at_ms, until_ms);
}

static bool
is_refreshed(const struct entry *entry, const struct cache_key *key,
             const struct cache_fingerprint *fingerprint, const struct moment *seen)
{
    return entry_answers(entry, key) && entry->fingerprint == fingerprint->word
        && entry_lives(entry, seen) && entry_verified_at_ms(entry) <= seen->now_ms;
}

void
cache_refresh(struct cache *cache, const struct cache_key *key,
              const struct cache_fingerprint *fingerprint, int64_t seen_at_ms)
{
    struct moment seen = moment_at(cache, cache->accepted, seen_at_ms);
    struct table_set *set = table_lock(cache->accepted, key->account);
    bool may = may_remember(cache, key, &seen);
    struct entry entry;

    for (size_t way = 0; may && way < TABLE_WAYS; way++)
        if (table_way_get(set, way, key->account, &entry) == WAY_OF_ACCOUNT
            && is_refreshed(&entry, key, fingerprint, &seen)) {
            entry.seen_after_ms = (uint32_t)(seen_at_ms - entry_verified_at_ms(&entry));
            table_way_update(set, way, &entry);
        }
    table_unlock(set);
}

void
cache_observe(struct cache *cache, const struct cache_key *key,
              const struct cache_fingerprint *fingerprint)
{
    struct table_set *set;

    if (cache->off)
        return;
    set = table_lock(cache->accepted, key->account);
    forget_other_rows(set, key, fingerprint);
    table_unlock(set);
}

void
cache_reject(struct cache *cache, const struct cache_key *key, unsigned reason,
             enum cache_reach reach, int64_t now_ms)
{
    struct moment now = moment_at(cache, cache->rejected, now_ms);
    struct table_set *set;

    if (cache->off)
        return;
    set = table_lock(cache->rejected, key->account);
    if (may_remember(cache, key, &now)) {
        struct entry entry = entry_make(key, reach, now_ms, now.generation);

        entry.fingerprint = reason;
        place(set, key->account, &entry, SUCCEEDS_PASSWORD, &now);
    }
    table_unlock(set);
}
