/* password/cram_md5.c - CRAM-MD5 contexts: HMAC-MD5 half done
 *
 * What is stored is MD5's chaining state after the block of the key xor 0x5c, and after that of the
 * key xor 0x36: four little-endian words each. libcrypto does not show the state, so one block of
 * MD5 (RFC 1321) is here. A key of over 64 bytes is its MD5, as in every HMAC.
 */
#include "password/scheme.h"

#include <sodium.h>
#include <string.h>

#define BLOCK 64
#define STATE_LEN CRAM_STATE_LEN

/* floor(2^32 * abs(sin(i + 1))) */
static const uint32_t sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static uint32_t
mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
    switch (round) {
    case 0: return (b & c) | (~b & d);
    case 1: return (b & d) | (c & ~d);
    case 2: return b ^ c ^ d;
    default: return c ^ (b | ~d);
    }
}

static uint32_t
get_word(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* The state after one block more. */
static void
next_block(unsigned char state[static STATE_LEN], const unsigned char block[static BLOCK])
{
    static const unsigned char shift[4][4] = {
        { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 },
    };
    static const unsigned char step[4] = { 1, 5, 3, 7 }, start[4] = { 0, 1, 5, 0 };
    uint32_t a = get_word(state), b = get_word(state + 4), c = get_word(state + 8),
        d = get_word(state + 12);

    for (unsigned i = 0; i < 64; i++) {
        const unsigned round = i / 16, bits = shift[round][i % 4];
        uint32_t sum = a + mix(round, b, c, d) + sines[i]
            + get_word(block + 4 * ((start[round] + step[round] * i) % 16));

        a = d;
        d = c;
        c = b;
        b += sum << bits | sum >> (32 - bits);
    }
    for (unsigned i = 0; i < 4; i++) {
        const uint32_t words[4] = { a, b, c, d };
        const uint32_t sum = get_word(state + 4 * i) + words[i];

        for (unsigned k = 0; k < 4; k++)
            state[4 * i + k] = (unsigned char)(sum >> (8 * k));
    }
}

static void
padded_state(const unsigned char key[static BLOCK], unsigned char pad,
             unsigned char out[static STATE_LEN])
{
    /* 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 */
    static const unsigned char initial[] = "\x01\x23\x45\x67\x89\xab\xcd\xef"
                                           "\xfe\xdc\xba\x98\x76\x54\x32\x10";
    unsigned char block[BLOCK];

    for (size_t i = 0; i < BLOCK; i++)
        block[i] = key[i] ^ pad;
    memcpy(out, initial, STATE_LEN);
    next_block(out, block);
    sodium_memzero(block, sizeof(block));
}

bool
cram_md5_states(span password, unsigned char out[static 2 * CRAM_STATE_LEN])
{
    unsigned char key[BLOCK] = { 0 };
    bool ok = true;

    if (password.len > BLOCK)
        ok = hash_bytes(HASH_MD5, password, key);
    else if (password.len > 0)
        memcpy(key, password.ptr, password.len);
    padded_state(key, 0x5c, out);
    padded_state(key, 0x36, out + STATE_LEN);
    sodium_memzero(key, sizeof(key));
    return ok;
}

static bool
cram_check(const struct scheme *scheme, span data, const struct password_bounds *bounds,
           struct password_cost *cost_out, struct error *err)
{
    (void)scheme;
    (void)bounds;
    (void)cost_out;
    return data.len == 2 * STATE_LEN || bounds_malformed(err);
}

static enum password_verdict
cram_verify(const struct scheme_trial *trial, struct error *err)
{
    unsigned char made[2 * STATE_LEN];
    bool ok = cram_md5_states(trial->password, made);
    enum password_verdict verdict = scheme_compare(ok, span_make(made, sizeof(made)), trial->data,
                                                   err);

    sodium_memzero(made, sizeof(made));
    return verdict;
}

static enum error_code
cram_make(const struct scheme *scheme, unsigned long cost, span password, struct secret *out,
          struct error *err)
{
    unsigned char made[2 * STATE_LEN] = { 0 };
    const struct form form = { .key = span_make(made, sizeof(made)) };
    bool ok = cram_md5_states(password, made) && form_write("%kh", &form, out);

    (void)scheme;
    (void)cost;
    sodium_memzero(made, sizeof(made));
    return scheme_made(ok, err);
}

static enum password_verdict
cram_credential(const struct scheme *scheme, span data, const struct credential_terms *terms,
                struct credential *out, struct error *err)
{
    (void)scheme;
    (void)terms;
    (void)err;
    out->key_len = STATE_LEN;
    memcpy(out->stored_key, data.ptr, STATE_LEN);
    memcpy(out->server_key, data.ptr + STATE_LEN, STATE_LEN);
    return PASSWORD_RIGHT;
}

/* --- the other half: what a challenge is answered with ------------------------------- */

/* MD5 of a whole block, which led to `state`, and `bytes` behind it. */
static void
finish(const unsigned char state[static STATE_LEN], span bytes,
       unsigned char out[static STATE_LEN])
{
    const uint64_t bits = 8 * (BLOCK + (uint64_t)bytes.len);
    unsigned char block[BLOCK] = { 0 };

    memcpy(out, state, STATE_LEN);
    for (; bytes.len >= BLOCK; bytes = span_from(bytes, BLOCK))
        next_block(out, bytes.ptr);
    if (bytes.len > 0)
        memcpy(block, bytes.ptr, bytes.len);
    block[bytes.len] = 0x80;
    if (bytes.len + 1 > BLOCK - 8) {
        next_block(out, block);
        memset(block, 0, sizeof(block));
    }
    for (unsigned i = 0; i < 8; i++)
        block[BLOCK - 8 + i] = (unsigned char)(bits >> (8 * i));
    next_block(out, block);
}

enum password_verdict
credential_check_cram_md5(const struct credential *credential, span challenge, span digest,
                          struct error *err)
{
    unsigned char inner[STATE_LEN], made[STATE_LEN];
    enum password_verdict verdict;

    finish(credential->server_key, challenge, inner);
    finish(credential->stored_key, span_make(inner, sizeof(inner)), made);
    verdict = scheme_compare(true, span_make(made, sizeof(made)), digest, err);
    sodium_memzero(inner, sizeof(inner));
    sodium_memzero(made, sizeof(made));
    return verdict;
}

const struct scheme cram_md5_schemes[] = {
    { .name = "CRAM-MD5", .forms = "{CRAM-MD5} or {HMAC-MD5} and 64 hex digits (VMM)",
      .names = "HMAC-MD5 DOVECOT-CRAM-MD5 DOVECOT-HMAC-MD5",
      .coding = SCHEME_HEX_OR_BASE64, .bytes_len = 2 * STATE_LEN,
      .check = cram_check, .verify = cram_verify, .make = cram_make, .password_max = SECRET_MAX,
      .mechanisms = MECHANISM_BIT(MECHANISM_CRAM_MD5), .credential = cram_credential,
      .library = "own", .class = PASSWORD_LEGACY },
    { .name = NULL },
};
