/* password/hash.c - see hash.h */
#include "password/hash.h"

#include "common/macros.h"
#include "password/md4.h"
#include "password/rare_hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>

static const struct { const char *name; size_t len; } hashes[HASHES] = {
    [HASH_MD4]    = { NULL, MD4_LEN },
    [HASH_MD5]    = { "MD5", 16 },
    [HASH_SHA1]   = { "SHA1", 20 },
    [HASH_SHA224] = { "SHA2-224", 28 },
    [HASH_SHA256] = { "SHA2-256", 32 },
    [HASH_SHA384] = { "SHA2-384", 48 },
    [HASH_SHA512] = { "SHA2-512", 64 },
    [HASH_WHIRLPOOL] = { NULL, 64 },
    [HASH_TIGER]  = { NULL, 24 },
};

/* Fetching walks libcrypto's providers each time; what is fetched lives as long as the process,
 * and libcrypto itself frees the rest when that ends. */
static EVP_MD *fetched[HASHES];
static EVP_CIPHER *fetched_des;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
forget(void)
{
    for (size_t i = 0; i < HASHES; i++)
        EVP_MD_free(fetched[i]);
    EVP_CIPHER_free(fetched_des);
}

static void
fetch(void)
{
    for (size_t i = 0; i < HASHES; i++)
        if (hashes[i].name)
            fetched[i] = EVP_MD_fetch(NULL, hashes[i].name, NULL);
    fetched_des = EVP_CIPHER_fetch(NULL, "DES-EDE-ECB", NULL);
    OPENSSL_atexit(forget);
}

static const EVP_MD *
md_of(enum hash hash)
{
    pthread_once(&once, fetch);
    return fetched[hash];
}

size_t
hash_len(enum hash hash)
{
    return hashes[hash].len;
}

static bool
is_rare(enum hash hash)
{
    return hash == HASH_WHIRLPOOL || hash == HASH_TIGER;
}

bool
hash_is_known(enum hash hash)
{
    return !is_rare(hash) || rare_hash_is_known(hash);
}

static bool
md_parts(EVP_MD_CTX *context, const EVP_MD *md, const span *parts, size_t count,
         unsigned char *out)
{
    bool ok = EVP_DigestInit_ex2(context, md, NULL) == 1;

    for (size_t i = 0; ok && i < count; i++)
        ok = EVP_DigestUpdate(context, parts[i].ptr, parts[i].len) == 1;
    return ok && EVP_DigestFinal_ex(context, out, NULL) == 1;
}

bool
hash_parts(enum hash hash, const span *parts, size_t count, unsigned char out[static HASH_LEN_MAX])
{
    EVP_MD_CTX *context;
    struct md4 md4;
    bool ok;

    if (hash == HASH_MD4) {
        md4_begin(&md4);
        for (size_t i = 0; i < count; i++)
            md4_add(&md4, parts[i]);
        md4_end(&md4, out);
        return true;
    }
    if (is_rare(hash))
        return rare_hash_parts(hash, parts, count, out);
    context = EVP_MD_CTX_new();
    ok = context && md_of(hash) && md_parts(context, md_of(hash), parts, count, out);
    EVP_MD_CTX_free(context);
    return ok;
}

bool
hash_bytes(enum hash hash, span bytes, unsigned char out[static HASH_LEN_MAX])
{
    return hash_parts(hash, &bytes, 1, out);
}

bool
hash_repeat(enum hash hash, uint64_t rounds, span tail, unsigned char h[static HASH_LEN_MAX])
{
    const span parts[] = { span_make(h, hash_len(hash)), tail };
    const EVP_MD *md = md_of(hash);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && md;

    for (uint64_t i = 0; ok && i < rounds; i++)
        ok = md_parts(context, md, parts, COUNT(parts), h);
    EVP_MD_CTX_free(context);
    return ok;
}

bool
hash_hmac(enum hash hash, span key, span bytes, unsigned char out[static HASH_LEN_MAX])
{
    const EVP_MD *md = md_of(hash);

    return md && HMAC(md, key.ptr, (int)key.len, bytes.ptr, bytes.len, out, NULL) != NULL;
}

/* libcrypto takes NULL for "no password given", which an empty one is not. */
static const char *
text_of(span s)
{
    return s.len > 0 ? (const char *)s.ptr : "";
}

bool
hash_pbkdf2(enum hash hash, span password, span salt, uint64_t rounds, unsigned char *out,
            size_t len)
{
    const EVP_MD *md = md_of(hash);

    return md && PKCS5_PBKDF2_HMAC(text_of(password), (int)password.len,
                                   (const unsigned char *)text_of(salt), (int)salt.len,
                                   (int)rounds, md, (int)len, out) == 1;
}

bool
hash_scrypt(span password, span salt, uint64_t n, uint64_t r, uint64_t p, unsigned char *out,
            size_t len)
{
    /* Its own limit is 32 MiB; the bounds have been kept before this. */
    return EVP_PBE_scrypt(text_of(password), password.len, (const unsigned char *)text_of(salt),
                          salt.len, n, r, p, UINT64_MAX, out, len) == 1;
}

/* Triple DES with one key twice is DES, which alone is in the legacy provider. The parity bit of
 * each byte counts for nothing. */
bool
hash_des(const unsigned char key7[static 7], const unsigned char in[static 8],
         unsigned char out[static 8])
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    unsigned char key[16];
    int len = 0;
    bool ok;

    pthread_once(&once, fetch);
    for (unsigned i = 0; i < 8; i++) {
        unsigned bits = (i > 0 ? (unsigned)key7[i - 1] << (8 - i) : 0)
            | (i < 7 ? (unsigned)key7[i] >> i : 0);

        key[i] = key[i + 8] = (unsigned char)(bits & 0xfe);
    }
    ok = context && fetched_des && EVP_EncryptInit_ex2(context, fetched_des, key, NULL, NULL) == 1
        && EVP_CIPHER_CTX_set_padding(context, 0) == 1
        && EVP_EncryptUpdate(context, out, &len, in, 8) == 1 && len == 8;
    sodium_memzero(key, sizeof(key));
    EVP_CIPHER_CTX_free(context);
    return ok;
}
