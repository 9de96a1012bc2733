/* account/mysql_call.c - see mysql_call.h */
#include "account/mysql_call.h"

#include "common/clock.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/* Of the library's coroutine: a TLS handshake runs on it, and OpenSSL is used to more than the
 * library's default of 60 KiB. */
#define STACK_BYTES ((size_t)256 * 1024)

/* How often a call that was told that its time is over may still want to wait. */
#define LAST_STEPS_MAX 64

static int64_t
left_ms(int64_t deadline_ms)
{
    int64_t left = deadline_ms - clock_now_ms(&clock_system);

    return left < 0 ? 0 : left > INT_MAX ? INT_MAX : left;
}

static unsigned
left_seconds(int64_t deadline_ms)
{
    return (unsigned)((left_ms(deadline_ms) + 999) / 1000) + (left_ms(deadline_ms) == 0);
}

#ifdef MARIADB_PACKAGE_VERSION_ID

/* Of the call that this thread is in, for the library's own waiting. */
static _Thread_local int64_t thread_deadline_ms;

/* The library waits here when it does not suspend. 1: ready; 0: no time is left. */
static int
on_wait(my_socket fd, my_bool is_read, int timeout)
{
    struct pollfd ready = { .fd = fd, .events = is_read ? POLLIN : POLLOUT };
    int result;

    (void)timeout;
    do
        result = poll(&ready, 1, (int)left_ms(thread_deadline_ms));
    while (result < 0 && left_ms(thread_deadline_ms) > 0);
    return result > 0;
}

void
mysql_call_set(MYSQL *mysql, int64_t deadline_ms)
{
    size_t stack = STACK_BYTES;
    unsigned seconds = left_seconds(deadline_ms);

    mysql_options(mysql, MYSQL_OPT_NONBLOCK, &stack);
    mysql_optionsv(mysql, MARIADB_OPT_IO_WAIT, (void *)(uintptr_t)on_wait);
    mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
}

/* Waits for one of `wanted`; what happened, or MYSQL_WAIT_TIMEOUT at the deadline. The library makes a
 * socket blocking again once it is connected, and would then wait in TLS where we cannot see it. */
static int
wait_for(MYSQL *mysql, int wanted, int64_t deadline_ms)
{
    struct pollfd ready = { .fd = mysql_get_socket(mysql), .events = 0 };
    int64_t left;

    fcntl(ready.fd, F_SETFL, O_NONBLOCK);
    ready.events = (short)((wanted & MYSQL_WAIT_READ ? POLLIN : 0)
                           | (wanted & MYSQL_WAIT_WRITE ? POLLOUT : 0)
                           | (wanted & MYSQL_WAIT_EXCEPT ? POLLPRI : 0));
    while ((left = left_ms(deadline_ms)) > 0)
        if (poll(&ready, 1, (int)left) > 0)
            return (ready.revents & (POLLIN | POLLHUP | POLLERR) ? wanted & MYSQL_WAIT_READ : 0)
                 | (ready.revents & (POLLOUT | POLLHUP | POLLERR) ? wanted & MYSQL_WAIT_WRITE : 0)
                 | (ready.revents & POLLPRI ? MYSQL_WAIT_EXCEPT : 0);
    shutdown(ready.fd, SHUT_RDWR);
    return MYSQL_WAIT_TIMEOUT;
}

/* Starts a call and continues it until it has ended. What is told to a call after its deadline ends it:
 * its socket gives nothing more. */
#define DRIVE(mysql, deadline, start, resume)                                             \
    do {                                                                                  \
        int wants_, steps_ = 0;                                                           \
        thread_deadline_ms = (deadline);                                                  \
        wants_ = (start);                                                                 \
        while (wants_ != 0 && steps_ < LAST_STEPS_MAX) {                                  \
            int event = wait_for(mysql, wants_, deadline);                                \
            steps_ += event == MYSQL_WAIT_TIMEOUT;                                        \
            wants_ = (resume);                                                            \
        }                                                                                 \
    } while (0)

bool
mysql_call_connect(MYSQL *mysql, const struct mysql_place *place, int64_t deadline_ms)
{
    MYSQL *result = NULL;

    DRIVE(mysql, deadline_ms,
          mysql_real_connect_start(&result, mysql, place->host, place->user, place->password,
                                   place->database, place->port, place->socket, 0),
          mysql_real_connect_cont(&result, mysql, event));
    return result != NULL;
}

int
mysql_call_character_set(MYSQL *mysql, const char *name, int64_t deadline_ms)
{
    int result = 1;

    DRIVE(mysql, deadline_ms, mysql_set_character_set_start(&result, mysql, name),
          mysql_set_character_set_cont(&result, mysql, event));
    return result;
}

int
mysql_call_query(MYSQL *mysql, const char *text, int64_t deadline_ms)
{
    int result = 1;

    DRIVE(mysql, deadline_ms, mysql_real_query_start(&result, mysql, text, strlen(text)),
          mysql_real_query_cont(&result, mysql, event));
    return result;
}

int
mysql_call_prepare(MYSQL *mysql, MYSQL_STMT *stmt, const char *text, int64_t deadline_ms)
{
    int result = 1;

    DRIVE(mysql, deadline_ms, mysql_stmt_prepare_start(&result, stmt, text, strlen(text)),
          mysql_stmt_prepare_cont(&result, stmt, event));
    return result;
}

int
mysql_call_execute(MYSQL *mysql, MYSQL_STMT *stmt, int64_t deadline_ms)
{
    int result = 1;

    DRIVE(mysql, deadline_ms, mysql_stmt_execute_start(&result, stmt),
          mysql_stmt_execute_cont(&result, stmt, event));
    return result;
}

int
mysql_call_fetch(MYSQL *mysql, MYSQL_STMT *stmt, int64_t deadline_ms)
{
    int result = 1;

    DRIVE(mysql, deadline_ms, mysql_stmt_fetch_start(&result, stmt),
          mysql_stmt_fetch_cont(&result, stmt, event));
    return result;
}

void
mysql_call_close(MYSQL *mysql, bool lost)
{
    if (lost && mysql_get_socket(mysql) >= 0)
        shutdown(mysql_get_socket(mysql), SHUT_RDWR);
    thread_deadline_ms = 0;             /* a farewell that cannot be sent at once is not sent */
    mysql_close(mysql);
}

#else                                   /* libmysqlclient */

/* Sets what bounds the next read or write. */
static void
bound(MYSQL *mysql, int64_t deadline_ms)
{
    unsigned seconds = left_seconds(deadline_ms);

    mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &seconds);
    mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
}

void
mysql_call_set(MYSQL *mysql, int64_t deadline_ms)
{
    unsigned seconds = left_seconds(deadline_ms);

    mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    bound(mysql, deadline_ms);
}

bool
mysql_call_connect(MYSQL *mysql, const struct mysql_place *place, int64_t deadline_ms)
{
    bound(mysql, deadline_ms);
    return mysql_real_connect(mysql, place->host, place->user, place->password, place->database,
                              place->port, place->socket, 0) != NULL;
}

int
mysql_call_character_set(MYSQL *mysql, const char *name, int64_t deadline_ms)
{
    (void)deadline_ms;
    return mysql_set_character_set(mysql, name);
}

int
mysql_call_query(MYSQL *mysql, const char *text, int64_t deadline_ms)
{
    (void)deadline_ms;
    return mysql_real_query(mysql, text, strlen(text));
}

int
mysql_call_prepare(MYSQL *mysql, MYSQL_STMT *stmt, const char *text, int64_t deadline_ms)
{
    (void)mysql;
    (void)deadline_ms;
    return mysql_stmt_prepare(stmt, text, strlen(text));
}

int
mysql_call_execute(MYSQL *mysql, MYSQL_STMT *stmt, int64_t deadline_ms)
{
    (void)mysql;
    (void)deadline_ms;
    return mysql_stmt_execute(stmt);
}

int
mysql_call_fetch(MYSQL *mysql, MYSQL_STMT *stmt, int64_t deadline_ms)
{
    (void)mysql;
    (void)deadline_ms;
    return mysql_stmt_fetch(stmt);
}

void
mysql_call_close(MYSQL *mysql, bool lost)
{
    if (lost && mysql->net.fd >= 0)
        shutdown(mysql->net.fd, SHUT_RDWR);
    mysql_close(mysql);
}

#endif
