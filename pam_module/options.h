/* pam_module/options.h - the words after pam_claviger.so in a pam.d file
 *
 * Purpose  Read them into a struct. One that is unknown or makes no sense fails the call: a
 *          misspelt rule must not sign anybody in.
 * Threads  Values; strings are borrowed from libpam, which keeps them while the call lasts.
 */
#ifndef PAM_MODULE_OPTIONS_H
#define PAM_MODULE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#ifndef PAM_SOCKET_DEFAULT
#define PAM_SOCKET_DEFAULT "/run/claviger/pam"
#endif

#ifndef PAM_HELPER_DEFAULT
#define PAM_HELPER_DEFAULT "/usr/libexec/claviger/claviger-check"
#endif

/* Below the 10 s that Postfix waits for whoever loaded us, above the daemon's own 5 s. */
#define OPTIONS_TIMEOUT_DEFAULT_MS 8000
#define OPTIONS_TIMEOUT_MAX_MS 60000
#define OPTIONS_FAIL_DELAY_MAX_MS 60000

struct options {
    const char *socket;
    int64_t timeout_ms;         /* for the whole exchange with the daemon */
    const char *domain;         /* for a user name without '@'; NULL: none */
    const char *service;        /* instead of PAM_SERVICE; NULL: that */
    const char *accounts;       /* the one source to ask; NULL: all */
    const char *daemon_user;    /* who may own the socket, besides root and ourselves; NULL: none */
    bool daemon_uid_known;      /* daemon_user is a number: */
    uid_t daemon_uid;
    int64_t fail_delay_ms;      /* after a failure; 0: none is asked for */
    bool direct;                /* run a helper instead of asking the daemon */
    const char *helper;         /* which */
    const char *config;         /* the configuration that it reads; NULL: its default */
    bool use_first_pass;        /* this and the next three are carried out by pam_get_authtok(3) */
    bool try_first_pass;
    bool use_authtok;
    const char *authtok_type;
    bool keep_user;             /* leave PAM_USER as the application set it */
    bool debug;
    bool silent;                /* no text to the user */
};

/* The word that is wrong, up to its '=': its value may be a secret meant for another module. */
struct options_fault { int name_len; const char *name, *why; };

/* False, with *fault filled, for the first word that is wrong. */
bool options_parse(int argc, const char **argv, struct options *out, struct options_fault *fault);

#endif
