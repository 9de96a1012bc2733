"""tests/e2e/test_postfix_dovecot.py - Debian's Postfix signs users in over the Dovecot auth wire

P10 and I02 of the reliability rows. A private Postfix (postfix.py) with smtpd_sasl_type = dovecot
asks clavigerd at private/auth, its three services alike; the client is Python's smtplib. 235 for
who may, 535 for who may not, and 454, never 535, while nobody can tell.
"""

import os, signal, sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from servers import descriptors, require_root
require_root("Postfix's master does")

import harness
from claviger import UNCACHED, Claviger, becomes
from harness import equal, wait_until
from postfix import MECHANISMS, Postfix, auth_login, auth_plain, encoded
from sign_ins import ACCOUNTS, REFUSED, SIGNED_IN, WHO_MAY, SignIns, expect_logged_name, expect_mail, expect_no_leak

LATER = 454

LISTEN = """
listen "postfix" { protocol = "dovecot"  path = "%s"  owner = "postfix"  mode = 0600
                   default_domain = "example.test" }
"""
WHO_MAY += (
    ("no password", "ada@example.test", "", REFUSED),
    ("marks of the protocol in the name", "ada@example.test\tuser=x\nOK\t1\tuser=x", "right", REFUSED),
)

postfix = Postfix("dovecot")
smtp = SignIns(postfix.connect, LATER)
sign_in, expect, ada = smtp.sign_in, smtp.expect, smtp.ada


def claviger(cache=UNCACHED):
    return Claviger(LISTEN % postfix.auth, postfix.auth, ACCOUNTS, cache)


# An smtpd greets nobody while there is no auth socket: the first daemon is there before Postfix.
with claviger():
    postfix.start()


def test_I02_Postfix_signs_in_who_may_and_refuses_who_may_not():
    with claviger():
        expect("open", WHO_MAY)


def test_I02_a_chrooted_smtpd_does_the_same():
    with claviger():
        expect("jailed", WHO_MAY)


def test_I02_the_address_of_the_remote_is_in_every_line_of_the_log():
    with claviger() as daemon:
        for mechanism in MECHANISMS:
            for password in ("right", "wrong"):
                sign_in("ada@example.test", password, "open", mechanism)
        verdicts = lambda: [l for l in daemon.log_text().splitlines() if "reason=" in l]
        wait_until(lambda: len(verdicts()) == 4, 5, "four verdicts")
        lines = verdicts()
        assert all("service=smtp rip=127.0.0.1 login=ada@example.test" in l for l in lines), lines


def test_mail_is_taken_after_signing_in_and_not_before():
    with claviger():
        expect_mail(postfix.connect, auth_plain, 554)


def test_Postfix_logs_the_canonical_name_that_signed_in():
    with claviger():
        expect_logged_name(postfix, auth_login, "Bob@Other.EXAMPLE")


def test_PLAIN_in_two_steps_and_an_aborted_one_do_as_well():
    with claviger(), postfix.connect() as client:
        for _ in range(3):
            equal(client.docmd("AUTH", "PLAIN")[0], 334, "no initial response")
            equal(client.docmd("*")[0], 501, "aborted")
            equal(client.docmd("AUTH", "PLAIN =")[0], REFUSED, "an empty response")
        equal(client.docmd("AUTH", "PLAIN")[0], 334, "no initial response")
        equal(client.docmd(encoded("\0ada@example.test\0right"))[0], SIGNED_IN, "its second step")


def test_P10_without_the_account_file_the_answer_is_454_and_it_mends_itself():
    with claviger() as daemon:
        with daemon.without_accounts(ada, SIGNED_IN, LATER):
            smtp.expect_outage("open", "jailed", "single")
        expect("open", WHO_MAY)


def test_P10_a_remote_that_stays_connected_through_an_outage_signs_in_after_it():
    with claviger() as daemon, postfix.connect() as client:
        equal(auth_plain(client, "ada@example.test", "wrong"), REFUSED, "before")
        with daemon.without_accounts(ada, SIGNED_IN, LATER):
            for _ in range(5):
                equal(auth_plain(client, "ada@example.test", "right"), LATER, "while")
                equal(auth_login(client, "ada@example.test", "wrong"), LATER, "while")
        equal(auth_login(client, "ada@example.test", "right"), SIGNED_IN, "after")


def test_P10_a_cached_user_signs_in_without_the_account_file():
    with claviger('revalidate = "1h"') as daemon:
        equal(ada(), SIGNED_IN, "before")
        daemon.hide_accounts()
        expect("open", (
            ("the cached password",  "ada@example.test",  "right",       SIGNED_IN),
            ("another password",     "ada@example.test",  "never tried", LATER),
            ("who was not cached",   "bob@other.example", "of bob",      LATER),
        ))
        daemon.show_accounts()
        becomes(lambda: sign_in("bob@other.example", "of bob"), LATER, SIGNED_IN)


def test_an_smtpd_whose_daemon_was_replaced_signs_in_at_the_new_one():
    with claviger() as daemon:
        with postfix.connect() as client:
            equal(auth_plain(client, "ada@example.test", "wrong"), REFUSED, "the old one")
            daemon.stop(signal.SIGKILL)
            daemon.start()
            becomes(lambda: auth_plain(client, "ada@example.test", "right"), LATER, SIGNED_IN)


def test_a_reload_is_not_noticed_by_a_remote():
    with claviger() as daemon, postfix.connect() as client:
        for _ in range(5):
            equal(auth_plain(client, "ada@example.test", "wrong"), REFUSED, "a wrong password")
            daemon.ctl("reload", check=0)
        equal(auth_plain(client, "ada@example.test", "right"), SIGNED_IN, "after five reloads")


def test_I02_a_hundred_clients_at_once_each_get_their_own_answer():
    with claviger() as daemon:
        smtp.expect_many(daemon, 100)
        verdicts = lambda: [l for l in daemon.log_text().splitlines() if "reason=" in l]
        wait_until(lambda: len(verdicts()) == 100, 5, "a line for each")
        assert all("service=smtp rip=127.0.0.1 login=user" in l for l in verdicts()), verdicts()


def test_an_smtpd_keeps_no_descriptor_of_all_it_asked():
    with claviger() as daemon:
        expect_no_leak(daemon, postfix.single_smtpd, descriptors, smtp)


harness.main()
