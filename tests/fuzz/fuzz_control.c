/* tests/fuzz/fuzz_control.c - any bytes as a line on the control socket
 *
 * What is refused leaves nothing behind; what is accepted keeps its command's rules, and a
 * refusal never repeats the password.
 */
#include "saslauthd_backend/control_request.h"
#include "saslauthd_backend/control_wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds)
        abort();
}

static bool
is_empty(const struct control_request *request)
{
    static const struct control_request empty;

    return memcmp(request, &empty, sizeof(empty)) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct control_request request;
    struct error err;

    error_clear(&err);
    if (control_request_parse(span_make(data, size), &request, &err) != ERROR_NONE) {
        must(err.code == ERROR_MALFORMED && err.reason[0]);
        must(is_empty(&request));
        return 0;
    }
    must(request.command < CONTROL_COMMANDS);
    must(request.password.len <= SECRET_MAX);
    must(request.command != CONTROL_TEST || request.has_password);
    must(request.command != CONTROL_STATUS || is_empty(&request));
    must(request.command == CONTROL_FLUSH || (!request.all && !request.domain[0]));
    must(span_is_utf8(span_of(request.login)) && span_is_utf8(span_of(request.remote)));
    control_request_wipe(&request);
    must(is_empty(&request));
    return 0;
}
