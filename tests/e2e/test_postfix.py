"""tests/e2e/test_postfix.py - Debian's Postfix signs users in through clavigerd

A private Postfix (postfix.py) with smtpd_sasl_type = cyrus asks clavigerd over the saslauthd wire;
the client is Python's smtplib. What is proved here is what an operator and a remote see: 235 for
who may, 535 for who may not, and 454, never 535, while nobody can tell.
"""

import os, sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from servers import descriptors, require_root
require_root("Postfix's master does")

import harness
from claviger import UNCACHED, Claviger, becomes
from harness import equal, wait_until
from postfix import MECHANISMS, Postfix, auth_login, auth_plain
from sign_ins import ACCOUNTS, SIGNED_IN, WHO_MAY, SignIns, expect_logged_name, expect_mail, expect_no_leak

LATER = 454

LISTEN = """
listen "postfix" { protocol = "saslauthd"  path = "%s"  mode = 0666
                   default_domain = "example.test" }
listen "jail"    { protocol = "saslauthd"  path = "%s"  owner = "postfix"  mode = 0600
                   default_domain = "example.test" }
"""

postfix = Postfix().start()
smtp = SignIns(postfix.connect, LATER)
sign_in, expect, ada = smtp.sign_in, smtp.expect, smtp.ada


def claviger(cache=UNCACHED):
    """A daemon on both of Postfix's sockets."""
    return Claviger(LISTEN % (postfix.mux, postfix.jail_mux), postfix.mux, ACCOUNTS, cache)


def test_postfix_signs_in_who_may_and_refuses_who_may_not():
    with claviger():
        expect("open", WHO_MAY)


def test_a_chrooted_smtpd_finds_its_own_socket_in_the_queue_directory():
    with claviger():
        expect("jailed", WHO_MAY)


def test_an_empty_password_never_signs_in():
    with claviger():
        for mechanism in MECHANISMS:
            code = sign_in("ada@example.test", "", mechanism=mechanism)
            assert 400 <= code < 600, "%s: %d" % (mechanism, code)


def test_mail_is_taken_after_signing_in_and_not_before():
    with claviger():
        expect_mail(postfix.connect, auth_plain, 554)


def test_postfix_logs_the_name_that_signed_in():
    with claviger():
        expect_logged_name(postfix, auth_login, "bob@other.example")


def test_without_the_account_file_the_answer_is_454_and_it_mends_itself():
    with claviger() as daemon:
        with daemon.without_accounts(ada, SIGNED_IN, LATER):
            smtp.expect_outage("open", "jailed")
        expect("open", WHO_MAY)


def test_a_daemon_started_without_its_account_file_answers_454_until_it_is_there():
    with claviger() as daemon:
        daemon.stop()
        daemon.hide_accounts()
        daemon.start()
        smtp.expect_outage("open", "jailed")
        daemon.show_accounts()
        becomes(ada, LATER, SIGNED_IN)


def test_a_cached_user_signs_in_without_the_account_file_within_revalidate():
    with claviger('revalidate = "1h"') as daemon:
        equal(ada(), SIGNED_IN, "before")
        daemon.hide_accounts()
        expect("open", (
            ("the cached password",   "ada@example.test",  "right",       SIGNED_IN),
            ("in capitals, the same", "ADA@example.test",  "right",       SIGNED_IN),
            ("another password",      "ada@example.test",  "never tried", LATER),
            ("who was not cached",    "bob@other.example", "of bob",      LATER),
        ))
        daemon.show_accounts()
        becomes(lambda: sign_in("bob@other.example", "of bob"), LATER, SIGNED_IN)


def test_after_revalidate_a_cached_user_gets_454_and_not_535():
    with claviger('revalidate = "1s"') as daemon:
        with daemon.without_accounts(ada, SIGNED_IN, LATER):
            equal(sign_in("ada@example.test", "wrong"), LATER, "a wrong password")


def test_grace_carries_a_cached_user_past_revalidate():
    with claviger('revalidate = "1s"  grace = "1h"') as daemon:
        equal(ada(), SIGNED_IN, "before")
        daemon.hide_accounts()
        wait_until(lambda: answered_in_grace(daemon), 10, "revalidate passes")
        equal(sign_in("ada@example.test", "never tried"), LATER, "another password")
        equal(sign_in("bob@other.example", "of bob"), LATER, "who was not cached")


def answered_in_grace(daemon):
    """Signs in once more; whether the daemon says it was grace that answered."""
    equal(ada(), SIGNED_IN, "in grace")
    return "via=grace" in daemon.log_text()


def test_a_daemon_that_was_killed_means_454_and_a_new_one_takes_over():
    with claviger() as daemon:
        equal(ada(), SIGNED_IN, "before")
        daemon.kill()
        smtp.expect_outage("open", "jailed")
        daemon.start()
        expect("open", WHO_MAY)
        expect("jailed", WHO_MAY)


def test_a_hundred_clients_at_once_each_get_their_own_answer():
    with claviger() as daemon:
        smtp.expect_many(daemon, 100)


def test_an_smtpd_keeps_no_descriptor_of_all_it_asked():
    with claviger() as daemon:
        expect_no_leak(daemon, postfix.single_smtpd, descriptors, smtp)


harness.main()
