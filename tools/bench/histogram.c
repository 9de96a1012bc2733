/* tools/bench/histogram.c - see histogram.h
 *
 * With b bits of precision, values below 2^(b+1) have a bucket each. From there on every power
 * of two has 2^b buckets: a value is shifted right until b+1 bits are left of it, and the shift
 * says how many buckets were passed before.
 */
#include "tools/bench/histogram.h"

#include <math.h>
#include <stdlib.h>

#define MAX_BITS 37             /* of HISTOGRAM_MAX_NS */

struct histogram {
    unsigned precision;
    uint64_t count;
    int64_t max_ns;
    double sum_ns;
    size_t buckets_count;
    uint64_t buckets[];
};

static size_t
bucket_of(const struct histogram *histogram, int64_t ns)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll((uint64_t)ns | 1);
    unsigned shift = bits > histogram->precision + 1 ? bits - histogram->precision - 1 : 0;

    return ((size_t)shift << histogram->precision) + (size_t)(ns >> shift);
}

/* The greatest value that falls into it. */
static int64_t
value_of(const struct histogram *histogram, size_t bucket)
{
    size_t passed = bucket >> histogram->precision;
    unsigned shift = passed > 1 ? (unsigned)passed - 1 : 0;

    return ((int64_t)(bucket - ((size_t)shift << histogram->precision) + 1) << shift) - 1;
}

struct histogram *
histogram_new(unsigned precision)
{
    size_t buckets = (size_t)(MAX_BITS - precision + 1) << precision;
    struct histogram *histogram =
        calloc(1, sizeof(*histogram) + buckets * sizeof(histogram->buckets[0]));

    if (histogram) {
        histogram->precision = precision;
        histogram->buckets_count = buckets;
    }
    return histogram;
}

void
histogram_free(struct histogram *histogram)
{
    free(histogram);
}

void
histogram_add(struct histogram *histogram, int64_t ns)
{
    int64_t value = ns < 0 ? 0 : ns > HISTOGRAM_MAX_NS ? HISTOGRAM_MAX_NS : ns;

    histogram->buckets[bucket_of(histogram, value)]++;
    histogram->count++;
    histogram->sum_ns += (double)value;
    if (value > histogram->max_ns)
        histogram->max_ns = value;
}

void
histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (size_t i = 0; i < into->buckets_count; i++)
        into->buckets[i] += from->buckets[i];
    into->count += from->count;
    into->sum_ns += from->sum_ns;
    if (from->max_ns > into->max_ns)
        into->max_ns = from->max_ns;
}

uint64_t
histogram_count(const struct histogram *histogram)
{
    return histogram->count;
}

int64_t
histogram_at(const struct histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)ceil(share * (double)histogram->count), seen = 0;

    if (wanted == 0)
        wanted = 1;
    for (size_t i = 0; i < histogram->buckets_count; i++) {
        seen += histogram->buckets[i];
        if (seen >= wanted) {
            int64_t value = value_of(histogram, i);

            return value < histogram->max_ns ? value : histogram->max_ns;
        }
    }
    return histogram->max_ns;
}

int64_t
histogram_max(const struct histogram *histogram)
{
    return histogram->max_ns;
}

double
histogram_mean(const struct histogram *histogram)
{
    return histogram->count ? histogram->sum_ns / (double)histogram->count : 0;
}
