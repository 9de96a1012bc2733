/* pam_module/helper.c - claviger-check, run in the daemon's place
 *
 *   host ── clone(VM, VFORK, no signal) ──▶ between ── posix_spawn ──▶ helper
 *        ◀── ends, is waited for ──────────┘                             │ init's from now on
 *        ◀───────────────── socket pair ─────────────────────────────────┘
 *
 * fork() would run the host's pthread_atfork() handlers and copy its locks as they happen to be;
 * clone() with CLONE_VFORK does neither. A child that was made without SIGCHLD is seen by a wait()
 * that asks for such ones (__WCLONE), and by no other.
 */
#include "pam_module/helper.h"

#include "guest/descriptor.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Room for posix_spawn()'s frames; it takes another stack for what comes after. */
#define BETWEEN_STACK 65536

struct start {
    const char *program;
    char *const *argv;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error;                  /* written by the process between, in memory that both have */
};

static char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };

static int
spawn(void *context)
{
    struct start *start = context;
    pid_t helper;

    start->error = posix_spawn(&helper, start->program, &start->actions, &start->attributes,
                               start->argv, environment);
    return 0;
}

/* `end` becomes the helper's standard streams; nothing else stays open. */
static int
set_actions(posix_spawn_file_actions_t *actions, int end)
{
    int error = 0;

    for (int fd = 0; error == 0 && fd <= STDERR_FILENO; fd++)
        error = posix_spawn_file_actions_adddup2(actions, end, fd);
    if (error == 0)
        error = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    if (error == 0)
        error = posix_spawn_file_actions_addchdir_np(actions, "/");
    return error;
}

static int
set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    int error;

    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    error = posix_spawnattr_setsigmask(attributes, &none);
    if (error == 0)
        error = posix_spawnattr_setsigdefault(attributes, &all);
    if (error == 0)
        error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK
                                         | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    return error;
}

/* No handler of the host may run in the process between, which has the host's memory. */
static int
run_between(struct start *start)
{
    char *stack = mmap(NULL, BETWEEN_STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    sigset_t all, before;
    int error = 0;
    pid_t between;

    if (stack == MAP_FAILED)
        return errno;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    between = clone(spawn, stack + BETWEEN_STACK, CLONE_VM | CLONE_VFORK, start);
    if (between < 0)
        error = errno;
    else
        while (waitpid(between, NULL, (int)__WCLONE) < 0 && errno == EINTR)
            ;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)munmap(stack, BETWEEN_STACK);
    return error != 0 ? error : start->error;
}

static int
run(const char *program, const char *config, int end)
{
    const char *argv[] = { program, config != NULL ? "-c" : NULL, config, NULL };
    struct start start = { .program = program, .argv = (char *const *)argv };
    int error = posix_spawn_file_actions_init(&start.actions);

    if (error != 0)
        return error;
    error = posix_spawnattr_init(&start.attributes);
    if (error == 0) {
        error = set_actions(&start.actions, end);
        if (error == 0)
            error = set_attributes(&start.attributes);
        if (error == 0)
            error = run_between(&start);
        (void)posix_spawnattr_destroy(&start.attributes);
    }
    (void)posix_spawn_file_actions_destroy(&start.actions);
    return error;
}

int
helper_start(const char *program, const char *config, const char **what_out, int *error_out)
{
    int ends[2] = { -1, -1 };

    *what_out = "cannot make a socket pair";
    *error_out = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0 ? 0 : errno;
    for (int i = 0; *error_out == 0 && i < 2; i++) {
        ends[i] = descriptor_raise(ends[i]);
        *error_out = ends[i] < 0 ? errno : 0;
    }
    if (*error_out == 0) {
        *what_out = "cannot be run";
        *error_out = run(program, config, ends[1]);
    }
    if (ends[1] >= 0)
        (void)close(ends[1]);
    if (*error_out == 0)
        return ends[0];
    if (ends[0] >= 0)
        (void)close(ends[0]);
    return -1;
}
