/* tests/unit/test_pam_guest.c - pam_claviger.so leaves its host as it found it
 *
 * Loaded and unloaded over and over, in threads, across fork(), and in processes whose limits,
 * descriptors, signals, root and surroundings are hostile; with a daemon, and with a helper in
 * its place. Where a count is a short form, CLAVIGER_LONG=1 makes it a long one.
 */
#include "pam_module/client.h"
#include "tests/unit/pam_host.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__has_feature)
#define UNDER_ASAN __has_feature(address_sanitizer)
#define UNDER_TSAN __has_feature(thread_sanitizer)
#else
#ifdef __SANITIZE_ADDRESS__
#define UNDER_ASAN 1
#else
#define UNDER_ASAN 0
#endif
#ifdef __SANITIZE_THREAD__
#define UNDER_TSAN 1
#else
#define UNDER_TSAN 0
#endif
#endif

/* Sanitizers keep what was freed, so that resident memory says nothing there; the thread
 * sanitizer delivers signals when it likes. */
static const bool memory_is_ours = !UNDER_ASAN && !UNDER_TSAN;
static const bool signals_are_ours = !UNDER_TSAN;

/* The thread sanitizer takes the module's clone() for a fork, after which it starts no thread and
 * believes no lock. */
static const bool clones_are_understood = !UNDER_TSAN;

/* A child forked while other threads allocate waits in a sanitizer for ever. */
static const bool forks_beside_threads_go_well = !UNDER_ASAN && !UNDER_TSAN;

enum { SIGN_INS = 10000, THREADS = 64, NOBODY = 65534 };

#define SERVICE "auth required @M @S timeout=3\n"

static struct host host;
static struct fake fake;

static const struct fake_plan accepts = FAKE_REPLY("\2\0\0\3bob");
static const struct fake_plan mirrors = { FAKE_MIRRORS, NULL, 0, 0 };
static const struct fake_plan hangs_up = { FAKE_HANGS_UP, NULL, 0, 0 };
static const struct fake_plan silent = { FAKE_SILENT, NULL, 0, 0 };
static const struct fake_plan slow = { FAKE_DRIPS, "\2\0\0\3bob", 7, 0 };

/* Those below FAKE_DESCRIPTORS: our daemon's connections, which end when they like, are above. */
static int
open_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < FAKE_DESCRIPTORS; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

/* What /proc/self/status has beside `word`. */
static long
status_kib(const char *word)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    long kib = -1;

    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, word, strlen(word)) == 0 && sscanf(line + strlen(word), ": %ld", &kib) == 1)
            break;
    (void)fclose(file);
    return kib;
}

static void
ten_thousand_sign_ins_leave_nothing_behind(void **state)
{
    int sign_ins = memory_is_ours ? SIGN_INS : SIGN_INS / 20;
    int descriptors = 0;
    long kib = 0;

    (void)state;
    fake_plan(&fake, &mirrors);
    for (int i = -200; i < sign_ins; i++) {     /* the first ones warm the allocator */
        if (i == 0) {
            descriptors = open_descriptors();
            kib = status_kib("VmRSS");
        }
        assert_int_equal(host_authenticate(&host, "imap", "bob", i % 2 ? "pw-bob" : "pw-eve"),
                         i % 2 ? PAM_SUCCESS : PAM_AUTH_ERR);
    }
    assert_int_equal(open_descriptors(), descriptors);
    if (memory_is_ours && status_kib("VmRSS") - kib >= 256)
        fail_msg("resident memory grew by %ld KiB", status_kib("VmRSS") - kib);
}

static void
it_stays_loaded_when_pam_lets_go(void **state)
{
    void *loaded;

    (void)state;
    fake_plan(&fake, &mirrors);
    assert_int_equal(host_authenticate(&host, "imap", "bob", "pw-bob"), PAM_SUCCESS);
    loaded = dlopen(host.module, RTLD_NOW | RTLD_NOLOAD);
    assert_non_null(loaded);
    (void)dlclose(loaded);
}

/* --- threads and fork -------------------------------------------------------------- */

static int
sign_ins_each(void)
{
    const char *is_long = getenv("CLAVIGER_LONG");

    return is_long != NULL && is_long[0] == '1' ? SIGN_INS : SIGN_INS / 100;
}

/* One user's sign-ins; the odd ones are wrong. Counts answers that are not its own. */
static void *
sign_in_over_and_over(void *context)
{
    char user[32], right[40];
    uintptr_t faults = 0;
    int count = sign_ins_each();
    const void *name;

    (void)snprintf(user, sizeof user, "user%d@example.net", *(const int *)context);
    (void)snprintf(right, sizeof right, "pw-%s", user);
    for (int i = 0; i < count; i++) {
        struct host_person person = { .password = i % 2 ? "pw-other" : right };
        pam_handle_t *pamh = host_open(&host, "imap", user, &person);
        int status = pam_authenticate(pamh, 0);

        faults += status != (i % 2 ? PAM_AUTH_ERR : PAM_SUCCESS);
        faults += pam_get_item(pamh, PAM_USER, &name) != PAM_SUCCESS || strcmp(name, user) != 0;
        (void)pam_end(pamh, status);
    }
    return (void *)faults;
}

/* Each runs `run` with its number. All of them are over when this returns, whatever they found: a
 * thread that still asked while a later test forks would be a fault of this one. */
static uintptr_t
run_in_threads(void *(*run)(void *), void (*meanwhile)(void))
{
    pthread_t threads[THREADS];
    int numbers[THREADS];
    uintptr_t faults = 0;
    void *found;

    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, run, &numbers[i]), 0);
    }
    if (meanwhile != NULL)
        meanwhile();
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &found), 0);
        faults += (uintptr_t)found;
    }
    return faults;
}

static void
threads_get_their_own_answers(void **state)
{
    (void)state;
    fake_plan(&fake, &mirrors);
    assert_int_equal(run_in_threads(sign_in_over_and_over, NULL), 0);
}

/* Until it is over. Right passwords are accepted or nobody could tell; wrong ones are wrong or nobody
 * could tell: whatever becomes of the daemon, and whoever forks meanwhile. */
static _Atomic bool is_over;

static void *
sign_in_until_it_is_over(void *context)
{
    char user[32], right[40];
    uintptr_t faults = 0;

    (void)snprintf(user, sizeof user, "user%d@example.net", *(const int *)context);
    (void)snprintf(right, sizeof right, "pw-%s", user);
    for (int i = 0; !is_over; i++) {
        int status = host_authenticate(&host, "imap", user, i % 2 ? "pw-other" : right);

        faults += status != (i % 2 ? PAM_AUTH_ERR : PAM_SUCCESS) && status != PAM_AUTHINFO_UNAVAIL;
    }
    return (void *)faults;
}

static void
restart_the_daemon(void)
{
    int restarts = sign_ins_each() / 10;

    for (int i = 0; i < restarts; i++) {
        fake_stop(&fake);                       /* refused; then no socket; then served again */
        assert_int_equal(unlink(host.socket), 0);
        fake_start(&fake, host.socket, geteuid());
        fake_plan(&fake, &mirrors);
        while (host_authenticate(&host, "imap", "bob", "pw-bob") != PAM_SUCCESS)
            ;
    }
    is_over = true;
}

static void
a_daemon_that_dies_and_comes_back_under_many_threads_gives_no_false_answer(void **state)
{
    (void)state;
    is_over = false;
    fake_plan(&fake, &mirrors);
    assert_int_equal(run_in_threads(sign_in_until_it_is_over, restart_the_daemon), 0);
}

/* What a child does, and the PAM status that it must come to. Runs in a process of its own, so
 * that nothing it does to itself outlives it. */
typedef int in_child_fn(pam_handle_t *pamh);

enum { NO_STATUS = 200 };       /* a child's exit status when something else is wrong */

#define CHILD_NEEDS(condition) \
    do { if (!(condition)) { fprintf(stderr, "# %s: %s\n", __func__, #condition); \
                             _exit(NO_STATUS); } } while (0)

static int
in_child(in_child_fn *run)
{
    struct host_person person = { .password = "pw-bob" };
    pam_handle_t *pamh = host_open(&host, "imap", "bob", &person);
    pid_t child = fork();
    int status = -1;

    assert_true(child >= 0);
    if (child == 0)
        _exit(run(pamh));
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)pam_end(pamh, PAM_SUCCESS);
    if (!WIFEXITED(status))
        fail_msg("the child was ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

static void
a_handle_is_good_on_both_sides_of_a_fork(void **state)
{
    struct host_person person = { .password = "pw-bob" };
    pam_handle_t *pamh = host_open(&host, "imap", "bob", &person);
    int status;
    pid_t child;

    (void)state;
    fake_plan(&fake, &mirrors);
    for (int i = 0; i < 50; i++) {
        child = fork();
        assert_true(child >= 0);
        if (child == 0)
            _exit(pam_authenticate(pamh, 0));
        assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    assert_int_equal(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
}

static void
fork_over_and_over(void)
{
    int forks = sign_ins_each() / 5, status;

    for (int i = 0; i < forks; i++) {
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0)
            _exit(host_authenticate(&host, "imap", "bob", i % 2 ? "pw-bob" : "pw-eve"));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, (i % 2 ? PAM_SUCCESS : PAM_AUTH_ERR) << 8);
    }
    is_over = true;
}

/* What other threads were about to send is not in the child, and no room of theirs is taken there. */
static void
a_child_forked_while_other_threads_ask_gets_its_own_answers(void **state)
{
    (void)state;
    if (!forks_beside_threads_go_well)
        skip();
    is_over = false;
    fake_plan(&fake, &mirrors);
    assert_int_equal(run_in_threads(sign_in_until_it_is_over, fork_over_and_over), 0);
}

/* The module's own function: libpam does not keep errno, and without a descriptor for the
 * audit socket it makes PAM_SYSTEM_ERR of every answer when root asks. */
static int (*own_acct_mgmt)(pam_handle_t *, int, int, const char **);

static int
without_libpam(pam_handle_t *pamh)
{
    char option[128];
    const char *argv[] = { option };

    (void)snprintf(option, sizeof option, "socket=%s", host.socket);
    return own_acct_mgmt(pamh, 0, 1, argv);
}

/* --- signals ------------------------------------------------------------------------ */

static int
with_sigpipe_as_it_is_at_first(pam_handle_t *pamh)
{
    CHILD_NEEDS(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    return pam_authenticate(pamh, 0);
}

static void
a_daemon_that_hangs_up_raises_no_signal(void **state)
{
    (void)state;
    fake_plan(&fake, &hangs_up);
    for (int i = 0; i < 50; i++)
        assert_int_equal(in_child(with_sigpipe_as_it_is_at_first), PAM_AUTHINFO_UNAVAIL);
}

/* The mask and every handler, before and after. */
static int
keeping_signals(pam_handle_t *pamh)
{
    sigset_t before, after;
    struct sigaction old[NSIG], new;
    int status;

    CHILD_NEEDS(sigprocmask(SIG_BLOCK, NULL, &before) == 0);
    for (int i = 1; i < NSIG; i++)
        (void)sigaction(i, NULL, &old[i]);
    status = pam_authenticate(pamh, 0);
    CHILD_NEEDS(sigprocmask(SIG_BLOCK, NULL, &after) == 0);
    for (int i = 1; i < NSIG; i++) {
        CHILD_NEEDS(sigismember(&before, i) == sigismember(&after, i));
        if (sigaction(i, NULL, &new) == 0)
            CHILD_NEEDS(new.sa_handler == old[i].sa_handler && new.sa_flags == old[i].sa_flags);
    }
    return status;
}

static void
signals_are_as_they_were(void **state)
{
    (void)state;
    fake_plan(&fake, &mirrors);
    assert_int_equal(in_child(keeping_signals), PAM_SUCCESS);
    fake_plan(&fake, &hangs_up);
    assert_int_equal(in_child(keeping_signals), PAM_AUTHINFO_UNAVAIL);
}

static void
errno_is_as_it_was(void **state)
{
    static const struct fake_plan *const plans[] = { &accepts, &hangs_up };
    struct host_person person = { .password = "" };
    pam_handle_t *pamh = host_open(&host, "imap", "bob", &person);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        fake_plan(&fake, plans[i]);
        errno = ELIBBAD;
        assert_int_equal(without_libpam(pamh), i == 0 ? PAM_SUCCESS : PAM_AUTHINFO_UNAVAIL);
        assert_int_equal(errno, ELIBBAD);
    }
    (void)pam_end(pamh, PAM_SUCCESS);
}

static volatile sig_atomic_t alarms;

static void
count_alarm(int number)
{
    (void)number;
    alarms++;
}

static int
with_an_alarm_each_millisecond(pam_handle_t *pamh)
{
    const struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
    struct sigaction action = { .sa_handler = count_alarm };      /* no SA_RESTART */
    int status;

    CHILD_NEEDS(sigaction(SIGALRM, &action, NULL) == 0);
    CHILD_NEEDS(setitimer(ITIMER_REAL, &often, NULL) == 0);
    status = pam_authenticate(pamh, 0);
    CHILD_NEEDS(alarms > 0 || !signals_are_ours);
    return status;
}

static void
a_slow_answer_survives_the_hosts_alarms(void **state)
{
    int64_t since_ms = host_now_ms();

    (void)state;
    fake_plan(&fake, &slow);
    assert_int_equal(in_child(with_an_alarm_each_millisecond), PAM_SUCCESS);
    fake_plan(&fake, &silent);
    assert_int_equal(in_child(with_an_alarm_each_millisecond), PAM_AUTHINFO_UNAVAIL);
    assert_true(host_now_ms() - since_ms < 5000);
}

static void
a_daemon_that_is_busy_is_waited_for_through_the_hosts_alarms(void **state)
{
    int64_t since_ms;

    (void)state;
    host_full_queue(&host, "full");
    host_service(&host, "imap", "auth required @M socket=@D/full timeout=150ms\n");
    since_ms = host_now_ms();
    assert_int_equal(in_child(with_an_alarm_each_millisecond), PAM_AUTHINFO_UNAVAIL);
    assert_true(host_now_ms() - since_ms >= 149);
    host_service(&host, "imap", SERVICE);
}

/* --- descriptors --------------------------------------------------------------------- */

static int
without_standard_streams(pam_handle_t *pamh)
{
    int status;

    for (int fd = 0; fd < 3; fd++)
        (void)close(fd);
    status = pam_authenticate(pamh, 0);
    for (int fd = 0; fd < 3; fd++)
        CHILD_NEEDS(fcntl(fd, F_GETFD) == -1);
    return status;
}

static void
a_host_without_standard_streams_is_served(void **state)
{
    (void)state;
    fake_plan(&fake, &mirrors);
    assert_int_equal(in_child(without_standard_streams), PAM_SUCCESS);
}

static int
logging_without_standard_streams(pam_handle_t *pamh)
{
    struct host_log log;
    int status;

    host_log_take(&log);        /* of earlier tests */
    status = without_standard_streams(pamh);
    host_log_take(&log);
    CHILD_NEEDS(log.lines == 1);
    CHILD_NEEDS(log.descriptor > STDERR_FILENO);
    return status;
}

/* libc keeps it as long as the process lives. */
static void
the_log_does_not_stand_where_a_standard_stream_was(void **state)
{
    (void)state;
    fake_plan(&fake, &hangs_up);
    assert_int_equal(in_child(logging_without_standard_streams), PAM_AUTHINFO_UNAVAIL);
}

/* While the daemon is silent, another thread looks which descriptors there are. */
static void *
find_low_descriptor(void *context)
{
    bool *found = context;
    struct fake_seen seen = { 0 };

    for (int64_t until = host_now_ms() + 5000; seen.requests == 0 && host_now_ms() < until; )
        fake_seen(&fake, &seen);
    for (int fd = 0; fd < 3; fd++)
        *found = *found || fcntl(fd, F_GETFD) != -1;
    return NULL;
}

static void
it_never_stands_where_a_standard_stream_was(void **state)
{
    struct host_person person = { .password = "pw-bob" };
    pam_handle_t *pamh = host_open(&host, "imap", "bob", &person);
    int kept[3];
    bool found = false;
    pthread_t thread;

    (void)state;
    fake_plan(&fake, &silent);
    for (int fd = 0; fd < 3; fd++) {
        kept[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 100);
        (void)close(fd);
    }
    (void)pthread_create(&thread, NULL, find_low_descriptor, &found);
    (void)pam_authenticate(pamh, 0);
    (void)pthread_join(thread, NULL);
    for (int fd = 0; fd < 3; fd++) {
        (void)dup2(kept[fd], fd);
        (void)close(kept[fd]);
    }
    (void)pam_end(pamh, PAM_SUCCESS);
    assert_false(found);
}

/* Leaves 0 to 3 open, and no room for another. */
static void
fill_descriptors(void)
{
    const struct rlimit few = { 4, 4 };
    int fd;

    for (fd = 3; fd < 256; fd++)
        (void)close(fd);
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd < 3);
    CHILD_NEEDS(fd == 3);
    CHILD_NEEDS(setrlimit(RLIMIT_NOFILE, &few) == 0);
}

static int
with_no_descriptor_left(pam_handle_t *pamh)
{
    fill_descriptors();
    return without_libpam(pamh);
}

static int
with_the_last_descriptor(pam_handle_t *pamh)
{
    fill_descriptors();
    (void)close(3);
    return without_libpam(pamh);
}

/* There is a descriptor, but only where a standard stream belongs. */
static int
with_a_low_descriptor_only(pam_handle_t *pamh)
{
    fill_descriptors();
    (void)close(0);
    return without_libpam(pamh);
}

static void
without_a_descriptor_it_is_unavailable_and_one_suffices(void **state)
{
    (void)state;
    fake_plan(&fake, &accepts);
    assert_int_equal(in_child(with_no_descriptor_left), PAM_AUTHINFO_UNAVAIL);
    assert_int_equal(in_child(with_a_low_descriptor_only), PAM_AUTHINFO_UNAVAIL);
    assert_int_equal(in_child(with_the_last_descriptor), PAM_SUCCESS);
}

static int
with_no_memory_to_lock(pam_handle_t *pamh)
{
    const struct rlimit none = { 0, 0 };

    CHILD_NEEDS(setrlimit(RLIMIT_MEMLOCK, &none) == 0);
    CHILD_NEEDS(geteuid() != 0 || setuid(NOBODY) == 0);
    return pam_authenticate(pamh, 0);
}

/* What kernels before 5.16 gave everybody, and many containers still do. */
static int
with_64_kib_to_lock(pam_handle_t *pamh)
{
    const struct rlimit few = { 65536, 65536 };
    int status;

    CHILD_NEEDS(setrlimit(RLIMIT_MEMLOCK, &few) == 0);
    CHILD_NEEDS(geteuid() != 0 || setuid(NOBODY) == 0);
    status = pam_authenticate(pamh, 0);
    CHILD_NEEDS(status_kib("VmLck") > 0 || !memory_is_ours);
    return status;
}

static void
a_host_that_may_lock_little_or_no_memory_is_served(void **state)
{
    (void)state;
    if (geteuid() == 0)         /* the child is another user, and our daemon not root's */
        assert_int_equal(chmod(host.socket, 0666) | chmod(host.dir, 0755), 0);
    fake_plan(&fake, &mirrors);
    assert_int_equal(in_child(with_no_memory_to_lock), PAM_SUCCESS);
    assert_int_equal(in_child(with_64_kib_to_lock), PAM_SUCCESS);
}

/* --- the helper ---------------------------------------------------------------------- */

#define HELPER "#!/bin/sh\nexec 2>/dev/null\ndd bs=1 count=20 of=/dev/null\n" \
    "printf '\\002\\000\\000\\003bob'\n"
#define DIRECT "auth required @M direct timeout=20s helper=@D/helper\n"

static void
make_helper(void)
{
    char path[128];

    host_service(&host, "helper", HELPER);
    (void)snprintf(path, sizeof path, "%s/helper", host.dir);
    assert_int_equal(chmod(path, 0755), 0);
    host_service(&host, "direct", DIRECT);
}

static volatile sig_atomic_t deaths;

static void
count_death(int number)
{
    (void)number;
    deaths++;
}

/* The host's own child, and its handler, know nothing of ours. */
static int
with_a_handler_for_children(pam_handle_t *pamh)
{
    struct sigaction action = { .sa_handler = count_death };
    int status;

    (void)pamh;
    CHILD_NEEDS(sigaction(SIGCHLD, &action, NULL) == 0);
    for (int i = 0; i < 10; i++) {
        status = host_authenticate(&host, "direct", "bob", "secret");
        CHILD_NEEDS(status == PAM_SUCCESS);
        CHILD_NEEDS(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    }
    CHILD_NEEDS(deaths == 0);
    return status;
}

static int
without_zombies(pam_handle_t *pamh)
{
    (void)pamh;
    CHILD_NEEDS(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
    return host_authenticate(&host, "direct", "bob", "secret");
}

static int
with_a_helper_and_no_standard_streams(pam_handle_t *pamh)
{
    int status;

    (void)pamh;
    for (int fd = 0; fd < 3; fd++)
        (void)close(fd);
    status = host_authenticate(&host, "direct", "bob", "secret");
    for (int fd = 0; fd < 3; fd++)
        CHILD_NEEDS(fcntl(fd, F_GETFD) == -1);
    return status;
}

static int
keeping_signals_with_a_helper(pam_handle_t *pamh)
{
    (void)pamh;
    host_service(&host, "imap", DIRECT);
    return keeping_signals(host_open(&host, "imap", "bob",
                                     &(struct host_person){ .password = "secret" }));
}

static void
a_helper_is_nobodys_child_and_nobodys_signal(void **state)
{
    (void)state;
    if (!clones_are_understood)
        skip();
    make_helper();
    assert_int_equal(in_child(with_a_handler_for_children), PAM_SUCCESS);
    assert_int_equal(in_child(without_zombies), PAM_SUCCESS);
    assert_int_equal(in_child(with_a_helper_and_no_standard_streams), PAM_SUCCESS);
    assert_int_equal(in_child(keeping_signals_with_a_helper), PAM_SUCCESS);
    host_service(&host, "imap", SERVICE);
}

static int
with_few_descriptors(pam_handle_t *pamh)
{
    char helper[128], config[] = "config=/dev/null";
    const char *argv[] = { "direct", helper, config };

    (void)snprintf(helper, sizeof helper, "helper=%s/helper", host.dir);
    fill_descriptors();
    return own_acct_mgmt(pamh, 0, 3, argv);
}

static void
a_helper_that_finds_no_descriptor_is_unavailable(void **state)
{
    (void)state;
    if (!clones_are_understood)
        skip();
    make_helper();
    assert_int_equal(in_child(with_few_descriptors), PAM_AUTHINFO_UNAVAIL);
}

/* malloc()'s locks are taken and left all the while in other threads; were they copied into a
 * child that needs them, some helper would never come to its exec. */
static void *
allocate(void *context)
{
    (void)context;
    while (!is_over)
        for (size_t size = 16; size < 1 << 18; size *= 2) {
            volatile char *bytes = malloc(size);

            bytes[0] = 1;
            free((void *)(size_t)bytes);
        }
    return NULL;
}

static void *
run_helpers(void *context)
{
    const char *rounds = getenv("CLAVIGER_LONG");
    int count = rounds != NULL && rounds[0] == '1' ? 2500 : 25;
    uintptr_t faults = 0;

    (void)context;
    for (int i = 0; i < count; i++)
        faults += host_authenticate(&host, "direct", "bob", "secret") != PAM_SUCCESS;
    return (void *)faults;
}

static void
helpers_start_while_other_threads_allocate(void **state)
{
    enum { KINDS = 4 };
    pthread_t allocating[KINDS], running[KINDS];
    void *faults;

    (void)state;
    if (!clones_are_understood)
        skip();
    make_helper();
    is_over = false;
    for (int i = 0; i < KINDS; i++) {
        assert_int_equal(pthread_create(&allocating[i], NULL, allocate, NULL), 0);
        assert_int_equal(pthread_create(&running[i], NULL, run_helpers, NULL), 0);
    }
    for (int i = 0; i < KINDS; i++) {
        assert_int_equal(pthread_join(running[i], &faults), 0);
        assert_int_equal((uintptr_t)faults, 0);
    }
    is_over = true;
    for (int i = 0; i < KINDS; i++)
        assert_int_equal(pthread_join(allocating[i], NULL), 0);
}

/* --- surroundings -------------------------------------------------------------------- */

static int
in_hostile_surroundings(pam_handle_t *pamh)
{
    static const char *const names[] = {
        "HOME", "TMPDIR", "PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "LC_ALL", "LANGUAGE", "NLSPATH",
        "TZ", "CLAVIGER_SOCKET", "PAM_SOCKET", "GCONV_PATH", "MALLOC_CHECK_", "HOSTALIASES",
    };
    char gone[96], cwd[256];
    int status;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        CHILD_NEEDS(setenv(names[i], "/nonexistent/%s%n", 1) == 0);
    (void)snprintf(gone, sizeof gone, "%s/gone", host.dir);
    CHILD_NEEDS(mkdir(gone, 0700) == 0 && chdir(gone) == 0 && rmdir(gone) == 0);
    (void)umask(0777);
    status = pam_authenticate(pamh, 0);
    CHILD_NEEDS(umask(0) == 0777);
    CHILD_NEEDS(getcwd(cwd, sizeof cwd) == NULL && errno == ENOENT);
    return status;
}

static void
hostile_surroundings_change_nothing(void **state)
{
    (void)state;
    fake_plan(&fake, &mirrors);
    assert_int_equal(in_child(in_hostile_surroundings), PAM_SUCCESS);
}

static int
changing_as_a_set_user_id_program(pam_handle_t *pamh)
{
    CHILD_NEEDS(setresuid(NOBODY, 0, 0) == 0);
    CHILD_NEEDS(in_hostile_surroundings(pamh) == PAM_SUCCESS);
    return pam_chauthtok(pamh, 0);
}

/* passwd(1) is one: who runs it has to know the old password, whatever the environment says. */
static void
a_set_user_id_host_is_its_callers_and_not_roots(void **state)
{
    struct fake_seen seen;

    (void)state;
    if (getuid() != 0)
        skip();
    host_service(&host, "imap", SERVICE "password required @M @S timeout=3\n");
    fake_plan(&fake, &mirrors);
    assert_int_equal(in_child(changing_as_a_set_user_id_program), PAM_SUCCESS);
    fake_seen(&fake, &seen);
    assert_int_equal(seen.action, PAM_WIRE_CHANGE);
    assert_int_equal(seen.flags & PAM_WIRE_BY_ROOT, 0);
    assert_string_equal(seen.password, "pw-bob");
    host_service(&host, "imap", SERVICE);
}

static int
in_a_root_of_its_own(pam_handle_t *pamh)
{
    CHILD_NEEDS(chroot(host.dir) == 0 && chdir("/") == 0);
    return pam_authenticate(pamh, 0);
}

static void
in_a_chroot_it_is_unavailable_or_finds_the_socket_there(void **state)
{
    struct fake foreign;
    char path[128];

    (void)state;
    if (geteuid() != 0)
        skip();                 /* needs root */
    fake_plan(&fake, &mirrors);
    assert_int_equal(in_child(in_a_root_of_its_own), PAM_AUTHINFO_UNAVAIL);
    host_service(&host, "imap", "auth required @M socket=/pam\n");
    assert_int_equal(in_child(in_a_root_of_its_own), PAM_SUCCESS);
    (void)snprintf(path, sizeof path, "%s/foreign.socket", host.dir);
    fake_start(&foreign, path, NOBODY);
    fake_plan(&foreign, &mirrors);
    host_service(&host, "imap", "auth required @M socket=/foreign.socket daemon_user=nobody\n");
    assert_int_equal(in_child(in_a_root_of_its_own), PAM_AUTHINFO_UNAVAIL);
    host_service(&host, "imap", "auth required @M socket=/foreign.socket daemon_user=65534\n");
    assert_int_equal(in_child(in_a_root_of_its_own), PAM_SUCCESS);
    fake_stop(&foreign);
    assert_int_equal(unlink(path), 0);
    host_service(&host, "imap", SERVICE);
}

/* --- whose daemon ---------------------------------------------------------------------- */

static bool
trusts_nobody(void *context, uid_t owner)
{
    *(uid_t *)context = owner;
    return false;
}

static void
nothing_is_sent_to_an_owner_that_is_not_trusted(void **state)
{
    static const unsigned char request[] = "\2\1\0\3bob\0\6secret\0\0\0\0";
    uid_t owner = (uid_t)-1;
    const struct client_upstream upstream = {
        .socket = host.socket, .timeout_ms = 3000, .trusts = trusts_nobody, .context = &owner,
    };
    struct client_fault fault;
    struct wire_reply reply;
    struct fake_seen seen;

    (void)state;
    fake_plan(&fake, &accepts);
    assert_false(client_ask(&upstream, request, sizeof request - 1, &reply, &fault));
    assert_non_null(strstr(fault.reason, "is not trusted"));
    assert_int_equal(owner, geteuid());
    assert_int_equal(reply.answer, PAM_WIRE_UNAVAILABLE);
    fake_plan(&fake, &mirrors);         /* served in order: the first connection is over */
    assert_int_equal(host_authenticate(&host, "imap", "bob", "pw-bob"), PAM_SUCCESS);
    fake_seen(&fake, &seen);
    assert_int_equal(seen.requests, 1);
    assert_string_equal(seen.password, "pw-bob");
}

/* Called between connecting and sending: asks the same daemon, which serves one after the other, so
 * that it is through with the first connection before the first byte is sent. */
static bool
trusts_after_it_hung_up(void *context, uid_t owner)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char bytes[16];

    (void)context;
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", host.socket);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        ;
    (void)close(fd);
    return owner == geteuid();
}

static void
a_daemon_that_answers_early_and_closes_is_heard(void **state)
{
    static const struct fake_plan early = { FAKE_ANSWERS_UNASKED, "\2\10\0\0", 4, 0 };
    const struct client_upstream upstream = {
        .socket = host.socket, .timeout_ms = 3000, .trusts = trusts_after_it_hung_up,
    };
    struct client_fault fault;
    struct wire_reply reply;

    (void)state;
    fake_plan(&fake, &early);
    assert_true(client_ask(&upstream, (const unsigned char *)"\2\1", 2, &reply, &fault));
    assert_int_equal(reply.answer, PAM_WIRE_UNAVAILABLE);
    fake_plan(&fake, &hangs_up);
    assert_false(client_ask(&upstream, (const unsigned char *)"\2\1", 2, &reply, &fault));
    assert_string_equal(fault.reason, "closed without an answer; may this process ask it?");
}

static void
another_users_socket_gets_no_byte_unless_it_is_named(void **state)
{
    static const struct { const char *options; int status; } rows[] = {
        { "", PAM_AUTHINFO_UNAVAIL },
        { "daemon_user=root", PAM_AUTHINFO_UNAVAIL },
        { "daemon_user=65533", PAM_AUTHINFO_UNAVAIL },
        { "daemon_user=no-such-user", PAM_AUTHINFO_UNAVAIL },
        { "daemon_user=65534", PAM_SUCCESS },
        { "daemon_user=nobody", PAM_SUCCESS },
    };
    struct fake foreign;
    struct fake_seen seen;
    char path[128], text[256];

    (void)state;
    if (geteuid() != 0)
        skip();                 /* needs root */
    (void)snprintf(path, sizeof path, "%s/foreign.socket", host.dir);
    fake_start(&foreign, path, NOBODY);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)snprintf(text, sizeof text, "auth required @M socket=@D/foreign.socket %s\n",
                       rows[i].options);
        host_service(&host, "foreign", text);
        fake_plan(&foreign, &mirrors);
        assert_int_equal(host_authenticate(&host, "foreign", "bob", "pw-bob"), rows[i].status);
        fake_seen(&foreign, &seen);
        if (rows[i].status != PAM_SUCCESS && seen.bytes > 0)
            fail_msg("\"%s\": %zu bytes reached another's socket", rows[i].options, seen.bytes);
    }
    fake_stop(&foreign);
}

static int
start(void **state)
{
    void *module;

    (void)state;
    host_start(&host);
    fake_start(&fake, host.socket, geteuid());
    host_service(&host, "imap", SERVICE);
    module = dlopen(host.module, RTLD_NOW);
    assert_non_null(module);
    *(void **)&own_acct_mgmt = dlsym(module, "pam_sm_acct_mgmt");
    assert_non_null(own_acct_mgmt);
    (void)dlclose(module);      /* it stays: see it_stays_loaded_when_pam_lets_go() */
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    fake_stop(&fake);
    host_stop(&host);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_sign_ins_leave_nothing_behind),
        cmocka_unit_test(it_stays_loaded_when_pam_lets_go),
        cmocka_unit_test(threads_get_their_own_answers),
        cmocka_unit_test(a_daemon_that_dies_and_comes_back_under_many_threads_gives_no_false_answer),
        cmocka_unit_test(a_handle_is_good_on_both_sides_of_a_fork),
        cmocka_unit_test(a_child_forked_while_other_threads_ask_gets_its_own_answers),
        cmocka_unit_test(a_daemon_that_hangs_up_raises_no_signal),
        cmocka_unit_test(signals_are_as_they_were),
        cmocka_unit_test(errno_is_as_it_was),
        cmocka_unit_test(a_slow_answer_survives_the_hosts_alarms),
        cmocka_unit_test(a_daemon_that_is_busy_is_waited_for_through_the_hosts_alarms),
        cmocka_unit_test(a_host_without_standard_streams_is_served),
        cmocka_unit_test(the_log_does_not_stand_where_a_standard_stream_was),
        cmocka_unit_test(it_never_stands_where_a_standard_stream_was),
        cmocka_unit_test(without_a_descriptor_it_is_unavailable_and_one_suffices),
        cmocka_unit_test(a_host_that_may_lock_little_or_no_memory_is_served),
        cmocka_unit_test(a_helper_is_nobodys_child_and_nobodys_signal),
        cmocka_unit_test(a_helper_that_finds_no_descriptor_is_unavailable),
        cmocka_unit_test(helpers_start_while_other_threads_allocate),
        cmocka_unit_test(hostile_surroundings_change_nothing),
        cmocka_unit_test(a_set_user_id_host_is_its_callers_and_not_roots),
        cmocka_unit_test(in_a_chroot_it_is_unavailable_or_finds_the_socket_there),
        cmocka_unit_test(nothing_is_sent_to_an_owner_that_is_not_trusted),
        cmocka_unit_test(a_daemon_that_answers_early_and_closes_is_heard),
        cmocka_unit_test(another_users_socket_gets_no_byte_unless_it_is_named),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
