/* tests/unit/test_password_costs.c - what a verification is said to take, it takes
 *
 * max_cost_ms, the queues of hash threads and `clavigerctl verify` go by nominal costs, worked out
 * without hashing. A machine may be twice as fast or as slow as the one that they are of, and a library
 * better; ten times too little is a parameter that was forgotten.
 */
#include "tests/unit/cpu_time.h"
#include "tests/unit/vectors.h"

#define SCHEMES_MAX 192
#define FACTOR 10
#define SLACK_NS 1000000        /* around what is next to nothing */
#define MEASURED_MOST 30
#define NOMINAL_MAX_NS (30 * UINT64_C(1000000))

/* The cheapest value of each scheme, where what goes without saying shows, and the dearest within
 * NOMINAL_MAX_NS, where the unit does. */
static struct pick {
    const char *scheme;
    bool is_dearest;
    uint64_t nominal_ns;
    char stored[1024], default_scheme[40];
} picks[2 * SCHEMES_MAX];

static size_t picks_count;

static void
keep(const struct vector *row, const struct password_facts *facts, bool is_dearest)
{
    const uint64_t ns = facts->cost.ns;
    struct pick *pick = picks;

    while (pick < picks + picks_count
           && (strcmp(pick->scheme, facts->scheme) != 0 || pick->is_dearest != is_dearest))
        pick++;
    if (pick == picks + picks_count)
        picks_count++;
    else if (is_dearest ? pick->nominal_ns >= ns : pick->nominal_ns <= ns)
        return;
    *pick = (struct pick){ .scheme = facts->scheme, .is_dearest = is_dearest, .nominal_ns = ns };
    snprintf(pick->stored, sizeof(pick->stored), "%s", row->stored);
    snprintf(pick->default_scheme, sizeof(pick->default_scheme), "%s", row->scheme);
}

static void
offer(const struct vector *row)
{
    const struct stored_password stored = vector_stored(row);
    struct password_bounds bounds;
    struct password_facts facts;
    struct error err;

    password_bounds_default(&bounds);
    if (strcmp(row->expect, "ok") != 0 || strlen(row->stored) >= sizeof(picks->stored)
        || password_inspect(&bounds, &stored, &facts, &err) != PASSWORD_RIGHT
        || facts.cost.ns > NOMINAL_MAX_NS)
        return;
    keep(row, &facts, false);
    keep(row, &facts, true);
}

static void
read_picks(const char *table)
{
    static struct vector row;
    FILE *file = vectors_open(table, &row);

    while (vectors_next(file, &row))
        offer(&row);
    fclose(file);
}

static bool
is_too_dear(uint64_t real_ns, uint64_t nominal_ns)
{
    return real_ns > FACTOR * nominal_ns + SLACK_NS;
}

/* The least of three, or of more while that is too much: whatever else runs only adds, and what a host
 * takes from a virtual machine counts as ours. */
static uint64_t
measure(const struct pick *pick)
{
    const struct stored_password stored = { .value = span_of(pick->stored), .login = SPAN("ada"),
                                            .scheme = span_of(pick->default_scheme) };
    struct password_bounds bounds;
    uint64_t least = UINT64_MAX;
    struct error err;

    password_bounds_default(&bounds);
    for (int i = 0; i < 3 || (i < MEASURED_MOST && is_too_dear(least, pick->nominal_ns)); i++) {
        const uint64_t start = cpu_time_ns();
        uint64_t took;

        assert_int_equal(password_verify(&bounds, &stored, span_of("no password of it"), &err),
                         PASSWORD_WRONG);
        took = cpu_time_ns() - start;
        least = took < least ? took : least;
    }
    return least;
}

static void
a_nominal_cost_is_of_the_right_order(void **state)
{
    (void)state;
    read_picks("passwords-public");
    read_picks("uncommon");
    assert_true(picks_count > 180);
    for (size_t i = 0; i < picks_count; i++) {
        const uint64_t nominal = picks[i].nominal_ns, real = measure(&picks[i]);

        if (is_too_dear(real, nominal) || nominal > FACTOR * real + SLACK_NS)
            fail_msg("%s: %llu us, said to be %llu us: %s", picks[i].scheme,
                     (unsigned long long)real / 1000, (unsigned long long)nominal / 1000,
                     picks[i].stored);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nominal_cost_is_of_the_right_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
