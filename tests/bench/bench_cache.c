/* tests/bench/bench_cache.c - what the cache costs, and what its sets cost it
 *
 *   speed   ns for cache_key_make() and a cache_find() that hits, with 1,000 entries (all of
 *           them in the processor's cache) and with 1,000,000 (none), accounts in random order
 *   ratio   hits on a trace in which accounts are as popular as Zipf says, between scans of
 *           accounts that sign in once, against one list of all entries in order of last use,
 *           and against what nobody can beat who does not know the future
 *
 * Ratios are printed beside figures: only they can be compared between machines.
 */
#include "cache/cache.h"
#include "common/macros.h"
#include "common/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void *
need(void *memory)
{
    if (!memory) {
        fprintf(stderr, "bench_cache: no memory\n");
        exit(1);
    }
    return memory;
}

static struct cache *
cache_of(size_t entries)
{
    struct cache_config config;
    struct cache *cache;
    struct error err;

    cache_config_default(&config);
    config.entries = entries;
    if (cache_new(&config, &cache, &err) != ERROR_NONE) {
        fprintf(stderr, "bench_cache: %s\n", err.reason);
        exit(1);
    }
    return cache;
}

/* As a mail server asks. */
static void
ask(const struct cache *cache, size_t account, struct cache_key *key)
{
    char name[64];
    int len = snprintf(name, sizeof(name), "someone.%07zu@mail.example.org", account);
    struct cache_question question = {
        .account = span_make(name, (size_t)len),
        .service = SPAN("imap"),
        .scope = SPAN("0123456789abcdef"),
        .network = SPAN("192.0.2.143"),
        .password = SPAN("correct horse battery"),
    };

    cache_key_make(cache, &question, key);
}

/* --- speed --- */

static double
now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

enum { ASKED = 2000000 };

struct speed { double make_ns, all_ns, hits; };

/* Of one question; making its text is in both, and taken off. */
static struct speed
measure(struct cache *cache, size_t accounts)
{
    struct cache_hit hit;
    struct cache_key key;
    uint64_t random = 1;
    char name[64];
    double start, text_ns, make_ns;
    size_t hits = 0, bytes = 0;

    start = now_ns();
    for (size_t i = 0; i < ASKED; i++)
        bytes += (size_t)snprintf(name, sizeof(name), "someone.%07zu@mail.example.org",
                                  (size_t)(next_random(&random) % accounts));
    text_ns = (now_ns() - start) / ASKED;
    start = now_ns();
    for (size_t i = 0; i < ASKED; i++)
        ask(cache, next_random(&random) % accounts, &key);
    make_ns = (now_ns() - start) / ASKED - text_ns;
    start = now_ns();
    for (size_t i = 0; i < ASKED; i++) {
        ask(cache, next_random(&random) % accounts, &key);
        hits += cache_find(cache, &key, 1000, &hit) == CACHE_ACCEPTED;
    }
    return (struct speed){ make_ns, (now_ns() - start) / ASKED - text_ns,
                           bytes ? (double)hits / ASKED : 0 };
}

static struct speed
speed_with(size_t accounts)
{
    struct cache *cache = cache_of(accounts * 2);       /* so that all find room */
    struct cache_fingerprint row = { 1 };
    struct speed speed;

    for (size_t i = 0; i < accounts; i++) {
        struct cache_key key;

        ask(cache, i, &key);
        cache_accept(cache, &key, &row, CACHE_ANYWHERE, 1000);
    }
    speed = measure(cache, accounts);
    cache_free(cache);
    return speed;
}

static void
report_speed(void)
{
    static const size_t sizes[] = { 1000, 1000000 };
    double first_ns = 0;

    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct speed speed = speed_with(sizes[i]);

        if (i == 0)
            first_ns = speed.all_ns;
        printf("%8zu entries   key %4.0f ns   key and hit %4.0f ns   ratio %.2f   hits %.4f\n",
               sizes[i], speed.make_ns, speed.all_ns, speed.all_ns / first_ns, speed.hits);
    }
}

/* --- hit ratio --- */

enum {
    ACCOUNTS = 200000,          /* that come again and again */
    ROOM = 50000,
    TRACE = 3000000,
    SCAN_EVERY = 100000,        /* questions, between two scans */
    SCAN = 20000,               /* accounts that come once */
    STEP_MS = 5                 /* 200 sign-ins a second */
};

/* The k-th account comes with a probability of 1 / k^0.9. */
static size_t
zipf_draw(const double *sums, uint64_t *random)
{
    double at = (double)(next_random(random) >> 11) * 0x1p-53 * sums[ACCOUNTS - 1];
    size_t low = 0, high = ACCOUNTS - 1;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (sums[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t *
trace_new(size_t *len_out)
{
    double *sums = need(malloc(ACCOUNTS * sizeof(*sums))), sum = 0;
    size_t *trace = need(malloc((TRACE + TRACE / SCAN_EVERY * SCAN) * sizeof(*trace)));
    size_t len = 0, stranger = ACCOUNTS;
    uint64_t random = 7;

    for (size_t i = 0; i < ACCOUNTS; i++)
        sums[i] = sum += 1 / pow((double)(i + 1), 0.9);
    for (size_t i = 1; i <= TRACE; i++) {
        trace[len++] = zipf_draw(sums, &random);
        for (size_t j = 0; i % SCAN_EVERY == 0 && j < SCAN; j++)
            trace[len++] = stranger++;
    }
    free(sums);
    *len_out = len;
    return trace;
}

/* As auth/ does: a stale answer is looked up and refreshed, a miss is verified. */
static double
ratio_of_cache(const size_t *trace, size_t len)
{
    struct cache *cache = cache_of(ROOM);
    struct cache_fingerprint row = { 1 };
    size_t hits = 0;

    for (size_t i = 0; i < len; i++) {
        int64_t now_ms = 1000 + (int64_t)i * STEP_MS;
        struct cache_hit hit;
        struct cache_key key;
        enum cache_answer answer;

        ask(cache, trace[i], &key);
        answer = cache_find(cache, &key, now_ms, &hit);
        hits += answer != CACHE_MISS;
        if (answer == CACHE_MISS)
            cache_accept(cache, &key, &row, CACHE_ANYWHERE, now_ms);
        else if (answer == CACHE_STALE)
            cache_refresh(cache, &key, &row, now_ms);
    }
    cache_free(cache);
    return (double)hits / (double)len;
}

/* A ring of accounts in order of use, the least lately used before the head. */
struct lru { size_t *next, *previous; size_t head, used; };

static void
lru_unlink(struct lru *lru, size_t account)
{
    lru->next[lru->previous[account]] = lru->next[account];
    lru->previous[lru->next[account]] = lru->previous[account];
    lru->next[account] = SIZE_MAX;
    lru->used--;
}

static bool
lru_use(struct lru *lru, size_t account, size_t room)
{
    bool hit = lru->next[account] != SIZE_MAX;

    if (hit)
        lru_unlink(lru, account);
    else if (lru->used == room)
        lru_unlink(lru, lru->previous[lru->head]);
    lru->next[account] = lru->next[lru->head];
    lru->previous[account] = lru->head;
    lru->previous[lru->next[lru->head]] = account;
    lru->next[lru->head] = account;
    lru->used++;
    return hit;
}

static double
ratio_of_lru(const size_t *trace, size_t len, size_t room)
{
    size_t names = ACCOUNTS + TRACE / SCAN_EVERY * SCAN, hits = 0;
    struct lru lru = { .head = names };

    lru.next = need(malloc((names + 1) * sizeof(size_t)));
    lru.previous = need(malloc((names + 1) * sizeof(size_t)));
    memset(lru.next, 0xff, (names + 1) * sizeof(size_t));
    lru.next[names] = lru.previous[names] = names;
    for (size_t i = 0; i < len; i++)
        hits += lru_use(&lru, trace[i], room);
    free(lru.previous);
    free(lru.next);
    return (double)hits / (double)len;
}

/* Belady's: who is asked for again the latest, or never, goes. Nobody can know that; no other does
 * better. A heap by the next question for it, the latest at its top; what was asked for meanwhile has an
 * older place in it, which is passed over. */
struct heap { size_t *next; size_t *who; size_t count; };

static void
heap_swap(struct heap *heap, size_t a, size_t b)
{
    size_t next = heap->next[a], who = heap->who[a];

    heap->next[a] = heap->next[b];
    heap->who[a] = heap->who[b];
    heap->next[b] = next;
    heap->who[b] = who;
}

static void
heap_push(struct heap *heap, size_t next, size_t who)
{
    size_t at = heap->count++;

    heap->next[at] = next;
    heap->who[at] = who;
    for (; at > 0 && heap->next[(at - 1) / 2] < heap->next[at]; at = (at - 1) / 2)
        heap_swap(heap, at, (at - 1) / 2);
}

static void
heap_pop(struct heap *heap)
{
    heap_swap(heap, 0, --heap->count);
    for (size_t at = 0, child; (child = 2 * at + 1) < heap->count; at = child) {
        child += child + 1 < heap->count && heap->next[child + 1] > heap->next[child];
        if (heap->next[at] >= heap->next[child])
            return;
        heap_swap(heap, at, child);
    }
}

/* When each is asked for again; `len` and beyond: never. */
static size_t *
next_questions(const size_t *trace, size_t len, size_t names)
{
    size_t *next = need(malloc(len * sizeof(*next))), *last = need(malloc(names * sizeof(*last)));

    for (size_t i = 0; i < names; i++)
        last[i] = len;
    for (size_t i = len; i-- > 0;) {
        next[i] = last[trace[i]];
        last[trace[i]] = i;
    }
    free(last);
    return next;
}

static double
ratio_of_optimum(const size_t *trace, size_t len, size_t room)
{
    size_t names = ACCOUNTS + TRACE / SCAN_EVERY * SCAN, hits = 0, used = 0;
    size_t *next = next_questions(trace, len, names);
    size_t *here = need(calloc(names, sizeof(*here)));      /* its next question, if it is in */
    struct heap heap = { need(malloc(len * sizeof(size_t))), need(malloc(len * sizeof(size_t))), 0 };

    for (size_t i = 0; i < len; i++) {
        size_t who = trace[i];

        hits += here[who] != 0;
        used += here[who] == 0;
        here[who] = next[i];
        heap_push(&heap, next[i], who);
        for (; used > room; heap_pop(&heap))
            if (here[heap.who[0]] == heap.next[0]) {
                here[heap.who[0]] = 0;
                used--;
            }
    }
    free(heap.next);
    free(heap.who);
    free(here);
    free(next);
    return (double)hits / (double)len;
}

static void
report_ratio(void)
{
    size_t len, *trace = trace_new(&len);
    struct cache *cache = cache_of(ROOM);
    struct cache_stats stats;
    double ours, lru, most;

    cache_stats_get(cache, 0, &stats);
    cache_free(cache);
    ours = ratio_of_cache(trace, len);
    lru = ratio_of_lru(trace, len, stats.entries_max);
    most = ratio_of_optimum(trace, len, stats.entries_max);
    printf("hits on Zipf with scans   cache %.4f   plain LRU %.4f   ratio %.3f   optimum %.4f\n",
           ours, lru, ours / lru, most);
    free(trace);
}

int
main(void)
{
    report_speed();
    report_ratio();
    return 0;
}
