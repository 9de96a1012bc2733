/* password/md4.c - see md4.h. RFC 1320, section 3.4 */
#include "password/md4.h"

#include <sodium.h>
#include <string.h>

static uint32_t
word(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16
        | (uint32_t)bytes[3] << 24;
}

static uint32_t
rotate(uint32_t x, unsigned bits)
{
    return x << bits | x >> (32 - bits);
}

static uint32_t
choose(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
    if (round == 0)
        return (b & c) | (~b & d);
    return round == 1 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
}

/* In each round: the order of the words, the four rotations, the constant. */
static const struct {
    unsigned char order[16], shift[4];
    uint32_t constant;
} rounds[3] = {
    { { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 }, { 3, 7, 11, 19 }, 0 },
    { { 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15 }, { 3, 5, 9, 13 }, 0x5a827999 },
    { { 0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15 }, { 3, 9, 11, 15 }, 0x6ed9eba1 },
};

static void
compress(uint32_t state[4], const unsigned char block[64])
{
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];

    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 16; i++) {
            uint32_t sum = a + choose(round, b, c, d) + word(block + 4 * rounds[round].order[i])
                + rounds[round].constant;

            a = d;
            d = c;
            c = b;
            b = rotate(sum, rounds[round].shift[i % 4]);
        }
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

void
md4_begin(struct md4 *md4)
{
    *md4 = (struct md4){ .state = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 } };
}

void
md4_add(struct md4 *md4, span bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        md4->block[md4->len++ % 64] = bytes.ptr[i];
        if (md4->len % 64 == 0)
            compress(md4->state, md4->block);
    }
}

void
md4_end(struct md4 *md4, unsigned char out[static MD4_LEN])
{
    static const unsigned char pad[64] = { 0x80 };
    const uint64_t bits = md4->len * 8;
    unsigned char count[8];

    for (unsigned i = 0; i < 8; i++)
        count[i] = (unsigned char)(bits >> (8 * i));
    md4_add(md4, span_make(pad, 1 + (119 - md4->len % 64) % 64));
    md4_add(md4, span_make(count, sizeof(count)));
    for (unsigned i = 0; i < MD4_LEN; i++)
        out[i] = (unsigned char)(md4->state[i / 4] >> (8 * (i % 4)));
    sodium_memzero(md4, sizeof(*md4));
}
