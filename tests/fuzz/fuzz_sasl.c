/* tests/fuzz/fuzz_sasl.c - a whole SASL dialogue, as far as its bytes lead
 *
 * The first byte chooses the mechanism; every line of the rest is one thing that the client says
 * ("-": nothing). The server always says the same nonce, so that a corpus gets to the end. Nobody
 * who does not know the password is let in, no dialogue goes on for ever, and what the server
 * says fits its wire.
 */
#include "common/log.h"
#include "tests/fuzz/check.h"
#include "tests/unit/sasl_bench.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TURNS_MAX 4

static struct sasl_bench *bench;

/* "user" has the password "pencil" in every form; nobody else has one. */
static void
start(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    bench = sasl_bench_new();
    memcpy(bench->nonce, "3rfcNHYJY1ZVvWVs7j", sizeof("3rfcNHYJY1ZVvWVs7j"));
    bench->unix_s = 697170952;
    sasl_bench_row("user", "{PLAIN}pencil");
    sasl_bench_start(bench);
}

static bool
is_text(span said)
{
    for (size_t i = 0; i < said.len; i++)
        if (said.ptr[i] < 0x20 || said.ptr[i] >= 0x7f)
            return false;
    return true;
}

static void
check_end(const struct sasl_talk *talk, span all)
{
    const struct verdict *verdict = &talk->turn.verdict;

    CHECK(verdict->outcome != VERDICT_UNAVAILABLE);
    CHECK(verdict->outcome == VERDICT_ACCEPTED || talk->turn.server.len == 0);
    /* whoever gets in has said whose name it is */
    CHECK(verdict->outcome != VERDICT_ACCEPTED || strcmp(verdict->account, "user") == 0);
    CHECK(verdict->outcome != VERDICT_ACCEPTED || all.len > strlen("user") + 20);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sasl_talk talk;
    span rest;

    if (size < 1)
        return 0;
    if (!bench)
        start();
    rest = span_make(data + 1, size - 1);
    sasl_talk_begin(bench, (enum mechanism)(data[0] % MECHANISMS), &talk);
    for (unsigned turns = 0; rest.len > 0; turns++) {
        const span line = span_until(rest, span_find(rest, '\n'));

        CHECK(turns < TURNS_MAX);
        rest = span_from(rest, line.len + 1);
        if (sasl_talk_step(&talk, span_is(line, "-") ? NULL : &line) == DIALOGUE_DONE) {
            check_end(&talk, span_make(data, size));
            break;
        }
        CHECK(talk.turn.server.len <= DIALOGUE_SERVER_MAX && is_text(talk.turn.server));
    }
    sasl_talk_end(&talk);
    return 0;
}
