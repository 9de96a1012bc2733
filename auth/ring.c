/* auth/ring.c - see ring.h */
#include "auth/ring.h"

#include <stdint.h>

void
ring_set(struct ring *ring, struct ring_slot *slots, size_t count)
{
    ring->slots = slots;
    ring->mask = count - 1;
    for (size_t i = 0; i < count; i++)
        atomic_init(&slots[i].turn, i);
    atomic_init(&ring->tail, 0);
    atomic_init(&ring->head, 0);
}

/* The slot at which *place stands, once its turn is *place + `ahead`, and *place moved on; NULL when
 * the turn has not come. */
static struct ring_slot *
claim(struct ring *ring, _Atomic size_t *place, size_t ahead, size_t *position_out)
{
    size_t position = atomic_load_explicit(place, memory_order_relaxed);

    for (;;) {
        struct ring_slot *slot = &ring->slots[position & ring->mask];
        size_t turn = atomic_load(&slot->turn);
        intptr_t early = (intptr_t)(turn - (position + ahead));

        if (early < 0)
            return NULL;
        if (early > 0)
            position = atomic_load_explicit(place, memory_order_relaxed);
        else if (atomic_compare_exchange_weak_explicit(place, &position, position + 1,
                                                       memory_order_relaxed,
                                                       memory_order_relaxed)) {
            *position_out = position;
            return slot;
        }
    }
}

bool
ring_push(struct ring *ring, void *item)
{
    size_t position;
    struct ring_slot *slot = claim(ring, &ring->tail, 0, &position);

    if (!slot)
        return false;
    slot->item = item;
    atomic_store(&slot->turn, position + 1);
    return true;
}

void *
ring_pop(struct ring *ring)
{
    size_t position;
    struct ring_slot *slot = claim(ring, &ring->head, 1, &position);
    void *item;

    if (!slot)
        return NULL;
    item = slot->item;
    atomic_store_explicit(&slot->turn, position + ring->mask + 1, memory_order_release);
    return item;
}

size_t
ring_count(const struct ring *ring)
{
    size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

    return (intptr_t)(tail - head) > 0 ? tail - head : 0;
}
