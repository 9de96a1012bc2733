#!/usr/bin/env python3
"""tests/faults/test_pam_root.py - only root changes a password without the old one

The wire has a flag for it, and whoever may connect may set it. The daemon believes the kernel's
word about who connected, and claviger-check who runs it.
"""

import os, re, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from harness import BUILD, NO, OK, Site, counted, crypt, equal

CHECK = os.path.join(BUILD, "saslauthd_backend", "claviger-check")
VERSION, CHANGE, BY_ROOT = 2, 3, 1
ACCEPTED, WRONG, MALFORMED = 0, 2, 9
LOGIN, NOBODY = "ada@example.net", 65534


def change(password, new, flags=BY_ROOT):
    return bytes([VERSION, CHANGE, flags]) + b"".join(counted(f) for f in (LOGIN, password, new, "imap", "", ""))


def as_nobody(function):
    """What it returns, a number, in a process of nobody's; in this one when it is not root's."""
    if os.geteuid() != 0:
        return function()
    child = os.fork()
    if child == 0:
        status = 255
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            status = function()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def ask(site, request):
    """The answer's number."""
    with site.connect(os.path.join(site.dir, "pam")) as sock:
        sock.sendall(request)
        reply = sock.recv(512)
    equal(reply[0], VERSION, "version")
    return reply[1]


def site():
    site = Site(listen='listen "pam" { protocol = "pam"  path = "%(dir)s/pam"  mode = 0666  peers = { "root", "nobody" } }\n'
                'listen "test" { protocol = "saslauthd"  path = "%(dir)s/mux"  mode = 0666 }\n' if os.geteuid() == 0 else None, daemon='deadline = "8s"')
    site.add_stored(LOGIN, crypt("right"))
    return site.start()


def test_the_flag_of_a_peer_that_is_not_root_is_not_believed():
    with site() as daemon:
        equal(as_nobody(lambda: ask(daemon, change("", "mine"))), WRONG, "without the old one")
        equal(as_nobody(lambda: ask(daemon, change("wrong", "mine"))), WRONG, "with a wrong one")
        equal(daemon.ask(LOGIN, "right"), OK, "the old one")
        equal(daemon.ask(LOGIN, "mine"), NO, "the new one")
        equal(as_nobody(lambda: ask(daemon, change("right", "mine"))), ACCEPTED, "with the old one")
        equal(daemon.ask(LOGIN, "mine"), OK, "the new one")


def test_the_flag_of_root_is_believed():
    if os.geteuid() != 0:
        return
    with site() as daemon:
        equal(ask(daemon, change("", "given", 0)), WRONG, "without the flag")
        equal(ask(daemon, change("", "given")), ACCEPTED, "with it")
        equal(daemon.ask(LOGIN, "given"), OK, "the new one")


def check(configuration, request):
    done = subprocess.run([CHECK, "-c", configuration], input=request, capture_output=True, timeout=30)
    return done.returncode, done.stdout


def test_claviger_check_believes_nobody_but_root_who_runs_it():
    with site() as daemon:
        daemon.stop()
        status, reply = check(daemon.conf, change("", "given"))
        equal((status, reply[1]), (0, ACCEPTED if os.getuid() == 0 else WRONG), "whoever runs the tests")
        if os.geteuid() == 0:
            for path in (daemon.conf, daemon.database):
                os.chown(path, NOBODY, NOBODY)
            os.chown(daemon.dir, NOBODY, NOBODY)
            equal(as_nobody(lambda: check(daemon.conf, change("", "mine"))[1][1]), WRONG, "nobody")
            equal(as_nobody(lambda: check(daemon.conf, change("given", "mine"))[1][1]), ACCEPTED, "with the old one")


def test_claviger_check_answers_bytes_that_are_no_request():
    with site() as daemon:
        daemon.stop()
        for what, request in (("nothing", b""), ("half a request", change("a", "b")[:9]), ("of a release before", b"\x01\x01"),
                              ("text", b"hello\n"), ("more than one", change("a", "b") * 2)):
            status, reply = check(daemon.conf, request)
            equal((status, reply), (65, bytes([VERSION, MALFORMED, 0, 0])), what)


def options_of(text, form):
    return set(word for line in re.findall(form, text, re.M) for word in re.findall(r"(?<!\S)--?[a-z-]+", line))


def test_the_manual_of_claviger_check_has_the_options_of_help():
    said = subprocess.run([CHECK, "--help"], capture_output=True, text=True, check=True).stdout
    with open(os.path.join(harness.SOURCE, "man/claviger-check.8"), encoding="utf-8") as f:
        page = f.read().replace("Fl Fl ", "--").replace("Fl ", "-")
    equal(options_of(page, r"^\.It (-.*)$"), options_of(said, r"^ +(-\S.*)$"), "options")


if __name__ == "__main__":
    harness.main()
