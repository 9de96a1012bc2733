/* account/session.c - see session.h */
#include "account/session.h"

#include "common/clock.h"

#include <time.h>

static int64_t
now_ms(void)
{
    return clock_now_ms(&clock_system);
}

static struct hosts *
hosts_of(const struct session *session)
{
    return session->access != ACCOUNT_READS ? session->source->write_hosts : session->source->hosts;
}

static const struct account_source_config *
config_of(const struct session *session)
{
    return session->access ? &session->source->write_config : &session->source->config;
}

void
session_close(struct session *session)
{
    if (session->driver)
        session->source->driver->close(session->driver);
    session->driver = NULL;
}

static void
sleep_until(int64_t until_ms)
{
    int64_t wait_ms = until_ms - now_ms();

    if (wait_ms > 0)
        nanosleep(&(struct timespec){ wait_ms / 1000, wait_ms % 1000 * 1000000 }, NULL);
}

/* To the host of the turn; whatever there is instead stays when it fails. */
static enum error_code
connect_turn(struct session *session, struct hosts_turn *turn, struct error *err)
{
    struct hosts *hosts = hosts_of(session);
    struct account_session *opened = NULL;
    enum error_code code = session->source->driver->open(config_of(session),
                                                         hosts_target(hosts, turn->host),
                                                         session->access, turn->until_ms,
                                                         &opened, err);

    if (code != ERROR_NONE) {
        hosts_failed(hosts, turn, now_ms(), err);
        return code;
    }
    hosts_connected(hosts, turn, now_ms());
    session_close(session);
    session->driver = opened;
    session->host = turn->host;
    return ERROR_NONE;
}

static enum error_code
open_on_hosts(struct session *session, int64_t deadline_ms, struct error *err)
{
    struct hosts *hosts = hosts_of(session);
    struct hosts_turn turn = { 0 };
    enum hosts_answer answer;

    while ((answer = hosts_next(hosts, &turn, now_ms(), deadline_ms, err)) != HOSTS_REFUSED) {
        if (answer == HOSTS_WAIT)
            sleep_until(turn.until_ms);
        else if (connect_turn(session, &turn, err) == ERROR_NONE)
            return ERROR_NONE;
    }
    hosts_end(hosts, &turn);
    return ERROR_UNAVAILABLE;
}

/* A better host that does not answer costs no more than the look. */
static void
look_for_better(struct session *session, int64_t deadline_ms)
{
    struct hosts_turn turn = { 0 };
    struct error unheard;

    if (hosts_return(hosts_of(session), session->host, &turn, now_ms(), deadline_ms))
        (void)connect_turn(session, &turn, &unheard);
}

enum error_code
session_open(struct session *session, int64_t deadline_ms, struct error *err)
{
    const struct account_source *source = session->source;
    enum error_code code;

    if (session->driver && source->hosts)
        look_for_better(session, deadline_ms);
    if (session->driver)
        return ERROR_NONE;
    if (source->hosts)
        return open_on_hosts(session, deadline_ms, err);
    code = source->driver->open(config_of(session), NULL, session->access, deadline_ms,
                                &session->driver, err);
    if (code != ERROR_NONE)
        session->driver = NULL;
    return code;
}

void
session_lose(struct session *session, int64_t deadline_ms, const struct error *why)
{
    if (why && hosts_of(session) && now_ms() >= deadline_ms)
        hosts_stalled(hosts_of(session), session->host, now_ms(), why);
    session_close(session);
}
