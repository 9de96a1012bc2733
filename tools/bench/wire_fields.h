/* tools/bench/wire_fields.h - the counted strings of both wires, on their way out */
#ifndef TOOLS_BENCH_WIRE_FIELDS_H
#define TOOLS_BENCH_WIRE_FIELDS_H

#include "common/span.h"

#include <string.h>

/* A 16-bit big-endian length and the bytes; returns where the next one goes. */
static inline unsigned char *
wire_put_field(unsigned char *out, span field)
{
    out[0] = (unsigned char)(field.len >> 8);
    out[1] = (unsigned char)field.len;
    if (field.len > 0)
        memcpy(out + 2, field.ptr, field.len);
    return out + 2 + field.len;
}

#endif
