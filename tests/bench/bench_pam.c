/* tests/bench/bench_pam.c - sign-ins per second in one process, through a stack of PAM
 *
 *   bench_pam DIRECTORY LOGIN PASSWORD THREADS CALLS ROUNDS STACK...
 *
 * Each call is a transaction: start, authenticate, end. The stacks of the directory take turns,
 * so that what else the machine does meets all of them; a line for each is its name and the median
 * of its rounds, in calls per second.
 */
#include <pthread.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS_MAX = 99, THREADS_MAX = 16, STACKS_MAX = 8 };

struct work {
    const char *directory, *stack, *login, *password;
    int calls;
    int status;                 /* of the first that failed */
};

static int
converse(int count, const struct pam_message **messages, struct pam_response **responses,
         void *password)
{
    (void)messages;
    *responses = calloc((size_t)count, sizeof **responses);
    if (*responses == NULL)
        return PAM_BUF_ERR;
    for (int i = 0; i < count; i++)
        (*responses)[i].resp = strdup(password);
    return PAM_SUCCESS;
}

static void *
sign_in(void *context)
{
    struct work *work = context;
    const struct pam_conv conversation = { converse, (void *)(size_t)work->password };

    for (int i = 0; i < work->calls && work->status == PAM_SUCCESS; i++) {
        pam_handle_t *pamh = NULL;

        work->status = pam_start_confdir(work->stack, work->login, &conversation,
                                         work->directory, &pamh);
        if (work->status == PAM_SUCCESS)
            work->status = pam_authenticate(pamh, PAM_SILENT);
        (void)pam_end(pamh, work->status);
    }
    return NULL;
}

static double
now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Calls per second; ends the program when one of them is no success. */
static double
measure(const struct work *work, int threads)
{
    pthread_t ids[THREADS_MAX];
    struct work works[THREADS_MAX];
    double began_s = now_s();

    for (int i = 0; i < threads; i++) {
        works[i] = *work;
        works[i].calls = work->calls / threads;
        if (pthread_create(&ids[i], NULL, sign_in, &works[i]) != 0)
            exit(1);
    }
    for (int i = 0; i < threads; i++) {
        (void)pthread_join(ids[i], NULL);
        if (works[i].status != PAM_SUCCESS) {
            fprintf(stderr, "bench_pam: %s: %s\n", work->stack, pam_strerror(NULL, works[i].status));
            exit(1);
        }
    }
    return work->calls / (now_s() - began_s);
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
    int stacks = argc - 7, threads = stacks > 0 ? atoi(argv[4]) : 0;
    int rounds = stacks > 0 ? atoi(argv[6]) : 0;
    static double rates[STACKS_MAX][ROUNDS_MAX];

    if (threads < 1 || threads > THREADS_MAX || rounds < 1 || rounds > ROUNDS_MAX
        || stacks > STACKS_MAX) {
        fprintf(stderr, "usage: bench_pam DIRECTORY LOGIN PASSWORD THREADS CALLS ROUNDS STACK...\n");
        return 64;
    }
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < stacks; i++)
            rates[i][round] = measure(&(struct work){ argv[1], argv[7 + i], argv[2], argv[3],
                                                      atoi(argv[5]), PAM_SUCCESS }, threads);
    for (int i = 0; i < stacks; i++) {
        qsort(rates[i], (size_t)rounds, sizeof rates[i][0], compare);
        printf("%s %.0f\n", argv[7 + i], rates[i][rounds / 2]);
    }
    return 0;
}
