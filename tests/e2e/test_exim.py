"""tests/e2e/test_exim.py - Debian's Exim signs users in over the Dovecot auth wire

A private Exim (exim.py) with an authenticator of the driver `dovecot` for each of PLAIN and LOGIN;
the client is Python's smtplib. 235 for who may, 535 for who may not, and 435, never 535, while
nobody can tell.
"""

import os, signal, sys
from concurrent.futures import ThreadPoolExecutor

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from servers import require_mounts
require_mounts("Exim's user is one that only it sees")

import harness
from claviger import UNCACHED, Claviger, becomes
from exim import Exim
from harness import equal, wait_until
from postfix import MECHANISMS, auth_login, auth_plain

SIGNED_IN, REFUSED, LATER = 235, 535, 435

LISTEN = """
listen "exim" { protocol = "dovecot"  path = "%s"  mode = 0666  default_domain = "example.test" }
"""
ACCOUNTS = (("ada@example.test", "right"), ("bob@other.example", "of bob"))

exim = Exim().start()


def claviger(cache=UNCACHED):
    return Claviger(LISTEN % exim.auth, exim.auth, ACCOUNTS, cache)


def sign_in(login, password, mechanism="PLAIN"):
    """The code that one sign-in on a connection of its own gets."""
    with exim.connect() as client:
        return MECHANISMS[mechanism](client, login, password)


def expect(rows):
    for mechanism in MECHANISMS:
        for what, login, password, wanted in rows:
            equal(sign_in(login, password, mechanism), wanted, "%s: %s" % (mechanism, what))


WHO_MAY = (
    ("the right password",          "ada@example.test",  "right",   SIGNED_IN),
    ("the default domain left out", "ada",               "right",   SIGNED_IN),
    ("another domain",              "bob@other.example", "of bob",  SIGNED_IN),
    ("capitals in the name",        "Ada@EXAMPLE.test",  "right",   SIGNED_IN),
    ("a wrong password",            "ada@example.test",  "wrong",   REFUSED),
    ("an unknown account",          "eve@example.test",  "right",   REFUSED),
    ("a disabled account",          "gone@example.test", "right",   REFUSED),
    ("marks of the protocol",       "ada@example.test\tuser=x\nOK\t1\tuser=x", "right", REFUSED),
    ("a password of 2000 bytes",    "ada@example.test",  "x" * 2000, REFUSED),
)


def test_Exim_signs_in_who_may_and_refuses_who_may_not():
    with claviger():
        expect(WHO_MAY)


def test_mail_is_taken_after_signing_in_and_not_before():
    with claviger(), exim.connect() as client:
        equal(client.mail("ada@example.test")[0], 550, "MAIL before")
        equal(auth_plain(client, "ada@example.test", "wrong"), REFUSED, "AUTH")
        equal(client.mail("ada@example.test")[0], 550, "MAIL after a wrong password")
        equal(auth_login(client, "ada@example.test", "right"), SIGNED_IN, "AUTH")
        equal(client.mail("ada@example.test")[0], 250, "MAIL after signing in")
        equal(client.rcpt("carol@elsewhere.example")[0], 250, "RCPT after signing in")
        equal(client.data("Subject: hello\r\n\r\nhello\r\n")[0], 250, "DATA")


def test_each_knows_who_it_was():
    with claviger() as daemon:
        with exim.connect() as client:
            equal(auth_plain(client, "Bob@Other.EXAMPLE", "of bob"), SIGNED_IN, "AUTH")
            client.mail("bob@other.example")
            client.rcpt("carol@elsewhere.example")
            client.data("Subject: hello\r\n\r\nhello\r\n")
        wait_until(lambda: "A=plain:bob@other.example" in exim.log_text(), 10, "Exim's log")
        seen = "listener=exim service=smtp rip=127.0.0.1 login=bob@other.example"
        wait_until(lambda: seen in daemon.log_text(), 5, seen)


def ada():
    """One sign-in with the right password."""
    return sign_in("ada@example.test", "right")


def test_without_the_account_file_the_answer_is_435_and_it_mends_itself():
    with claviger() as daemon:
        with daemon.without_accounts(ada, SIGNED_IN, LATER):
            expect((("the right password", "ada@example.test", "right", LATER),
                    ("a wrong password", "ada@example.test", "wrong", LATER),
                    ("an unknown account", "eve@example.test", "right", LATER),
                    ("a disabled account", "gone@example.test", "right", LATER)))
        expect(WHO_MAY)


def test_without_a_daemon_the_answer_is_435_until_one_is_there():
    with claviger() as daemon, exim.connect() as client:
        equal(auth_plain(client, "ada@example.test", "wrong"), REFUSED, "before")
        daemon.stop(signal.SIGKILL)
        equal(auth_plain(client, "ada@example.test", "right"), LATER, "while")
        daemon.start()
        becomes(lambda: auth_plain(client, "ada@example.test", "right"), LATER, SIGNED_IN)


def test_fifty_clients_at_once_each_get_their_own_answer():
    with claviger() as daemon:
        logins = ["user%d@example.test" % i for i in range(50)]
        for i, login in enumerate(logins):
            daemon.sql("INSERT INTO accounts (login, password) VALUES (?, ?)", login,
                       harness.crypt("password %d" % i))
        # Every third knows only another one's password.
        tries = [(login, "password %d" % (i if i % 3 else i + 1)) for i, login in enumerate(logins)]
        with ThreadPoolExecutor(50) as pool:
            codes = list(pool.map(lambda pair: sign_in(*pair), tries))
        equal(codes, [SIGNED_IN if i % 3 else REFUSED for i in range(50)], "codes")


harness.main()
