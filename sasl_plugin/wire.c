/* sasl_plugin/wire.c - see wire.h */
#include "sasl_plugin/wire.h"

#include <stdbool.h>
#include <string.h>

static bool
put_field(unsigned char **at, struct auxprop_text field)
{
    if (field.len > AUXPROP_WIRE_FIELD_MAX)
        return false;
    *(*at)++ = (unsigned char)(field.len >> 8);
    *(*at)++ = (unsigned char)field.len;
    if (field.len > 0)
        memcpy(*at, field.ptr, field.len);
    *at += field.len;
    return true;
}

size_t
auxprop_write_request(const struct auxprop_request *request,
                   unsigned char out[AUXPROP_WIRE_REQUEST_MAX])
{
    unsigned char *at = out;

    *at++ = AUXPROP_WIRE_VERSION;
    *at++ = (unsigned char)request->wants;
    if (!put_field(&at, request->login) || !put_field(&at, request->realm)
        || !put_field(&at, request->service) || !put_field(&at, request->remote))
        return 0;
    return (size_t)(at - out);
}

static enum reading
broken(struct auxprop_reply *out, const char **why_out, const char *why)
{
    *out = (struct auxprop_reply){ .answer = AUXPROP_WIRE_UNAVAILABLE };
    *why_out = why;
    return READING_BROKEN;
}

/* Is it what the kind has to be? Text ends up in a C string, so it holds no NUL. */
static bool
is_value(unsigned kind, const unsigned char *bytes, size_t len)
{
    if (kind == AUXPROP_WIRE_CRAM_MD5)
        return len == AUXPROP_WIRE_CRAM_MD5_LEN;
    return len > 0 && len <= AUXPROP_WIRE_VALUE_MAX && memchr(bytes, '\0', len) == NULL;
}

/* One value; moves *at_io behind it. */
static enum reading
read_value(const unsigned char *bytes, size_t len, size_t *at_io, struct auxprop_reply *out,
           const char **why_out)
{
    const unsigned char *at = bytes + *at_io;
    const size_t left = len - *at_io;
    size_t value_len;

    if (left >= 1 && at[0] >= AUXPROP_WIRE_KINDS)
        return broken(out, why_out, "gave a kind of value that the protocol does not have");
    if (left < 3)
        return READING_MORE;
    value_len = (size_t)at[1] << 8 | at[2];
    if (value_len > AUXPROP_WIRE_VALUE_MAX)
        return broken(out, why_out, "gave a value too long to be one");
    if (left < 3 + value_len)
        return READING_MORE;
    if (out->values[at[0]].ptr != NULL || !is_value(at[0], at + 3, value_len))
        return broken(out, why_out, "gave a value twice, or one that is none");
    out->values[at[0]] = (struct auxprop_text){ (const char *)at + 3, value_len };
    *at_io += 3 + value_len;
    return READING_WHOLE;
}

enum reading
auxprop_read_reply(const unsigned char *bytes, size_t len, struct auxprop_reply *out,
                const char **why_out)
{
    enum { HEAD = 3 };          /* version, answer, count */
    enum reading reading = READING_WHOLE;
    size_t at = HEAD;

    *out = (struct auxprop_reply){ .answer = AUXPROP_WIRE_UNAVAILABLE };
    if (len >= 1 && bytes[0] != AUXPROP_WIRE_VERSION)
        return broken(out, why_out, "speaks another version of the protocol");
    if (len >= 2 && bytes[1] >= AUXPROP_WIRE_ANSWERS)
        return broken(out, why_out, "gave an answer that the protocol does not have");
    if (len < HEAD)
        return READING_MORE;
    if ((bytes[1] == AUXPROP_WIRE_FOUND) != (bytes[2] > 0))
        return broken(out, why_out, "found nothing, or gave what it did not find");
    for (unsigned i = 0; reading == READING_WHOLE && i < bytes[2]; i++)
        reading = read_value(bytes, len, &at, out, why_out);
    if (reading == READING_WHOLE && at < len)
        return broken(out, why_out, "sent more than an answer");
    if (reading == READING_WHOLE)
        out->answer = (enum auxprop_wire_answer)bytes[1];
    if (reading == READING_MORE)
        *out = (struct auxprop_reply){ .answer = AUXPROP_WIRE_UNAVAILABLE };
    return reading;
}
