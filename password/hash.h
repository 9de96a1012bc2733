/* password/hash.h - digests, HMAC, PBKDF2 and scrypt, by libcrypto
 *
 * Purpose  One name for each digest, whoever computes it: libcrypto's default provider, and MD4
 *          by md4.c, because libcrypto keeps that in a provider that may be absent; Whirlpool and
 *          Tiger by rare_hash.c, for hash_parts() and hash_bytes() only.
 * Errors   False: the library could not (no memory, a provider without the digest).
 * Threads  Any function from any thread. Digests are fetched once, by whoever comes first.
 */
#ifndef PASSWORD_HASH_H
#define PASSWORD_HASH_H

#include "common/span.h"

enum hash {
    HASH_MD4, HASH_MD5, HASH_SHA1, HASH_SHA224, HASH_SHA256, HASH_SHA384, HASH_SHA512,
    HASH_WHIRLPOOL, HASH_TIGER, HASHES
};

#define HASH_LEN_MAX 64

size_t hash_len(enum hash hash);

/* False for what this build, or this machine, has no library for. */
bool hash_is_known(enum hash hash);

/* The digest of the parts, one behind the other. */
bool hash_parts(enum hash hash, const span *parts, size_t count, unsigned char out[static HASH_LEN_MAX]);
bool hash_bytes(enum hash hash, span bytes, unsigned char out[static HASH_LEN_MAX]);

/* h = hash(h | tail), `rounds` times, in place: what phpass does with the password, FSHP with
 * nothing. */
bool hash_repeat(enum hash hash, uint64_t rounds, span tail, unsigned char h[static HASH_LEN_MAX]);

bool hash_hmac(enum hash hash, span key, span bytes, unsigned char out[static HASH_LEN_MAX]);

/* 1 <= rounds <= INT_MAX, the caller's bounds have seen to it. */
bool hash_pbkdf2(enum hash hash, span password, span salt, uint64_t rounds, unsigned char *out,
                 size_t len);

bool hash_scrypt(span password, span salt, uint64_t n, uint64_t r, uint64_t p, unsigned char *out,
                 size_t len);

/* DES of one block under a key of 7 bytes, for LM hashes. */
bool hash_des(const unsigned char key7[static 7], const unsigned char in[static 8],
              unsigned char out[static 8]);

#endif
