/* tests/unit/test_common_sandbox.c - a process without a network knows it
 *
 * Each test puts a filter on a process of its own, of the kind that RestrictAddressFamilies=AF_UNIX is.
 */
#include "account/hosts.h"
#include "common/sandbox.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* The low half of a system call's first argument. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define FIRST_ARGUMENT offsetof(struct seccomp_data, args[0])
#else
#define FIRST_ARGUMENT (offsetof(struct seccomp_data, args[0]) + 4)
#endif

/* From now on socket() knows AF_UNIX alone. False where filters are not to be had. */
static bool
shut_network(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIRST_ARGUMENT),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
        && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* What `look` says in a process without a network; it exits with 77 where none can be made. */
static int
without_network(int (*look)(void))
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        _exit(shut_network() ? look() : 77);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int
look_at_sandbox(void)
{
    return sandbox_shuts_network();
}

static void
a_shut_network_is_told_from_an_open_one(void **state)
{
    int there = without_network(look_at_sandbox);

    (void)state;
    if (there == 77)
        skip();
    assert_int_equal(there, true);
}

/* 1: refused with the way out; 2: refused otherwise; 0: taken. */
static int
look_at_host(const char *name)
{
    const struct account_source_config config = { .hosts = &name, .hosts_count = 1 };
    struct hosts *hosts;
    struct error err;

    if (hosts_new(&config, &hosts, &err) == ERROR_NONE)
        return 0;
    return err.code == ERROR_CONFIG && strstr(err.reason, sandbox_network_way_out) ? 1 : 2;
}

static int
look_at_server(void)
{
    return look_at_host("db1.example.net:3307");
}

static int
look_at_socket(void)
{
    return look_at_host("/run/mysqld/mysqld.sock");
}

static void
a_server_that_cannot_be_reached_from_here_is_refused_and_a_socket_is_not(void **state)
{
    int there = without_network(look_at_server);

    (void)state;
    if (there == 77)
        skip();
    assert_int_equal(there, 1);
    assert_int_equal(without_network(look_at_socket), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shut_network_is_told_from_an_open_one),
        cmocka_unit_test(a_server_that_cannot_be_reached_from_here_is_refused_and_a_socket_is_not),
    };

    return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
