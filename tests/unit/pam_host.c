/* tests/unit/pam_host.c - a PAM application and a daemon, both ours, around the real libpam */
#include "tests/unit/pam_host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void
need(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "# cannot set up: %s: %s\n", what, strerror(errno));
    exit(99);
}

int64_t
host_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- the daemon ------------------------------------------------------------------ */

/* Moves a counted field from *at to `out`. False: not all of it is there yet. */
static bool
take_field(const unsigned char **at, const unsigned char *end, char *out, size_t max)
{
    size_t len;

    if (end - *at < 2)
        return false;
    len = (size_t)(*at)[0] << 8 | (*at)[1];
    if (len > max || (size_t)(end - *at) < 2 + len)
        return false;
    memcpy(out, *at + 2, len);
    out[len] = '\0';
    *at += 2 + len;
    return true;
}

static bool
take_request(const unsigned char *bytes, size_t len, struct fake_seen *seen)
{
    const unsigned char *at = bytes + PAM_WIRE_HEAD, *end = bytes + len;

    if (len < PAM_WIRE_HEAD || bytes[0] != PAM_WIRE_VERSION)
        return false;
    seen->action = bytes[1];
    seen->flags = bytes[2];
    return take_field(&at, end, seen->login, PAM_WIRE_FIELD_MAX)
        && take_field(&at, end, seen->password, PAM_WIRE_FIELD_MAX)
        && take_field(&at, end, seen->new_password, PAM_WIRE_FIELD_MAX)
        && take_field(&at, end, seen->service, PAM_WIRE_NAME_MAX)
        && take_field(&at, end, seen->remote, PAM_WIRE_NAME_MAX)
        && take_field(&at, end, seen->accounts, PAM_WIRE_NAME_MAX) && at == end;
}

/* Reads a whole request, or `max` bytes of one when that is not 0. */
static void
read_request(struct fake *fake, int fd, size_t max)
{
    unsigned char bytes[PAM_WIRE_REQUEST_MAX];
    size_t len = 0, room = max > 0 ? max : sizeof bytes;
    bool whole = false;

    while (!whole && len < room) {
        ssize_t n = recv(fd, bytes + len, room - len, 0);

        if (n <= 0)
            return;
        len += (size_t)n;
        pthread_mutex_lock(&fake->lock);
        fake->seen.bytes += (size_t)n;
        whole = take_request(bytes, len, &fake->seen);
        if (whole && fake->seen.requests < FAKE_KEPT)
            fake->kept[fake->seen.requests] = fake->seen;
        fake->seen.requests += whole;
        pthread_mutex_unlock(&fake->lock);
    }
}

static void
mirror(struct fake *fake, int fd)
{
    struct fake_seen seen;
    unsigned char reply[PAM_WIRE_REPLY_MAX] = { PAM_WIRE_VERSION, PAM_WIRE_WRONG, 0, 0 };
    size_t len = 0;

    fake_seen(fake, &seen);
    if (strncmp(seen.password, "pw-", 3) == 0 && strcmp(seen.password + 3, seen.login) == 0) {
        len = strlen(seen.login);
        reply[1] = PAM_WIRE_ACCEPTED;
        reply[3] = (unsigned char)len;
        memcpy(reply + 4, seen.login, len);
    }
    (void)send(fd, reply, 4 + len, MSG_NOSIGNAL);
}

static void
drip(const struct fake_plan *plan, int fd)
{
    const struct timespec pause = { .tv_nsec = 20000000 };
    const char *bytes = plan->reply;

    for (size_t i = 0; send(fd, bytes + i % plan->len, 1, MSG_NOSIGNAL) == 1; i++)
        (void)nanosleep(&pause, NULL);
}

static void
serve(struct fake *fake, int fd)
{
    struct fake_plan plan;
    char byte;

    pthread_mutex_lock(&fake->lock);
    plan = fake->plans[fake->seen.connections < fake->plans_count ? fake->seen.connections
                                                                  : fake->plans_count - 1];
    fake->seen.connections++;
    pthread_mutex_unlock(&fake->lock);
    if (plan.manner != FAKE_ANSWERS_UNASKED && (plan.manner != FAKE_HANGS_UP || plan.reads > 0))
        read_request(fake, fd, plan.manner == FAKE_HANGS_UP ? plan.reads : 0);
    if (plan.manner == FAKE_ANSWERS || plan.manner == FAKE_ANSWERS_UNASKED)
        (void)send(fd, plan.reply, plan.len, MSG_NOSIGNAL);
    else if (plan.manner == FAKE_MIRRORS)
        mirror(fake, fd);
    else if (plan.manner == FAKE_DRIPS)
        drip(&plan, fd);
    else if (plan.manner == FAKE_SILENT)
        (void)recv(fd, &byte, 1, 0);
    (void)close(fd);
}

static int
moved_up(int fd)
{
    int up = fcntl(fd, F_DUPFD_CLOEXEC, FAKE_DESCRIPTORS);

    (void)close(fd);
    return up;
}

static void *
fake_run(void *context)
{
    struct fake *fake = context;
    struct pollfd ready[2] = {
        { .fd = fake->listener, .events = POLLIN }, { .fd = fake->stop[0], .events = POLLIN },
    };

    for (;;) {
        int events = poll(ready, 2, -1), fd;

        if (events < 0 && errno == EINTR)       /* a seteuid() of the test interrupts every thread */
            continue;
        if (events < 0 || ready[1].revents != 0)
            break;
        fd = accept4(fake->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            serve(fake, moved_up(fd));
    }
    return NULL;
}

static void
address_set(struct sockaddr_un *address, const char *path)
{
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    need(strlen(path) < sizeof address->sun_path, "a socket path that fits");
    memcpy(address->sun_path, path, strlen(path) + 1);
}

/* A bound socket of the type. */
static int
bound(const char *path, int type)
{
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    address_set(&address, path);
    need(fd >= 0, "socket");
    need(bind(fd, (struct sockaddr *)&address, sizeof address) == 0, path);
    return fd;
}

void
fake_start(struct fake *fake, const char *path, uid_t owner)
{
    uid_t ours = geteuid();

    memset(fake, 0, sizeof *fake);
    fake->plans_count = 1;
    fake->listener = bound(path, SOCK_STREAM);
    need(owner == ours || seteuid(owner) == 0, "seteuid");
    need(listen(fake->listener, 64) == 0, "listen");
    need(owner == ours || seteuid(ours) == 0, "seteuid back");
    need(pipe(fake->stop) == 0, "pipe");
    need(pthread_mutex_init(&fake->lock, NULL) == 0, "mutex");
    need(pthread_create(&fake->thread, NULL, fake_run, fake) == 0, "thread");
}

void
fake_stop(struct fake *fake)
{
    need(write(fake->stop[1], "", 1) == 1, "stop");
    (void)pthread_join(fake->thread, NULL);
    (void)close(fake->stop[0]);
    (void)close(fake->stop[1]);
    (void)close(fake->listener);
    (void)pthread_mutex_destroy(&fake->lock);
}

void
fake_plans(struct fake *fake, const struct fake_plan *plans, size_t count)
{
    need(count > 0 && count <= FAKE_KEPT, "so many plans");
    pthread_mutex_lock(&fake->lock);
    memcpy(fake->plans, plans, count * sizeof *plans);
    fake->plans_count = count;
    memset(&fake->seen, 0, sizeof fake->seen);
    pthread_mutex_unlock(&fake->lock);
}

void
fake_plan(struct fake *fake, const struct fake_plan *plan)
{
    fake_plans(fake, plan, 1);
}

void
fake_request(struct fake *fake, unsigned number, struct fake_seen *out)
{
    pthread_mutex_lock(&fake->lock);
    need(number < FAKE_KEPT && number < fake->seen.requests, "a request that came");
    *out = fake->kept[number];
    pthread_mutex_unlock(&fake->lock);
}

void
fake_seen(struct fake *fake, struct fake_seen *out)
{
    pthread_mutex_lock(&fake->lock);
    *out = fake->seen;
    pthread_mutex_unlock(&fake->lock);
}

/* --- the log ---------------------------------------------------------------------- */

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static struct host_log caught;

/* Ours start with the module's name; so do those of libpam about the conversation. */
static void __attribute__((format(printf, 2, 0)))
catch_line(int priority, const char *format, va_list args)
{
    char line[sizeof caught.last];
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)vsnprintf(line, sizeof line, format, args);
    (void)close(descriptor);
    if (strncmp(line, "pam_claviger(", 13) != 0 || strstr(line, "conversation") != NULL)
        return;
    pthread_mutex_lock(&log_lock);
    caught.lines++;
    caught.priority = priority;
    caught.descriptor = descriptor;
    memcpy(caught.last, line, sizeof line);
    pthread_mutex_unlock(&log_lock);
}

/* Both names that libpam may call, instead of libc's. */
void syslog(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));
void __syslog_chk(int priority, int flag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void
syslog(int priority, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    catch_line(priority, format, args);
    va_end(args);
}

void
__syslog_chk(int priority, int flag, const char *format, ...)
{
    va_list args;

    (void)flag;
    va_start(args, format);
    catch_line(priority, format, args);
    va_end(args);
}

void
host_log_take(struct host_log *out)
{
    pthread_mutex_lock(&log_lock);
    *out = caught;
    memset(&caught, 0, sizeof caught);
    pthread_mutex_unlock(&log_lock);
}

/* --- the application -------------------------------------------------------------- */

/* Notes the prompt and gives what the person types, or NULL for a text. */
static const char *
typed(struct host_person *person, const struct pam_message *message)
{
    switch (message->msg_style) {
    case PAM_PROMPT_ECHO_ON:
        person->user_prompts++;
        return person->user;
    case PAM_PROMPT_ECHO_OFF:
        person->password_prompts++;
        return person->password;
    default:
        person->texts++;
        (void)snprintf(person->text, sizeof person->text, "%s", message->msg);
        return NULL;
    }
}

static int
converse(int count, const struct pam_message **messages, struct pam_response **responses,
         void *context)
{
    static const int statuses[] = {
        [HOST_FAILS] = PAM_CONV_ERR, [HOST_ABORTS] = PAM_ABORT,
        [HOST_POSTPONES] = PAM_CONV_AGAIN, [HOST_FAILS_AND_RESPONDS] = PAM_CONV_ERR,
    };
    struct host_person *person = context;
    const char *text = typed(person, messages[0]);
    size_t room = person->manner == HOST_TOO_MANY ? 8 : (size_t)count;
    int status = (size_t)person->manner < sizeof statuses / sizeof statuses[0]
        ? statuses[person->manner] : PAM_SUCCESS;

    *responses = NULL;
    if (person->manner == HOST_FAILS_TEXTS && messages[0]->msg_style == PAM_ERROR_MSG)
        return PAM_CONV_ERR;
    if (person->manner == HOST_NO_ARRAY || person->manner == HOST_FAILS ||
        person->manner == HOST_ABORTS || person->manner == HOST_POSTPONES)
        return status;
    *responses = calloc(room, sizeof **responses);
    need(*responses != NULL, "responses");
    if (text != NULL && person->manner != HOST_NO_TEXT && status == PAM_SUCCESS)
        (*responses)[0].resp = strdup(text);
    return status;
}

static void
make_absolute(char *path, size_t size)
{
    char *absolute = realpath(path, NULL);

    need(absolute != NULL, path);
    (void)snprintf(path, size, "%s", absolute);
    free(absolute);
}

/* A copy, for processes of users to whom the folder of the build may be closed. */
static void
copy_module(struct host *host)
{
    char bytes[65536], path[128];
    FILE *from = fopen(host->module, "re"), *to;
    size_t len;

    (void)snprintf(path, sizeof path, "%s/pam_claviger.so", host->dir);
    to = fopen(path, "we");
    need(from != NULL && to != NULL, host->module);
    while ((len = fread(bytes, 1, sizeof bytes, from)) > 0)
        need(fwrite(bytes, 1, len, to) == len, path);
    (void)fclose(from);
    need(fclose(to) == 0 && chmod(path, 0755) == 0, path);
    (void)snprintf(host->module, sizeof host->module, "%s", path);
}

void
host_start(struct host *host)
{
    const char *build = getenv("CLAVIGER_BUILD"), *module = getenv("CLAVIGER_PAM_MODULE");

    memset(host, 0, sizeof *host);
    (void)snprintf(host->dir, sizeof host->dir, "/tmp/claviger-pam-XXXXXX");
    need(mkdtemp(host->dir) != NULL, host->dir);
    (void)snprintf(host->socket, sizeof host->socket, "%s/pam", host->dir);
    if (module != NULL)
        (void)snprintf(host->module, sizeof host->module, "%s", module);
    else
        (void)snprintf(host->module, sizeof host->module,
                       "%s/pam_module/.libs/pam_claviger.so", build == NULL ? "." : build);
    make_absolute(host->module, sizeof host->module);
    copy_module(host);
    (void)snprintf(host->check, sizeof host->check, "%s/saslauthd_backend/claviger-check",
                   build == NULL ? "." : build);
    make_absolute(host->check, sizeof host->check);
}

void
host_stop(struct host *host)
{
    DIR *dir = opendir(host->dir);
    struct dirent *entry;

    need(dir != NULL, host->dir);
    while ((entry = readdir(dir)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            need(unlinkat(dirfd(dir), entry->d_name, 0) == 0, entry->d_name);
    (void)closedir(dir);
    need(rmdir(host->dir) == 0, host->dir);
}

void
host_service(const struct host *host, const char *name, const char *text)
{
    char path[128];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", host->dir, name);
    file = fopen(path, "we");
    need(file != NULL, path);
    for (const char *at = text; *at != '\0'; at++) {
        if (at[0] == '@' && at[1] == 'M')
            (void)fputs(host->module, file);
        else if (at[0] == '@' && at[1] == 'S')
            (void)fprintf(file, "socket=%s", host->socket);
        else if (at[0] == '@' && at[1] == 'D')
            (void)fputs(host->dir, file);
        else if (at[0] == '@' && at[1] == 'C')
            (void)fputs(host->check, file);
        else {
            (void)fputc(*at, file);
            continue;
        }
        at++;
    }
    need(fclose(file) == 0, path);
}

int
host_bind(const struct host *host, const char *name, int type)
{
    char path[128];

    (void)snprintf(path, sizeof path, "%s/%s", host->dir, name);
    return bound(path, type);
}

void
host_full_queue(const struct host *host, const char *name)
{
    struct sockaddr_un address;
    char path[128];
    int fd;

    need(listen(host_bind(host, name, SOCK_STREAM), 0) == 0, "listen");
    (void)snprintf(path, sizeof path, "%s/%s", host->dir, name);
    address_set(&address, path);
    do {
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        need(fd >= 0, "socket");
    } while (connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
}

pam_handle_t *
host_start_pam(const struct host *host, const char *service, const char *user,
               const struct pam_conv *conversation)
{
    pam_handle_t *pamh = NULL;

    need(pam_start_confdir(service, user, conversation, host->dir, &pamh) == PAM_SUCCESS,
         "pam_start_confdir");
    return pamh;
}

pam_handle_t *
host_open(const struct host *host, const char *service, const char *user,
          struct host_person *person)
{
    const struct pam_conv conversation = { converse, person };

    return host_start_pam(host, service, user, &conversation);
}

int
host_authenticate(const struct host *host, const char *service, const char *user,
                  const char *password)
{
    struct host_person person = { .password = password };
    pam_handle_t *pamh = host_open(host, service, user, &person);
    int status = pam_authenticate(pamh, 0);

    (void)pam_end(pamh, status);
    return status;
}
