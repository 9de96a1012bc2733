/* tests/fuzz/fuzz_auxprop.c - both ends of the auxprop wire
 *
 * The first byte chooses: a request as the daemon reads it, or a reply as the plugin does. What is
 * taken lies within the bytes that came; no beginning of a whole message is broken.
 */
#include "saslauthd_backend/proto.h"
#include "sasl_plugin/wire.h"
#include "tests/fuzz/check.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_request(span wire)
{
    struct auth_request r;
    struct error err;

    if (proto_auxprop.parse(wire, &r, &err) != PROTO_REQUEST)
        return;
    CHECK(wire.len <= proto_auxprop.request_max);
    CHECK(r.login.len + r.realm.len + r.service.len + r.remote.len + 10 == wire.len);
    for (size_t len = 0; len < wire.len; len++)
        CHECK(proto_auxprop.parse(span_until(wire, len), &r, &err) == PROTO_MORE);
}

static void
check_reply(span wire)
{
    struct auxprop_reply reply, shorter;
    const char *why = NULL;
    size_t values = 0;

    if (auxprop_read_reply(wire.ptr, wire.len, &reply, &why) != READING_WHOLE) {
        CHECK(reply.answer == AUXPROP_WIRE_UNAVAILABLE && reply.values[0].ptr == NULL);
        return;
    }
    CHECK(wire.len <= AUXPROP_WIRE_REPLY_MAX);
    for (size_t i = 0; i < AUXPROP_WIRE_KINDS; i++) {
        const unsigned char *at = (const unsigned char *)reply.values[i].ptr;

        values += at != NULL;
        CHECK(!at || (at > wire.ptr && at + reply.values[i].len <= wire.ptr + wire.len));
    }
    CHECK((reply.answer == AUXPROP_WIRE_FOUND) == (values > 0));
    for (size_t len = 0; len < wire.len; len++)
        CHECK(auxprop_read_reply(wire.ptr, len, &shorter, &why) == READING_MORE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    if (data[0] & 1)
        check_reply(span_make(data + 1, size - 1));
    else
        check_request(span_make(data + 1, size - 1));
    return 0;
}
