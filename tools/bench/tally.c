/* tools/bench/tally.c - see tally.h */
#include "tools/bench/tally.h"

#include <stdlib.h>

struct tally *
tally_new(int64_t first_ns, int64_t duration_ns)
{
    struct tally *tally = calloc(1, sizeof(*tally));

    if (!tally)
        return NULL;
    tally->first_ns = tally->last_ns = first_ns;
    tally->end_ns = first_ns + duration_ns;
    tally->slice_ns = duration_ns / TALLY_SLICES + 1;
    for (size_t i = 0; i < EXPECTATIONS; i++) {
        tally->latency[i] = histogram_new(HISTOGRAM_FINE);
        if (!tally->latency[i]) {
            tally_free(tally);
            return NULL;
        }
    }
    return tally;
}

void
tally_free(struct tally *tally)
{
    if (!tally)
        return;
    for (size_t i = 0; i < EXPECTATIONS; i++) {
        histogram_free(tally->latency[i]);
        for (size_t k = 0; k < TALLY_SLICES; k++)
            histogram_free(tally->slices[k].latency[i]);
    }
    free(tally);
}

bool
tally_is_mistake(enum expectation expectation, enum answer answer)
{
    return answer == (expectation == EXPECT_RIGHT ? ANSWER_REJECTED : ANSWER_ACCEPTED);
}

/* The latency has its place in time where the request was due. Without memory the picture lacks it. */
static void
slice_add(struct tally *tally, enum expectation expectation, enum answer answer,
          int64_t began_ns, int64_t latency_ns)
{
    int64_t place = (began_ns - tally->first_ns) / tally->slice_ns;
    struct tally_slice *slice = &tally->slices[place < TALLY_SLICES ? place : TALLY_SLICES - 1];
    struct histogram **histogram = &slice->latency[expectation];

    slice->answers += !answer_says_nothing(answer);
    slice->silences += answer_says_nothing(answer);
    slice->mistakes += tally_is_mistake(expectation, answer);
    if (latency_ns < 0)
        return;
    if (!*histogram)
        *histogram = histogram_new(HISTOGRAM_COARSE);
    if (*histogram)
        histogram_add(*histogram, latency_ns);
}

void
tally_add(struct tally *tally, enum expectation expectation, enum answer answer,
          int64_t began_ns, int64_t ended_ns)
{
    /* A connection that is refused at once is not a fast answer; one that hangs is a slow one. */
    bool has_latency = !answer_says_nothing(answer) || answer == ANSWER_TIMED_OUT;

    if (!answer_says_nothing(answer) && ended_ns >= tally->first_ns && ended_ns <= tally->end_ns)
        tally->in_time++;
    if (began_ns < tally->first_ns)
        return;
    tally->answers[expectation][answer]++;
    if (ended_ns > tally->last_ns)
        tally->last_ns = ended_ns;
    if (has_latency)
        histogram_add(tally->latency[expectation], ended_ns - began_ns);
    slice_add(tally, expectation, answer, began_ns, has_latency ? ended_ns - began_ns : -1);
}

static void
slice_merge(struct tally_slice *into, const struct tally_slice *from)
{
    into->answers += from->answers;
    into->mistakes += from->mistakes;
    into->silences += from->silences;
    for (size_t i = 0; i < EXPECTATIONS; i++) {
        if (!from->latency[i])
            continue;
        if (!into->latency[i])
            into->latency[i] = histogram_new(HISTOGRAM_COARSE);
        if (into->latency[i])
            histogram_merge(into->latency[i], from->latency[i]);
    }
}

void
tally_merge(struct tally *into, const struct tally *from)
{
    for (size_t i = 0; i < EXPECTATIONS; i++) {
        for (size_t k = 0; k < ANSWERS; k++)
            into->answers[i][k] += from->answers[i][k];
        histogram_merge(into->latency[i], from->latency[i]);
    }
    for (size_t k = 0; k < TALLY_SLICES; k++)
        slice_merge(&into->slices[k], &from->slices[k]);
    into->not_sent += from->not_sent;
    into->in_time += from->in_time;
    if (from->last_ns > into->last_ns)
        into->last_ns = from->last_ns;
}

uint64_t
tally_asked(const struct tally *tally, enum expectation expectation)
{
    uint64_t asked = 0;

    for (size_t k = 0; k < ANSWERS; k++)
        asked += tally->answers[expectation][k];
    return asked;
}

uint64_t
tally_silences(const struct tally *tally, enum expectation expectation)
{
    uint64_t silences = 0;

    for (size_t k = 0; k < ANSWERS; k++)
        if (answer_says_nothing((enum answer)k))
            silences += tally->answers[expectation][k];
    return silences;
}

uint64_t
tally_right_rejected(const struct tally *tally)
{
    return tally->answers[EXPECT_RIGHT][ANSWER_REJECTED];
}

uint64_t
tally_wrong_accepted(const struct tally *tally)
{
    return tally->answers[EXPECT_WRONG][ANSWER_ACCEPTED]
        + tally->answers[EXPECT_UNKNOWN][ANSWER_ACCEPTED];
}

uint64_t
tally_asked_in_all(const struct tally *tally)
{
    uint64_t asked = 0;

    for (size_t i = 0; i < EXPECTATIONS; i++)
        asked += tally_asked(tally, (enum expectation)i);
    return asked;
}

uint64_t
tally_answered_in_all(const struct tally *tally)
{
    uint64_t answered = tally_asked_in_all(tally);

    for (size_t i = 0; i < EXPECTATIONS; i++)
        answered -= tally_silences(tally, (enum expectation)i);
    return answered;
}
