/* saslauthd_backend/receipts.h - whose replies are on their way out of a connection
 *
 * Purpose  When a peer is gone before it has taken all of its replies, the log says which sign-ins it
 *          was not told of. So who asked is kept for each reply until its last byte has left: mostly
 *          until the end of the turn, when the outbox is flushed.
 * Bounds   RECEIPT_MAX bytes for each reply that waits in the outbox, which has a bound.
 * Errors   Where there is no memory, a line in the log is missing.
 * Threads  One loop's.
 */
#ifndef SASLAUTHD_BACKEND_RECEIPTS_H
#define SASLAUTHD_BACKEND_RECEIPTS_H

#include "common/span.h"

#define RECEIPT_FIELDS 3
#define RECEIPT_FIELD_MAX 400           /* a longer one is cut, as it is in the log */
#define RECEIPT_MAX (16 + RECEIPT_FIELDS * RECEIPT_FIELD_MAX)

/* All zero is one that is empty. */
struct receipts { unsigned char *bytes; size_t used, room; };

struct receipt {
    uint64_t end;               /* of the reply, among all bytes that the connection is told */
    span fields[RECEIPT_FIELDS];
};

void receipts_wipe(struct receipts *receipts);

/* Copies. In the order of their ends. */
void receipts_add(struct receipts *receipts, const struct receipt *receipt);

/* So many bytes have left: what was for them is forgotten. */
void receipts_drop(struct receipts *receipts, uint64_t sent);

/* Calls `each` with every one that is left. */
void receipts_visit(const struct receipts *receipts, void *context,
                    void (*each)(void *context, const struct receipt *receipt));

#endif
