/* tools/bench/presence.h - is there a server of this wire at all?
 *
 * Purpose  A run against a wrong socket ends when that is plain, and one whose server has died soon
 *          after: neither waits for its time to be over, and neither is told as a measurement.
 *          A server that has answered and stalls is there: that is what is measured.
 * Threads  presence_note() and presence_is_lost() from any; the others before and after these.
 */
#ifndef TOOLS_BENCH_PRESENCE_H
#define TOOLS_BENCH_PRESENCE_H

#include "common/error.h"
#include "tools/bench/wire.h"

#include <stdatomic.h>

struct presence {
    int64_t start_ns;                   /* as all its times: of load_now_ns() */
    atomic_bool has_heard;              /* an answer that says something, ever */
    atomic_llong failing_since_ns;      /* no answer since then; 0: the last question had one */
    atomic_int how;                     /* an enum answer, of the last question without one */
    atomic_int failure;                 /* errno of the last connection that was not made */
    atomic_bool is_lost;
};

void presence_begin(struct presence *presence, int64_t now_ns);

/* Why no connection was made, before presence_note() is told that. */
void presence_note_failure(struct presence *presence, int failure);

void presence_note(struct presence *presence, enum answer answer, int64_t now_ns);

/* Nobody is there, or not any more: ask no further. */
bool presence_is_lost(const struct presence *presence);

/* Says what became of the last question at `path`, and what to check. Returns ERROR_UNAVAILABLE. */
enum error_code presence_explain(const struct presence *presence, const char *path,
                                 const struct wire *wire, struct error *err);

#endif
