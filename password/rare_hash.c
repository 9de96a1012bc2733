/* password/rare_hash.c - see rare_hash.h */
#include "password/rare_hash.h"

#ifdef HAVE_GCRYPT

#include <gcrypt.h>
#include <pthread.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* No locked memory of its own: a digest's state is wiped when it is closed. libsystemd may have
 * been here first. */
static void
begin(void)
{
    if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P))
        return;
    gcry_check_version(NULL);
    gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
    gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
}

/* TIGER1 has the bytes in the order that its authors, PHP and DBMail print. GCRY_MD_TIGER is an old
 * mistake that libgcrypt keeps. */
static int
algorithm_of(enum hash hash)
{
    return hash == HASH_WHIRLPOOL ? GCRY_MD_WHIRLPOOL
        : hash == HASH_TIGER ? GCRY_MD_TIGER1 : GCRY_MD_NONE;
}

bool
rare_hash_is_known(enum hash hash)
{
    pthread_once(&once, begin);
    return gcry_md_test_algo(algorithm_of(hash)) == 0;
}

bool
rare_hash_parts(enum hash hash, const span *parts, size_t count,
                unsigned char out[static HASH_LEN_MAX])
{
    const int algorithm = algorithm_of(hash);
    gcry_md_hd_t digest;

    if (!rare_hash_is_known(hash) || gcry_md_open(&digest, algorithm, 0) != 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (parts[i].len > 0)
            gcry_md_write(digest, parts[i].ptr, parts[i].len);
    memcpy(out, gcry_md_read(digest, algorithm), hash_len(hash));
    gcry_md_close(digest);
    return true;
}

#else

bool
rare_hash_is_known(enum hash hash)
{
    (void)hash;
    return false;
}

bool
rare_hash_parts(enum hash hash, const span *parts, size_t count,
                unsigned char out[static HASH_LEN_MAX])
{
    (void)hash;
    (void)parts;
    (void)count;
    (void)out;
    return false;
}

#endif
