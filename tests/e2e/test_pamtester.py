"""tests/e2e/test_pamtester.py - programs that speak PAM sign users in through pam_claviger.so

The real pamtester, and the stock saslauthd with `-a pam`, load the module from service files of
our own (pam_services.py); it asks a clavigerd over its PAM socket. pamtester prints what
pam_strerror(3) calls the result, so each outcome is told from the others here.
"""

import os, sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from servers import require_mounts
require_mounts("a private /etc/pam.d is mounted in a namespace of its own")

import harness
from claviger import Claviger
from harness import equal
from pam_services import PamServices
from stock import NO, YES, Stock, ask

LISTEN = """
listen "test" { protocol = "saslauthd"  path = "%(dir)s/mux"  mode = 0666 }
listen "pam"  { protocol = "pam"        path = "%(dir)s/pam"  mode = 0666
                default_domain = "example.test" }
"""
ACCOUNTS = (("ada@example.test", "right"), ("bob@other.example", "of bob"))

# pamtester's lines for what went well, and pam_strerror(3)'s for what did not.
SIGNED_IN = (0, ["successfully authenticated"])
ALLOWED = (0, ["account management done."])
WRONG = (1, ["Authentication failure"])
UNKNOWN = (1, ["User not known to the underlying authentication module"])
DENIED = (1, ["Permission denied"])
UNAVAILABLE = (1, ["Authentication service cannot retrieve authentication info"])


class Setting:
    """A daemon, and service files that lead to it."""

    def __enter__(self):
        self.daemon = Claviger(LISTEN, accounts=ACCOUNTS)
        directory = os.path.join(self.daemon.dir, "pam.d")
        os.mkdir(directory)
        self.services = PamServices(directory, ("imap", "smtp"), "socket=%s/pam" % self.daemon.dir)
        return self

    def __exit__(self, *how):
        self.daemon.__exit__(*how)

    def expect(self, operation, rows):
        for what, login, password, wanted in rows:
            for service in ("imap", "smtp"):
                equal(self.services.pamtester(service, login, password, operation), wanted,
                      "%s, %s: %s" % (service, operation, what))

    def ada(self):
        return self.services.pamtester("imap", "ada@example.test", "right", "authenticate")


AUTHENTICATE = (
    ("the right password",        "ada@example.test",  "right",    SIGNED_IN),
    ("the domain left out",       "ada",               "right",    SIGNED_IN),
    ("another domain",            "bob@other.example", "of bob",   SIGNED_IN),
    ("capitals in the name",      "Ada@Example.TEST",  "right",    SIGNED_IN),
    ("a wrong password",          "ada@example.test",  "wrong",    WRONG),
    ("another's password",        "ada@example.test",  "of bob",   WRONG),
    ("an empty password",         "ada@example.test",  "",         WRONG),
    ("an unknown account",        "eve@example.test",  "right",    UNKNOWN),
    ("a disabled account",        "gone@example.test", "right",    DENIED),
    ("disabled, wrong password",  "gone@example.test", "wrong",    WRONG),
)


def test_pamtester_signs_in_who_may_and_is_told_why_others_may_not():
    with Setting() as setting:
        setting.expect("authenticate", AUTHENTICATE)


ACCOUNT_MANAGEMENT = (
    ("an account",            "ada@example.test",  "", ALLOWED),
    ("the domain left out",   "ada",               "", ALLOWED),
    ("an unknown account",    "eve@example.test",  "", UNKNOWN),
    ("a disabled account",    "gone@example.test", "", DENIED),
)


def test_account_management_says_who_may_sign_in_without_a_password():
    with Setting() as setting:
        setting.expect("acct_mgmt", ACCOUNT_MANAGEMENT)


def test_authentication_and_account_management_go_well_in_one_session():
    with Setting() as setting:
        equal(setting.services.pamtester("imap", "ada@example.test", "right", "authenticate",
                                         "acct_mgmt"),
              (0, SIGNED_IN[1] + ALLOWED[1]), "both")


OUTAGE = [(what, login, password, UNAVAILABLE) for what, login, password, _ in AUTHENTICATE
          if password != ""]


def test_without_the_account_file_pam_says_unavailable_and_not_wrong():
    with Setting() as setting:
        with setting.daemon.without_accounts(setting.ada, SIGNED_IN, UNAVAILABLE):
            setting.expect("authenticate", OUTAGE)
            setting.expect("acct_mgmt", (("an account", "ada@example.test", "", UNAVAILABLE),))


def test_without_a_daemon_pam_says_unavailable_until_there_is_one():
    with Setting() as setting:
        setting.daemon.kill()
        setting.expect("authenticate", OUTAGE)
        setting.daemon.start()
        setting.expect("authenticate", AUTHENTICATE)


def test_the_stock_saslauthd_with_pam_signs_in_through_the_module():
    with Setting() as setting, \
            Stock(["-a", "pam", "-r"], setting.services.around).start() as stock:
        for what, login, password, wanted in AUTHENTICATE:
            wanted = YES if wanted == SIGNED_IN else NO
            equal(ask(stock.mux, login, password), wanted, what)
        equal(ask(stock.mux, "bob", "of bob", "other.example"), YES, "with a realm")


harness.main()
