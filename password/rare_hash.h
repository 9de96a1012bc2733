/* password/rare_hash.h - Whirlpool and Tiger, by libgcrypt
 *
 * Purpose  DBMail can store digests that libcrypto's default provider lacks. libgcrypt is optional:
 *          without it, or where its FIPS mode forbids them, they are not known.
 * Errors   False: not known, or no memory.
 * Threads  Any function from any thread.
 */
#ifndef PASSWORD_RARE_HASH_H
#define PASSWORD_RARE_HASH_H

#include "password/hash.h"

bool rare_hash_is_known(enum hash hash);
bool rare_hash_parts(enum hash hash, const span *parts, size_t count,
                     unsigned char out[static HASH_LEN_MAX]);

#endif
