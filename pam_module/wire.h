/* pam_module/wire.h - the module's side of common/pam_wire.h, bytes only
 *
 * Purpose  Write a request, read a reply. No descriptor, no PAM: what a hostile or broken
 *          daemon can send is judged here and nowhere else.
 * Errors   A reply is whole or it is nothing: what is cut short, too long, of another version,
 *          or breaks a rule of the wire is never taken for an answer.
 * Threads  Any function from any thread.
 */
#ifndef PAM_MODULE_WIRE_H
#define PAM_MODULE_WIRE_H

#include "common/pam_wire.h"
#include "guest/reading.h"

#include <stdbool.h>
#include <stddef.h>

/* Borrowed; NULL is empty. `domain` is appended to a login without '@'. */
struct wire_request {
    enum pam_wire_action action;
    bool by_root;
    const char *login, *domain, *password, *new_password, *service, *remote, *accounts;
};

/* How many bytes it takes; 0 when a field is longer than the wire carries. */
size_t wire_request_len(const struct wire_request *request);

/* Writes exactly those. Only after wire_request_len() said how many. */
void wire_write_request(const struct wire_request *request, unsigned char *out);

struct wire_reply {
    enum pam_wire_answer answer;
    char user[PAM_WIRE_USER_MAX + 1];   /* empty unless accepted */
};

/* Unless it is whole, *out is empty; when it is broken, *why_out says why: a static string. */
enum reading wire_read_reply(const unsigned char *bytes, size_t len, struct wire_reply *out,
                             const char **why_out);

#endif
