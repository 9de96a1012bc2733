"""tests/e2e/test_doveadm.py - Dovecot's own client library signs users in over the Dovecot auth wire

P09 and I04 of the reliability rows. `doveadm auth test` asks clavigerd's socket: it says which fields came with the
answer: "temp" sets a failure that is nobody's apart from a refusal.
"""

import os, subprocess, sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from servers import program

import harness
from claviger import UNCACHED, Claviger, becomes
from harness import equal, wait_until

ACCEPTED, REJECTED, UNAVAILABLE = "accepted", "rejected", "unavailable"
TEMPORARY = ["code=temp_fail", "temp", "reason=Temporary authentication failure"]

LISTEN = """
listen "auth" { protocol = "dovecot"  path = "%(dir)s/auth"  mode = 0666  default_domain = "example.test" }
"""
ACCOUNTS = (("ada@example.test", "right"), ("bob@other.example", "of bob"))

WHO_MAY = (
    ("the right password",          "ada@example.test",     "right",    ACCEPTED, ["user=ada@example.test"]),
    ("the default domain left out", "ada",                  "right",    ACCEPTED, ["user=ada@example.test", "original_user=ada"]),
    ("capitals in the name",        "BOB@Other.example",    "of bob",   ACCEPTED, ["user=bob@other.example", "original_user=BOB@Other.example"]),
    ("a wrong password",            "ada@example.test",     "wrong",    REJECTED, ["user=ada@example.test"]),
    ("an unknown account",          "eve@example.test",     "right",    REJECTED, ["user=eve@example.test"]),
    ("a disabled account",          "gone@example.test",    "right",    REJECTED, ["user=gone@example.test"]),
    ("a name with a tab",           "ada\t@example.test",   "right",    REJECTED, []),
    ("a password of 2000 bytes",    "ada@example.test",     "x" * 2000, REJECTED, ["user=ada@example.test"]),
)

# Nothing but what doveadm wants to know before it does anything.
CONF = "base_dir = %(dir)s/run\nstate_dir = %(dir)s/state\nlog_path = /dev/stderr\nprotocols =\nssl = no\n"


class Site(Claviger):
    def __init__(self, cache=UNCACHED):
        super().__init__(LISTEN, None, ACCOUNTS, cache)
        self.auth = os.path.join(self.dir, "auth")
        self.dovecot_conf = os.path.join(self.dir, "dovecot.conf")
        with open(self.dovecot_conf, "w") as f:
            f.write(CONF % {"dir": self.dir})

    def answers(self):
        return os.path.exists(os.path.join(self.dir, "control")) and os.path.exists(os.path.join(self.dir, "auth"))

    def sign_in(self, login, password, *parameters):
        """How it ended, and the fields of the answer besides."""
        argv = [program("/usr/bin/doveadm"), "-c", self.dovecot_conf, "auth", "test", "-a", self.auth]
        for parameter in ("service=smtp", *parameters):
            argv += ["-x", parameter]
        done = subprocess.run(argv + [login, password], capture_output=True, text=True, timeout=30)
        fields = [l.strip() for l in done.stdout.splitlines() if l.startswith("  ")]
        assert done.returncode in (0, 77), (done.returncode, done.stdout, done.stderr)      # EX_OK, EX_NOPERM
        if done.returncode == 77 and fields[-3:] == TEMPORARY:
            return UNAVAILABLE, fields[:-3]
        return ACCEPTED if done.returncode == 0 else REJECTED, fields


def test_P09_Dovecots_own_client_signs_in_who_may_and_nobody_else():
    with Site() as site:
        for what, login, password, *wanted in WHO_MAY:
            equal(site.sign_in(login, password), tuple(wanted), what)


def test_I04_what_it_says_of_the_remote_is_in_the_log():
    with Site() as site:
        equal(site.sign_in("ada@example.test", "right", "rip=192.0.2.7", "lip=127.0.0.1", "rport=4711")[0], ACCEPTED)
        seen = "accepted reason=ok via=lookup listener=auth service=smtp rip=192.0.2.7 login=ada@example.test"
        wait_until(lambda: seen in site.log_text(), 5, seen)


def test_P10_without_the_account_file_the_answer_is_temporary_and_it_mends_itself():
    with Site() as site:
        with site.without_accounts(lambda: site.sign_in("ada@example.test", "right")[0], ACCEPTED, UNAVAILABLE):
            for login, password in (("ada@example.test", "wrong"), ("eve@example.test", "right"), ("gone@example.test", "right")):
                equal(site.sign_in(login, password)[0], UNAVAILABLE, login)


harness.main()
