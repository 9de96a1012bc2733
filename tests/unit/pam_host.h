/* tests/unit/pam_host.h - a PAM application and a daemon, both ours, around the real libpam
 *
 * Purpose  Load pam_claviger.so as an application does, from a service file in a temporary
 *          directory, with a conversation and a daemon that misbehave as told.
 * Errors   What the machine refuses ends the program: a test that cannot be set up has not passed.
 * Threads  The daemon is a thread; its plan may be changed between transactions. Transactions
 *          may run in any number of threads.
 */
#ifndef TESTS_UNIT_PAM_HOST_H
#define TESTS_UNIT_PAM_HOST_H

#include "common/pam_wire.h"

#include <pthread.h>
#include <security/pam_appl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* --- the daemon ------------------------------------------------------------------ */

enum fake_manner {
    FAKE_ANSWERS,               /* reads the request, sends `reply`, closes */
    FAKE_DRIPS,                 /* the same, a byte each 20 ms, over and over */
    FAKE_ANSWERS_UNASKED,       /* sends `reply` and closes without reading */
    FAKE_HANGS_UP,              /* closes after `reads` bytes of the request */
    FAKE_SILENT,                /* reads, and says nothing until the client goes */
    FAKE_MIRRORS                /* accepts under the login that was sent when the password is
                                 * "pw-" and that login; else it is wrong */
};

struct fake_plan { enum fake_manner manner; const void *reply; size_t len; size_t reads; };

/* A plan that sends the bytes of a string literal. */
#define FAKE_REPLY(literal) { FAKE_ANSWERS, literal, sizeof(literal) - 1, 0 }

/* The last request, as it came. */
struct fake_seen {
    unsigned connections, requests;     /* requests: whole ones */
    size_t bytes;                       /* of all connections */
    int action, flags;
    char login[PAM_WIRE_FIELD_MAX + 1], password[PAM_WIRE_FIELD_MAX + 1];
    char new_password[PAM_WIRE_FIELD_MAX + 1];
    char service[PAM_WIRE_NAME_MAX + 1], remote[PAM_WIRE_NAME_MAX + 1];
    char accounts[PAM_WIRE_NAME_MAX + 1];
};

/* How many plans there may be, and how many requests are kept. */
#define FAKE_KEPT 8

struct fake {
    int listener, stop[2];
    pthread_t thread;
    pthread_mutex_t lock;
    struct fake_plan plans[FAKE_KEPT];
    size_t plans_count;
    struct fake_seen seen, kept[FAKE_KEPT];
};

/* Its connections have descriptors from here on, out of the way of tests that look at them. */
#define FAKE_DESCRIPTORS 64

/* Listens on `path` as the user `owner`, which wants root unless it is our own. */
void fake_start(struct fake *fake, const char *path, uid_t owner);
void fake_stop(struct fake *fake);
/* One for each connection, in order, and the last for all after it. Also forgets what was seen. */
void fake_plans(struct fake *fake, const struct fake_plan *plans, size_t count);
void fake_plan(struct fake *fake, const struct fake_plan *plan);
void fake_seen(struct fake *fake, struct fake_seen *out);
/* One of the requests that came, from 0. */
void fake_request(struct fake *fake, unsigned number, struct fake_seen *out);

/* --- the application -------------------------------------------------------------- */

enum host_manner {
    HOST_ANSWERS,
    HOST_FAILS,                 /* PAM_CONV_ERR */
    HOST_ABORTS,                /* PAM_ABORT */
    HOST_POSTPONES,             /* PAM_CONV_AGAIN */
    HOST_NO_ARRAY,              /* success, and no responses */
    HOST_NO_TEXT,               /* success, and a response without text */
    HOST_TOO_MANY,              /* an array of more responses than were asked for */
    HOST_FAILS_AND_RESPONDS,    /* PAM_CONV_ERR, and an array of responses all the same */
    HOST_FAILS_TEXTS            /* PAM_CONV_ERR for what is no prompt */
};

/* What it types, and what it was asked and told. */
struct host_person {
    enum host_manner manner;
    const char *user, *password;
    int user_prompts, password_prompts, texts;
    char text[PAM_MAX_MSG_SIZE];        /* the last */
};

struct host {
    char dir[64];
    char socket[96];            /* the daemon's path */
    char module[512];
    char check[512];            /* claviger-check */
};

void host_start(struct host *host);
void host_stop(struct host *host);      /* removes the directory and what is in it */

/* Writes the service file `name`. In `text` "@M" is the module, "@S" its socket= option for our
 * daemon, "@D" the directory and "@C" claviger-check. */
void host_service(const struct host *host, const char *name, const char *text);

/* A socket of the type that is bound to that name in the directory, and no more; and one that
 * listens, is never accepted from, and has its queue full. They stay until the program ends. */
int host_bind(const struct host *host, const char *name, int type);
void host_full_queue(const struct host *host, const char *name);

/* pam_start() with a conversation of the test's own; `user` may be NULL. */
pam_handle_t *host_start_pam(const struct host *host, const char *service, const char *user,
                             const struct pam_conv *conversation);

/* pam_start() with that person at the keyboard; `user` may be NULL. */
pam_handle_t *host_open(const struct host *host, const char *service, const char *user,
                        struct host_person *person);

/* A whole transaction: authenticate with the service's stack, end. */
int host_authenticate(const struct host *host, const char *service, const char *user,
                      const char *password);

/* What the module would have told syslog since the last time; the last line, its priority, and the
 * descriptor that libc would have kept for it. The program catches syslog() itself, so that nothing
 * leaves it. */
struct host_log { unsigned lines; int priority, descriptor; char last[2048]; };
void host_log_take(struct host_log *out);

int64_t host_now_ms(void);

#endif
