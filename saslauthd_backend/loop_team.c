/* saslauthd_backend/loop_team.c - long connections are shared out evenly among the loops
 *
 * Whoever wakes first accepts, and for short connections that is fair enough. A few that live for
 * days and carry everything must not all be one loop's: who accepts such a one gives it to the loop
 * that has the fewest.
 */
#include "saslauthd_backend/conn.h"

static size_t
long_ones(struct loop *loop)
{
    return atomic_load_explicit(&loop->long_ones, memory_order_relaxed);
}

/* Itself, where no other has fewer. */
static struct loop *
least_busy(struct loop *self)
{
    size_t count = atomic_load(&self->team->count);
    struct loop *least = self;

    for (size_t i = 0; i < count; i++)
        if (long_ones(self->team->members[i]) < long_ones(least))
            least = self->team->members[i];
    return least;
}

bool
loop_hand_over(struct loop *loop, const struct listener *listener, int fd)
{
    struct loop *to = listener->proto->kind->is_long ? least_busy(loop) : loop;
    static const span nothing;

    if (to == loop)
        return false;
    loop_hand(to, listener, fd, nothing);
    return true;
}
