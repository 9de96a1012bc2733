/* account/notes.h - last logins that wait to be written
 *
 * Purpose  A fixed room of sign-ins, in which an account (with service and address, where they are
 *          given) stands once, with the moment of its last one.
 * Memory   Reserved once, touched as it fills; nothing is allocated for a sign-in.
 * Threads  None of its own: one thread at a time.
 */
#ifndef ACCOUNT_NOTES_H
#define ACCOUNT_NOTES_H

#include "account/account.h"

/* Bytes of login, service and address together: the longest login, a service's name, an address. */
#define NOTE_TEXT_MAX (ACCOUNT_LOGIN_MAX + 64 + 64)

struct note {
    uint64_t hash;
    int64_t at_s;                       /* Unix seconds */
    uint16_t login_len, service_len, remote_len;
    unsigned char text[NOTE_TEXT_MAX];
};

struct notes {
    struct note *list;                  /* in the order in which they came */
    uint32_t *places;                   /* 1 + a note's index, by its hash; 0: free */
    size_t count, room, places_mask;
};

/* False when there is no memory. notes_close() takes what was made in either case. */
bool notes_open(struct notes *notes, size_t room);
void notes_close(struct notes *notes);

/* False when there is no room, or it is longer than any. */
bool notes_add(struct notes *notes, span login, span service, span remote, int64_t at_s);

void notes_clear(struct notes *notes);

/* Borrowed until the notes change. */
span note_login(const struct note *note);
span note_service(const struct note *note);
span note_remote(const struct note *note);

#endif
