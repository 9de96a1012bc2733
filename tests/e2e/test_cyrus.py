"""tests/e2e/test_cyrus.py - Debian's Cyrus IMAP signs users in through clavigerd

A private Cyrus (cyrus.py) with sasl_pwcheck_method: saslauthd asks clavigerd; the clients are
Python's imaplib and poplib. Two people are called bob, one in Cyrus's default domain, which Cyrus
leaves out of what it asks, and one outside it, with another password each: whoever is taken for
the other sees the other's mail.
"""

import base64, imaplib, os, poplib, sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from servers import require_root
require_root("Cyrus's master does")

import harness
from claviger import UNCACHED, Claviger
from harness import equal
from cyrus import Cyrus

LISTEN = """
listen "cyrus" { protocol = "saslauthd"  path = "%s"  group = "sasl"  mode = 0660  %s }
"""
ACCOUNTS = (("admin@example.test", "of admin"), ("bob@example.test", "of bob"),
            ("bob@other.example", "of the other bob"))

# What a client is told: let in, refused, or that nobody can tell. IMAP and POP have no code for
# the last; libsasl2's words, which Cyrus passes on, keep the two apart. POP's PASS has one
# sentence for both.
SIGNED_IN, REFUSED, LATER = "signed in", "authentication failure", "generic failure"
NO_WORDS = "Invalid login"

cyrus = Cyrus().start()


def claviger(cache=UNCACHED, listener='default_domain = "example.test"'):
    """A daemon on Cyrus's socket."""
    return Claviger(LISTEN % (cyrus.mux, listener), cyrus.mux, ACCOUNTS, cache)


def imap_login(client, login, password):
    return client.login(imap_quoted(login), password)


def imap_quoted(text):
    """imaplib quotes the password itself but sends a name as it is."""
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def imap_authenticate_plain(client, login, password):
    return client.authenticate("PLAIN", lambda _: ("\0%s\0%s" % (login, password)).encode())


def pop_user_pass(client, login, password):
    client.user(login)
    client.pass_(password)


def pop_auth_plain(client, login, password):
    message = base64.b64encode(("\0%s\0%s" % (login, password)).encode()).decode()
    client._shortcmd("AUTH PLAIN " + message)   # poplib has no public word for it


# How to sign in: what it is called, who connects, the dialogue, and the words for who is kept out.
SASL_WORDS = {REFUSED: REFUSED, LATER: LATER}
PASS_WORDS = {REFUSED: NO_WORDS, LATER: NO_WORDS}
WAYS = (
    ("LOGIN",              cyrus.imap, imap_login,              SASL_WORDS),
    ("AUTHENTICATE PLAIN", cyrus.imap, imap_authenticate_plain, SASL_WORDS),
    ("USER and PASS",      cyrus.pop,  pop_user_pass,           PASS_WORDS),
    ("AUTH PLAIN",         cyrus.pop,  pop_auth_plain,          SASL_WORDS),
)
REFUSALS = (imaplib.IMAP4.error, poplib.error_proto)


def sign_in(way, login, password):
    """SIGNED_IN, REFUSED, LATER, or the server's own words when they are none of these."""
    _, connect, dialogue, _ = way
    client = connect()
    try:
        dialogue(client, login, password)
        return SIGNED_IN
    except REFUSALS as refusal:
        words = str(refusal)
        return next((w for w in (REFUSED, LATER, NO_WORDS) if w in words), words)
    finally:
        (client.logout if isinstance(client, imaplib.IMAP4) else client.quit)()


def expect(rows, ways=WAYS):
    for way in ways:
        for what, login, password, wanted in rows:
            equal(sign_in(way, login, password), way[3].get(wanted, wanted),
                  "%s: %s" % (way[0], what))


WHO_MAY = (
    ("bare name",                    "bob",               "of bob",           SIGNED_IN),
    ("name in the default domain",   "bob@example.test",  "of bob",           SIGNED_IN),
    ("name in another domain",       "bob@other.example", "of the other bob", SIGNED_IN),
    ("percent for at",               "bob%other.example", "of the other bob", SIGNED_IN),
    ("capitals",                     "Bob@OTHER.example", "of the other bob", SIGNED_IN),
    ("a wrong password",             "bob",               "wrong",            REFUSED),
    ("a wrong password elsewhere",   "bob@other.example", "wrong",            REFUSED),
    ("the other bob's password",     "bob",               "of the other bob", REFUSED),
    ("this bob's password",          "bob@other.example", "of bob",           REFUSED),
    ("an unknown account",           "eve@example.test",  "right",            REFUSED),
    ("an unknown domain",            "bob@nowhere.example", "of bob",         REFUSED),
    ("a disabled account",           "gone@example.test", "right",            REFUSED),
    ("a password of 2000 bytes",     "bob",               "x" * 2000,         REFUSED),
)


def test_cyrus_signs_in_who_may_and_refuses_who_may_not():
    with claviger():
        expect(WHO_MAY)


def test_an_empty_password_never_signs_in():
    with claviger():
        for way in WAYS:
            assert sign_in(way, "bob", "") != SIGNED_IN, way[0]


def test_who_signs_in_selects_the_inbox_of_the_canonical_name():
    with claviger():
        for login, password, mark in (("bob", "of bob", "here"),
                                      ("bob@other.example", "of the other bob", "there")):
            with cyrus.imap() as client:
                imap_login(client, login, password)
                equal(client.select("INBOX")[0], "OK", login + ": SELECT INBOX")
                equal(client.create("INBOX/" + mark)[0], "OK", login + ": CREATE")
        for name, login, password, mark in (
                ("the bare name",      "bob",               "of bob",           "here"),
                ("its default domain", "bob@example.test",  "of bob",           "here"),
                ("in capitals",        "BOB@Example.TEST",  "of bob",           "here"),
                ("the other domain",   "bob@other.example", "of the other bob", "there")):
            with cyrus.imap() as client:
                imap_authenticate_plain(client, login, password)
                equal(client.select("INBOX")[0], "OK", name + ": SELECT INBOX")
                equal(folders(client), ["INBOX", "INBOX/" + mark], name)
        with cyrus.imap() as client:
            imap_login(client, "admin", "of admin")
            for name in ("user/bob", "user/bob/here",
                         "user/bob@other.example", "user/bob/there@other.example"):
                equal(folders(client, name), [name], "as the administrator sees it")


def folders(client, pattern="*"):
    lines = client.list('""', pattern)[1]
    return sorted(line.decode().rpartition('"/" ')[2] for line in lines if line)


def test_without_a_default_domain_cyrus_users_of_its_own_are_nobody():
    with claviger(listener=""):
        expect((
            ("the default domain was left out", "bob@example.test",  "of bob",           REFUSED),
            ("the other domain was sent",       "bob@other.example", "of the other bob", SIGNED_IN),
        ))


def test_a_listener_for_imap_alone_refuses_pop():
    with claviger(listener='default_domain = "example.test"  services = { "imap" }'):
        expect((("imap", "bob", "of bob", SIGNED_IN),), WAYS[:2])
        expect((("pop", "bob", "of bob", REFUSED),), WAYS[2:])


OUTAGE = (
    ("the right password", "bob",               "of bob", LATER),
    ("another domain",     "bob@other.example", "of the other bob", LATER),
    ("a wrong password",   "bob",               "wrong",  LATER),
    ("an unknown account", "eve@example.test",  "right",  LATER),
    ("a disabled account", "gone@example.test", "right",  LATER),
)


def bob():
    """One sign-in with the right password."""
    return sign_in(WAYS[0], "bob", "of bob")


def test_without_the_account_file_nobody_is_told_that_the_password_is_wrong():
    with claviger() as daemon:
        with daemon.without_accounts(bob, SIGNED_IN, LATER):
            expect(OUTAGE)
        expect(WHO_MAY)


def test_imap_and_pop_and_both_ways_to_write_the_name_have_the_same_account():
    with claviger('revalidate = "1h"') as daemon:
        for way in WAYS:
            equal(sign_in(way, "bob@example.test", "of bob"), SIGNED_IN, way[0])
        daemon.hide_accounts()
        expect((
            ("cached, bare",           "bob",               "of bob",           SIGNED_IN),
            ("cached, with domain",    "bob@example.test",  "of bob",           SIGNED_IN),
            ("not cached",             "bob@other.example", "of the other bob", LATER),
            ("the other's password",   "bob",               "of the other bob", LATER),
        ))


def test_a_disabled_account_is_out_of_cyrus_at_once_without_cache():
    with claviger() as daemon:
        equal(bob(), SIGNED_IN, "before")
        daemon.ctl("user", "disable", "bob@example.test", check=0)
        expect((("disabled", "bob", "of bob", REFUSED),
                ("the other bob", "bob@other.example", "of the other bob", SIGNED_IN)))


harness.main()
