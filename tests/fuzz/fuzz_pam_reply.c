/* tests/fuzz/fuzz_pam_reply.c - no bytes of a daemon, however cut, harm the PAM module */
#include "pam_module/status.h"
#include "pam_module/wire.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* What must be true of any outcome. */
static void
check(enum wire_reading reading, const struct wire_reply *reply, const char *why)
{
    int accepted = reply->answer == PAM_WIRE_ACCEPTED || reply->answer == PAM_WIRE_MUST_CHANGE;

    if (reading != WIRE_WHOLE && (accepted || reply->user[0] != '\0'))
        abort();
    if (reading == WIRE_BROKEN && why == NULL)
        abort();
    if (accepted != (reply->user[0] != '\0') || strlen(reply->user) > PAM_WIRE_USER_MAX)
        abort();
    if (status_of((enum cause)reply->answer)->cause == NULL)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    enum wire_reading before = WIRE_MORE;

    for (size_t have = 0; have <= len && have <= PAM_WIRE_REPLY_MAX + 1; have++) {
        struct wire_reply reply;
        const char *why = NULL;
        enum wire_reading now = wire_read_reply(bytes, have, &reply, &why);

        check(now, &reply, why);
        if (before == WIRE_BROKEN && now != WIRE_BROKEN)
            abort();            /* more bytes never mend a reply */
        before = now;
    }
    return 0;
}
