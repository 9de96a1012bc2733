"""tests/e2e/test_exim.py - Debian's Exim signs users in over the Dovecot auth wire

A private Exim (exim.py) with an authenticator of the driver `dovecot` for each of PLAIN and LOGIN;
the client is Python's smtplib. 235 for who may, 535 for who may not, and 435, never 535, while
nobody can tell.
"""

import os, signal, sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from servers import require_mounts
require_mounts("Exim's user is one that only it sees")

import harness
from claviger import UNCACHED, Claviger, becomes
from exim import Exim
from harness import equal, wait_until
from postfix import auth_login, auth_plain
from sign_ins import ACCOUNTS, REFUSED, SIGNED_IN, WHO_MAY, SignIns, expect_mail

LATER = 435

LISTEN = """
listen "exim" { protocol = "dovecot"  path = "%s"  mode = 0666  default_domain = "example.test" }
"""
WHO_MAY += (
    ("marks of the protocol in the name", "ada@example.test\tuser=x\nOK\t1\tuser=x", "right", REFUSED),
)

exim = Exim().start()
smtp = SignIns(lambda service: exim.connect(), LATER)


def claviger(cache=UNCACHED):
    return Claviger(LISTEN % exim.auth, exim.auth, ACCOUNTS, cache)


def test_Exim_signs_in_who_may_and_refuses_who_may_not():
    with claviger():
        smtp.expect("Exim", WHO_MAY)


def test_mail_is_taken_after_signing_in_and_not_before():
    with claviger():
        expect_mail(exim.connect, auth_login, 550)


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


def test_without_the_account_file_the_answer_is_435_and_it_mends_itself():
    with claviger() as daemon:
        with daemon.without_accounts(smtp.ada, SIGNED_IN, LATER):
            smtp.expect_outage("Exim")
        smtp.expect("Exim", WHO_MAY)


def test_without_a_daemon_the_answer_is_435_until_one_is_there():
    with claviger() as daemon, exim.connect() as client:
        equal(auth_plain(client, "ada@example.test", "wrong"), REFUSED, "before")
        daemon.stop(signal.SIGKILL)
        equal(auth_plain(client, "ada@example.test", "right"), LATER, "while")
        daemon.start()
        becomes(lambda: auth_plain(client, "ada@example.test", "right"), LATER, SIGNED_IN)


def test_fifty_clients_at_once_each_get_their_own_answer():
    with claviger() as daemon:
        smtp.expect_many(daemon, 50)


harness.main()
