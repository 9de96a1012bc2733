#!/usr/bin/env python3
"""R05, R07, R15 of the reliability rows: one call after the other is refused by the machine, and nobody gets a false answer

clavigerd runs with call_faults.c before its libraries: the n-th call for memory, a descriptor or a thread
fails, once, for each n of a session over every wire, with a reload in it, and of a start. Whatever fails, an
answer is right, or nobody could tell, or the connection ends; the daemon stays, and is well with the next request.
CLAVIGER_LONG=1 has each n; else some of them, others in each build.
"""

import ctypes, mmap, os, random, signal, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from dovecot_client import Client, plain
from harness import BUILD, NO, NOTHING, OK, TEMPORARY, Site, Skip, crypt, equal

SHIM = os.path.join(BUILD, "tests", "faults", ".libs", "call_faults.so")
LONG = bool(os.environ.get("CLAVIGER_LONG"))
KINDS = ("memory", "descriptors", "threads")
TRIES, STARTS = 120, 40                 # of a kind, where not each is tried
LISTEN = Site.LISTEN + 'listen "auth" { protocol = "dovecot"  path = "%(dir)s/auth"  mode = 0666 }\n'
ADA, ACCEPT, REJECT = "ada@example.org", {OK, TEMPORARY, NOTHING}, {NO, TEMPORARY, NOTHING}


class Faults:
    """The counts that the daemon and we have in common."""

    def __init__(self, site):
        self.path = os.path.join(site.dir, "faults")
        with open(self.path, "w+b") as f:
            f.truncate(16 * len(KINDS))
            self.numbers = (ctypes.c_long * (2 * len(KINDS))).from_buffer(mmap.mmap(f.fileno(), 16 * len(KINDS)))

    def arm(self, kind, left):
        self.numbers[2 * KINDS.index(kind)] = 0
        self.numbers[2 * KINDS.index(kind) + 1] = left

    def calls(self, kind):
        return self.numbers[2 * KINDS.index(kind)]

    def disarm(self, kind):
        self.happened = self.numbers[2 * KINDS.index(kind) + 1] == 0
        self.arm(kind, 0)


def site_with_faults():
    if os.environ.get("CLAVIGER_SANITIZED") or harness.AROUND:
        raise Skip("a sanitizer has a malloc() of its own")
    assert os.path.exists(SHIM), "make check builds " + SHIM
    site = Site(listen=LISTEN, cache='revalidate = "0s"  negative_ttl = "0s"',
                daemon='threads = 1  hash_threads = 1  log_limit = 0')
    site.add_stored(ADA, crypt("right"))
    return site, Faults(site)


def start(site, faults, wait=True):
    site.start(wait=wait, env=dict(os.environ, LD_PRELOAD=SHIM, CALL_FAULTS=faults.path))


def ask_dovecot(site, password):
    """The one word that counts; None where it ended without one."""
    try:
        with Client(os.path.join(site.dir, "auth"), timeout=12) as client:
            client.send("AUTH\t1\tPLAIN\tservice=imap\tresp=" + plain(ADA, password))
            line = client.line()
            return line and ("temp" if "\ttemp" in line else line.split("\t")[0])
    except (AssertionError, ConnectionError):
        return None


def ask(site, password, login=ADA):
    """NOTHING, too, where the connection ends before all is said."""
    try:
        return site.ask(login, password)
    except (ConnectionError, FileNotFoundError):
        return NOTHING


def session(site, what):
    """Each way to be answered. Nothing takes longer than a deadline, or the answer was lost."""
    for login, password, allowed in ((ADA, "right", ACCEPT), (ADA, "wrong", REJECT), ("eve@example.org", "right", REJECT),
                                     (ADA, "right", ACCEPT)):
        answer = ask(site, password, login)
        assert answer in allowed, "%s: %s/%s: %s" % (what, login, password, answer)
    for password, allowed in (("right", ("OK", "temp", None)), ("wrong", ("FAIL", "temp", None))):
        answer = ask_dovecot(site, password)
        assert answer in allowed, "%s: Dovecot, %s: %s" % (what, password, answer)
    done = site.ctl("test", ADA, stdin="wrong\n")
    assert done.returncode != 0, "%s: %s" % (what, done.stdout)
    site.died()


def reload(site, what):
    if site.ctl("reload").returncode != 0:
        site.died()


def some_of(count, tries):
    return range(1, count + 1) if LONG or count <= tries else sorted(random.sample(range(1, count + 1), tries))


# Without memory libconfuse 3.3 ends the process that it is in: an assertion of its own, and an exit of flex's.
THEIRS = {-signal.SIGABRT: "lexer.l:", 2: "out of dynamic memory in yy"}


def ended_in_libconfuse(site):
    try:
        status = site.process.wait(2)
    except subprocess.TimeoutExpired:
        return False
    return status in THEIRS and THEIRS[status] in site.log_text()


def is_well(site, faults, scene, kind, n, what):
    """The scene with that call refused, and right answers after it. False: libconfuse ended the daemon."""
    faults.arm(kind, n)
    try:
        scene(site, what)
        faults.disarm(kind)
        equal((ask(site, "right"), ask(site, "wrong")), (OK, NO), "after " + what)
        return True
    except AssertionError:
        faults.disarm(kind)
        if ended_in_libconfuse(site):
            return False
        raise


def refused_in(scene, kind):
    """`scene` again and again, each time with another call refused; after it, all is well."""
    site, faults = site_with_faults()
    with site:
        start(site, faults)
        scene(site, "before")
        faults.arm(kind, 0)
        scene(site, "counted")
        count, refused, theirs = faults.calls(kind), 0, 0
        for n in some_of(count, TRIES):
            if not is_well(site, faults, scene, kind, n, "%s %d of %d" % (kind, n, count)):
                theirs += 1
                os.truncate(site.log, 0)
                start(site, faults)
            refused += faults.happened
        print("# %d of %d calls refused, %d of them in libconfuse's lexer" % (refused, count, theirs))
        assert refused > 0 and theirs <= refused / 10


def test_R07_no_memory_anywhere_in_a_session_gives_no_false_answer():
    refused_in(session, "memory")


def test_R07_no_memory_anywhere_in_a_reload_keeps_what_runs():
    refused_in(reload, "memory")


def test_R05_no_descriptor_anywhere_in_a_session_gives_no_false_answer():
    refused_in(session, "descriptors")


def test_R05_no_descriptor_anywhere_in_a_reload_keeps_what_runs():
    refused_in(reload, "descriptors")


def test_R15_no_thread_anywhere_in_a_reload_keeps_what_runs():
    refused_in(reload, "threads")


def starts_or_says_why(kind):
    site, faults = site_with_faults()
    start(site, faults)
    count = faults.calls(kind)
    equal(site.stop(), 0, "undisturbed")
    started = 0
    for n in some_of(count, STARTS):
        faults.arm(kind, n)
        told = len(site.log_text())
        what = "%s %d of %d" % (kind, n, count)
        start(site, faults, wait=False)
        harness.wait_until(lambda: site.process.poll() is not None or site.answers(), 20, what)
        faults.disarm(kind)
        if site.process.poll() is None:
            started += 1
            # Its sockets are there before it is ready, or knows that it will not be.
            assert ask(site, "wrong") in REJECT and ask(site, "right") in ACCEPT, what
            site.stop()
        assert site.process.returncode >= 0 or ended_in_libconfuse(site), (what, site.process.returncode, site.log_text())
        assert site.process.returncode == 0 or len(site.log_text()) > told, what + ": ends, and does not say why"
    print("# started all the same: %d" % started)
    site.close()


def test_R07_without_memory_it_starts_or_says_why_it_does_not():
    starts_or_says_why("memory")


def test_R05_without_a_descriptor_it_starts_or_says_why_it_does_not():
    starts_or_says_why("descriptors")


def test_R15_without_a_thread_it_starts_or_says_why_it_does_not():
    starts_or_says_why("threads")


if __name__ == "__main__":
    harness.main()
