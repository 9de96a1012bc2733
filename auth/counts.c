/* auth/counts.c - see counts.h */
#include "auth/counts.h"

#include <string.h>

struct counts_shard *
counts_here(struct counts *counts)
{
    static _Atomic unsigned threads;
    static _Thread_local unsigned mine;

    if (mine == 0)
        mine = 1 + atomic_fetch_add(&threads, 1) % COUNTS_SHARDS;
    return &counts->shards[mine - 1];
}

static void
add(_Atomic uint64_t *count)
{
    atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}

void
counts_verdict(struct counts *counts, const struct verdict *verdict)
{
    struct counts_shard *shard = counts_here(counts);

    add(&shard->reasons[verdict->reason]);
    add(&shard->vias[verdict->via]);
}

void
counts_write(struct counts *counts, enum auth_write write)
{
    add(&counts_here(counts)->writes[write]);
}

static void
add_from(_Atomic uint64_t *to, const uint64_t *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        atomic_fetch_add_explicit(&to[i], from[i], memory_order_relaxed);
}

void
counts_add(struct counts *counts, const struct auth_counts *before)
{
    struct counts_shard *shard = counts_here(counts);

    add_from(shard->reasons, before->reasons, REASONS);
    add_from(shard->vias, before->vias, VIAS);
    add_from(&shard->lookups, &before->lookups, 1);
    add_from(&shard->verifications, &before->verifications, 1);
    add_from(&shard->joined, &before->joined, 1);
    add_from(shard->writes, before->writes, AUTH_WRITES);
}

static void
sum_into(uint64_t *to, const _Atomic uint64_t *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] += atomic_load_explicit(&from[i], memory_order_relaxed);
}

void
counts_sum(const struct counts *counts, struct auth_counts *out)
{
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < COUNTS_SHARDS; i++) {
        const struct counts_shard *shard = &counts->shards[i];

        sum_into(out->reasons, shard->reasons, REASONS);
        sum_into(out->vias, shard->vias, VIAS);
        sum_into(&out->lookups, &shard->lookups, 1);
        sum_into(&out->verifications, &shard->verifications, 1);
        sum_into(&out->joined, &shard->joined, 1);
        sum_into(out->writes, shard->writes, AUTH_WRITES);
    }
}

/* As `clavigerctl status` has them. */
static const char *const write_words[] = {
    [AUTH_WRITE_NOTED]   = "noted",
    [AUTH_WRITE_WRITTEN] = "written",
    [AUTH_WRITE_DROPPED] = "dropped",
    [AUTH_WRITE_CHANGED] = "changed",
    [AUTH_WRITE_REHASHED] = "rehashed",
    [AUTH_WRITE_LOST]    = "rehash_lost",
    [AUTH_WRITE_FAILED]  = "rehash_failed",
};
_Static_assert(COUNT(write_words) == AUTH_WRITES, "a kind of write lacks its word");

const char *
auth_write_word(enum auth_write write)
{
    return write_words[write];
}
