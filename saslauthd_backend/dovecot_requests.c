/* saslauthd_backend/dovecot_requests.c - see dovecot_requests.h */
#include "saslauthd_backend/dovecot_requests.h"

#include <stdlib.h>
#include <string.h>

/* Kept for the next: as many as a busy client has in flight. */
#define SPARES_MAX 32

struct dovecot_request *
dovecot_requests_take(struct dovecot_requests *all, bool *is_fresh)
{
    struct dovecot_request *request = all->spare;

    *is_fresh = !request;
    if (!request)
        return calloc(1, sizeof(*request));
    all->spare = request->next;
    all->spares--;
    return request;
}

void
dovecot_requests_put_back(struct dovecot_requests *all, struct dovecot_request *request)
{
    if (request->state != DOVECOT_SPARE)
        dovecot_requests_leave(all, request, DOVECOT_SPARE);
    if (all->spares == SPARES_MAX) {
        free(request);
        return;
    }
    request->next = all->spare;
    all->spare = request;
    all->spares++;
}

/* --- the table -------------------------------------------------------------------- */

static struct dovecot_request **
bucket_of(struct dovecot_requests *all, uint32_t id)
{
    return &all->buckets[id % DOVECOT_BUCKETS];
}

static bool
is_in_table(const struct dovecot_request *request)
{
    return request->state != DOVECOT_SPARE && request->state != DOVECOT_DROPPED;
}

static void
unlink_talking(struct dovecot_requests *all, struct dovecot_request *request)
{
    *(request->older ? &request->older->newer : &all->oldest) = request->newer;
    *(request->newer ? &request->newer->older : &all->newest) = request->older;
    all->talking--;
}

static void
link_talking(struct dovecot_requests *all, struct dovecot_request *request)
{
    request->older = all->newest;
    request->newer = NULL;
    *(all->newest ? &all->newest->newer : &all->oldest) = request;
    all->newest = request;
    all->talking++;
}

static void
count_out(struct dovecot_requests *all, struct dovecot_request *request)
{
    if (request->state == DOVECOT_TALKING)
        unlink_talking(all, request);
    else
        all->asking--;
}

void
dovecot_requests_enter(struct dovecot_requests *all, struct dovecot_request *request,
                       enum dovecot_state state)
{
    struct dovecot_request **bucket = bucket_of(all, request->id);

    if (is_in_table(request)) {
        count_out(all, request);
    } else {
        request->next = *bucket;
        *bucket = request;
    }
    request->state = state;
    if (state == DOVECOT_TALKING)
        link_talking(all, request);
    else
        all->asking++;
}

void
dovecot_requests_leave(struct dovecot_requests *all, struct dovecot_request *request,
                       enum dovecot_state state)
{
    struct dovecot_request **place = bucket_of(all, request->id);

    if (is_in_table(request)) {
        while (*place != request)
            place = &(*place)->next;
        *place = request->next;
        count_out(all, request);
    }
    request->state = state;
}

struct dovecot_request *
dovecot_requests_find(const struct dovecot_requests *all, uint32_t id)
{
    struct dovecot_request *request = all->buckets[id % DOVECOT_BUCKETS];

    while (request && request->id != id)
        request = request->next;
    return request;
}

void
dovecot_requests_visit(const struct dovecot_requests *all, void *context,
                       void (*each)(void *context, struct dovecot_request *request))
{
    for (size_t i = 0; i < DOVECOT_BUCKETS; i++)
        for (struct dovecot_request *request = all->buckets[i]; request; request = request->next)
            each(context, request);
}

struct dovecot_request *
dovecot_requests_any(const struct dovecot_requests *all)
{
    if (all->talking + all->asking == 0)
        return NULL;
    for (size_t i = 0; i < DOVECOT_BUCKETS; i++)
        if (all->buckets[i])
            return all->buckets[i];
    return NULL;
}

void
dovecot_requests_free_spares(struct dovecot_requests *all)
{
    while (all->spare) {
        struct dovecot_request *request = all->spare;

        all->spare = request->next;
        free(request);
    }
    all->spares = 0;
}
