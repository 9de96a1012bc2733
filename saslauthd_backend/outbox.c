/* saslauthd_backend/outbox.c - see outbox.h */
#include "saslauthd_backend/outbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* The least that is allocated, and the most that is kept while nothing waits. */
#define ROOM_LEAST 8192
#define ROOM_KEPT 65536

void
outbox_wipe(struct outbox *box)
{
    free(box->bytes);
    *box = (struct outbox){ .gone = box->gone + box->sent };
}

/* What was sent makes room first. */
static void
move_to_front(struct outbox *box)
{
    if (box->sent == 0)
        return;
    memmove(box->bytes, box->bytes + box->sent, box->used - box->sent);
    box->used -= box->sent;
    box->gone += box->sent;
    box->sent = 0;
}

unsigned char *
outbox_room(struct outbox *box, size_t len)
{
    size_t room = box->room ? box->room : ROOM_LEAST;
    unsigned char *bytes;

    if (box->room - box->used < len)
        move_to_front(box);
    if (box->room - box->used >= len)
        return box->bytes + box->used;
    while (room - box->used < len)
        room *= 2;
    bytes = room <= OUTBOX_MAX ? realloc(box->bytes, room) : NULL;
    if (!bytes)
        return NULL;
    box->bytes = bytes;
    box->room = room;
    return box->bytes + box->used;
}

void
outbox_add(struct outbox *box, size_t len)
{
    box->used += len;
}

bool
outbox_is_empty(const struct outbox *box)
{
    return box->sent == box->used;
}

uint64_t
outbox_added(const struct outbox *box)
{
    return box->gone + box->used;
}

uint64_t
outbox_sent(const struct outbox *box)
{
    return box->gone + box->sent;
}

static void
rest(struct outbox *box)
{
    box->gone += box->sent;
    box->sent = box->used = 0;
    if (box->room > ROOM_KEPT)
        outbox_wipe(box);
}

bool
outbox_flush(struct outbox *box, int fd)
{
    while (!outbox_is_empty(box)) {
        ssize_t sent = send(fd, box->bytes + box->sent, box->used - box->sent,
                            MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN;
        box->sent += (size_t)sent;
    }
    rest(box);
    return true;
}
