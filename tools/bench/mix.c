/* tools/bench/mix.c - see mix.h */
#include "tools/bench/mix.h"

#include "common/random.h"
#include "common/span.h"

static const char *const words[] = {
    [EXPECT_RIGHT] = "right", [EXPECT_WRONG] = "wrong", [EXPECT_UNKNOWN] = "unknown",
};
_Static_assert(COUNT(words) == EXPECTATIONS, "an expectation lacks its word");

const char *
expectation_word(enum expectation expectation)
{
    return words[expectation];
}

static enum error_code
part_parse(span part, struct mix *mix, struct error *err)
{
    size_t equals = span_find(part, '=');
    span name = span_until(part, equals);

    for (size_t i = 0; i < COUNT(words); i++) {
        if (!span_is(name, words[i]))
            continue;
        if (!span_to_u64(span_from(part, equals + 1), &mix->weights[i])
            || mix->weights[i] > MIX_WEIGHT_MAX)
            return error_set(err, ERROR_MALFORMED, "%s needs a weight from 0 to %d: %s=95",
                             words[i], MIX_WEIGHT_MAX, words[i]);
        return ERROR_NONE;
    }
    return error_set(err, ERROR_MALFORMED, "\"%.*s\" is none of right, wrong, unknown",
                     (int)name.len, (const char *)name.ptr);
}

static uint64_t
weights_sum(const struct mix *mix)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < EXPECTATIONS; i++)
        sum += mix->weights[i];
    return sum;
}

enum error_code
mix_parse(const char *text, struct mix *out, struct error *err)
{
    struct mix mix = { { 0 } };
    span left = span_of(text);

    *out = mix;
    while (left.len > 0) {
        size_t comma = span_find(left, ',');

        if (part_parse(span_until(left, comma), &mix, err) != ERROR_NONE)
            return err->code;
        left = span_from(left, comma + 1);
    }
    if (weights_sum(&mix) == 0)
        return error_set(err, ERROR_MALFORMED, "nothing to ask: right=95,wrong=4,unknown=1");
    *out = mix;
    return ERROR_NONE;
}

enum expectation
mix_draw(const struct mix *mix, uint64_t *random)
{
    uint64_t place = next_random(random) % weights_sum(mix);
    size_t i = 0;

    while (place >= mix->weights[i])
        place -= mix->weights[i++];
    return (enum expectation)i;
}
