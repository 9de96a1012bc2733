/* saslauthd_backend/receipts.c - see receipts.h
 *
 * One behind the other: a head, then the bytes of its fields.
 */
#include "saslauthd_backend/receipts.h"

#include "common/macros.h"

#include <stdlib.h>

#define ROOM_LEAST 1024
#define ROOM_KEPT 16384

struct head { uint64_t end; uint16_t lens[RECEIPT_FIELDS]; };
_Static_assert(sizeof(struct head) <= 16 && RECEIPT_FIELD_MAX <= UINT16_MAX, "RECEIPT_MAX holds");

void
receipts_wipe(struct receipts *receipts)
{
    free(receipts->bytes);
    *receipts = (struct receipts){ 0 };
}

static bool
make_room(struct receipts *receipts)
{
    size_t room = receipts->room ? receipts->room : ROOM_LEAST;
    unsigned char *bytes;

    if (receipts->room - receipts->used >= RECEIPT_MAX)
        return true;
    while (room - receipts->used < RECEIPT_MAX)
        room *= 2;
    bytes = realloc(receipts->bytes, room);
    if (!bytes)
        return false;
    receipts->bytes = bytes;
    receipts->room = room;
    return true;
}

void
receipts_add(struct receipts *receipts, const struct receipt *receipt)
{
    struct head head = { .end = receipt->end };
    unsigned char *at;

    if (!make_room(receipts))
        return;
    at = receipts->bytes + receipts->used + sizeof(head);
    for (size_t i = 0; i < RECEIPT_FIELDS; i++) {
        const span field = span_until(receipt->fields[i], RECEIPT_FIELD_MAX);

        head.lens[i] = (uint16_t)field.len;
        if (field.len > 0)
            memcpy(at, field.ptr, field.len);
        at += field.len;
    }
    memcpy(receipts->bytes + receipts->used, &head, sizeof(head));
    receipts->used = (size_t)(at - receipts->bytes);
}

/* Where the next one is. */
static size_t
take(const struct receipts *receipts, size_t at, struct receipt *out)
{
    struct head head;

    memcpy(&head, receipts->bytes + at, sizeof(head));
    at += sizeof(head);
    out->end = head.end;
    for (size_t i = 0; i < RECEIPT_FIELDS; i++) {
        out->fields[i] = span_make(receipts->bytes + at, head.lens[i]);
        at += head.lens[i];
    }
    return at;
}

void
receipts_drop(struct receipts *receipts, uint64_t sent)
{
    size_t at = 0, next;
    struct receipt receipt;

    for (; at < receipts->used; at = next) {
        next = take(receipts, at, &receipt);
        if (receipt.end > sent)
            break;
    }
    if (at > 0)
        memmove(receipts->bytes, receipts->bytes + at, receipts->used - at);
    receipts->used -= at;
    if (receipts->used == 0 && receipts->room > ROOM_KEPT)
        receipts_wipe(receipts);
}

void
receipts_visit(const struct receipts *receipts, void *context,
               void (*each)(void *context, const struct receipt *receipt))
{
    struct receipt receipt;

    for (size_t at = 0; at < receipts->used;) {
        at = take(receipts, at, &receipt);
        each(context, &receipt);
    }
}
