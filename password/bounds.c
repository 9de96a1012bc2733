/* password/bounds.c - what a stored password may cost
 *
 * A row with an absurd cost is a denial of service that whoever can write one row can store.
 * The defaults lie a little above the dearest that real configurations were found to write:
 * bcrypt 12-14, sha-crypt 656000 rounds (passlib), sha1-crypt 480000, SunMD5 34000,
 * BSDi 5001, scrypt and yescrypt 64 MiB, PBKDF2 1200000 rounds (Django), phpass 2^19 (passlib),
 * Argon2 with the 1 GiB and four passes of Dovecot's highest setting.
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
        .pbkdf2_rounds_max = 10000000,          /* 2.5 s; Django 5 writes over a million */
        .phpass_log2_max = 21,                  /* 0.8 s; passlib writes 19 */
        .drupal7_log2_max = 19,                 /* 0.5 s; Drupal writes 15 or 16 */
        .argon2_passes_max = 64,
        .argon2_lanes_max = 64,
        .otp_rounds_max = 100000,
        .fshp_rounds_max = 5000000,             /* 2 s */
        .memory_max = UINT64_C(1) << 30,        /* Dovecot's ARGON2ID at -r 4 */
        .scrypt_memory_max = UINT64_C(512) << 20,
        .cost_ms_max = 5000,                    /* that one takes 4.4 s */
    };
}

#define BLOCK 128               /* bytes: scrypt's unit of r */
#define PASSES_MAX 4

bool
bounds_allow_memory(const struct password_bounds *bounds, unsigned log2_n, uint64_t r, uint64_t p)
{
    const uint64_t memory_max = bounds->memory_max < bounds->scrypt_memory_max
        ? bounds->memory_max : bounds->scrypt_memory_max;
    const uint64_t blocks = memory_max / BLOCK;

    /* Divisions, so that nothing overflows: N * r, and N * r * p, against their bounds. */
    if (log2_n == 0 || log2_n > 63 || r == 0 || p == 0 || r > UINT32_MAX || p > UINT32_MAX)
        return false;
    if (r > blocks >> log2_n || p > blocks / r)
        return false;
    return p <= PASSES_MAX * blocks / (r << log2_n);
}

bool
bounds_malformed(struct error *err)
{
    error_set(err, ERROR_CONFIG, "malformed, or cut short");
    return false;
}

bool
bounds_allow(uint64_t count, uint64_t bound, const char *key, struct error *err)
{
    if (count > bound)
        error_set(err, ERROR_CONFIG, "it would cost more than %s allows", key);
    return count <= bound;
}

/* Nanoseconds of one core of the early 2020s, from timing the library at a usual cost and dividing:
 * bcrypt 12 in 210 ms, $6$ with 656000 rounds in 260 ms, Argon2id with 1 GiB and 4 passes in 4.4 s.
 * tests/bench/bench_password prints the same quotients for the machine that it runs on. */
static const double unit_ns[COST_UNITS] = {
    [COST_BCRYPT] = 51000,
    [COST_SHA256_CRYPT] = 490, [COST_SHA512_CRYPT] = 400, [COST_SHA1_CRYPT] = 720,
    [COST_SUNMD5] = 1470, [COST_BSDI] = 120,
    [COST_PBKDF2_SHA1] = 250, [COST_PBKDF2_SHA256] = 250, [COST_PBKDF2_SHA512] = 450,
    [COST_SCRYPT] = 360,
    [COST_ARGON2] = 1050,
    [COST_PHPASS] = 380, [COST_DRUPAL7] = 920, [COST_FSHP] = 420, [COST_OTP] = 1000,
};

uint64_t
cost_ns(enum cost_unit unit, uint64_t count)
{
    const double ns = unit_ns[unit] * (double)count;

    return ns < 1.8e19 ? (uint64_t)ns : UINT64_MAX;
}
