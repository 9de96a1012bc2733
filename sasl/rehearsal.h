/* sasl/rehearsal.h - a whole dialogue with ourselves as the client
 *
 * Purpose  What `clavigerctl test --mech` asks: would this password sign in by that mechanism? The
 *          bytes are those of a real client, and the server's last word is checked as a client does.
 * Threads  For one that may wait; not for event loops.
 */
#ifndef SASL_REHEARSAL_H
#define SASL_REHEARSAL_H

#include "sasl/dialogue.h"

/* Who signs in, and how; borrowed for the call. */
struct rehearsal {
    enum mechanism mechanism;
    struct dialogue_who who;
    span login, password;
};

/* REASON_INTERNAL when the server's last word is wrong: then no real client would be content. */
void sasl_rehearse(struct sasl *sasl, const struct rehearsal *rehearsal, struct verdict *verdict);

#endif
