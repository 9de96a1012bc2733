/* auth/fair.c - see fair.h
 *
 * Each rank is a list by deadline; a new job comes nearly always last. Whoever takes passes over
 * those whose account is busy: as many accounts as there are threads, a few jobs each. Two tables
 * of chains answer how many of an account, and of a network, wait.
 */
#include "auth/fair.h"

#include <stdlib.h>
#include <string.h>

enum { RANK_KNOWN, RANK_STRANGER, RANK_CROWD, RANKS };

struct fair {
    struct { struct job *first, *last; size_t count; } ranks[RANKS];
    size_t count, jobs_max;
    size_t mask;                        /* of the chains */
    struct job **accounts, **networks;  /* chains of those that wait */
    size_t threads;
    struct { bool busy; uint64_t account; } runs[];     /* what each thread is at */
};

struct fair *
fair_new(size_t jobs_max, size_t threads)
{
    struct fair *fair = calloc(1, sizeof(*fair) + threads * sizeof(fair->runs[0]));
    size_t chains = 16;

    if (!fair)
        return NULL;
    while (chains < jobs_max)
        chains *= 2;
    fair->jobs_max = jobs_max;
    fair->threads = threads;
    fair->mask = chains - 1;
    fair->accounts = calloc(chains, sizeof(*fair->accounts));
    fair->networks = calloc(chains, sizeof(*fair->networks));
    if (!fair->accounts || !fair->networks) {
        fair_free(fair);
        return NULL;
    }
    return fair;
}

void
fair_free(struct fair *fair)
{
    if (!fair)
        return;
    free(fair->accounts);
    free(fair->networks);
    free(fair);
}

/* --- how many there are of one kind ------------------------------------------------------- */

/* Strangers who guess leave the known their room, and the other way round. */
static size_t
waiting_of_account(const struct fair *fair, const struct job *like)
{
    size_t count = 0;

    for (struct job *job = fair->accounts[like->account & fair->mask]; job; job = job->next_account)
        count += job->account == like->account && job->known == like->known;
    return count;
}

/* Not further than to the share: the chain may be long. */
static bool
is_crowd(const struct fair *fair, uint64_t network)
{
    size_t count = 0;

    if (network == 0)
        return false;
    for (struct job *job = fair->networks[network & fair->mask]; job; job = job->next_network)
        if (job->network == network && ++count >= FAIR_NETWORK_SHARE)
            return true;
    return false;
}

static size_t
running_of_account(const struct fair *fair, uint64_t account)
{
    size_t count = 0;

    for (size_t i = 0; i < fair->threads; i++)
        count += fair->runs[i].busy && fair->runs[i].account == account;
    return count;
}

static unsigned char
rank_of(const struct fair *fair, const struct job *job)
{
    if (is_crowd(fair, job->network))
        return RANK_CROWD;
    return job->known ? RANK_KNOWN : RANK_STRANGER;
}

/* --- lists ------------------------------------------------------------------------------ */

static void
link_by_deadline(struct fair *fair, struct job *job)
{
    struct job *before = fair->ranks[job->rank].last;

    while (before && before->deadline_ms > job->deadline_ms)
        before = before->previous;
    job->previous = before;
    job->next = before ? before->next : fair->ranks[job->rank].first;
    *(job->next ? &job->next->previous : &fair->ranks[job->rank].last) = job;
    *(before ? &before->next : &fair->ranks[job->rank].first) = job;
    fair->ranks[job->rank].count++;
}

static void
unlink_job(struct fair *fair, struct job *job)
{
    struct job **at = &fair->accounts[job->account & fair->mask];

    *(job->next ? &job->next->previous : &fair->ranks[job->rank].last) = job->previous;
    *(job->previous ? &job->previous->next : &fair->ranks[job->rank].first) = job->next;
    fair->ranks[job->rank].count--;
    fair->count--;
    while (*at != job)
        at = &(*at)->next_account;
    *at = job->next_account;
    for (at = &fair->networks[job->network & fair->mask]; job->network && *at != job;)
        at = &(*at)->next_network;
    if (job->network)
        *at = job->next_network;
}

bool
fair_push(struct fair *fair, struct job *job)
{
    struct job **chain = &fair->accounts[job->account & fair->mask];

    if (fair->count >= fair->jobs_max
        || waiting_of_account(fair, job) >= FAIR_ACCOUNT_WAITING)
        return false;
    job->rank = rank_of(fair, job);
    link_by_deadline(fair, job);
    job->next_account = *chain;
    *chain = job;
    if (job->network) {
        chain = &fair->networks[job->network & fair->mask];
        job->next_network = *chain;
        *chain = job;
    }
    fair->count++;
    return true;
}

size_t
fair_ahead(const struct fair *fair, const struct job *job)
{
    size_t ahead = 0;

    for (unsigned char rank = 0; rank <= rank_of(fair, job); rank++)
        ahead += fair->ranks[rank].count;
    return ahead;
}

struct job *
fair_take(struct fair *fair, size_t thread)
{
    for (size_t rank = 0; rank < RANKS; rank++)
        for (struct job *job = fair->ranks[rank].first; job; job = job->next)
            if (running_of_account(fair, job->account) < FAIR_ACCOUNT_RUNNING) {
                unlink_job(fair, job);
                fair->runs[thread].busy = true;
                fair->runs[thread].account = job->account;
                return job;
            }
    return NULL;
}

void
fair_done(struct fair *fair, size_t thread)
{
    fair->runs[thread].busy = false;
}
