/* cache/table.c - see table.h
 *
 *   64 bytes    state(8) tag(4) tag(4) ... tag(4)      14 tags; 0: that way is empty
 *   48 bytes    entry of way 0
 *   ...
 *   48 bytes    entry of way 13
 *
 * A lookup reads the first and the entries whose tag is the account's. Sets follow each other without
 * a gap: that each begins a cache line would cost 32 bytes a set, and save every second lookup one of
 * its three or four lines, which the processor fetches in pairs.
 *
 * `state` is a sequence lock. It is odd while a writer is in, and never has the same value
 * twice: a reader that finds it even, and after copying finds it the same, has copied one
 * moment. Its upper half counts flushes; that the lower half carries into it once in 2^31
 * changes looks like one flush more, which costs nobody more than a lookup.
 *
 * Why it is right without a fence: a writer stores each word with release order after it made
 * `state` odd, a reader loads each word with acquire order before it looks at `state` again.
 * Who sees one new word therefore sees that `state` has moved. (ThreadSanitizer understands this
 * and does not understand fences; on x86 neither costs an instruction.)
 */
#include "cache/table.h"
#include "common/macros.h"

#include <assert.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ENTRY_WORDS = sizeof(struct entry) / sizeof(uint64_t) };

#define STATE_BUSY UINT64_C(1)
#define STATE_FLUSHED (UINT64_C(1) << 32)

/* Pauses before a waiter believes that the writer sleeps: some 50 microseconds, where a
 * writer that runs is done in less than one. */
#define WAIT_PAUSES 1000

struct table_way_words { _Atomic uint64_t word[ENTRY_WORDS]; };

struct table_set {
    _Atomic uint64_t state;
    _Atomic uint32_t tag[TABLE_WAYS];
    struct table_way_words way[TABLE_WAYS];
};

struct table {
    struct table_set *sets;
    size_t count, bytes;
};

static_assert(sizeof(struct entry) == 48, "an entry has no padding");
static_assert(offsetof(struct table_set, way) == CACHE_LINE, "state and tags are one cache line");
static_assert(sizeof(struct table_set) == CACHE_LINE + TABLE_WAYS * sizeof(struct entry),
              "no padding");

static inline void
pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* --- the memory --- */

static struct table_set *
map_sets(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return NULL;
    madvise(memory, bytes, MADV_DONTDUMP);      /* the keys, which give it meaning, */
    madvise(memory, bytes, MADV_HUGEPAGE);      /* are elsewhere; pages may be small */
    return memory;
}

enum error_code
table_new(size_t entries, struct table **out, struct error *err)
{
    struct table *table = calloc(1, sizeof(*table));
    size_t count = entries / TABLE_WAYS + (entries % TABLE_WAYS != 0 || entries == 0);

    *out = NULL;
    if (!table || __builtin_mul_overflow(count, sizeof(struct table_set), &table->bytes)
        || !(table->sets = map_sets(table->bytes))) {
        free(table);
        return error_set(err, ERROR_UNAVAILABLE, "cache: no memory for %zu entries: set fewer",
                         entries);
    }
    table->count = count;
    *out = table;
    return ERROR_NONE;
}

void
table_free(struct table *table)
{
    if (!table)
        return;
    munmap(table->sets, table->bytes);  /* nobody else ever sees those pages unwiped */
    free(table);
}

size_t
table_sets(const struct table *table)
{
    return table->count;
}

size_t
table_bytes(const struct table *table)
{
    return table->bytes;
}

/* --- where an account is --- */

/* By the digest's upper bits: a multiplication instead of a division, and any number of sets. */
static struct table_set *
set_of(const struct table *table, uint64_t account)
{
    return &table->sets[(size_t)(((unsigned __int128)account * table->count) >> 64)];
}

/* By its lower bits; never 0, which is an empty way's. */
static uint32_t
tag_of(uint64_t account)
{
    uint32_t tag = (uint32_t)account;

    return tag ? tag : 1;
}

uint32_t
table_flushes(const struct table *table, uint64_t account)
{
    return (uint32_t)(atomic_load_explicit(&set_of(table, account)->state, memory_order_acquire)
                      / STATE_FLUSHED);
}

void
table_prefetch(const struct table *table, uint64_t account)
{
    const char *set = (const char *)set_of(table, account);

    __builtin_prefetch(set);
    __builtin_prefetch(set + CACHE_LINE - 1);
}

/* --- words --- */

static void
words_load(const struct table_way_words *from, struct entry *out)
{
    uint64_t words[ENTRY_WORDS];

    for (size_t i = 0; i < ENTRY_WORDS; i++)
        words[i] = atomic_load_explicit(&from->word[i], memory_order_acquire);
    memcpy(out, words, sizeof(*out));
}

static void
words_store(struct table_way_words *to, const struct entry *from)
{
    uint64_t words[ENTRY_WORDS];

    memcpy(words, from, sizeof(words));
    for (size_t i = 0; i < ENTRY_WORDS; i++)
        atomic_store_explicit(&to->word[i], words[i], memory_order_release);
}

static uint32_t
tag_load(const struct table_set *set, size_t way)
{
    return atomic_load_explicit(&set->tag[way], memory_order_acquire);
}

static void
tag_store(struct table_set *set, size_t way, uint32_t tag)
{
    atomic_store_explicit(&set->tag[way], tag, memory_order_release);
}

/* --- reading --- */

/* `tag` 0: all that is not empty. */
static size_t
copy_ways(const struct table_set *set, uint32_t tag, struct entry out[TABLE_WAYS])
{
    size_t count = 0;

    for (size_t way = 0; way < TABLE_WAYS; way++) {
        uint32_t there = tag_load(set, way);

        if (there != 0 && (tag == 0 || there == tag))
            words_load(&set->way[way], &out[count++]);
    }
    return count;
}

static bool
read_set(const struct table_set *set, uint32_t tag, struct entry out[TABLE_WAYS],
         size_t *count_out)
{
    *count_out = 0;
    for (unsigned tries = 0; tries < WAIT_PAUSES; tries++) {
        uint64_t before = atomic_load_explicit(&set->state, memory_order_acquire);

        if (!(before & STATE_BUSY)) {
            size_t count = copy_ways(set, tag, out);

            if (atomic_load_explicit(&set->state, memory_order_relaxed) == before) {
                *count_out = count;
                return true;
            }
        }
        pause_briefly();
    }
    return false;
}

bool
table_read(const struct table *table, uint64_t account, struct entry out[TABLE_WAYS],
           size_t *count_out)
{
    return read_set(set_of(table, account), tag_of(account), out, count_out);
}

bool
table_read_set(const struct table *table, size_t index, struct entry out[TABLE_WAYS],
               size_t *count_out)
{
    return read_set(&table->sets[index], 0, out, count_out);
}

/* --- writing --- */

static struct table_set *
lock_set(struct table_set *set)
{
    for (unsigned tries = 1;; tries++) {
        uint64_t state = atomic_load_explicit(&set->state, memory_order_relaxed);

        if (!(state & STATE_BUSY)
            && atomic_compare_exchange_weak_explicit(&set->state, &state, state + 1,
                                                     memory_order_acquire, memory_order_relaxed))
            return set;
        if (tries % WAIT_PAUSES == 0)
            sched_yield();
        else
            pause_briefly();
    }
}

struct table_set *
table_lock(struct table *table, uint64_t account)
{
    return lock_set(set_of(table, account));
}

struct table_set *
table_lock_set(struct table *table, size_t index)
{
    return lock_set(&table->sets[index]);
}

void
table_unlock(struct table_set *set)
{
    atomic_fetch_add_explicit(&set->state, 1, memory_order_release);
}

void
table_unlock_flushed(struct table_set *set)
{
    atomic_fetch_add_explicit(&set->state, STATE_FLUSHED + 1, memory_order_release);
}

enum table_way
table_way_get(const struct table_set *set, size_t way, uint64_t account, struct entry *out)
{
    uint32_t tag = tag_load(set, way);

    if (tag == 0)
        return WAY_EMPTY;
    words_load(&set->way[way], out);
    return tag == tag_of(account) ? WAY_OF_ACCOUNT : WAY_OF_OTHERS;
}

void
table_way_put(struct table_set *set, size_t way, uint64_t account, const struct entry *entry)
{
    tag_store(set, way, tag_of(account));
    words_store(&set->way[way], entry);
}

void
table_way_update(struct table_set *set, size_t way, const struct entry *entry)
{
    words_store(&set->way[way], entry);
}

void
table_way_wipe(struct table_set *set, size_t way)
{
    tag_store(set, way, 0);
    words_store(&set->way[way], &(struct entry){ 0 });
}
