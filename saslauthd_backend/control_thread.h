/* saslauthd_backend/control_thread.h - the thread that listens for clavigerctl
 *
 * Control is for root and seldom used, so one thread serves one client at a time, each with a
 * deadline; what it does (a test, a reload) may wait as the loops never do.
 * Threads  For the main thread; what the owner gives is called from the control thread.
 */
#ifndef SASLAUTHD_BACKEND_CONTROL_THREAD_H
#define SASLAUTHD_BACKEND_CONTROL_THREAD_H

#include "saslauthd_backend/control.h"
#include "saslauthd_backend/loop.h"

struct control_thread;          /* opaque */

struct control_owner {
    void (*hold)(void *context, struct control_held *out);
    void (*release)(void *context);
    enum error_code (*reload)(void *context, struct error *err);
    void (*fill_status)(void *context, json_t *status);
    void *context;
};

/* Serves the control listeners of `site`; without any it only waits for the end. */
enum error_code control_thread_new(const struct control_owner *owner, const struct site *site,
                                   struct control_thread **out, struct error *err);

/* From now on the control listeners of `site`. May be called by what the thread itself runs. */
void control_thread_move(struct control_thread *thread, const struct site *site);

/* Answers what the client that is served has asked, and waits for no more of it. NULL is fine. */
void control_thread_free(struct control_thread *thread);

#endif
