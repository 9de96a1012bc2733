/* tests/unit/pam_case.h - a scripted interaction with PAM, as a file of tests/pam_cases has it
 *
 * A line is a word and what belongs to it; "#" starts a comment. Texts are bare words or quoted
 * as in C (\n \t \" \\ \NNN in octal), and "x"*N is x N times. First what there is:
 *
 *   what TEXT                      the sentence that the case is
 *   as root|user                   whose process; else whoever runs the tests
 *   needs vfork                    a child with our memory, in which posix_spawn() leaves word of an
 *                                  exec that failed: not valgrind's, which is a copy
 *   stack LINE                     of the service file; @M @S @D @C as in host_service()
 *   service, user TEXT             of pam_start(); imap and bob@example.net; user - is none
 *   rhost TEXT                     PAM_RHOST
 *   program NAME TEXT              an executable file in the directory; file: one that is not
 *   daemon accepts [NAME]          what it does with a connection, a line each, in order, and the
 *          answers WORD [NAME]     last for all that follow; WORD is an answer of the wire
 *          bytes TEXT | drips TEXT | unasked TEXT | silent | hangs-up [BYTES]
 *
 * then calls of the same handle, each with what has to happen in it, in this order:
 *
 *   call NAME [FLAG...] = CODE
 *   asks TEXT REPLY                a prompt without echo that contains TEXT; named: one with echo
 *   told TEXT                      an error message; informed: an information
 *   log TEXT                       a line of the module's that contains TEXT; no other may come
 *   name TEXT                      PAM_USER afterwards
 *   takes MS MS                    at least, at most
 *   sent ACTION [root] [FIELD=TEXT...]      a request; what is not said has to be empty, but for
 *                                  login (bob@example.net) and service (the case's)
 *
 * A REPLY that starts with "!" is a conversation that goes wrong: see the words in pam_case_run.c.
 */
#ifndef TESTS_UNIT_PAM_CASE_H
#define TESTS_UNIT_PAM_CASE_H

#include "tests/unit/pam_host.h"

#include <stddef.h>

enum { CASE_LINES = 64, CASE_TEXT = 8192, CASE_CALLS = 6, CASE_EXPECTED = 12 };

enum case_as { AS_ANYBODY, AS_ROOT, AS_USER };

struct case_text { char *bytes; size_t len; };

struct case_message { int style; struct case_text text, reply; };

struct case_request { int action, flags; struct case_text login, password, new_password, service, remote, accounts; };

struct case_call {
    int (*function)(pam_handle_t *, int);
    int flags, code;
    struct case_message messages[CASE_EXPECTED];
    size_t messages_count;
    struct case_text log, name;
    bool has_log, has_name;
    long least_ms, most_ms;             /* most_ms 0: not asked */
};

struct pam_case {
    char *path, *what;
    enum case_as as;
    bool needs_vfork;
    char stack[CASE_TEXT];
    struct case_text service, user, rhost;
    bool has_user, has_rhost;
    struct { char *name; struct case_text text; bool is_program; } files[4];
    size_t files_count;
    struct fake_plan plans[FAKE_KEPT];
    size_t plans_count;
    struct case_call calls[CASE_CALLS];
    size_t calls_count;
    struct case_request requests[FAKE_KEPT];
    size_t requests_count;
    struct case_text texts[CASE_LINES * 4];     /* all that the others point to */
    size_t texts_count;
};

/* Ends the program with the file's name and line when it makes no sense. The caller gives the
 * result to case_free(). */
struct pam_case *case_read(const char *path);
void case_free(struct pam_case *one);

/* Makes its files and its service. */
void case_prepare(const struct pam_case *one, const struct host *host);

/* Does the calls. False, with `why` filled, when
 * something else happened than is written; what was sent is case_sent()'s. */
bool case_run(const struct pam_case *one, const struct host *host, char *why, size_t size);
bool case_sent(const struct pam_case *one, struct fake *fake, char *why, size_t size);

#endif
