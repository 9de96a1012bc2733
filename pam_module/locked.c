/* pam_module/locked.c - pages that hold a password on its way to the daemon
 *
 *   arena   | taken, locked | room 0 | room 1 | ... |   one mapping, wiped by fork()
 *
 * All that the module keeps between calls is where the arena is.
 */
#include "pam_module/locked.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

/* A request is seldom longer than a page; so many calls at a time find room. All of them are the 64 KiB
 * that many hosts may lock, and each is locked by who is first in it. */
#define ROOM_SIZE 4096
#define ROOMS 16
#define ALL_ROOMS ((1u << ROOMS) - 1)

/* That the first words are all zero means: nobody is in, nothing is locked. So a wiped arena is good. */
struct arena {
    _Alignas(ROOM_SIZE) _Atomic uint32_t taken, locked;         /* a bit for each room */
    _Alignas(ROOM_SIZE) unsigned char rooms[ROOMS][ROOM_SIZE];
};

static _Atomic(struct arena *) arena;

/* *wiped_out: a forked child will find it empty. */
static void *
map_pages(size_t size, bool *wiped_out)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (pages == MAP_FAILED)
        return NULL;
    (void)madvise(pages, size, MADV_DONTDUMP);
    *wiped_out = madvise(pages, size, MADV_WIPEONFORK) == 0;
    return pages;
}

/* NULL: there is none. Two threads may make one each; one of them is kept. */
static struct arena *
arena_get(void)
{
    struct arena *known = atomic_load(&arena), *made;
    bool wiped = false;

    if (known != NULL)
        return known;
    made = map_pages(sizeof *made, &wiped);
    if (made == NULL)
        return NULL;
    if (wiped && atomic_compare_exchange_strong(&arena, &known, made))
        return made;
    (void)munmap(made, sizeof *made);
    return known;
}

/* Once for each room, even when it may not be. Locks are not inherited: a child makes its own. */
static void *
room_lock(struct arena *in, int number)
{
    const uint32_t bit = 1u << number;

    if ((atomic_fetch_or(&in->locked, bit) & bit) == 0)
        (void)mlock(in->rooms[number], ROOM_SIZE);
    return in->rooms[number];
}

/* NULL: no room is free. */
static void *
room_take(struct arena *in)
{
    uint32_t taken = atomic_load(&in->taken);

    while (taken != ALL_ROOMS) {
        int number = __builtin_ctz(~taken);

        if (atomic_compare_exchange_weak(&in->taken, &taken, taken | 1u << number))
            return room_lock(in, number);
    }
    return NULL;
}

static bool
is_room(const struct arena *in, const unsigned char *buffer)
{
    return in != NULL && (uintptr_t)buffer >= (uintptr_t)in->rooms[0]
        && (uintptr_t)buffer < (uintptr_t)in->rooms[ROOMS];
}

static void
room_leave(struct arena *in, const unsigned char *buffer)
{
    ptrdiff_t number = (buffer - in->rooms[0]) / ROOM_SIZE;

    (void)atomic_fetch_and(&in->taken, ~(1u << number));
}

void *
locked_new(size_t size)
{
    struct arena *in = size <= ROOM_SIZE ? arena_get() : NULL;
    void *buffer = in != NULL ? room_take(in) : NULL;
    bool wiped;

    if (buffer != NULL)
        return buffer;
    buffer = map_pages(size, &wiped);
    if (buffer != NULL)
        (void)mlock(buffer, size);
    return buffer;
}

void
locked_free(void *buffer, size_t size)
{
    struct arena *in = atomic_load(&arena);

    if (buffer == NULL)
        return;
    explicit_bzero(buffer, size);
    if (is_room(in, buffer))
        room_leave(in, buffer);
    else
        (void)munmap(buffer, size);         /* unlocks it too */
}
