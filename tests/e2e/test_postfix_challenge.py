"""tests/e2e/test_postfix_challenge.py - CRAM-MD5 and SCRAM over Debian's Postfix and the Dovecot auth wire

I02 and P10 of the reliability rows where the password never comes along. A private Postfix
(postfix.py) asks clavigerd at private/auth; the clients are Python's, gsasl's and libsasl2's. 235
for who may, 535 for who may not, and 454, never 535, while nobody can tell.
"""

import base64, os, sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from servers import require_root
require_root("Postfix's master does")

import harness
from claviger import UNCACHED, Claviger
from harness import equal, wait_until
from postfix import MECHANISMS, Postfix, encoded
from sasl_clients import SMTP_CLIENTS, cram_md5, scram, smtp_by_python
from sign_ins import ACCOUNTS, REFUSED, SIGNED_IN

LATER = 454
CHALLENGES = ("CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")
LISTEN = """
listen "postfix" { protocol = "dovecot"  path = "%s"  owner = "postfix"  mode = 0600
                   default_domain = "example.test" }
"""
SERVED = """accounts "mail" { preset = "claviger"  file = "%(dir)s/accounts.db"
    mechanisms = { "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256" } }
"""

postfix = Postfix("dovecot")


def claviger():
    """plain@ and away@, who is disabled, have theirs in the clear; one account for each mechanism has
    its verifier; ada@ (sign_ins.py) has a hash, which serves none."""
    daemon = Claviger(LISTEN % postfix.auth, postfix.auth, ACCOUNTS, UNCACHED, SERVED)
    daemon.add_stored("plain@example.test", "{PLAIN}right")
    daemon.add_stored("away@example.test", "{PLAIN}right", enabled=0)
    for mechanism in CHALLENGES:
        made = daemon.ctl("hash", "-s", mechanism, stdin="right\n", check=0).stdout.strip()
        daemon.add_stored(mechanism.lower() + "@example.test", made)
    return daemon


def sign_in(mechanism, login="plain@example.test", password="right", service="open", client=smtp_by_python):
    return client(postfix.ports[service], mechanism, login, password)


# An smtpd greets nobody while there is no auth socket: the first daemon is there before Postfix.
with claviger():
    postfix.start()


def test_I02_each_client_signs_in_by_each_challenge_and_nobody_else_does():
    with claviger() as daemon:
        for mechanism in CHALLENGES:
            for name, client in SMTP_CLIENTS:
                for what, login, password, wanted in (
                        ("right",              "plain@example.test", "right", SIGNED_IN),
                        ("its verifier",       mechanism.lower() + "@example.test", "right", SIGNED_IN),
                        ("wrong",              "plain@example.test", "wrong", REFUSED),
                        ("wrong for verifier", mechanism.lower() + "@example.test", "wrong", REFUSED),
                        ("unknown",            "nobody@example.test", "right", REFUSED),
                        ("disabled",           "away@example.test", "right", REFUSED),
                        ("disabled and wrong", "away@example.test", "wrong", REFUSED),
                        ("not served",         "ada@example.test", "right", REFUSED)):
                    equal(sign_in(mechanism, login, password, client=client), wanted,
                          "%s by %s: %s" % (name, mechanism, what))
            for service in ("jailed", "single"):
                equal(sign_in(mechanism, service=service), SIGNED_IN, service)
            equal(sign_in(mechanism, "Plain"), SIGNED_IN, "the default domain left out, and a capital")
        told = daemon.log_text()
        for reason in ("ok", "wrong-password", "unknown-account", "disabled", "mechanism-unserved"):
            assert "reason=%s via=lookup listener=postfix service=smtp rip=127.0.0.1" % reason in told, reason


def test_what_a_source_serves_is_offered_beside_PLAIN_and_LOGIN_which_do_as_well():
    with claviger(), postfix.connect() as client:
        equal(sorted(client.esmtp_features["auth"].split()), sorted(CHALLENGES + tuple(MECHANISMS)))
        equal(MECHANISMS["PLAIN"](client, "scram-sha-256@example.test", "right"), SIGNED_IN, "PLAIN and a verifier")


def test_a_remote_may_try_again_and_again_and_stop_half_way():
    with claviger(), postfix.connect() as client:
        for _ in range(3):
            for mechanism in CHALLENGES:
                equal(client.docmd("AUTH", mechanism)[0], 334, mechanism)
                equal(client.docmd("*")[0], 501, "aborted")
                equal(client.docmd("AUTH", mechanism)[0], 334, mechanism)
                equal(client.docmd(encoded("no such message"))[0], REFUSED, "no message of it")
                equal(client.docmd("AUTH", mechanism)[0], 334, mechanism)
                equal(client.docmd("!!!")[0], REFUSED, "no base64")
        client.user, client.password = "plain@example.test", "right"
        equal(client.auth("CRAM-MD5", client.auth_cram_md5)[0], SIGNED_IN, "smtplib's own CRAM-MD5")
        equal(client.mail("plain@example.test")[0], 250, "MAIL")
        equal(client.rcpt("carol@elsewhere.example")[0], 250, "RCPT")
        equal(client.data("Subject: hello\r\n\r\nhello\r\n")[0], 250, "DATA")
        signed = "sasl_method=CRAM-MD5, sasl_username=plain@example.test"
        wait_until(lambda: signed in postfix.log_text(), 10, signed)


def test_P10_without_the_account_file_a_challenge_ends_in_454_and_it_mends_itself():
    with claviger() as daemon:
        for mechanism in CHALLENGES:
            with daemon.without_accounts(lambda: sign_in(mechanism), SIGNED_IN, LATER):
                for name, client in SMTP_CLIENTS:
                    for login, password in (("plain", "right"), ("plain", "wrong"), ("nobody", "right"), ("away", "right")):
                        equal(sign_in(mechanism, login + "@example.test", password, client=client), LATER,
                              "%s by %s: %s, %s" % (name, mechanism, login, password))


def test_a_reload_in_the_middle_of_a_dialogue_is_not_noticed():
    with claviger() as daemon:
        for mechanism in CHALLENGES:
            for password, wanted in (("right", SIGNED_IN), ("wrong", REFUSED)):
                talk = cram_md5 if mechanism == "CRAM-MD5" else lambda *who: scram(mechanism, *who)
                answer = talk("plain@example.test", password)
                with postfix.connect() as client:
                    first = "" if mechanism == "CRAM-MD5" else " " + encoded(answer(None))
                    code, said = client.docmd("AUTH " + mechanism + first)
                    while code == 334:
                        daemon.ctl("reload", check=0)
                        code, said = client.docmd(encoded(answer(base64.b64decode(said))))
                equal(code, wanted, "%s with a %s password" % (mechanism, password))


harness.main()
