/* saslauthd_backend/report.h - the log lines of a sign-in
 *
 *   accepted reason=ok via=cache listener=cyrus service=imap rip=192.0.2.1 login=ada@example.org ms=0
 *
 * One line for each answer; fields are tokens that nothing from outside can widen (log_token()),
 * and what is not known is "-". doc/log.md lists the reasons.
 * It is told before the answer is sent: who has an answer finds its line in front of that of whatever
 * he asks next, whichever thread answers him then.
 * Threads  Any function from any thread.
 */
#ifndef SASLAUTHD_BACKEND_REPORT_H
#define SASLAUTHD_BACKEND_REPORT_H

#include "auth/verdict.h"

struct report {
    const char *listener;
    span login, service, remote;        /* as far as they are known */
    int64_t took_ms;
};

void report_verdict(const struct report *report, const struct verdict *verdict);

/* After report_verdict(): that answer reached nobody. */
void report_unsent(const struct report *report);

void report_refused_peer(const char *listener, int fd);

#endif
