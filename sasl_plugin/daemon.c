/* sasl_plugin/daemon.c - see daemon.h */
#include "sasl_plugin/daemon.h"

#include "guest/talk.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool
is_named(const char *name, uid_t uid)
{
    struct passwd entry, *found = NULL;
    char room[4096];

    return name != NULL && getpwnam_r(name, &entry, room, sizeof room, &found) == 0
        && found != NULL && entry.pw_uid == uid;
}

/* A stranger could give passwords of his own, and sign in as whom he likes. */
static bool
trusts(void *user, uid_t owner)
{
    return owner == 0 || owner == geteuid() || is_named(user, owner);
}

static enum reading
read_reply(void *out, const unsigned char *bytes, size_t len, const char **why_out)
{
    return auxprop_read_reply(bytes, len, out, why_out);
}

bool
daemon_ask(const struct daemon_place *place, const unsigned char *request, size_t len,
           struct daemon_answer *out)
{
    struct talk_reply reply = { out->bytes, sizeof out->bytes, 0, read_reply, &out->reply };
    struct talk talk;
    bool answered;

    out->reply = (struct auxprop_reply){ .answer = AUXPROP_WIRE_UNAVAILABLE };
    talk_begin(&talk, place->timeout_ms);
    answered = talk_connect(&talk, &(struct talk_place){
            place->path, trusts, (void *)(uintptr_t)place->user, "claviger_daemon_user" })
        && talk_send(&talk, request, len) && talk_receive(&talk, &reply);
    talk_end(&talk);
    out->used = reply.used;
    (void)snprintf(out->reason, sizeof out->reason, "%s", talk.reason);
    return answered;
}

void
daemon_answer_wipe(struct daemon_answer *answer)
{
    explicit_bzero(answer->bytes, answer->used);
    answer->used = 0;
    answer->reply = (struct auxprop_reply){ .answer = AUXPROP_WIRE_UNAVAILABLE };
}
