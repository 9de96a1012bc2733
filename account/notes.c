/* account/notes.c - see notes.h */
#include "account/notes.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a. Only names that have signed in come here: nobody can choose them to collide. */
#define HASH_START UINT64_C(0xcbf29ce484222325)
#define HASH_STEP UINT64_C(0x100000001b3)

bool
notes_open(struct notes *notes, size_t room)
{
    size_t places = 2;

    while (places < 2 * room)
        places *= 2;
    *notes = (struct notes){ .room = room, .places_mask = places - 1 };
    notes->list = calloc(room, sizeof(*notes->list));
    notes->places = calloc(places, sizeof(*notes->places));
    return notes->list && notes->places;
}

void
notes_close(struct notes *notes)
{
    free(notes->list);
    free(notes->places);
    *notes = (struct notes){ .list = NULL };
}

span
note_login(const struct note *note)
{
    return span_make(note->text, note->login_len);
}

span
note_service(const struct note *note)
{
    return span_make(note->text + note->login_len, note->service_len);
}

span
note_remote(const struct note *note)
{
    return span_make(note->text + note->login_len + note->service_len, note->remote_len);
}

static uint64_t
hash_bytes(uint64_t hash, span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ bytes.ptr[i]) * HASH_STEP;
    return (hash ^ bytes.len) * HASH_STEP;
}

static bool
is_same(const struct note *a, const struct note *b)
{
    return a->hash == b->hash && a->login_len == b->login_len
        && a->service_len == b->service_len && a->remote_len == b->remote_len
        && memcmp(a->text, b->text, (size_t)a->login_len + a->service_len + a->remote_len) == 0;
}

static void
put(struct note *note, span bytes, size_t *used)
{
    if (bytes.len > 0)
        memcpy(note->text + *used, bytes.ptr, bytes.len);
    *used += bytes.len;
}

/* False when it is longer than any. */
static bool
fill(struct note *note, span login, span service, span remote, int64_t at_s)
{
    size_t used = 0;

    if (login.len + service.len + remote.len > NOTE_TEXT_MAX)
        return false;
    note->hash = hash_bytes(hash_bytes(hash_bytes(HASH_START, login), service), remote);
    note->at_s = at_s;
    note->login_len = (uint16_t)login.len;
    note->service_len = (uint16_t)service.len;
    note->remote_len = (uint16_t)remote.len;
    put(note, login, &used);
    put(note, service, &used);
    put(note, remote, &used);
    return true;
}

bool
notes_add(struct notes *notes, span login, span service, span remote, int64_t at_s)
{
    struct note note;
    size_t place;

    if (!fill(&note, login, service, remote, at_s))
        return false;
    for (place = note.hash & notes->places_mask; notes->places[place] != 0;
         place = (place + 1) & notes->places_mask) {
        struct note *known = &notes->list[notes->places[place] - 1];

        if (is_same(known, &note)) {
            if (known->at_s < at_s)
                known->at_s = at_s;
            return true;
        }
    }
    if (notes->count == notes->room)
        return false;
    notes->list[notes->count++] = note;
    notes->places[place] = (uint32_t)notes->count;
    return true;
}

void
notes_clear(struct notes *notes)
{
    memset(notes->places, 0, (notes->places_mask + 1) * sizeof(*notes->places));
    notes->count = 0;
}
