/* pam_module/client.c - see client.h */
#include "pam_module/client.h"

#include "guest/talk.h"
#include "pam_module/helper.h"

#include <errno.h>
#include <stdio.h>

static bool
open_helper(struct talk *talk, const struct client_upstream *upstream)
{
    const char *what;
    int error;

    talk->fd = helper_start(upstream->helper, upstream->config, &what, &error);
    if (talk->fd >= 0)
        return true;
    errno = error;
    return talk_fail(talk, "%s: %m", what);
}

static bool
open_upstream(struct talk *talk, const struct client_upstream *upstream)
{
    if (upstream->helper != NULL)
        return open_helper(talk, upstream);
    return talk_connect(talk, &(struct talk_place){
        upstream->socket, upstream->trusts, upstream->context, "daemon_user=" });
}

static enum reading
read_reply(void *out, const unsigned char *bytes, size_t len, const char **why_out)
{
    return wire_read_reply(bytes, len, out, why_out);
}

const char *
client_name(const struct client_upstream *upstream)
{
    return upstream->helper != NULL ? upstream->helper : upstream->socket;
}

bool
client_ask(const struct client_upstream *upstream, const unsigned char *request, size_t len,
           struct wire_reply *out, struct client_fault *fault)
{
    unsigned char bytes[PAM_WIRE_REPLY_MAX + 1];
    struct talk_reply reply = { bytes, sizeof bytes, 0, read_reply, out };
    struct talk talk;
    bool answered;

    *out = (struct wire_reply){ .answer = PAM_WIRE_UNAVAILABLE };
    talk_begin(&talk, upstream->timeout_ms);
    answered = open_upstream(&talk, upstream) && talk_send(&talk, request, len)
        && talk_receive(&talk, &reply);
    talk_end(&talk);
    (void)snprintf(fault->reason, sizeof fault->reason, "%s", talk.reason);
    return answered;
}
