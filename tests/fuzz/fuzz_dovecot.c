/* tests/fuzz/fuzz_dovecot.c - lines of the Dovecot auth protocol, both ways
 *
 * Each line of the input is taken apart: what is found in it must be made of its bytes, and with no
 * byte more. Then the input is a name and a challenge: whatever is in them, a reply is one line with as
 * many fields as it should have.
 */
#include "saslauthd_backend/dovecot_conn.h"

#include "tests/fuzz/check.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
demand_inside(span part, span whole)
{
    CHECK(part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len));
    CHECK(!span_has(part, '\t'));
}

static void
demand_line(span text)
{
    struct dovecot_line line;
    struct error err;
    enum dovecot_parsed parsed = dovecot_parse(text, &line, &err);

    if (parsed == DOVECOT_BROKEN)
        return;
    CHECK(text.len <= DOVECOT_LINE_MAX && !span_has(text, '\0'));
    CHECK(line.command == DOVECOT_VERSION || line.command == DOVECOT_CPID || line.id > 0);
    demand_inside(line.mechanism, text);
    demand_inside(line.service, text);
    demand_inside(line.remote, text);
    demand_inside(line.response, text);
    CHECK(parsed == DOVECOT_BAD_REQUEST || line.command != DOVECOT_AUTH || line.has_service);
}

static void
demand_claim(span message)
{
    struct dovecot_claim claim;

    if (!dovecot_split_plain(message, &claim))
        return;
    CHECK(!span_has(claim.authzid, '\0') && !span_has(claim.login, '\0') && !span_has(claim.password, '\0'));
    CHECK(claim.authzid.len + claim.login.len + claim.password.len + 2 == message.len);
}

static void
demand_reply(const unsigned char *out, size_t len, size_t fields_max)
{
    span reply = span_make(out, len);
    size_t tabs = 0;

    CHECK(len > 0 && len <= DOVECOT_REPLY_MAX);
    CHECK(span_find(reply, '\n') == len - 1);
    CHECK(!span_has(reply, '\0') && !span_has(reply, '\r'));
    for (size_t i = 0; i < len; i++)
        tabs += out[i] == '\t';
    CHECK(tabs < fields_max);
}

static void
demand_replies(span name)
{
    static const span ada = { (const unsigned char *)"ada", 3 };
    unsigned char out[DOVECOT_REPLY_MAX];
    span user = span_until(name, ACCOUNT_LOGIN_MAX);

    demand_reply(out, dovecot_put_ok(7, user, name, span_until(name, 1024), out), 5);
    demand_reply(out, dovecot_put_ok(7, ada, name, span_make(NULL, 0), out), 4);
    for (int why = 0; why < DOVECOT_FAILURES; why++)
        demand_reply(out, dovecot_put_fail(7, (enum dovecot_failure)why, name, out), 6);
    demand_reply(out, dovecot_put_cont(7, span_until(name, DOVECOT_CHALLENGE_MAX), out), 3);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    span left = span_make(data, size);

    demand_claim(left);
    demand_replies(left);
    while (left.len > 0) {
        size_t end = span_find(left, '\n');

        demand_line(span_until(left, end));
        left = span_from(left, end + 1);
    }
    return 0;
}
