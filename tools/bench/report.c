/* tools/bench/report.c - see report.h */
#include "tools/bench/report.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const struct { const char *name; double share; } percentiles[] = {
    { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "p99.9", 0.999 }, { "max", 1 },
};

static double
milliseconds(int64_t ns)
{
    return (double)ns / 1e6;
}

/* The last answer of a time-out comes after the end; a stopped or short run ends before it. */
static double
seconds_taken(const struct bench_options *options, const struct tally *tally)
{
    double taken = (double)(tally->last_ns - tally->first_ns) / 1e9;

    return taken < options->seconds && taken > 0 ? taken : options->seconds;
}

double
report_rate(const struct bench_options *options, const struct tally *tally)
{
    return (double)tally->in_time / seconds_taken(options, tally);
}

/* --- for people ----------------------------------------------------------------------- */

static void
print_row(const struct tally *tally, enum expectation expectation)
{
    const uint64_t *answers = tally->answers[expectation];

    printf("%-8s %10llu %10llu %10llu %10llu", expectation_word(expectation),
           (unsigned long long)answers[ANSWER_ACCEPTED], (unsigned long long)answers[ANSWER_REJECTED],
           (unsigned long long)answers[ANSWER_TEMPORARY],
           (unsigned long long)tally_silences(tally, expectation));
    for (size_t i = 0; i < COUNT(percentiles); i++)
        printf(" %9.3f",
               milliseconds(histogram_at(tally->latency[expectation], percentiles[i].share)));
    printf("\n");
}

static void
print_silences(const struct tally *tally)
{
    for (size_t k = 0; k < ANSWERS; k++) {
        uint64_t count = 0;

        for (size_t i = 0; i < EXPECTATIONS; i++)
            count += tally->answers[i][k];
        if (answer_says_nothing((enum answer)k) && count > 0)
            printf("nothing: %-12s %llu\n", answer_word((enum answer)k), (unsigned long long)count);
    }
}

void
report_print_text(const struct bench_options *options, const struct tally *tally)
{
    if (options->clients)
        printf("closed loop, %llu clients", (unsigned long long)options->clients);
    else
        printf("open loop, %g/s", options->rate);
    printf(", %s wire, %.3g s: %.0f answers/s\n\n", options->wire->name,
           seconds_taken(options, tally), report_rate(options, tally));
    printf("asked      accepted   rejected  temporary    nothing");
    for (size_t i = 0; i < COUNT(percentiles); i++)
        printf(" %6s ms", percentiles[i].name);
    printf("\n");
    for (size_t i = 0; i < EXPECTATIONS; i++)
        if (tally_asked(tally, (enum expectation)i) > 0)
            print_row(tally, (enum expectation)i);
    printf("\nright passwords rejected %llu, others accepted %llu\n",
           (unsigned long long)tally_right_rejected(tally),
           (unsigned long long)tally_wrong_accepted(tally));
    print_silences(tally);
    if (tally->not_sent > 0)
        printf("not sent: %llu of the open loop: server or this program could not keep the rate\n",
               (unsigned long long)tally->not_sent);
}

/* --- for programs --------------------------------------------------------------------- */

static json_t *
row_json(const struct tally *tally, enum expectation expectation)
{
    const struct histogram *latency = tally->latency[expectation];
    json_t *row = json_object(), *latencies = json_object();

    json_object_set_new(row, "asked", json_integer((json_int_t)tally_asked(tally, expectation)));
    for (size_t k = 0; k < ANSWERS; k++)
        json_object_set_new(row, answer_word((enum answer)k),
                            json_integer((json_int_t)tally->answers[expectation][k]));
    json_object_set_new(row, "nothing",
                        json_integer((json_int_t)tally_silences(tally, expectation)));
    for (size_t i = 0; i < COUNT(percentiles); i++)
        json_object_set_new(latencies, percentiles[i].name,
                            json_real(milliseconds(histogram_at(latency, percentiles[i].share))));
    json_object_set_new(latencies, "mean", json_real(histogram_mean(latency) / 1e6));
    json_object_set_new(row, "latency_ms", latencies);
    return row;
}

static json_t *
report_json(const struct bench_options *options, const struct tally *tally)
{
    json_t *report = json_object();

    json_object_set_new(report, "loop", json_string(options->clients ? "closed" : "open"));
    json_object_set_new(report, "wire", json_string(options->wire->name));
    json_object_set_new(report, "clients", json_integer((json_int_t)options->clients));
    json_object_set_new(report, "rate_wanted", json_real(options->rate));
    json_object_set_new(report, "seconds", json_real(seconds_taken(options, tally)));
    json_object_set_new(report, "rate", json_real(report_rate(options, tally)));
    json_object_set_new(report, "asked", json_integer((json_int_t)tally_asked_in_all(tally)));
    json_object_set_new(report, "answered", json_integer((json_int_t)tally_answered_in_all(tally)));
    json_object_set_new(report, "not_sent", json_integer((json_int_t)tally->not_sent));
    json_object_set_new(report, "right_rejected",
                        json_integer((json_int_t)tally_right_rejected(tally)));
    json_object_set_new(report, "others_accepted",
                        json_integer((json_int_t)tally_wrong_accepted(tally)));
    for (size_t i = 0; i < EXPECTATIONS; i++)
        json_object_set_new(report, expectation_word((enum expectation)i),
                            row_json(tally, (enum expectation)i));
    return report;
}

enum error_code
report_print_json(const struct bench_options *options, const struct tally *tally,
                  struct error *err)
{
    json_t *report = report_json(options, tally);
    char *text = report ? json_dumps(report, JSON_INDENT(2)) : NULL;

    json_decref(report);
    if (!text)
        return error_set(err, ERROR_UNAVAILABLE, "no memory for the report");
    puts(text);
    free(text);
    return ERROR_NONE;
}
