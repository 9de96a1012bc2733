"""tests/e2e/test_sendmail.py - Debian's Sendmail signs users in over the saslauthd wire

Row I04. A private Sendmail (sendmail.py) whose libsasl2 asks clavigerd; the client is Python's
smtplib. 235 for who may and 535 for who may not; Sendmail has no other word than that for what libsasl2
could not find out.
"""

import os, signal, sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from servers import require_mounts
require_mounts("Sendmail's users are some that only it sees")

import harness
from claviger import UNCACHED, Claviger, becomes
from harness import equal
from postfix import auth_plain
from sendmail import Sendmail
from sign_ins import ACCOUNTS, REFUSED, SIGNED_IN, WHO_MAY, SignIns, expect_mail

LATER = REFUSED

LISTEN = """
listen "sendmail" { protocol = "saslauthd"  path = "%s"  mode = 0666  default_domain = "example.test" }
"""

sendmail = Sendmail().start()
smtp = SignIns(lambda service: sendmail.connect(), LATER)


def claviger(cache=UNCACHED):
    return Claviger(LISTEN % sendmail.mux, sendmail.mux, ACCOUNTS, cache)


def test_Sendmail_signs_in_who_may_and_refuses_who_may_not():
    with claviger():
        smtp.expect("Sendmail", WHO_MAY)


def test_mail_is_taken_after_signing_in_and_not_before():
    with claviger():
        expect_mail(sendmail.connect, auth_plain, 530)


def test_without_the_account_file_nobody_signs_in_and_it_mends_itself():
    with claviger() as daemon:
        with daemon.without_accounts(smtp.ada, SIGNED_IN, LATER):
            smtp.expect_outage("Sendmail")
        smtp.expect("Sendmail", WHO_MAY)


def test_without_a_daemon_nobody_signs_in_until_one_is_there():
    with claviger() as daemon:
        equal(smtp.ada(), SIGNED_IN, "before")
        daemon.stop(signal.SIGKILL)
        equal(smtp.ada(), LATER, "while")
        daemon.start()
        becomes(smtp.ada, LATER, SIGNED_IN)


def test_fifty_clients_at_once_each_get_their_own_answer():
    with claviger() as daemon:
        smtp.expect_many(daemon, 50)


harness.main()
