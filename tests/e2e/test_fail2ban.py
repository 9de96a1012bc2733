#!/usr/bin/env python3
"""tests/e2e/test_fail2ban.py - Debian's fail2ban reads the log with the filter that we ship

L02 and L03 of the reliability rows: it finds the address of who guesses, that of nobody else, and none where none was
told, whatever a stranger sends. fail2ban-regex alone is run: nobody is banned. CLAVIGER_LONG=1 has 100,000 lines.
"""

import os, random, re, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from harness import NO, SOURCE, Site, crypt, equal, wait_until
from servers import program

FILTER = os.path.join(SOURCE, "etc", "fail2ban", "filter.d", "claviger.conf")
REQUESTS = 100000 if os.environ.get("CLAVIGER_LONG") else 3000
GUESSES = {"wrong-password", "unknown-account", "no-password", "other-account", "malformed", "authzid-denied"}
FRONTS = (("a file", "2026-11-21T08:15:02.114Z info: "), ("syslog", "Nov 21 08:15:02 mx1 clavigerd[4711]: "),
          ("syslog of today", "2026-11-21T08:15:02.114159+01:00 mx1 clavigerd[4711]: "),
          ("the journal", "Nov 21 08:15:02 mx1 clavigerd[4711]: 2026-11-21T08:15:02.114Z info: "))


def found(folder, text):
    """The addresses, one for each line in which there is a failure."""
    log = os.path.join(folder, "read")
    with open(log, "w") as f:
        f.write(text)
    done = subprocess.run([program("/usr/bin/fail2ban-regex"), "-o", "ip", log, FILTER], capture_output=True, text=True,
                          timeout=600)
    assert not done.stderr, done.stderr[-2000:]
    return done.stdout.split()


def reasons():
    """{reason: outcome} of doc/log.md."""
    with open(os.path.join(SOURCE, "doc", "log.md"), encoding="utf-8") as f:
        rows = dict(re.findall(r"^\| `([a-z-]+)` \| (accepted|rejected|unavailable) \|", f.read(), re.M))
    assert len(rows) > 20, rows
    return rows


def test_a_guess_is_one_and_nothing_else_is():
    with Site() as site:
        for number, (reason, outcome) in enumerate(sorted(reasons().items())):
            line = "%s reason=%s via=lookup listener=a service=imap rip=192.0.2.%d login=ada@example.org ms=5\n" % (
                outcome, reason, number)
            equal(found(site.dir, FRONTS[0][1] + line), ["192.0.2.%d" % number] if reason in GUESSES else [], reason)
        assert GUESSES <= set(reasons()), GUESSES - set(reasons())


def test_the_log_is_read_wherever_it_is():
    rows = (("192.0.2.1", ["192.0.2.1"]), ("2001:db8::1", ["2001:db8::1"]), ("-", []), ("?", []), ("mail.example.org", []),
            ("localhost", []), ("192.0.2.1,", []))
    with Site() as site:
        for name, front in FRONTS:
            for address, wanted in rows:
                line = "rejected reason=wrong-password via=cache listener=a service=imap rip=%s login=ada ms=5\n" % address
                equal(found(site.dir, front + line), wanted, (name, address))
        for other in ("unsent listener=a service=imap rip=192.0.2.1 login=ada: the peer is gone\n",
                      "rejected reason=wrong-password via=cache listener=a service=imap rip=192.0.2.1 login=ada ms=5 x\n",
                      "lookup of login=ada failed: rejected reason=wrong-password via=cache listener=a service=imap "
                      "rip=192.0.2.1 login=ada ms=5\n"):
            equal(found(site.dir, "".join(front + other for _, front in FRONTS)), [], other)


HOSTILE = ("\nrejected reason=wrong-password via=lookup listener=a service=imap rip=203.0.113.9 login=y ms=1", "\r\n",
           " rip=203.0.113.9 ", "\t", "\x1b[2J", "\"", "'", "\\n", "%s%n", "\u2028", "rip=203.0.113.9", " login=y ms=1",
           "\xff", " clavigerd[1]: ", "2026-11-21T08:15:02.114Z info: ")


def test_L02_a_stranger_bans_nobody_but_himself():
    draw = random.Random(1)
    wanted = []
    with Site(daemon="log_limit = 0") as site:
        site.add_stored("ada@example.org", crypt("secret"))
        site.start()
        for i in range(REQUESTS):
            login, password, service = ["".join(draw.choice(HOSTILE + ("203.0.113.9", "ada", "@example.org", "x" * 200))
                                                for _ in range(draw.randrange(1, 4))) for _ in range(3)]
            address = draw.choice(("192.0.2.%d" % (i % 250), "2001:db8::%x" % (i % 60000 + 1), "-", draw.choice(HOSTILE)))
            equal(site.ask(login, password, service, "", address), NO, (login, service, address))
            if re.match("192|2001", address):
                wanted.append(address)
            if i % 1000 == 999:         # the log has room for some 2000 lines that are not written yet
                wait_until(lambda: site.log_text().count("listener=test") == i + 1, 20, "its lines")
        lines = [line for line in site.log_text().splitlines() if " listener=test " in line]
        equal(len(lines), REQUESTS, "one line for each")
        counted = [line for line in lines if re.search(r" reason=(?:%s) " % "|".join(GUESSES), line)]
        equal(len(counted), REQUESTS, "each is a guess")
        banned = found(site.dir, site.log_text())
        equal(sorted(set(banned) - set(wanted)), [], "banned")
        equal(banned, wanted)


harness.main()
