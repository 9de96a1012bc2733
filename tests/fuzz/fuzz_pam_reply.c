/* tests/fuzz/fuzz_pam_reply.c - no bytes of a daemon, however cut, harm the PAM module */
#include "pam_module/status.h"
#include "pam_module/wire.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* What must be true of any outcome. */
static void
check(enum reading reading, const struct wire_reply *reply, const char *why)
{
    int accepted = reply->answer == PAM_WIRE_ACCEPTED || reply->answer == PAM_WIRE_MUST_CHANGE;

    if (reading != READING_WHOLE && (accepted || reply->user[0] != '\0'))
        abort();
    if (reading == READING_BROKEN && why == NULL)
        abort();
    if (accepted != (reply->user[0] != '\0') || strlen(reply->user) > PAM_WIRE_USER_MAX)
        abort();
    if (status_of((enum cause)reply->answer)->cause == NULL)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    enum reading before = READING_MORE;

    for (size_t have = 0; have <= len && have <= PAM_WIRE_REPLY_MAX + 1; have++) {
        struct wire_reply reply;
        const char *why = NULL;
        enum reading now = wire_read_reply(bytes, have, &reply, &why);

        check(now, &reply, why);
        if (before == READING_BROKEN && now != READING_BROKEN)
            abort();            /* more bytes never mend a reply */
        before = now;
    }
    return 0;
}
