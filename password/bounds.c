/* password/bounds.c - what a stored password may cost
 *
 * A row with an absurd cost is a denial of service that whoever can write one row can store.
 * The defaults lie a little above the dearest that real configurations were found to write:
 * bcrypt 12-14, sha-crypt 656000 rounds (passlib), sha1-crypt 480000, SunMD5 34000,
 * BSDi 5001, scrypt and yescrypt 64 MiB.
 */
#include "password/scheme.h"

void
password_bounds_default(struct password_bounds *bounds)
{
    *bounds = (struct password_bounds){
        .length_max = 1024,     /* libcrypt takes 511; longer ones only cost time */
        .stored_max = SECRET_MAX,
        .bcrypt_cost_max = 15,                  /* 1.6 s */
        .sha_rounds_max = 5000000,              /* 2 s */
        .sha1_rounds_max = 5000000,             /* 3.6 s */
        .sunmd5_rounds_max = 500000,            /* 0.7 s */
        .bsdi_rounds_max = 1 << 20,             /* 0.1 s */
        .memory_max = UINT64_C(512) << 20,
    };
}

#define BLOCK 128               /* bytes: scrypt's unit of r */
#define PASSES_MAX 4

bool
bounds_allow_memory(const struct password_bounds *bounds, unsigned log2_n, uint64_t r, uint64_t p)
{
    const uint64_t blocks = bounds->memory_max / BLOCK;

    /* Divisions, so that nothing overflows: N * r, and N * r * p, against their bounds. */
    if (log2_n == 0 || log2_n > 63 || r == 0 || p == 0 || r > UINT32_MAX || p > UINT32_MAX)
        return false;
    if (r > blocks >> log2_n || p > blocks / r)
        return false;
    return p <= PASSES_MAX * blocks / (r << log2_n);
}
