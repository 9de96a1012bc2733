/* pam_module/helper.h - claviger-check, run in the daemon's place
 *
 * Purpose  Start the program with one end of a socket pair as its standard streams; it reads one
 *          request and writes one reply, in the daemon's words. No shell, a fixed environment,
 *          "/" to work in, no signal blocked or ignored, no descriptor of the host.
 * Threads  Any; the host's other threads go on meanwhile.
 * A guest  The host gets no SIGCHLD, and no process that its own wait() would find: the helper is
 *          the child of a process that has ended when helper_start() returns, and that had no
 *          signal to send. It ends by itself when its own time is over. A host that adopts orphans
 *          (process 1, PR_SET_CHILD_SUBREAPER) gets it as one, to wait for like any other.
 */
#ifndef PAM_MODULE_HELPER_H
#define PAM_MODULE_HELPER_H

/* The host's end of the pair, which the caller closes; -1, with *error_out an error number and
 * *what_out what failed, when it cannot be started. `config` NULL: its default. */
int helper_start(const char *program, const char *config, const char **what_out, int *error_out);

#endif
