/* tests/bench/bench_password.c - what verifying costs beyond what the library's own work does
 *
 *   ratio   password_verify() against a bare call of the library that does the arithmetic, in turn
 *           about, medians: what we add is to be less than 5 %
 *   unit    nanoseconds for each of the units that password/bounds.c has a nominal price for
 *   leak    Welch's t of the time of secret_equal() when the first byte differs and when the last
 *           does, over 10^7 comparisons (dudect, Reparaz and others 2016): below 4.5
 *
 * Ratios are printed beside figures: only they can be compared between machines.
 */
#include "common/macros.h"
#include "password/password.h"
#include "common/random.h"

#include <argon2.h>
#include <crypt.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 15               /* odd, so that there is a median */
#define PASSWORD "a usual password"

static double
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void
need(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "bench_password: %s\n", what);
    exit(1);
}

/* --- the libraries, bare -------------------------------------------------------------- */

static const unsigned char salt[16] = "0123456789abcdef";
static volatile unsigned char sink;

static void
bare_pbkdf2(const char *stored)
{
    unsigned char key[32];

    (void)stored;
    PKCS5_PBKDF2_HMAC(PASSWORD, sizeof(PASSWORD) - 1, salt, sizeof(salt), 600000, EVP_sha256(),
                      sizeof(key), key);
    sink = key[0];
}

static void
bare_argon2(const char *stored)
{
    unsigned char tag[32];

    (void)stored;
    argon2id_hash_raw(3, 65536, 1, PASSWORD, sizeof(PASSWORD) - 1, salt, sizeof(salt), tag,
                      sizeof(tag));
    sink = tag[0];
}

static void
bare_crypt(const char *stored)
{
    static struct crypt_data data;
    const char *made = crypt_rn(PASSWORD, stored, &data, (int)sizeof(data));

    sink = made ? (unsigned char)made[0] : 0;
}

static const struct {
    const char *what, *scheme;
    unsigned long cost;
    void (*bare)(const char *stored);
    double units;               /* that bounds.c has a price for */
} rivals[] = {
    { "PBKDF2-SHA256, 600000 rounds", "PASSLIB-PBKDF2-SHA256", 600000, bare_pbkdf2, 600000 },
    { "Argon2id, 64 MiB, t=3",        "ARGON2ID",              16,     bare_argon2, 3 * 65536 },
    { "bcrypt, 10",                   "BLF-CRYPT",             10,     bare_crypt,  1024 },
    { "sha512-crypt, 100000 rounds",  "SHA512-CRYPT",          100000, bare_crypt,  100000 },
    { "yescrypt, 16 MiB",             "YESCRYPT",              5,      bare_crypt,  131072 },
};

/* --- ratio ------------------------------------------------------------------------------ */

static int
compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double
median(double values[ROUNDS])
{
    qsort(values, ROUNDS, sizeof(values[0]), compare);
    return values[ROUNDS / 2];
}

static double
time_ours(const struct stored_password *stored)
{
    struct password_bounds bounds;
    struct error err;
    double start_ms;

    password_bounds_default(&bounds);
    start_ms = now_ms();
    need(password_verify(&bounds, stored, span_of(PASSWORD), &err) == PASSWORD_RIGHT, err.reason);
    return now_ms() - start_ms;
}

static void
print_ratio(size_t i)
{
    double ours[ROUNDS], bare[ROUNDS], our_ms, bare_ms;
    struct secret made = { .len = 0 };
    struct stored_password stored;
    char text[SECRET_MAX + 1];
    struct error err;

    need(password_make(rivals[i].scheme, rivals[i].cost, span_of(PASSWORD), &made, &err)
         == ERROR_NONE, err.reason);
    stored = (struct stored_password){ .value = secret_get(&made) };
    span_to_string(stored.value, text, sizeof(text));
    for (size_t round = 0; round < ROUNDS; round++) {
        double start_ms;

        ours[round] = time_ours(&stored);
        start_ms = now_ms();
        rivals[i].bare(text);
        bare[round] = now_ms() - start_ms;
    }
    our_ms = median(ours);
    bare_ms = median(bare);
    printf("ratio  %-30s %8.2f ms / %8.2f ms = %.4f   %.0f ns a unit\n", rivals[i].what, our_ms,
           bare_ms, our_ms / bare_ms, our_ms * 1e6 / rivals[i].units);
}

/* --- leak ------------------------------------------------------------------------------- */

#define COMPARISONS 10000000
#define LEN 64

struct sample { double count, mean, squares; };

static void
add(struct sample *sample, double value)
{
    const double delta = value - sample->mean;

    sample->count++;
    sample->mean += delta / sample->count;
    sample->squares += delta * (value - sample->mean);
}

static uint64_t
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Interrupts and the like: they are longer than anything that a byte could cost. */
#define OUTLIER_NS 400

static void
print_leak(void)
{
    unsigned char stored[LEN] = { 0 }, guesses[2][LEN] = { { 1 } }, guess[LEN];
    struct sample samples[2] = { { 0 } };
    uint64_t state = 1, start_ns, took_ns;
    double t;

    guesses[1][LEN - 1] = 1;
    for (size_t i = 0; i < COMPARISONS; i++) {
        const size_t class = next_random(&state) & 1;

        memcpy(guess, guesses[class], LEN);     /* one address, or its cache lines are measured */
        start_ns = now_ns();
        sink = secret_equal(span_make(stored, LEN), span_make(guess, LEN));
        took_ns = now_ns() - start_ns;
        if (took_ns < OUTLIER_NS)
            add(&samples[class], (double)took_ns);
    }
    t = (samples[0].mean - samples[1].mean)
        / sqrt(samples[0].squares / samples[0].count / samples[0].count
               + samples[1].squares / samples[1].count / samples[1].count);
    printf("leak   secret_equal(), %d comparisons: first byte %.2f ns, last byte %.2f ns, t = %.2f"
           " (|t| < 4.5)\n", COMPARISONS, samples[0].mean, samples[1].mean, t);
}

int
main(void)
{
    for (size_t i = 0; i < COUNT(rivals); i++)
        print_ratio(i);
    print_leak();
    return 0;
}
