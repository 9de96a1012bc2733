"""tests/e2e/sign_ins.py - who may sign in over SMTP, whichever server and wire is between

The accounts of these tests, what each sign-in has to end with, and a client that tries them.
"""

from concurrent.futures import ThreadPoolExecutor

import harness
from harness import equal, wait_until
from postfix import MECHANISMS

SIGNED_IN, REFUSED = 235, 535

# Besides gone@example.test, which claviger.py makes: disabled, with the password "right".
ACCOUNTS = (("ada@example.test", "right"), ("bob@other.example", "of bob"))

# The default domain of the listener is example.test.
WHO_MAY = (
    ("the right password",          "ada@example.test",  "right",    SIGNED_IN),
    ("the default domain left out", "ada",               "right",    SIGNED_IN),
    ("another domain",              "bob@other.example", "of bob",   SIGNED_IN),
    ("capitals in the name",        "Ada@EXAMPLE.test",  "right",    SIGNED_IN),
    ("a wrong password",            "ada@example.test",  "wrong",    REFUSED),
    ("another account's password",  "ada@example.test",  "of bob",   REFUSED),
    ("a name of another domain",    "ada@other.example", "right",    REFUSED),
    ("an unknown account",          "eve@example.test",  "right",    REFUSED),
    ("a disabled account",          "gone@example.test", "right",    REFUSED),
    ("a quote and SQL in the name", "a' OR '1'='1",      "right",    REFUSED),
    ("a password of 2000 bytes",    "ada@example.test",  "x" * 2000, REFUSED),
)

OUTAGE = (
    ("the right password", "ada@example.test",  "right"),
    ("a wrong password",   "ada@example.test",  "wrong"),
    ("an unknown account", "eve@example.test",  "right"),
    ("a disabled account", "gone@example.test", "right"),
)


class SignIns:
    """`connect(service)` is a connection of smtplib; `later` the code that says "not now"."""

    def __init__(self, connect, later):
        self.connect, self.later = connect, later

    def sign_in(self, login, password, service="open", mechanism="PLAIN"):
        """The code that one sign-in on a connection of its own gets."""
        with self.connect(service) as client:
            return MECHANISMS[mechanism](client, login, password)

    def expect(self, service, rows):
        for mechanism in MECHANISMS:
            for what, login, password, wanted in rows:
                equal(self.sign_in(login, password, service, mechanism), wanted,
                      "%s, %s: %s" % (service, mechanism, what))

    def expect_outage(self, *services):
        for service in services:
            self.expect(service, [(*row, self.later) for row in OUTAGE])

    def ada(self, service="open"):
        """One sign-in with the right password."""
        return self.sign_in("ada@example.test", "right", service)

    def expect_many(self, daemon, count):
        """All at once, each an account of its own; every third knows only another one's password."""
        for i in range(count):
            daemon.sql("INSERT INTO accounts (login, password) VALUES (?, ?)", "user%d@example.test" % i,
                       harness.crypt("password %d" % i))
        tries = [("user%d@example.test" % i, "password %d" % (i if i % 3 else i + 1)) for i in range(count)]
        with ThreadPoolExecutor(count) as pool:
            codes = list(pool.map(lambda pair: self.sign_in(*pair), tries))
        equal(codes, [SIGNED_IN if i % 3 else REFUSED for i in range(count)], "codes")


def expect_mail(connect, auth_plain, denied):
    """MAIL and RCPT pass after signing in, and not before."""
    with connect() as client:
        equal(client.mail("ada@example.test")[0], denied, "MAIL before")
        equal(auth_plain(client, "ada@example.test", "wrong"), REFUSED, "AUTH")
        equal(client.mail("ada@example.test")[0], denied, "MAIL after a wrong password")
        equal(auth_plain(client, "ada@example.test", "right"), SIGNED_IN, "AUTH")
        equal(client.mail("ada@example.test")[0], 250, "MAIL after signing in")
        equal(client.rcpt("carol@elsewhere.example")[0], 250, "RCPT after signing in")
        equal(client.data("Subject: hello\r\n\r\nhello\r\n")[0], 250, "DATA")


def expect_logged_name(postfix, auth_login, spelling):
    """Postfix logs who it was by the name of the account, however that was spelt."""
    with postfix.connect() as client:
        auth_login(client, spelling, "of bob")
        client.mail("bob@other.example")
        client.rcpt("carol@elsewhere.example")
    signed = "sasl_method=LOGIN, sasl_username=bob@other.example"
    wait_until(lambda: signed in postfix.log_text(), 10, signed)


def expect_no_leak(daemon, single_smtpd, descriptors, smtp):
    """A process that serves everybody in turn has no descriptor more after all that it asked."""
    equal(smtp.ada("single"), SIGNED_IN, "first")
    smtpd = single_smtpd()
    before = descriptors(smtpd)
    for _ in range(25):
        equal(smtp.ada("single"), SIGNED_IN, "right")
        equal(smtp.sign_in("ada@example.test", "wrong", "single"), REFUSED, "wrong")
    with daemon.without_accounts(lambda: smtp.ada("single"), SIGNED_IN, smtp.later):
        for _ in range(25):
            equal(smtp.ada("single"), smtp.later, "account file away")
    equal(single_smtpd(), smtpd, "one smtpd served all")
    wait_until(lambda: descriptors(smtpd) <= before, 10, "no more than %d descriptors" % before)
