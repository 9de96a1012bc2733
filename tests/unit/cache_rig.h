/* tests/unit/cache_rig.h - short words for tests of cache/ */
#ifndef TESTS_UNIT_CACHE_RIG_H
#define TESTS_UNIT_CACHE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cache/cache.h"
#include "common/macros.h"
#include "common/random.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define YEAR (8766 * HOUR)

/* A clock has to start somewhere; not at 0, so that an unset time is not a recent one. */
#define START (3 * HOUR)

/* The default times, and room for so many. */
static inline struct cache *
cache_of(size_t entries)
{
    struct cache_config config;
    struct cache *cache;
    struct error err;

    cache_config_default(&config);
    config.entries = entries;
    assert_int_equal(cache_new(&config, &cache, &err), ERROR_NONE);
    return cache;
}

static inline struct cache_key
key_of(const struct cache *cache, const char *account, const char *service,
       const char *network, const char *password)
{
    struct cache_question question = {
        .account = span_of(account),
        .service = span_of(service),
        .scope = span_of("settings"),
        .network = span_of(network),
        .password = span_of(password),
    };
    struct cache_key key;

    cache_key_make(cache, &question, &key);
    return key;
}

/* Most tests need one question about an account: IMAP, from one address. */
static inline struct cache_key
key_of_imap(const struct cache *cache, const char *account, const char *password)
{
    return key_of(cache, account, "imap", "192.0.2.1", password);
}

/* The fingerprint of a row that consists of that text. */
static inline struct cache_fingerprint
row_of(const struct cache *cache, const char *text)
{
    struct cache_fingerprint row;

    cache_fingerprint_make(cache, span_of(text), &row);
    return row;
}

static inline void
accept_key(struct cache *cache, const struct cache_key *key, const char *row, int64_t now_ms)
{
    struct cache_fingerprint fingerprint = row_of(cache, row);

    cache_accept(cache, key, &fingerprint, CACHE_ANYWHERE, now_ms);
}

static inline enum cache_answer
answer_to(struct cache *cache, const struct cache_key *key, int64_t now_ms)
{
    struct cache_hit hit;

    return cache_find(cache, key, now_ms, &hit);
}

/* "u123@d5.example": a name for a number. */
static inline const char *
name_of(size_t number, size_t domain, char out[48])
{
    snprintf(out, 48, "u%zu@d%zu.example", number, domain);
    return out;
}

#endif
