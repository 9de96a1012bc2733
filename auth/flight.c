/* auth/flight.c - see flight.h */
#include "auth/flight.h"

#include <stdlib.h>

/* Not zeroed as a whole: two secrets of SECRET_MAX bytes are most of it. */
static struct flight *
make_flight(void)
{
    struct flight *flight = malloc(sizeof(*flight));

    if (!flight)
        return NULL;
    flight->password.len = 0;
    account_set(&flight->account);
    return flight;
}

struct flight *
flight_new(struct flight_table *table)
{
    struct flight *flight = ring_pop(&table->spares);

    if (!flight)
        flight = make_flight();
    if (!flight)
        return NULL;
    flight->next = NULL;
    flight->tickets = NULL;
    flight->job = (struct job){ .known = false };
    flight->guest = (struct throttle_guest){ .account = 0 };
    flight->is_stale = false;
    flight->source = 0;
    flight->secrets = NULL;
    flight->change = NULL;
    flight->rehashes = false;
    return flight;
}

bool
flight_add_change(struct flight *flight)
{
    flight->change = calloc(1, sizeof(*flight->change));
    return flight->change != NULL;
}

static void
change_free(struct flight_change *change)
{
    if (!change)
        return;
    secret_wipe(&change->wanted);
    secret_wipe(&change->stored);
    free(change);
}

void
flight_free(struct flight_table *table, struct flight *flight)
{
    if (!flight)
        return;
    secret_wipe(&flight->password);
    account_wipe(&flight->account);
    account_secrets_free(flight->secrets);
    change_free(flight->change);
    if (!ring_push(&table->spares, flight))
        free(flight);
}

void
flight_table_set(struct flight_table *table)
{
    for (size_t i = 0; i < FLIGHT_BUCKETS; i++) {
        table->buckets[i].first = NULL;
        pthread_mutex_init(&table->buckets[i].lock, NULL);
    }
    atomic_init(&table->open, 0);
    ring_set(&table->spares, table->spare_slots, FLIGHT_SPARES);
}

void
flight_table_wipe(struct flight_table *table)
{
    struct flight *spare;

    while ((spare = ring_pop(&table->spares)))
        free(spare);
    for (size_t i = 0; i < FLIGHT_BUCKETS; i++)
        pthread_mutex_destroy(&table->buckets[i].lock);
}

static struct flight_bucket *
bucket_of(struct flight_table *table, const struct cache_key *key)
{
    return &table->buckets[(key->here ^ key->password[0]) % FLIGHT_BUCKETS];
}

static bool
is_same(const struct flight *flight, const struct cache_key *key, enum auth_action action)
{
    /* Credentials go into the ticket that asked for them. */
    return action != AUTH_CREDENTIALS && flight->key.account == key->account && flight->key.here == key->here
        && flight->key.password[0] == key->password[0]
        && flight->key.password[1] == key->password[1]
        && flight->key.epoch == key->epoch && flight->action == action;
}

/* Under the bucket's lock. */
static bool
join_locked(struct flight_bucket *bucket, const struct cache_key *key, enum auth_action action,
            int64_t deadline_ms, struct auth_ticket *ticket)
{
    for (struct flight *flight = bucket->first; flight; flight = flight->next) {
        if (!is_same(flight, key, action))
            continue;
        ticket->next = flight->tickets;
        flight->tickets = ticket;
        if (deadline_ms > atomic_load(&flight->deadline_ms))
            atomic_store(&flight->deadline_ms, deadline_ms);
        return true;
    }
    return false;
}

bool
flight_join(struct flight_table *table, const struct cache_key *key, enum auth_action action,
            int64_t deadline_ms, struct auth_ticket *ticket)
{
    struct flight_bucket *bucket = bucket_of(table, key);
    bool joined;

    pthread_mutex_lock(&bucket->lock);
    joined = join_locked(bucket, key, action, deadline_ms, ticket);
    pthread_mutex_unlock(&bucket->lock);
    return joined;
}

/* Under the bucket's lock. */
static void
open_locked(struct flight_table *table, struct flight_bucket *bucket, struct flight *flight,
            struct auth_ticket *ticket)
{
    if (ticket)
        ticket->next = NULL;
    flight->tickets = ticket;
    flight->next = bucket->first;
    bucket->first = flight;
    atomic_fetch_add(&table->open, 1);
}

void
flight_open_alone(struct flight_table *table, struct flight *flight, struct auth_ticket *ticket)
{
    struct flight_bucket *bucket = bucket_of(table, &flight->key);

    pthread_mutex_lock(&bucket->lock);
    open_locked(table, bucket, flight, ticket);
    pthread_mutex_unlock(&bucket->lock);
}

bool
flight_open(struct flight_table *table, struct flight *flight, struct auth_ticket *ticket)
{
    struct flight_bucket *bucket = bucket_of(table, &flight->key);
    bool joined;

    pthread_mutex_lock(&bucket->lock);
    joined = join_locked(bucket, &flight->key, flight->action,
                         atomic_load(&flight->deadline_ms), ticket);
    if (!joined)
        open_locked(table, bucket, flight, ticket);
    pthread_mutex_unlock(&bucket->lock);
    return !joined;
}

struct auth_ticket *
flight_land(struct flight_table *table, struct flight *flight)
{
    struct flight_bucket *bucket = bucket_of(table, &flight->key);
    struct auth_ticket *tickets;
    struct flight **at;

    pthread_mutex_lock(&bucket->lock);
    for (at = &bucket->first; *at != flight; at = &(*at)->next)
        ;
    *at = flight->next;
    tickets = flight->tickets;
    flight->tickets = NULL;
    pthread_mutex_unlock(&bucket->lock);
    return tickets;
}

bool
flight_tries_password(const struct flight *flight)
{
    return flight->action == AUTH_PASSWORD
        || (flight->action == AUTH_CHANGE && !flight->change->by_root);
}
