/* password/md4.h - MD4 (RFC 1320), which libcrypto has only in its legacy provider
 *
 * Threads  A context belongs to one thread at a time.
 */
#ifndef PASSWORD_MD4_H
#define PASSWORD_MD4_H

#include "common/span.h"

#define MD4_LEN 16

struct md4 {
    uint32_t state[4];
    uint64_t len;               /* bytes so far */
    unsigned char block[64];
};

void md4_begin(struct md4 *md4);
void md4_add(struct md4 *md4, span bytes);
void md4_end(struct md4 *md4, unsigned char out[static MD4_LEN]);   /* and wipes */

#endif
