/* saslauthd_backend/outbox.h - replies on their way out of a connection
 *
 * Purpose  Replies that are ready together leave in one write, whole and in order; what the socket does
 *          not take waits here, and nothing is said between two halves of a reply.
 * Bounds   OUTBOX_MAX bytes; who reads so little that more would wait is to be closed.
 * Threads  One loop's.
 */
#ifndef SASLAUTHD_BACKEND_OUTBOX_H
#define SASLAUTHD_BACKEND_OUTBOX_H

#include "common/span.h"

#define OUTBOX_MAX (1 << 20)

struct outbox {
    unsigned char *bytes;
    size_t sent, used, room;    /* bytes from `sent` to `used` wait */
    uint64_t gone;              /* sent before the first of these */
};

void outbox_wipe(struct outbox *box);

/* Room for `len` more bytes in one piece, to be filled and then taken with outbox_add(). NULL: no
 * memory, or over the bound. */
unsigned char *outbox_room(struct outbox *box, size_t len);
void outbox_add(struct outbox *box, size_t len);

bool outbox_is_empty(const struct outbox *box);

/* How many bytes were ever added, and how many of them were sent. */
uint64_t outbox_added(const struct outbox *box);
uint64_t outbox_sent(const struct outbox *box);

/* False: the peer is gone. What could not be sent stays. */
bool outbox_flush(struct outbox *box, int fd);

#endif
