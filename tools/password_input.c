/* tools/password_input.c - see password_input.h */
#include "tools/password_input.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* The signals that end or stop a program at a terminal. SIGTTIN and SIGTTOU stop one in the
 * background before it has changed anything: they may. */
static const int signals[] = { SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP };

static volatile sig_atomic_t arrived;   /* the last of them; 0: none */

struct terminal {
    int fd;
    struct termios before;
    struct sigaction actions[COUNT(signals)];
    sigset_t mask;              /* before ours was set */
};

static void
on_signal(int number)
{
    arrived = number;
}

/* Blocks the signals but while we wait, so that none comes between looking and waiting. */
static void
signals_catch(struct terminal *terminal)
{
    struct sigaction ours = { .sa_handler = on_signal };
    sigset_t set;

    arrived = 0;
    sigemptyset(&set);
    sigemptyset(&ours.sa_mask);
    for (size_t i = 0; i < COUNT(signals); i++)
        sigaddset(&set, signals[i]);
    sigprocmask(SIG_BLOCK, &set, &terminal->mask);
    for (size_t i = 0; i < COUNT(signals); i++) {
        sigaction(signals[i], NULL, &terminal->actions[i]);
        if (terminal->actions[i].sa_handler != SIG_IGN)
            sigaction(signals[i], &ours, NULL);
    }
}

static void
signals_give_back(const struct terminal *terminal)
{
    for (size_t i = 0; i < COUNT(signals); i++)
        sigaction(signals[i], &terminal->actions[i], NULL);
    sigprocmask(SIG_SETMASK, &terminal->mask, NULL);
}

/* To the terminal; to standard error where it was opened for reading only. */
static void
say(int fd, const char *text)
{
    ssize_t said;

    do
        said = write(fd, text, strlen(text));
    while (said < 0 && errno == EINTR);
    if (said < 0 && fd != STDERR_FILENO)
        say(STDERR_FILENO, text);
}

static enum error_code
terminal_open(struct terminal *terminal, int fd, struct error *err)
{
    struct termios silent;

    terminal->fd = fd;
    if (tcgetattr(fd, &terminal->before) != 0)
        return error_set(err, ERROR_UNAVAILABLE, "cannot read the terminal's settings: %s",
                         strerror(errno));
    silent = terminal->before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    silent.c_lflag |= ICANON | ISIG;
    signals_catch(terminal);
    if (tcsetattr(fd, TCSAFLUSH, &silent) == 0)
        return ERROR_NONE;
    error_set(err, ERROR_UNAVAILABLE, "cannot turn the terminal's echo off: %s",
              strerror(errno));
    signals_give_back(terminal);
    return err->code;
}

static void
terminal_close(struct terminal *terminal)
{
    tcsetattr(terminal->fd, TCSAFLUSH, &terminal->before);
    say(terminal->fd, "\n");
    signals_give_back(terminal);
}

/* Waits for input; false when one of the signals came instead. `terminal` NULL: no waiting. */
static bool
wait_input(const struct terminal *terminal)
{
    struct pollfd poller;

    if (!terminal)
        return true;
    poller = (struct pollfd){ .fd = terminal->fd, .events = POLLIN };
    while (!arrived && ppoll(&poller, 1, NULL, &terminal->mask) < 0 && errno == EINTR)
        ;
    return !arrived;
}

/* One byte: 1, 0 at the end, -1 with errno (EINTR: a signal of ours came). */
static ssize_t
read_byte(int fd, const struct terminal *terminal, unsigned char *byte)
{
    ssize_t got;

    do {
        if (!wait_input(terminal)) {
            errno = EINTR;
            return -1;
        }
        got = read(fd, byte, 1);
    } while (got < 0 && errno == EINTR);
    return got;
}

/* Byte by byte, so that what follows the line stays in the pipe for another program. */
static enum error_code
read_line(int fd, const struct terminal *terminal, struct secret *out, struct error *err)
{
    unsigned char byte = 0;
    bool fits = true, has_nul = false;
    ssize_t got;

    secret_wipe(out);
    while ((got = read_byte(fd, terminal, &byte)) == 1 && byte != '\n') {
        has_nul = has_nul || byte == '\0';
        fits = fits && out->len < sizeof(out->bytes);
        if (fits)
            out->bytes[out->len++] = byte;
    }
    sodium_memzero(&byte, sizeof(byte));
    if (got < 0)
        error_set(err, ERROR_UNAVAILABLE, "cannot read the password: %s", strerror(errno));
    else if (!fits)
        error_set(err, ERROR_REJECTED, "the password has more than %d bytes", SECRET_MAX);
    else if (has_nul)
        error_set(err, ERROR_REJECTED, "the password holds a NUL");
    else
        return ERROR_NONE;
    secret_wipe(out);
    return err->code;
}

/* Again after it was stopped and continued. */
enum error_code
password_input_prompt(int fd, const char *prompt, struct secret *out,
                      struct error *err)
{
    struct terminal terminal;
    enum error_code code;
    int came;

    do {
        if (terminal_open(&terminal, fd, err) != ERROR_NONE)
            return err->code;
        say(fd, prompt);
        code = read_line(fd, &terminal, out, err);
        came = arrived;
        terminal_close(&terminal);
        if (came)
            raise(came);        /* mostly the end of us */
    } while (came);
    return code;
}

static enum error_code
ask_twice(int fd, struct secret *out, struct error *err)
{
    struct secret again = { 0 };
    enum error_code code;

    code = password_input_prompt(fd, "Password: ", out, err);
    if (code == ERROR_NONE)
        code = password_input_prompt(fd, "The same again: ", &again, err);
    if (code == ERROR_NONE && !secret_equal(secret_get(out), secret_get(&again)))
        code = error_set(err, ERROR_REJECTED, "the two passwords differ");
    secret_wipe(&again);
    if (code != ERROR_NONE)
        secret_wipe(out);
    return code;
}

enum error_code
password_input(int fd, enum password_ask ask, struct secret *out, struct error *err)
{
    out->len = 0;
    if (!isatty(fd))
        return read_line(fd, NULL, out, err);
    return ask == PASSWORD_ASK_TWICE ? ask_twice(fd, out, err)
                                     : password_input_prompt(fd, "Password: ", out, err);
}
