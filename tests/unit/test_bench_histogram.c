/* tests/unit/test_bench_histogram.c - latencies in buckets, and percentiles of them */
#include "common/macros.h"
#include "common/random.h"
#include "tools/bench/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* Every power of two and its neighbours, and what is not to be measured. */
static int64_t
corner(size_t i)
{
    return (INT64_C(1) << i / 3) + (int64_t)(i % 3) - 1;
}

static void
a_value_is_told_within_its_precision_and_never_too_low(void **state)
{
    static const unsigned precisions[] = { HISTOGRAM_FINE, HISTOGRAM_COARSE };

    (void)state;
    for (size_t p = 0; p < COUNT(precisions); p++)
        for (size_t i = 0; i < 37 * 3; i++) {
            struct histogram *histogram = histogram_new(precisions[p]);
            int64_t told;

            histogram_add(histogram, corner(i));
            histogram_add(histogram, HISTOGRAM_MAX_NS);         /* so that the greatest does not cut it */
            told = histogram_at(histogram, 0.5);
            if (told < corner(i) || told - corner(i) > corner(i) >> precisions[p])
                fail_msg("%lld is told as %lld", (long long)corner(i), (long long)told);
            histogram_free(histogram);
        }
}

static void
what_is_out_of_bounds_counts_as_the_bound(void **state)
{
    struct histogram *histogram = histogram_new(HISTOGRAM_FINE);

    (void)state;
    histogram_add(histogram, -5);
    assert_int_equal(histogram_max(histogram), 0);
    histogram_add(histogram, INT64_MAX);
    assert_int_equal(histogram_max(histogram), HISTOGRAM_MAX_NS);
    assert_int_equal(histogram_at(histogram, 1), HISTOGRAM_MAX_NS);
    assert_int_equal(histogram_count(histogram), 2);
    histogram_free(histogram);
}

static void
of_nothing_everything_is_zero(void **state)
{
    struct histogram *histogram = histogram_new(HISTOGRAM_COARSE);

    (void)state;
    assert_int_equal(histogram_at(histogram, 0.99), 0);
    assert_int_equal(histogram_max(histogram), 0);
    assert_true(histogram_mean(histogram) == 0);
    histogram_free(histogram);
    histogram_free(NULL);
}

static int
by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Against the sorted values themselves, over seven powers of ten. */
static void
percentiles_are_those_of_the_sorted_values(void **state)
{
    enum { VALUES = 10000 };
    static const double shares[] = { 0.0001, 0.01, 0.5, 0.9, 0.99, 0.999, 1 };
    static int64_t values[VALUES];
    struct histogram *histogram = histogram_new(HISTOGRAM_FINE);
    uint64_t random = 7;

    (void)state;
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = (int64_t)(next_random(&random) >> (28 + next_random(&random) % 24));
        histogram_add(histogram, values[i]);
    }
    qsort(values, VALUES, sizeof(values[0]), by_size);
    for (size_t i = 0; i < COUNT(shares); i++) {
        int64_t exact = values[(size_t)(shares[i] * VALUES + 0.5) - 1];
        int64_t told = histogram_at(histogram, shares[i]);

        if (told < exact || told - exact > exact / 1000 + 1)
            fail_msg("%g: %lld is told as %lld", shares[i], (long long)exact, (long long)told);
    }
    histogram_free(histogram);
}

static void
merged_ones_are_as_one_that_saw_all(void **state)
{
    struct histogram *all = histogram_new(HISTOGRAM_FINE), *parts[2];

    (void)state;
    parts[0] = histogram_new(HISTOGRAM_FINE);
    parts[1] = histogram_new(HISTOGRAM_FINE);
    for (int64_t i = 1; i <= 1000; i++) {
        histogram_add(all, i * i);
        histogram_add(parts[i % 2], i * i);
    }
    histogram_merge(parts[0], parts[1]);
    for (int i = 1; i <= 100; i++)
        assert_int_equal(histogram_at(parts[0], i / 100.0), histogram_at(all, i / 100.0));
    assert_int_equal(histogram_count(parts[0]), 1000);
    assert_int_equal(histogram_max(parts[0]), 1000000);
    assert_true(histogram_mean(parts[0]) == histogram_mean(all));
    histogram_free(all);
    histogram_free(parts[0]);
    histogram_free(parts[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_told_within_its_precision_and_never_too_low),
        cmocka_unit_test(what_is_out_of_bounds_counts_as_the_bound),
        cmocka_unit_test(of_nothing_everything_is_zero),
        cmocka_unit_test(percentiles_are_those_of_the_sorted_values),
        cmocka_unit_test(merged_ones_are_as_one_that_saw_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
