/* saslauthd_backend/acceptor.h - threads that wait in accept(), for the answers that are known at once
 *
 * Purpose  A cached answer costs four system calls on the thread that accept() woke: accept, recv,
 *          send, close. No epoll knows of the connection, and no other thread is woken. A question
 *          for the account sources is asked at once, and an event loop answers it. Whatever else comes
 *          (no request yet, half of one) is handed, with its bytes, to an event loop.
 * Errors   Only acceptors_new() can fail.
 * Threads  The functions here are for the main thread. The kernel wakes one thread for each
 *          connection, so as many threads for each listener as there are loops.
 */
#ifndef SASLAUTHD_BACKEND_ACCEPTOR_H
#define SASLAUTHD_BACKEND_ACCEPTOR_H

#include "saslauthd_backend/loop.h"

struct acceptors;               /* opaque */

/* Once per process, before any other function here: the signal that calls a thread back. */
void acceptors_prepare(void);

/* Starts the threads for those listeners of `site` that are `by_acceptors`. `site`, `loops` and `counts` live until
 * acceptors_free(). ERROR_UNAVAILABLE, *out NULL: the threads cannot be started. */
enum error_code acceptors_new(const struct site *site, struct loop *const *loops,
                              size_t loops_count, struct loop_counts *counts,
                              struct acceptors **out, struct error *err);

/* Ends the threads; when it returns all that they took in is answered, or with the loops. What
 * waits in the listeners' queues stays there. NULL is fine. */
void acceptors_free(struct acceptors *acceptors);

#endif
