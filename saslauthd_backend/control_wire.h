/* saslauthd_backend/control_wire.h - lines of JSON between clavigerctl and clavigerd
 *
 * Purpose  What both ends of the control socket share: one JSON object per line, UTF-8, at
 *          most CONTROL_LINE_MAX bytes with its '\n'. control.h says what is in them.
 * Errors   ERROR_UNAVAILABLE: the peer is silent, slow or gone. ERROR_MALFORMED: it broke the
 *          rules above. No reason quotes what was received: that may be a password.
 * Memory   Both directions have a buffer of a line's size, wiped after use.
 * Threads  A channel belongs to one thread at a time.
 */
#ifndef SASLAUTHD_BACKEND_CONTROL_WIRE_H
#define SASLAUTHD_BACKEND_CONTROL_WIRE_H

#include "common/error.h"
#include "common/secret.h"

#include <jansson.h>

#define CONTROL_LINE_MAX ((size_t)64 * 1024)

struct control_channel;         /* opaque */

/* Borrows `fd`, a connected stream socket. NULL when there is no memory. */
struct control_channel *control_channel_new(int fd);
void control_channel_free(struct control_channel *channel);     /* NULL is fine */

/* The next line without its end, borrowed until the next call. ERROR_NONE with line_out->ptr
 * NULL: the peer closed after a whole line. */
enum error_code control_receive(struct control_channel *channel, int64_t timeout_ms,
                                span *line_out, struct error *err);

enum error_code control_send(struct control_channel *channel, const json_t *message,
                             int64_t timeout_ms, struct error *err);

/* The object in a line; the caller gives it to json_decref(). NULL, with *err set, for anything
 * else: other JSON, a name twice, "\u0000" in a string. */
json_t *control_object_parse(span line, struct error *err);

/* A password travels as base64 of its bytes: it need not be UTF-8. False, and an empty secret, for
 * what is no base64 or does not fit. */
bool control_password_parse(const char *text, struct secret *out);
/* A new string; NULL when there is no memory. */
json_t *control_password_new(span password);

/* From now on jansson wipes what it frees. Call it once, before any thread uses jansson. */
void control_wipe_freed_json(void);

#endif
