/* tools/bench/presence.c - see presence.h */
#include "tools/bench/presence.h"

#include "common/macros.h"

#include <errno.h>
#include <string.h>

/* How long nothing may be heard but this, in ns; NEVER: for ever. */
#define NEVER INT64_MAX
#define SECOND 1000000000LL

/* `first`: before any answer; `later`: after one. A server with all its connections in use closes
 * others before its first hash is done; one that restarts is back within a second. `first` of
 * time-outs counts from the start: a time-out may be shorter than a first hash. */
static const struct patience { int64_t first, later; const char *says, *check; } patiences[] = {
    [ANSWER_CLOSED]      = { SECOND, 2 * SECOND, "closes connections without an answer",
                             "is it that wire's listener, and may this user ask it (peers)?" },
    [ANSWER_GARBLED]     = { 0, 2 * SECOND, "answers in another language",
                             "is it that wire's listener? --wire names another" },
    [ANSWER_TIMED_OUT]   = { 5 * SECOND, NEVER, "does not answer in time",
                             "is it that wire's listener? --timeout waits longer" },
    [ANSWER_UNREACHABLE] = { 0, 2 * SECOND, "cannot be reached", "" },
};
_Static_assert(COUNT(patiences) == ANSWERS, "an answer lacks its patience");

void
presence_begin(struct presence *presence, int64_t now_ns)
{
    *presence = (struct presence){ .start_ns = now_ns };
}

void
presence_note_failure(struct presence *presence, int failure)
{
    atomic_store_explicit(&presence->failure, failure, memory_order_relaxed);
}

/* Mostly nothing is written: all threads come here with each answer. */
static void
note_heard(struct presence *presence)
{
    if (!atomic_load_explicit(&presence->has_heard, memory_order_relaxed))
        atomic_store_explicit(&presence->has_heard, true, memory_order_relaxed);
    if (atomic_load_explicit(&presence->failing_since_ns, memory_order_relaxed) != 0)
        atomic_store_explicit(&presence->failing_since_ns, 0, memory_order_relaxed);
}

/* Since when; by this question, if the one before had its answer. */
static int64_t
failing_since(struct presence *presence, int64_t now_ns)
{
    long long since_ns = 0;

    if (atomic_compare_exchange_strong(&presence->failing_since_ns, &since_ns, now_ns))
        return now_ns;
    return since_ns;
}

void
presence_note(struct presence *presence, enum answer answer, int64_t now_ns)
{
    const struct patience *patience = &patiences[answer];
    bool has_heard = atomic_load_explicit(&presence->has_heard, memory_order_relaxed);
    int64_t since_ns;

    if (!answer_says_nothing(answer))
        note_heard(presence);
    if (!answer_says_nothing(answer) || presence_is_lost(presence))
        return;                 /* lost: others end for that, not for reasons of their own */
    atomic_store_explicit(&presence->how, (int)answer, memory_order_relaxed);
    since_ns = failing_since(presence, now_ns);
    if (answer == ANSWER_TIMED_OUT && !has_heard)
        since_ns = presence->start_ns;
    if (now_ns - since_ns >= (has_heard ? patience->later : patience->first))
        atomic_store_explicit(&presence->is_lost, true, memory_order_relaxed);
}

bool
presence_is_lost(const struct presence *presence)
{
    return atomic_load_explicit(&presence->is_lost, memory_order_relaxed);
}

/* --- telling it ------------------------------------------------------------------------ */

static const char *
way_in(int failure)
{
    static const struct { int failure; const char *check; } rows[] = {
        { ENOENT,       "is the server running, and is that the path of its listener?" },
        { ENOTDIR,      "is that the path of its listener?" },
        { ECONNREFUSED, "is it a socket, and its server running?" },
        { EPROTOTYPE,   "it is a socket of another kind: is that the path of its listener?" },
        { EACCES,       "the listener's owner, group and mode, and its folder's, say who may" },
        { EMFILE,       "fewer --clients or --in-flight, or a higher limit (ulimit -n)" },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        if (rows[i].failure == failure)
            return rows[i].check;
    return "is that the path of its listener?";
}

enum error_code
presence_explain(const struct presence *presence, const char *path, const struct wire *wire,
                 struct error *err)
{
    const struct patience *last = &patiences[atomic_load(&presence->how)];
    const char *before = atomic_load(&presence->has_heard) ? "no more answers: " : "no answer: ";
    int failure = atomic_load(&presence->failure);

    if (!last->says)            /* ended before anything was */
        return error_set(err, ERROR_UNAVAILABLE, "no answer from \"%s\"", path);
    if (last == &patiences[ANSWER_UNREACHABLE])
        return error_set(err, ERROR_UNAVAILABLE, "%s\"%s\" %s: %s: %s", before, path, last->says,
                         strerror(failure), way_in(failure));
    return error_set(err, ERROR_UNAVAILABLE, "%s\"%s\" %s (%s wire): %s", before, path, last->says,
                     wire->name, last->check);
}
