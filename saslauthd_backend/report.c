/* saslauthd_backend/report.c - see report.h */
#include "saslauthd_backend/report.h"

#include "common/log.h"
#include "common/macros.h"

#include <sys/socket.h>

static const char *
token(span text, char out[LOG_TOKEN_MAX])
{
    return text.len ? log_token(text, out) : "-";
}

/* The fields of a request, as they are in each line about it. */
struct tokens { char login[LOG_TOKEN_MAX], service[LOG_TOKEN_MAX], remote[LOG_TOKEN_MAX]; };

struct fields { const char *login, *service, *remote; };

static struct fields
fields_of(const struct report *report, struct tokens *room)
{
    span address = span_until(report->remote, span_find(report->remote, ';'));

    return (struct fields){ token(report->login, room->login), token(report->service, room->service),
                            token(address, room->remote) };
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
    struct fields of;

    if (level > log_level() || (verdict->outcome != VERDICT_ACCEPTED && !log_admits()))
        return;
    of = fields_of(report, &room);
    log_line(level, "%s reason=%s via=%s listener=%s service=%s rip=%s login=%s ms=%lld",
             verdict_outcome_word(verdict->outcome), verdict_reason_word(verdict->reason),
             verdict_via_word(verdict->via), report->listener, of.service, of.remote, of.login,
             (long long)report->took_ms);
}

void
report_unsent(const struct report *report)
{
    struct tokens room;
    struct fields of;

    if (log_level() < LOG_LEVEL_INFO || !log_admits())
        return;
    of = fields_of(report, &room);
    log_line(LOG_LEVEL_INFO, "unsent listener=%s service=%s rip=%s login=%s: the peer is gone",
             report->listener, of.service, of.remote, of.login);
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
