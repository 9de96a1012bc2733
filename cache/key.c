/* cache/key.c - see key.h
 *
 *   account ────SipHash──▶ ┐
 *   service ────SipHash──▶ ├─SipHash──▶ anywhere ─┬─SipHash──▶ here
 *   scope ──────SipHash──▶ ┘                      │             ▲
 *   network ────SipHash──────────────────────────────────────────┘
 *   password ───────────────────────BLAKE2b──▶ password
 *                                       ▲──anywhere
 *
 * Every field is a digest of fixed length before it meets another, so fields cannot run
 * together and none is ever cut. All digests have 128 bits and a key. Names and rows get
 * SipHash-2-4, made for short inputs that a stranger chooses. A password gets BLAKE2b, and its digest is
 * bound to the question: the same password of two accounts leaves no trace of being the same.
 */
#include "cache/key.h"

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
    unsigned char password[crypto_generichash_KEYBYTES];
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

/* libsodium wipes its states, but its compression function leaves words of what it compressed
 * in the frame that it had. This frame comes to lie over that one, all of it: without the
 * margins that AddressSanitizer would put around. test_cache_memory finds what is left. */
static __attribute__((noinline, no_sanitize_address)) void
wipe_frames_below(void)
{
    unsigned char frames[2048];

    sodium_memzero(frames, sizeof(frames));
}

/* Keyed BLAKE2b-128 of `bound` and `bytes`. */
static struct digest
blake2b(const unsigned char *key, const struct digest *bound, span bytes)
{
    crypto_generichash_state state;
    struct digest out;

    crypto_generichash_init(&state, key, crypto_generichash_KEYBYTES, sizeof(out));
    crypto_generichash_update(&state, (const unsigned char *)bound, sizeof(*bound));
    crypto_generichash_update(&state, bytes.ptr, bytes.len);
    crypto_generichash_final(&state, (unsigned char *)&out, sizeof(out));
    sodium_memzero(&state, sizeof(state));      /* it buffered the password */
    wipe_frames_below();
    return out;
}

struct digest
key_account(const struct key_ring *ring, span account)
{
    return siphash_span(ring->account, account);
}

uint32_t
key_domain(const struct key_ring *ring, span domain)
{
    return (uint32_t)siphash_span(ring->domain, domain).word[0];
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
    struct digest password = blake2b(ring->password, &anywhere, question->password);

    out->account = account->word[0];
    out->anywhere = anywhere.word[0];
    out->here = siphash(ring->here, reach, sizeof(reach)).word[0];
    memcpy(out->password, password.word, sizeof(out->password));
    out->domain = key_domain(ring, span_from(name, span_find_last(name, '@') + 1));
}
