/* tests/unit/test_cache_memory.c - no name, no password and no digest that others could compute
 * is anywhere in this process once the cache has been asked and told about it
 *
 * What is looked for stands here masked, and is compared masked, so that the search finds
 * only what somebody else left. All writable memory is read, and all that is left out of
 * core dumps, through /proc/self/mem, which needs no permission of a page.
 */
#include "tests/unit/cache_rig.h"

#ifdef __has_feature
#define THREADS_WATCHED __has_feature(thread_sanitizer)
#elif defined(__SANITIZE_THREAD__)
#define THREADS_WATCHED 1
#else
#define THREADS_WATCHED 0
#endif

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define MASK 0x5a
#define NEEDLE 8                /* bytes: one word of a copy or of a digest gives it away */

/* Zq7#marker-Kj29!x-password */
static const unsigned char password_masked[] = {
    0x00, 0x2b, 0x6d, 0x79, 0x37, 0x3b, 0x28, 0x31, 0x3f, 0x28, 0x77, 0x11, 0x30, 0x68, 0x63, 0x7b,
    0x22, 0x77, 0x2a, 0x3b, 0x29, 0x29, 0x2d, 0x35, 0x28, 0x3e,
};

/* marker.account.Vw83@secret-domain.example */
static const unsigned char account_masked[] = {
    0x37, 0x3b, 0x28, 0x31, 0x3f, 0x28, 0x74, 0x3b, 0x39, 0x39, 0x35, 0x2f, 0x34, 0x2e, 0x74, 0x0c,
    0x2d, 0x62, 0x69, 0x1a, 0x29, 0x3f, 0x39, 0x28, 0x3f, 0x2e, 0x77, 0x3e, 0x35, 0x37, 0x3b, 0x33,
    0x34, 0x74, 0x3f, 0x22, 0x3b, 0x37, 0x2a, 0x36, 0x3f,
};

/* Digests as hashlib of Python 3 has them. */
static const struct { const char *what; unsigned char masked[NEEDLE]; } needles[] = {
    { "password, bytes 0-7",     { 0x00, 0x2b, 0x6d, 0x79, 0x37, 0x3b, 0x28, 0x31 } },
    { "password, bytes 8-15",    { 0x3f, 0x28, 0x77, 0x11, 0x30, 0x68, 0x63, 0x7b } },
    { "password, bytes 16-23",   { 0x22, 0x77, 0x2a, 0x3b, 0x29, 0x29, 0x2d, 0x35 } },
    { "password, MD5",           { 0x9a, 0x18, 0x5b, 0xb6, 0x3b, 0xd8, 0xb0, 0xd9 } },
    { "password, SHA-1",         { 0xd7, 0xc1, 0x8f, 0x43, 0x75, 0xb6, 0x1e, 0x35 } },
    { "password, SHA-256",       { 0xc2, 0xf0, 0x7a, 0x8c, 0xed, 0x4f, 0xcf, 0x1a } },
    { "password, SHA-512",       { 0xac, 0x85, 0x1e, 0x0c, 0x3b, 0xa0, 0x36, 0xa4 } },
    { "password, BLAKE2b-128",   { 0x6f, 0xd4, 0x72, 0x2a, 0x24, 0x85, 0x26, 0x8d } },
    { "password, BLAKE2b-256",   { 0x70, 0x44, 0x47, 0x53, 0x5c, 0x42, 0x17, 0x29 } },
    { "password, BLAKE2b-512",   { 0xca, 0x40, 0x2f, 0x1f, 0x74, 0xdb, 0xb9, 0x63 } },
    { "account, bytes 0-7",      { 0x37, 0x3b, 0x28, 0x31, 0x3f, 0x28, 0x74, 0x3b } },
    { "account, bytes 8-15",     { 0x39, 0x39, 0x35, 0x2f, 0x34, 0x2e, 0x74, 0x0c } },
    { "account, bytes 24-31",    { 0x3f, 0x2e, 0x77, 0x3e, 0x35, 0x37, 0x3b, 0x33 } },
    { "account, MD5",            { 0x79, 0x06, 0x39, 0x9a, 0xab, 0x69, 0x9b, 0x0c } },
    { "account, SHA-1",          { 0x01, 0x87, 0x0a, 0x98, 0x78, 0xd8, 0x97, 0x91 } },
    { "account, SHA-256",        { 0x84, 0x48, 0x1b, 0x67, 0x51, 0xd3, 0xc3, 0x08 } },
    { "account, SHA-512",        { 0x87, 0x91, 0x8f, 0x6e, 0x82, 0xc9, 0xea, 0x7e } },
    { "account, BLAKE2b-128",    { 0x9d, 0xe3, 0xef, 0xb3, 0x6a, 0x67, 0xa7, 0x4d } },
    { "account, BLAKE2b-256",    { 0x2d, 0xec, 0x02, 0xdc, 0xc1, 0xd9, 0x6f, 0xc7 } },
    { "account, BLAKE2b-512",    { 0xb8, 0x0e, 0xac, 0x66, 0xdf, 0x43, 0xa3, 0xf4 } },
};

/* --- the process's memory --- */

struct region { uint64_t start, end; bool writable, undumped; };

/* Sanitizers map terabytes of shadow, which are not memory of ours. */
#define REGION_MAX (UINT64_C(1) << 30)
#define REGIONS_MAX 4096

static size_t
regions_read(struct region *out)
{
    FILE *maps = fopen("/proc/self/smaps", "re");
    char line[512], perms[8], *end;
    size_t count = 0;

    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps)) {
        struct region region = { 0 };

        region.start = strtoull(line, &end, 16);
        if (*end == '-' && count < REGIONS_MAX) {
            region.end = strtoull(end + 1, &end, 16);
            if (sscanf(end, "%7s", perms) == 1)
                region.writable = perms[1] == 'w';
            out[count++] = region;
        } else if (strncmp(line, "VmFlags:", 8) == 0 && count > 0) {
            out[count - 1].undumped = strstr(line, " dd") != NULL;
        }
    }
    fclose(maps);
    return count;
}

static uint64_t
undumped_bytes(void)
{
    static struct region regions[REGIONS_MAX];
    size_t count = regions_read(regions);
    uint64_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        if (regions[i].undumped && regions[i].end - regions[i].start < REGION_MAX)
            bytes += regions[i].end - regions[i].start;
    return bytes;
}

static bool
holds(const unsigned char *bytes, size_t len, const unsigned char masked[NEEDLE])
{
    for (size_t at = 0; at + NEEDLE <= len; at++) {
        const unsigned char *first = memchr(bytes + at, masked[0] ^ MASK, len - NEEDLE + 1 - at);
        size_t same = 0;

        if (!first)
            return false;
        while (same < NEEDLE && (first[same] ^ MASK) == masked[same])
            same++;
        if (same == NEEDLE)
            return true;
        at = (size_t)(first - bytes);
    }
    return false;
}

/* The index of a needle that is there; COUNT(needles) when none is. */
static size_t
search(const unsigned char *bytes, size_t len)
{
    size_t i = 0;

    while (i < COUNT(needles) && !holds(bytes, len, needles[i].masked))
        i++;
    return i;
}

static size_t
search_region(int memory, const struct region *region)
{
    static unsigned char chunk[NEEDLE - 1 + 65536];
    size_t found = COUNT(needles);

    for (uint64_t at = region->start; at < region->end && found == COUNT(needles); at += 65536) {
        uint64_t from = at > region->start ? at - (NEEDLE - 1) : at;
        uint64_t to = at + 65536 < region->end ? at + 65536 : region->end;
        ssize_t len = pread(memory, chunk, (size_t)(to - from), (off_t)from);

        if (len > 0)
            found = search(chunk, (size_t)len);
    }
    explicit_bzero(chunk, sizeof(chunk));
    return found;
}

static size_t
search_process(void)
{
    static struct region regions[REGIONS_MAX];
    size_t count = regions_read(regions), found = COUNT(needles);
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

    assert_true(memory >= 0);
    for (size_t i = 0; i < count && found == COUNT(needles); i++)
        if ((regions[i].writable || regions[i].undumped)
            && regions[i].end - regions[i].start < REGION_MAX)
            found = search_region(memory, &regions[i]);
    close(memory);
    return found;
}

/* --- what is said to the cache --- */

static unsigned char shown[128];

static span
show(const unsigned char *masked, size_t len, size_t at)
{
    for (size_t i = 0; i < len; i++)
        shown[at + i] = masked[i] ^ MASK;
    return span_make(shown + at, len);
}

static struct cache_question
question_shown(void)
{
    return (struct cache_question){
        .account = show(account_masked, sizeof(account_masked), 0),
        .password = show(password_masked, sizeof(password_masked), 64),
    };
}

/* Everything that takes a name or a password, and everything that keeps something. */
static void *
tell_everything(void *context)
{
    struct cache *cache = context;
    struct cache_question question = question_shown();
    span domain = span_from(question.account, span_find(question.account, '@') + 1);
    struct cache_key key;
    struct cache_fingerprint row;
    struct cache_hit hit;

    cache_fingerprint_make(cache, question.password, &row);
    cache_flush_account(cache, question.account, START);
    cache_flush_domain(cache, domain, START);
    cache_key_make(cache, &question, &key);
    cache_reject(cache, &key, 1, CACHE_THIS_NETWORK, START);
    assert_int_equal(cache_find(cache, &key, START, &hit), CACHE_REJECTED);
    cache_accept(cache, &key, &row, CACHE_ANYWHERE, START);
    assert_int_equal(cache_find(cache, &key, START, &hit), CACHE_ACCEPTED);
    cache_reject(cache, &key, 1, CACHE_THIS_NETWORK, START);
    return NULL;
}

static void *
make_key(void *context)
{
    struct cache_question question = question_shown();
    struct cache_key key;

    cache_key_make(context, &question, &key);
    return NULL;
}

static void *
make_fingerprint(void *context)
{
    struct cache_fingerprint row;

    cache_fingerprint_make(context, question_shown().password, &row);
    return NULL;
}

/* On a stack of its own, which nothing writes over before it is searched. */
static void
run_apart(void *(*function)(void *context), void *context)
{
    static _Alignas(4096) unsigned char stack[1 << 20];
    pthread_attr_t attributes;
    pthread_t thread;

    memset(stack, 0, sizeof(stack));
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstack(&attributes, stack, sizeof(stack)), 0);
    assert_int_equal(pthread_create(&thread, &attributes, function, context), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    explicit_bzero(shown, sizeof(shown));
}

static void
the_search_finds_what_is_there(void **state)
{
    char *heap = malloc(100);

    (void)state;
    assert_non_null(heap);
    for (size_t i = 0; i < COUNT(needles); i++) {
        memset(heap, 0, 100);
        for (size_t j = 0; j < NEEDLE; j++)
            heap[50 + j] = (char)(needles[i].masked[j] ^ MASK);
        if (search_process() != i)
            fail_msg("not found: %s", needles[i].what);
    }
    explicit_bzero(heap, 100);
    free(heap);
    assert_int_equal(search_process(), COUNT(needles));
}

static void
no_name_password_or_known_digest_of_one_is_left_in_the_process(void **state)
{
    static const struct { const char *what; void *(*function)(void *context); } acts[] = {
        { "all of it", tell_everything },
        { "a key", make_key },
        { "a fingerprint", make_fingerprint },
    };
    struct cache *cache = cache_of(10000);
    struct cache_stats stats;

    (void)state;
    for (size_t i = 0; i < COUNT(acts); i++) {
        size_t found;

        run_apart(acts[i].function, cache);
        found = search_process();
        if (found < COUNT(needles))
            fail_msg("left in memory by %s: %s", acts[i].what, needles[found].what);
    }
    cache_stats_get(cache, START, &stats);
    assert_int_equal(stats.accepted, 1);        /* it is remembered, and yet not there */
    assert_int_equal(stats.rejected, 1);
    cache_free(cache);
}

static void
table_and_keys_are_left_out_of_core_dumps(void **state)
{
    uint64_t before = undumped_bytes();
    struct cache *cache = cache_of(100000);
    uint64_t with = undumped_bytes();
    struct cache_stats stats;

    (void)state;
    cache_stats_get(cache, START, &stats);
    assert_true(with - before > stats.bytes);           /* the keys as well */
    assert_true(with - before < stats.bytes + 65536);
    cache_free(cache);
    assert_true(undumped_bytes() - before < 65536);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_search_finds_what_is_there),
        cmocka_unit_test(no_name_password_or_known_digest_of_one_is_left_in_the_process),
        cmocka_unit_test(table_and_keys_are_left_out_of_core_dumps),
    };

    /* ThreadSanitizer keeps copies of its own, in memory like ours. */
    if (THREADS_WATCHED) {
        puts("1..0 # SKIP memory cannot be told from ThreadSanitizer's");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
