/* tools/bench/wire_fields.h - the counted strings of both wires, on their way out */
#ifndef TOOLS_BENCH_WIRE_FIELDS_H
#define TOOLS_BENCH_WIRE_FIELDS_H

#include "common/span.h"

#include <string.h>

/* Each a 16-bit big-endian length and its bytes; returns where the next one goes. */
static inline unsigned char *
wire_put_fields(unsigned char *out, const span *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        *out++ = (unsigned char)(fields[i].len >> 8);
        *out++ = (unsigned char)fields[i].len;
        if (fields[i].len > 0)
            memcpy(out, fields[i].ptr, fields[i].len);
        out += fields[i].len;
    }
    return out;
}

#endif
