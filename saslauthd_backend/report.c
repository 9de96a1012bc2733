/* saslauthd_backend/report.c - see report.h */
#include "saslauthd_backend/report.h"

#include "common/log.h"
#include "common/macros.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>

/* The fields of a request, as they are in each line about it. */
struct tokens { char login[LOG_TOKEN_MAX], service[LOG_TOKEN_MAX], remote[LOG_TOKEN_MAX]; };

static span
token(span text, char room[LOG_TOKEN_MAX])
{
    return span_of(text.len ? log_token(text, room) : "-");
}

#define WHO 4                   /* how many values these are */

static void
put_who(const struct report *report, struct tokens *room, span out[WHO])
{
    const span address = span_until(report->remote, span_find(report->remote, ';'));

    out[0] = span_of(report->listener);
    out[1] = token(report->service, room->service);
    out[2] = token(address, room->remote);
    out[3] = token(report->login, room->login);
}

static span
number(int64_t value, char room[static 24])
{
    return span_make(room, (size_t)snprintf(room, 24, "%" PRId64, value));
}

void
report_verdict(const struct report *report, const struct verdict *verdict)
{
    static const enum log_level levels[] = {
        [VERDICT_ACCEPTED] = LOG_LEVEL_INFO, [VERDICT_REJECTED] = LOG_LEVEL_INFO,
        [VERDICT_UNAVAILABLE] = LOG_LEVEL_WARNING,
    };
    _Static_assert(COUNT(levels) == VERDICT_OUTCOMES, "an outcome lacks its level");
    enum log_level level = levels[verdict->outcome];
    struct tokens room;
    char digits[24];
    span values[3 + WHO + 2] = {
        span_of(verdict_outcome_word(verdict->outcome)),
        span_of(verdict_reason_word(verdict->reason)), span_of(verdict_via_word(verdict->via)),
    };

    if (level > log_level() || (verdict->outcome != VERDICT_ACCEPTED && !log_admits()))
        return;
    put_who(report, &room, values + 3);
    /* What is remembered takes none. */
    values[3 + WHO] = report->took_ms == 0 ? span_of("0") : number(report->took_ms, digits);
    values[3 + WHO + 1] = span_of(verdict->via == VIA_GRACE ? " stale=1" : "");
    log_values(level, "%s reason=%s via=%s listener=%s service=%s rip=%s login=%s ms=%s%s", values);
}

void
report_unsent(const struct report *report)
{
    struct tokens room;
    span values[WHO];

    if (log_level() < LOG_LEVEL_INFO || !log_admits())
        return;
    put_who(report, &room, values);
    log_values(LOG_LEVEL_INFO, "unsent listener=%s service=%s rip=%s login=%s: the peer is gone",
               values);
}

void
report_refused_peer(const char *listener, int fd)
{
    struct ucred peer = { 0 };
    socklen_t size = sizeof(peer);

    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    log_line(LOG_LEVEL_WARNING, "listen \"%s\": refused process %d of user %u group %u: not among "
             "its peers", listener, (int)peer.pid, (unsigned)peer.uid, (unsigned)peer.gid);
}
