/* tests/fuzz/fuzz_saslauthd.c - F01: the frames of the saslauthd wire, and of PAM's
 *
 * The first byte chooses the wire. Whatever the parser takes must be made of the bytes that it was given, and
 * every shorter beginning of a request must not be a malformed one.
 */
#include "saslauthd_backend/proto.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
demand_inside(span field, span wire)
{
    if (field.len > 0 && (field.ptr < wire.ptr || field.ptr + field.len > wire.ptr + wire.len))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct proto *proto;
    struct auth_request r;
    struct error err;
    span wire;

    if (size < 1)
        return 0;
    proto = data[0] & 1 ? &proto_pam : &proto_saslauthd;
    wire = span_make(data + 1, size - 1);
    if (proto->parse(wire, &r, &err) != PROTO_REQUEST)
        return 0;
    demand_inside(r.login, wire);
    demand_inside(r.password, wire);
    demand_inside(r.service, wire);
    demand_inside(r.realm, wire);
    demand_inside(r.remote, wire);
    demand_inside(r.new_password, wire);
    demand_inside(r.accounts, wire);
    if (wire.len > proto->request_max + UINT16_MAX)
        abort();
    for (size_t len = 0; len < wire.len; len++)
        if (proto->parse(span_until(wire, len), &r, &err) == PROTO_MALFORMED)
            abort();
    return 0;
}
