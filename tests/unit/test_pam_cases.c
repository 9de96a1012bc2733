/* tests/unit/test_pam_cases.c - each file of tests/pam_cases is a test: see pam_case.h
 *
 * The real libpam, the module as it is built, a daemon that does as the file says. A case for an
 * ordinary user is one in a child when root runs the tests; one for root is left out otherwise.
 * tests/e2e/test_pam_valgrind.py runs the whole of it once more.
 */
#include "tests/unit/pam_case.h"

#include <glob.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { CASES_LEAST = 100, NOBODY = 65534 };

static struct host host;
static struct fake fake;

/* In a process of nobody's; what went wrong comes back through a pipe. */
static bool
run_as_user(const struct pam_case *one, char *why, size_t size)
{
    int ends[2], status;
    ssize_t got;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool well = setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0
            && case_run(one, &host, why, size);

        _exit(write(ends[1], why, strlen(why)) >= 0 && well ? 0 : 1);
    }
    (void)close(ends[1]);
    got = read(ends[0], why, size - 1);
    why[got > 0 ? got : 0] = '\0';
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* It preloads a library of its own, by this name. */
static bool
is_under_valgrind(void)
{
    const char *preloaded = getenv("LD_PRELOAD");

    return preloaded != NULL && strstr(preloaded, "vgpreload_") != NULL;
}

static void
a_case_goes_as_it_is_written(void **state)
{
    const struct pam_case *one = *state;
    static const struct fake_plan nothing = { FAKE_HANGS_UP, NULL, 0, 0 };
    bool is_root = getuid() == 0, well;
    char why[1024];

    if ((one->as == AS_ROOT && !is_root) || (one->needs_vfork && is_under_valgrind()))
        skip();
    if (one->plans_count > 0)
        fake_plans(&fake, one->plans, one->plans_count);
    else
        fake_plan(&fake, &nothing);
    case_prepare(one, &host);
    well = one->as == AS_USER && is_root ? run_as_user(one, why, sizeof why)
                                         : case_run(one, &host, why, sizeof why);
    if (!well || !case_sent(one, &fake, why, sizeof why))
        fail_msg("%s: %s", one->path, why);
}

static int
start(void **state)
{
    (void)state;
    host_start(&host);
    fake_start(&fake, host.socket, geteuid());
    (void)host_bind(&host, "refused", SOCK_STREAM);
    host_full_queue(&host, "full");
    return chmod(host.dir, 0755) | chmod(host.socket, 0666);
}

static int
stop(void **state)
{
    (void)state;
    fake_stop(&fake);
    host_stop(&host);
    return 0;
}

static void
find_cases(glob_t *found)
{
    const char *source = getenv("CLAVIGER_SOURCE");
    char pattern[512];

    (void)snprintf(pattern, sizeof pattern, "%s/tests/pam_cases/*.case",
                   source != NULL ? source : ".");
    if (glob(pattern, 0, NULL, found) == 0 && found->gl_pathc >= CASES_LEAST)
        return;
    fprintf(stderr, "# %s: less than %d cases\n", pattern, CASES_LEAST);
    exit(99);
}

int
main(void)
{
    struct CMUnitTest *tests;
    glob_t found;
    int failed;

    find_cases(&found);
    tests = calloc(found.gl_pathc, sizeof *tests);
    if (tests == NULL)
        return 99;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct pam_case *one = case_read(found.gl_pathv[i]);

        tests[i] = (struct CMUnitTest){ one->what, a_case_goes_as_it_is_written, NULL, NULL, one };
    }
    failed = _cmocka_run_group_tests("pam_cases", tests, found.gl_pathc, start, stop);
    for (size_t i = 0; i < found.gl_pathc; i++)
        case_free(tests[i].initial_state);
    free(tests);
    globfree(&found);
    return failed;
}
