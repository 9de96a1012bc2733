/* cache/key.c - see key.h
 *
 *   account ────SipHash──▶ ┐
 *   service ────SipHash──▶ ├─SipHash──▶ anywhere ─┬─SipHash──▶ here
 *   scope ──────SipHash──▶ ┘                      │             ▲
 *   network ────SipHash──────────────────────────────────────────┘
 *   password ───SipHash──────────SipHash──▶ password
 *                                  ▲──anywhere
 *
 * Every field is a digest of fixed length before it meets another, so fields cannot run
 * together and none is ever cut. All digests are SipHash-2-4's of 128 bits, a pseudo-random function
 * made for short inputs that a stranger chooses: without its key, a digest tells nothing of its
 * input, and with the key no digest is slow enough. (Keyed BLAKE2b took longer than all the rest of a
 * cached answer.) A password's is bound to the question: the same password of two accounts leaves no
 * trace of being the same.
 */
#include "cache/key.h"
#include "cache/table.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

/* One key for each place where a digest stands, so that an account named like a domain is
 * not the domain. */
struct key_ring {
    unsigned char account[crypto_shorthash_siphashx24_KEYBYTES];
    unsigned char domain[crypto_shorthash_siphashx24_KEYBYTES];
    unsigned char field[crypto_shorthash_siphashx24_KEYBYTES];
    unsigned char anywhere[crypto_shorthash_siphashx24_KEYBYTES];
    unsigned char here[crypto_shorthash_siphashx24_KEYBYTES];
    unsigned char password[crypto_shorthash_siphashx24_KEYBYTES];
    unsigned char bound[crypto_shorthash_siphashx24_KEYBYTES];
    unsigned char fingerprint[crypto_shorthash_siphashx24_KEYBYTES];
};

static_assert(sizeof(struct digest) == crypto_shorthash_siphashx24_BYTES,
              "a digest is what SipHash-2-4-128 gives");

struct key_ring *
key_ring_new(void)
{
    struct key_ring *ring;

    if (sodium_init() < 0)
        return NULL;
    ring = sodium_malloc(sizeof(*ring));
    if (!ring)
        return NULL;
    randombytes_buf(ring, sizeof(*ring));
    sodium_mprotect_readonly(ring);
    return ring;
}

void
key_ring_free(struct key_ring *ring)
{
    sodium_free(ring);          /* wipes, unlocks */
}

static struct digest
siphash(const unsigned char *key, const void *bytes, size_t len)
{
    struct digest out;

    crypto_shorthash_siphashx24((unsigned char *)&out, bytes, len, key);
    return out;
}

static struct digest
siphash_span(const unsigned char *key, span bytes)
{
    return siphash(key, bytes.ptr, bytes.len);
}

struct digest
key_account(const struct key_ring *ring, span account)
{
    return siphash_span(ring->account, account);
}

uint32_t
key_domain(const struct key_ring *ring, span domain)
{
    return (uint32_t)siphash_span(ring->domain, domain).word[0] >> (32 - TABLE_DOMAIN_BITS);
}

struct digest
key_fingerprint(const struct key_ring *ring, span bytes)
{
    return siphash_span(ring->fingerprint, bytes);
}

void
key_question(const struct key_ring *ring, const struct digest *account,
             const struct cache_question *question, struct cache_key *out)
{
    span name = question->account;
    struct digest fields[] = {
        *account,
        siphash_span(ring->field, question->service),
        siphash_span(ring->field, question->scope),
    };
    struct digest anywhere = siphash(ring->anywhere, fields, sizeof(fields));
    struct digest reach[] = { anywhere, siphash_span(ring->field, question->network) };
    struct digest bound[] = { anywhere, siphash_span(ring->password, question->password) };
    struct digest password = siphash(ring->bound, bound, sizeof(bound));

    sodium_memzero(bound, sizeof(bound));
    out->account = account->word[0];
    out->anywhere = anywhere.word[0];
    out->here = siphash(ring->here, reach, sizeof(reach)).word[0];
    memcpy(out->password, password.word, sizeof(out->password));
    out->domain = key_domain(ring, span_from(name, span_find_last(name, '@') + 1));
}
