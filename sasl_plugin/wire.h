/* sasl_plugin/wire.h - the plugin's side of common/auxprop_wire.h, bytes only
 *
 * Purpose  Write a request, read a reply. What a hostile or broken daemon can send is judged here
 *          and nowhere else.
 * Errors   A reply is whole or it is nothing.
 * Threads  Any function from any thread.
 */
#ifndef SASL_PLUGIN_WIRE_H
#define SASL_PLUGIN_WIRE_H

#include "common/auxprop_wire.h"
#include "guest/reading.h"

#include <stddef.h>

struct auxprop_text { const char *ptr; size_t len; };      /* borrowed */

struct auxprop_request {
    unsigned wants;             /* kinds, 1 << kind for each */
    struct auxprop_text login, realm, service, remote;
};

/* How many bytes were written to `out`; 0 when a field is longer than the wire carries. */
size_t auxprop_write_request(const struct auxprop_request *request,
                          unsigned char out[AUXPROP_WIRE_REQUEST_MAX]);

struct auxprop_reply {
    enum auxprop_wire_answer answer;
    struct auxprop_text values[AUXPROP_WIRE_KINDS];        /* in the bytes that were read; ptr NULL:
                                                         * there is none of that kind */
};

/* Unless it is whole, *out is empty; when it is broken, *why_out says why: a static string. */
enum reading auxprop_read_reply(const unsigned char *bytes, size_t len, struct auxprop_reply *out,
                                const char **why_out);

#endif
