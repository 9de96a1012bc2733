/* tools/bench/zipf.c - see zipf.h
 *
 * Rejection-inversion (W. Hörmann, G. Derflinger: Rejection-inversion to generate variates from
 * monotone discrete distributions, ACM TOMACS 6, 1996): a point below the curve x^-exponent is
 * drawn by inverting its integral, and kept when it lies in the bar of the rank it falls into.
 * No table, so that ten million accounts cost no memory; three of four points or more are kept.
 */
#include "tools/bench/zipf.h"

#include "common/random.h"

#include <math.h>

/* log1p(x) / x and expm1(x) / x, with their limits at 0 where the division would say NaN. */
static double
log_part(double x)
{
    return fabs(x) > 1e-8 ? log1p(x) / x : 1 - x * (0.5 - x / 3);
}

static double
exp_part(double x)
{
    return fabs(x) > 1e-8 ? expm1(x) / x : 1 + x * 0.5 * (1 + x / 3);
}

/* The curve, its integral from 1 on, and that one's inverse. */
static double
curve(const struct zipf *zipf, double x)
{
    return exp(-zipf->exponent * log(x));
}

static double
integral(const struct zipf *zipf, double x)
{
    double logarithm = log(x);

    return exp_part((1 - zipf->exponent) * logarithm) * logarithm;
}

static double
inverse(const struct zipf *zipf, double y)
{
    double t = y * (1 - zipf->exponent);

    return exp(log_part(t < -1 ? -1 : t) * y);          /* below -1 only by rounding */
}

struct zipf
zipf_make(uint64_t ranks, double exponent)
{
    struct zipf zipf = { .ranks = ranks, .exponent = exponent };

    zipf.first = integral(&zipf, 1.5) - 1;
    zipf.last = integral(&zipf, (double)ranks + 0.5);
    zipf.accept = 2 - inverse(&zipf, integral(&zipf, 2.5) - curve(&zipf, 2));
    return zipf;
}

static double
rank_near(const struct zipf *zipf, double x)
{
    double rank = floor(x + 0.5);

    return rank < 1 ? 1 : rank > (double)zipf->ranks ? (double)zipf->ranks : rank;
}

uint64_t
zipf_draw(const struct zipf *zipf, uint64_t *random)
{
    if (zipf->exponent == 0)
        return (uint64_t)(next_share(random) * (double)zipf->ranks);
    for (;;) {
        double y = zipf->last + next_share(random) * (zipf->first - zipf->last);
        double x = inverse(zipf, y), rank = rank_near(zipf, x);

        if (rank - x <= zipf->accept || y >= integral(zipf, rank + 0.5) - curve(zipf, rank))
            return (uint64_t)rank - 1;
    }
}
