/* tests/unit/test_cache_hashing.c - K12 of the reliability rows: nobody chooses the set that he falls in
 *
 * What an operation costs is the entries of one set, 14 at most; what a stranger could gain is to
 * have many names in one. So entries are counted, not nanoseconds: over all names, how many share a
 * place with each, against as many names that nobody chose.
 */
#include "tests/unit/cache_rig.h"

#include <sodium.h>

enum {
    NAMES = 1024,
    PLACES = 256,               /* into which the chosen names fall together: all in one */
    TRIES = NAMES * PLACES * 16
};

static uint32_t
polynomial(const char *text, uint32_t hash, uint32_t factor)
{
    while (*text)
        hash = hash * factor + (unsigned char)*text++;
    return hash;
}

static uint32_t
times_31(const char *text)
{
    return polynomial(text, 0, 31);
}

static uint32_t
times_33(const char *text)
{
    return polynomial(text, 5381, 33);
}

static uint32_t
fnv_1a(const char *text)
{
    uint32_t hash = 2166136261u;

    while (*text)
        hash = (hash ^ (unsigned char)*text++) * 16777619u;
    return hash;
}

static uint32_t
crc_32(const char *text)
{
    uint32_t crc = UINT32_MAX;

    for (; *text; text++) {
        crc ^= (unsigned char)*text;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static uint32_t
siphash_of_no_key(const char *text)
{
    const unsigned char key[crypto_shorthash_KEYBYTES] = { 0 };
    uint64_t out;

    crypto_shorthash((unsigned char *)&out, (const unsigned char *)text, strlen(text), key);
    return (uint32_t)(out >> 32);
}

/* What a stranger can have: the same program with a key of its own. */
static struct cache *other_cache;

static uint32_t
set_of_another_daemon(const char *text)
{
    return (uint32_t)(key_of_imap(other_cache, text, "secret").account >> 32);
}

static uint32_t
not_chosen(const char *text)
{
    (void)text;
    return 0;
}

static const struct { const char *what; uint32_t (*hash)(const char *text); unsigned shift; } kinds[] = {
    { "hash * 31, as of Java",      times_31,               0 },
    { "hash * 33, as of Bernstein", times_33,               0 },
    { "FNV-1a",                     fnv_1a,                 0 },
    { "CRC-32",                     crc_32,                 0 },
    { "SipHash with no key",        siphash_of_no_key,      24 },
    { "another daemon's sets",      set_of_another_daemon,  24 },
};

static char names[NAMES][48];

/* NAMES of them whose hash puts them all into the last place. */
static void
choose(uint32_t (*hash)(const char *text), unsigned shift)
{
    size_t found = 0, domain = shift + 1;

    for (size_t i = 0; found < NAMES && i < TRIES; i++)
        if (hash == not_chosen
            || (hash(name_of(i, domain, names[found])) >> shift) % PLACES == PLACES - 1) {
            name_of(i, domain, names[found]);
            found++;
        }
    assert_int_equal(found, NAMES);
}

/* With how many a name shares its place, summed over all. */
static size_t
shared(const struct cache *cache)
{
    static size_t count[PLACES];
    size_t sum = 0;

    memset(count, 0, sizeof(count));
    for (size_t i = 0; i < NAMES; i++)
        sum += ++count[key_of_imap(cache, names[i], "secret").account >> 56];
    return sum;
}

static size_t
remembered(struct cache *cache)
{
    struct cache_stats stats;

    cache_flush_all(cache);
    for (size_t i = 0; i < NAMES; i++) {
        struct cache_key key = key_of_imap(cache, names[i], "secret");

        accept_key(cache, &key, "row", START);
    }
    cache_stats_get(cache, START, &stats);
    return stats.accepted;
}

static void
K12_names_that_collide_elsewhere_cost_no_more_than_others_here(void **state)
{
    struct cache *cache = cache_of(PLACES * 14);
    size_t ordinary;

    (void)state;
    other_cache = cache_of(PLACES * 14);
    choose(not_chosen, 0);
    ordinary = shared(cache);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        size_t cost;

        choose(kinds[i].hash, kinds[i].shift);
        cost = shared(cache);
        print_message("# %s: %.2f times the others' cost\n", kinds[i].what,
                      (double)cost / (double)ordinary);
        assert_true(cost <= 2 * ordinary);
        assert_true(remembered(cache) >= NAMES - NAMES / 100);
    }
    /* The measure is able to tell: in the cache that they were chosen for, one place has all. */
    assert_true(shared(other_cache) > 50 * ordinary);
    assert_true(remembered(other_cache) <= 2 * 14);
    cache_free(other_cache);
    cache_free(cache);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(K12_names_that_collide_elsewhere_cost_no_more_than_others_here),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests_name("hashing", tests, NULL, NULL);
}
