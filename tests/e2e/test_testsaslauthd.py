"""tests/e2e/test_testsaslauthd.py - the real testsaslauthd sees what the stock daemon shows it

Each question is put twice with sasl2-bin's testsaslauthd: to clavigerd and to the stock saslauthd
(stock.py), which knows the same accounts. The lines printed and the exit status have to be the
same, and the expected ones.
"""

import os, sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import harness
from claviger import Claviger
from harness import equal
from stock import NO, YES, StockOf, ask

# A daemon that cannot tell answers with length zero, which the stock one has no word for.
CANNOT_TELL = (255, "0: ")

LONGEST_OF_STOCK = "l" * 255
ACCOUNTS = (
    ("ada@example.test",  "right"),
    ("bob@other.example", "of bob"),
    ("long@example.test", LONGEST_OF_STOCK),
)

LISTEN = """
listen "plain"   { protocol = "saslauthd"  path = "%(dir)s/mux"     mode = 0666 }
listen "default" { protocol = "saslauthd"  path = "%(dir)s/default" mode = 0666
                   default_domain = "example.test" }
"""


def claviger(section=""):
    """A daemon; `section` is more of its configuration."""
    return Claviger(LISTEN + section, accounts=ACCOUNTS)


QUESTIONS = (
    ("the right password",              "ada@example.test",  "right",          YES),
    ("another domain",                  "bob@other.example", "of bob",         YES),
    ("a wrong password",                "ada@example.test",  "wrong",          NO),
    ("the right one and a byte more",   "ada@example.test",  "right!",         NO),
    ("the right one in capitals",       "ada@example.test",  "RIGHT",          NO),
    ("another account's password",      "ada@example.test",  "of bob",         NO),
    ("an unknown account",              "eve@example.test",  "right",          NO),
    ("a disabled account",              "gone@example.test", "right",          NO),
    ("a disabled account, wrong",       "gone@example.test", "wrong",          NO),
    ("an empty password",               "ada@example.test",  "",               NO),
    ("an empty name",                   "",                  "right",          NO),
    ("both empty",                      "",                  "",               NO),
    ("255 bytes, right",                "long@example.test", LONGEST_OF_STOCK, YES),
    ("255 bytes, the last one wrong",   "long@example.test", "l" * 254 + "L",  NO),
    ("254 bytes of 255",                "long@example.test", "l" * 254,        NO),
    ("255 bytes, wrong",                "ada@example.test",  "x" * 255,        NO),
    ("2000 bytes, wrong",               "ada@example.test",  "x" * 2000,       NO),
    ("a name of 2000 bytes",            "x" * 2000,          "right",          NO),
    ("bytes that are not UTF-8",        b"\xff\xfe@example.test", "right",     NO),
)


def test_each_answer_is_the_stock_daemons_to_the_letter():
    with claviger() as ours, StockOf(ACCOUNTS).start() as stock:
        for what, login, password, wanted in QUESTIONS:
            equal(ask(stock.mux, login, password), wanted, "stock: " + what)
            equal(ask(ours.mux, login, password), wanted, "clavigerd: " + what)


REALMS = (
    ("a realm completes the name",      "ada",               "right",  "example.test",  YES),
    ("of the other domain too",         "bob",               "of bob", "other.example", YES),
    ("a realm of another domain",       "ada",               "right",  "other.example", NO),
    ("an empty realm and a bare name",  "ada",               "right",  "",              NO),
    ("a wrong password in the realm",   "ada",               "wrong",  "example.test",  NO),
)


def test_realms_are_joined_as_the_stock_daemon_does_with_r():
    with claviger() as ours, StockOf(ACCOUNTS, flags=["-r"]).start() as stock:
        for what, login, password, realm, wanted in REALMS:
            equal(ask(stock.mux, login, password, realm), wanted, "stock: " + what)
            equal(ask(ours.mux, login, password, realm), wanted, "clavigerd: " + what)


def test_a_realm_that_the_name_already_has_is_not_added_again():
    with claviger() as ours:
        equal(ask(ours.mux, "ada@example.test", "right", "example.test"), YES, "the same realm")


DEFAULT_DOMAIN = (
    ("a bare name gets the default",    "ada",               "right",  None,            YES),
    ("a name with a domain keeps it",   "bob@other.example", "of bob", None,            YES),
    ("a realm goes before the default", "bob",               "of bob", "other.example", YES),
    ("another domain's bare name",      "bob",               "of bob", None,            NO),
    ("a wrong password",                "ada",               "wrong",  None,            NO),
)


def test_a_listener_completes_bare_names_with_its_default_domain():
    with claviger() as ours:
        default = os.path.join(ours.dir, "default")
        for what, login, password, realm, wanted in DEFAULT_DOMAIN:
            equal(ask(default, login, password, realm), wanted, what)
        equal(ask(ours.mux, "ada", "right"), NO, "the listener without one")


def test_every_service_name_of_the_mail_servers_is_served():
    with claviger() as ours, StockOf(ACCOUNTS).start() as stock:
        for service in ("imap", "pop", "smtp", "sieve", "HTTP", "lmtp", "mupdate", ""):
            for password, wanted in (("right", YES), ("wrong", NO)):
                equal(ask(stock.mux, "ada@example.test", password, None, service), wanted,
                      "stock: service %r" % service)
                equal(ask(ours.mux, "ada@example.test", password, None, service), wanted,
                      "clavigerd: service %r" % service)


TOKEN = "t" * 2000
MAX_LENGTH = (
    ("the default",            "",                                  NO),
    ("a bound below",          "password { max_length = 1999 }\n", NO),
    ("a bound of its length",  "password { max_length = 2000 }\n", YES),
)


def test_a_right_password_of_2000_bytes_signs_in_where_max_length_lets_it():
    for what, section, wanted in MAX_LENGTH:
        with claviger(section) as ours:
            ours.add_stored("token@example.test", "{PLAIN}" + TOKEN)
            equal(ask(ours.mux, "token@example.test", TOKEN), wanted, what)
            equal(ask(ours.mux, "token@example.test", TOKEN[:-1] + "T"), NO, what + ", one wrong")


def test_without_the_account_file_it_says_neither_yes_nor_no():
    with claviger() as ours:
        with ours.without_accounts(lambda: ask(ours.mux, "bob@other.example", "of bob"),
                                   YES, CANNOT_TELL):
            for what, login, password in (("wrong password",   "ada@example.test", "wrong"),
                                          ("unknown account",  "eve@example.test", "right"),
                                          ("disabled account", "gone@example.test", "right")):
                equal(ask(ours.mux, login, password), CANNOT_TELL, what)


harness.main()
