/* tests/fuzz/fuzz_sasl.c - a whole SASL dialogue, as far as its bytes lead
 *
 * The first byte chooses the mechanism; every line of the rest is one thing that the client says
 * ("-": nothing). The server always says the same nonce, so that a corpus gets to the end. Nobody
 * who does not know the password is let in, no dialogue goes on for ever, and what the server
 * says fits its wire. Both go over the Dovecot wire's lines, and come out as they were.
 */
#include "common/base64.h"
#include "common/log.h"
#include "saslauthd_backend/proto_dovecot_line.h"
#include "saslauthd_backend/proto_dovecot_reply.h"
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

/* "CONT 7 base64"; what is in it must be `said` again. */
static void
check_line(span line, span said)
{
    static unsigned char decoded[DOVECOT_REPLY_MAX];
    struct dovecot_line parsed;
    struct error err;
    size_t len;

    CHECK(line.len > 0 && span_find(line, '\n') == line.len - 1);
    CHECK(dovecot_parse(span_until(line, line.len - 1), &parsed, &err) == DOVECOT_LINE);
    CHECK(parsed.command == DOVECOT_CONT && parsed.id == 7);
    CHECK(base64_decode(parsed.response, decoded, &len));
    CHECK(span_equal(span_make(decoded, len), said));
}

static void
check_wire(span said)
{
    unsigned char line[DOVECOT_REPLY_MAX];

    if (said.len <= DOVECOT_CHALLENGE_MAX)
        check_line(span_make(line, dovecot_put_cont(7, said, line)), said);
}

/* The server's last word is told in OK, or as a challenge more. */
static void
check_final(span user, span final)
{
    unsigned char line[DOVECOT_REPLY_MAX];
    size_t len = dovecot_put_ok(7, user, user, final, line);

    check_wire(final);
    CHECK(span_find(span_make(line, len), '\n') == len - 1);
    CHECK(final.len == 0 || len > 2 + final.len);
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
    check_final(span_of(verdict->account), talk->turn.server);
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
        check_wire(line);
        rest = span_from(rest, line.len + 1);
        if (sasl_talk_step(&talk, span_is(line, "-") ? NULL : &line) == DIALOGUE_DONE) {
            check_end(&talk, span_make(data, size));
            break;
        }
        CHECK(talk.turn.server.len <= DIALOGUE_SERVER_MAX && is_text(talk.turn.server));
        check_wire(talk.turn.server);
    }
    sasl_talk_end(&talk);
    return 0;
}
