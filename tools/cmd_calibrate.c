/* tools/cmd_calibrate.c - clavigerctl calibrate: the cost that takes so long on this machine
 *
 * A cost that is a log2 is raised until the next one would be further from the target; a count of
 * rounds is measured at the default and scaled.
 */
#include "password/password.h"
#include "tools/command.h"
#include "tools/stopwatch.h"

#include <stdio.h>
#include <string.h>

#define TARGET_MS 250
#define TARGET_MS_MAX 10000
#define ROUNDS_STEP 1000
#define LOG2_MAX 64             /* a cost below is one */
#define NEAREST 1.5             /* halfway between a time and its double */

static const char *const proposed[] = { "YESCRYPT", "BLF-CRYPT", "ARGON2ID", "SHA512-CRYPT" };

static bool
find_scheme(const char *name, struct password_scheme_info *out)
{
    for (size_t i = 0; password_scheme_get(i, out); i++)
        if (strcmp(out->name, name) == 0)
            return true;
    return false;
}

static unsigned long
scale_rounds(const struct password_scheme_info *scheme, double target_ms, double *ms,
             struct error *err)
{
    const double at_default_ms = stopwatch_make_ms(scheme->name, 0, err);
    double rounds;

    if (at_default_ms <= 0)
        return 0;
    rounds = (double)scheme->default_cost * target_ms / at_default_ms;
    if (rounds < (double)scheme->cost_min)
        rounds = (double)scheme->cost_min;
    if (rounds > (double)scheme->cost_max)
        rounds = (double)scheme->cost_max;
    rounds -= (double)((unsigned long)rounds % ROUNDS_STEP);
    *ms = stopwatch_make_ms(scheme->name, (unsigned long)rounds, err);
    return *ms < 0 ? 0 : (unsigned long)rounds;
}

static unsigned long
raise_log2(const struct password_scheme_info *scheme, double target_ms, double *ms,
           struct error *err)
{
    unsigned long cost = scheme->cost_min;

    *ms = stopwatch_make_ms(scheme->name, cost, err);
    while (*ms >= 0 && cost < scheme->cost_max && *ms * NEAREST < target_ms)
        *ms = stopwatch_make_ms(scheme->name, ++cost, err);
    return *ms < 0 ? 0 : cost;
}

static enum exit_status
run(const struct command_call *call)
{
    const char *target_text = command_value(call, "target-ms");
    struct password_scheme_info scheme;
    uint64_t target_ms = TARGET_MS;
    struct error err;

    if (target_text && (!span_to_u64(span_of(target_text), &target_ms) || target_ms == 0
                        || target_ms > TARGET_MS_MAX))
        return command_misused(call, "--target-ms takes 1 to %d", TARGET_MS_MAX);
    printf("%-16s %10s %8s\n", "scheme", "cost", "ms");
    for (size_t i = 0; i < COUNT(proposed); i++) {
        double ms = 0;
        unsigned long cost = 0;

        if (find_scheme(proposed[i], &scheme))
            cost = scheme.cost_max < LOG2_MAX
                ? raise_log2(&scheme, (double)target_ms, &ms, &err)
                : scale_rounds(&scheme, (double)target_ms, &ms, &err);
        if (cost == 0)
            return command_failed(&err);
        printf("%-16s %10lu %8.0f\n", scheme.name, cost, ms);
    }
    return EXIT_OK;
}

static const struct command_option options[] = {
    { "target-ms", 't', "MS", "how long a verification may take; unless given 250" },
};

const struct command cmd_calibrate = {
    .name = "calibrate", .arguments = "",
    .summary = "Proposes costs for new stored passwords on this machine",
    .detail = "For \"clavigerctl hash --cost\". Run it while the machine has little to do.\n",
    .options = options, .options_count = COUNT(options), .needs_no_config = true, .run = run,
};
