"""tests/e2e/test_pam.py - the stacks of pam.d/, changes of password, and servers that ask PAM

The real pamtester, Dovecot and vsftpd load pam_claviger.so from the files of pam.d/, changed only
in where the module and the daemon are. The module asks a clavigerd of the test's own, or runs
claviger-check where there is no daemon.
"""

import os, shutil, sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from servers import require_mounts
require_mounts("a private /etc/pam.d is mounted in a namespace of its own")

import harness
from claviger import Claviger
from dovecot_pam import Dovecot
from harness import BUILD, NO, OK, crypt, equal, wait_until
from pam_services import PamServices
from stock import NO as STOCK_NO, YES as STOCK_YES, Stock, ask
from vsftpd import Vsftpd

LISTEN = """
listen "test" { protocol = "saslauthd"  path = "%(dir)s/mux"  mode = 0666 }
listen "pam"  { protocol = "pam"        path = "%(dir)s/pam"  mode = 0666  peers = { "root", "nobody" } }
"""
ACCOUNTS = (("ada@example.net", "right"), ("bob@other.example", "of bob"))
NOTING = 'accounts "mail" { preset = "claviger"  file = "%(dir)s/accounts.db"\n' \
    '  last_login = true  last_login_every = "1s" }\n'
LAST_LOGIN = "SELECT last_login FROM accounts WHERE login = '%s'"
CHECK = os.path.join(BUILD, "saslauthd_backend", "claviger-check")

SIGNED_IN, ALLOWED = "successfully authenticated", "account management done."
CHANGED = "authentication token altered successfully."
OPENED, CLOSED = "successfully opened a session", "session has successfully been closed."
WRONG, UNKNOWN = "Authentication failure", "User not known to the underlying authentication module"
DENIED = "Permission denied"
UNAVAILABLE = "Authentication service cannot retrieve authentication info"
MUST_CHANGE = "Authentication token is no longer valid; new one required"
EXPIRED = "User account has expired"
NOBODY = 65534


class Setting:
    """A daemon, and the files of pam.d/ leading to it."""

    def __init__(self, options="socket=%s/pam", cache='revalidate = "1h"', sources=None):
        self.daemon = Claviger(LISTEN, accounts=ACCOUNTS, cache=cache, sources=sources)
        self.directory = os.path.join(self.daemon.dir, "pam.d")
        os.mkdir(self.directory)
        self.services = PamServices(self.directory, ("plain",), options % self.daemon.dir,
                                    ("auth", "account", "password", "session"))
        # The passwords of these tests are not what pam_pwquality lets pass.
        self.names = self.services.write_examples(
            options % self.daemon.dir, [("pam_pwquality.so retry=3", "pam_pwquality.so retry=1 minlen=8 dictcheck=0")])

    def __enter__(self):
        return self

    def __exit__(self, *how):
        self.daemon.__exit__(*how)

    def says(self, service, login, typed, *operations, **how):
        return self.services.pamtester(service, login, typed, *operations, **how)[1]


def test_each_stack_of_pam_d_signs_in_who_may():
    with Setting() as setting:
        tested = [name for name in setting.names if name != "mixed"]
        assert len(tested) >= 7, tested
        for name in tested:
            equal(setting.says(name, "ada@example.net", "right", "authenticate", "acct_mgmt"),
                  [SIGNED_IN, ALLOWED], name)
            equal(setting.says(name, "ada@example.net", "wrong", "authenticate"), [WRONG], name)
            equal(setting.says(name, "eve@example.net", "right", "authenticate"), [UNKNOWN], name)
            equal(setting.says(name, "gone@example.test", "right", "acct_mgmt"), [DENIED], name)
        for name in ("imap", "pop", "ftp", "dovecot"):
            equal(setting.says(name, "ada@example.net", "", "open_session"), [OPENED], name)


def test_bare_names_are_completed_where_a_stack_says_so():
    with Setting() as setting:
        for name in ("smtp", "saslauthd"):
            equal(setting.says(name, "ada", "right", "authenticate", "acct_mgmt"), [SIGNED_IN, ALLOWED], name)
        equal(setting.says("imap", "ada", "right", "authenticate"), [UNKNOWN], "imap")


def add_system_user(setting, name, password):
    """In copies of passwd and shadow that lie over the machine's for what the test runs."""
    for path, line in (("passwd", "%s:x:4242:4242::/nonexistent:/bin/false\n" % name),
                       ("shadow", "%s:%s:19000:0:99999:7:::\n" % (name, crypt(password)))):
        copy = os.path.join(setting.daemon.dir, path)
        shutil.copy("/etc/" + path, copy)
        with open(copy, "a") as f:
            f.write(line)
        setting.services.cover(copy, "/etc/" + path)


def test_the_mixed_stack_has_the_systems_users_first():
    with Setting() as setting:
        add_system_user(setting, "sysop", "of sysop")
        for login, password in (("sysop", "of sysop"), ("ada", "right"), ("ada@example.net", "right"),
                                ("bob@other.example", "of bob")):
            equal(setting.says("mixed", login, password, "authenticate", "acct_mgmt"),
                  [SIGNED_IN, ALLOWED], login)
        for login, password, why in (("sysop", "wrong", UNKNOWN), ("ada", "wrong", WRONG),
                                     ("eve", "right", UNKNOWN), ("ada", "of sysop", WRONG)):
            equal(setting.says("mixed", login, password, "authenticate"), [why], login)
        equal(setting.says("mixed", "gone@example.test", "", "acct_mgmt"), [DENIED], "disabled")
        equal(setting.says("mixed", "ada", "better-9x\nbetter-9x", "chauthtok"), [CHANGED], "by root")
        equal(setting.says("mixed", "ada", "better-9x", "authenticate"), [SIGNED_IN], "after the change")


def test_a_system_user_of_the_mixed_stack_is_no_mail_account_of_that_name():
    with Setting(sources=NOTING) as setting:
        add_system_user(setting, "ada", "of system")
        equal(setting.says("mixed", "ada", "", "open_session", "close_session"), [OPENED, CLOSED], "the system's session")
        equal(setting.says("mixed", "bob@other.example", "", "open_session"), [OPENED], "a mail account's")
        wait_until(lambda: setting.daemon.sql(LAST_LOGIN % "bob@other.example")[0][0], 15, "last_login is noted")
        equal(setting.daemon.sql(LAST_LOGIN % "ada@example.net"), [(None,)], "nobody's sign-in to the mail account")
        # By root, mistyped; by the user, whose old password is the mail account's; the rest is typed for whoever asks.
        setting.says("mixed", "ada", "one-9x\ntwo-9x\nother-9x\nother-9x", "chauthtok")
        setting.says("mixed", "ada", "right\nother-9x\nother-9x", "chauthtok", user=4242)
        equal(signs_in(setting, "right"), OK, "the mail account's password is as it was")


# --- what a row says -----------------------------------------------------------------------

STATES = (
    ("disabled", "enabled = 0", DENIED, DENIED, ()),
    ("expired", "expires_at = 1000000000", EXPIRED, EXPIRED, ()),
    ("must change", "must_change = 1", SIGNED_IN, MUST_CHANGE, ()),
    ("another service", "services = 'smtp'", DENIED, DENIED, ()),
    ("this service", "services = 'imap'", SIGNED_IN, ALLOWED, ()),
    ("another network", "allow_nets = '198.51.100.0/24'", DENIED, DENIED, ("rhost=192.0.2.7",)),
    ("this network", "allow_nets = '192.0.2.0/24'", SIGNED_IN, ALLOWED, ("rhost=192.0.2.7",)),
    ("a network, and none is known", "allow_nets = '192.0.2.0/24'", DENIED, DENIED, ()),
    ("a network, and a name for it", "allow_nets = '192.0.2.0/24'", DENIED, DENIED, ("rhost=client.example.net",)),
)


def test_a_row_decides_at_authentication_and_at_account_management():
    with Setting(cache='revalidate = "0s"  negative_ttl = "0s"') as setting:
        for what, change, auth, account, items in STATES:
            setting.daemon.sql("UPDATE accounts SET enabled = 1, expires_at = NULL, must_change = 0,"
                               " services = NULL, allow_nets = NULL")
            setting.daemon.sql("UPDATE accounts SET %s WHERE login = 'ada@example.net'" % change)
            equal(setting.says("imap", "ada@example.net", "right", "authenticate", items=items), [auth], what)
            equal(setting.says("imap", "ada@example.net", "", "acct_mgmt", items=items), [account], what)


# --- passwords -----------------------------------------------------------------------------


def signs_in(setting, password):
    """By saslauthd's wire, which answers from the cache when it can."""
    return setting.daemon.ask("ada@example.net", password)


def test_a_user_changes_a_password_and_the_old_one_is_dead_at_once():
    with Setting() as setting:
        equal(signs_in(setting, "right"), OK, "before, and remembered")
        before = setting.daemon.sql("SELECT password FROM accounts WHERE login = 'ada@example.net'")
        equal(setting.says("passwd", "ada@example.net", "right\nbetter-9x\nbetter-9x", "chauthtok",
                           user=NOBODY), [CHANGED], "the change")
        equal(signs_in(setting, "right"), NO, "the old one")
        equal(signs_in(setting, "better-9x"), OK, "the new one")
        after = setting.daemon.sql("SELECT password FROM accounts WHERE login = 'ada@example.net'")
        assert after != before and "better" not in after[0][0], after


def test_a_user_who_does_not_know_the_password_changes_nothing():
    with Setting() as setting:
        for typed in ("wrong\nbetter-9x\nbetter-9x", "\nbetter-9x\nbetter-9x"):
            equal(setting.says("passwd", "ada@example.net", typed, "chauthtok", user=NOBODY), [WRONG], typed)
        # pam_pwquality in front says no, or the two differ: nothing reaches the daemon's second pass
        for typed in ("right\nshort\nshort", "right\nbetter-9x\nworse-9x"):
            equal(setting.services.pamtester("passwd", "ada@example.net", typed, "chauthtok", user=NOBODY)[0], 1, typed)
        equal(signs_in(setting, "right"), OK, "as before")


def test_root_gives_a_new_password_without_the_old_one():
    with Setting() as setting:
        equal(setting.says("plain", "ada@example.net", "better-9x\nbetter-9x", "chauthtok"), [CHANGED], "the change")
        equal(signs_in(setting, "right"), NO, "the old one")
        equal(signs_in(setting, "better-9x"), OK, "the new one")
        equal(setting.says("plain", "eve@example.net", "better-9x\nbetter-9x", "chauthtok"), [UNKNOWN], "nobody")


def test_who_has_to_change_a_password_does_and_signs_in_again():
    with Setting() as setting:
        setting.daemon.sql("UPDATE accounts SET must_change = 1 WHERE login = 'ada@example.net'")
        equal(setting.says("plain", "ada@example.net", "", "acct_mgmt"), [MUST_CHANGE], "before")
        equal(setting.says("plain", "ada@example.net", "right\nbetter-9x\nbetter-9x",
                           "chauthtok(PAM_CHANGE_EXPIRED_AUTHTOK)"), [CHANGED], "the change, by root for ada")
        equal(setting.says("plain", "ada@example.net", "better-9x", "authenticate", "acct_mgmt"),
              [SIGNED_IN, ALLOWED], "after")


def test_a_source_that_may_not_write_says_so():
    source = 'accounts "mail" { driver = "sqlite"  file = "%(dir)s/accounts.db"\n' \
        '  lookup = "SELECT login, password, enabled FROM accounts WHERE login = %%u" }\n'
    with Setting() as setting:
        setting.daemon.stop()
        setting.daemon.write_conf(source + LISTEN)
        setting.daemon.start()
        equal(setting.says("plain", "ada@example.net", "right\nbetter-9x\nbetter-9x", "chauthtok", user=NOBODY),
              [DENIED], "the change")
        equal(signs_in(setting, "right"), OK, "as before")


def test_a_session_is_the_accounts_last_login():
    query = LAST_LOGIN % "bob@other.example"
    with Setting(sources=NOTING) as setting:
        equal(setting.daemon.sql(query), [(None,)], "before")
        equal(setting.says("plain", "bob@other.example", "", "open_session", "close_session"),
              [OPENED, CLOSED], "the session")
        wait_until(lambda: setting.daemon.sql(query)[0][0], 15, "last_login is noted")


def test_a_session_that_cannot_be_noted_costs_no_sign_in():
    with Setting() as setting:
        add_system_user(setting, "sysop", "of sysop")
        noting = [name for name in setting.names if "session" in setting.services.read(name)]
        assert len(noting) >= 5, noting
        setting.daemon.stop()
        for name in noting:
            for login in ("ada@example.net", "sysop"):
                equal(setting.says(name, login, "", "open_session", "close_session"), [OPENED, CLOSED], name)


# --- sources and no daemon --------------------------------------------------------------------


def test_accounts_asks_one_source_and_no_other():
    sources = 'accounts "mail" { preset = "claviger"  file = "%(dir)s/accounts.db" }\n' \
        'accounts "staff" { preset = "claviger"  file = "%(dir)s/staff.db" }\n'
    with Setting() as setting:
        setting.daemon.stop()
        shutil.copy(setting.daemon.database, os.path.join(setting.daemon.dir, "staff.db"))
        setting.daemon.sql("DELETE FROM accounts WHERE login = 'bob@other.example'")
        setting.daemon.write_conf(sources + LISTEN)
        setting.daemon.start()
        setting.services.write("staff", "auth required @M socket=%s/pam accounts=staff\n" % setting.daemon.dir)
        setting.services.write("none", "auth required @M socket=%s/pam accounts=nobody\n" % setting.daemon.dir)
        for service, said in (("ftp", UNKNOWN), ("staff", SIGNED_IN), ("plain", SIGNED_IN), ("ftp", UNKNOWN),
                              ("none", UNAVAILABLE)):
            equal(setting.says(service, "bob@other.example", "of bob", "authenticate"), [said], service)


def test_without_a_daemon_claviger_check_does_the_same():
    with Setting("direct helper=%s config=%%s/claviger.conf" % CHECK) as setting:
        setting.daemon.stop()
        for name in ("imap", "passwd", "ftp"):
            equal(setting.says(name, "ada@example.net", "right", "authenticate", "acct_mgmt"),
                  [SIGNED_IN, ALLOWED], name)
            equal(setting.says(name, "ada@example.net", "wrong", "authenticate"), [WRONG], name)
            equal(setting.says(name, "eve@example.net", "right", "authenticate"), [UNKNOWN], name)
        equal(setting.says("imap", "gone@example.test", "", "acct_mgmt"), [DENIED], "disabled")
        equal(setting.says("plain", "ada@example.net", "better-9x\nbetter-9x", "chauthtok"), [CHANGED], "by root")
        equal(setting.says("imap", "ada@example.net", "right", "authenticate"), [WRONG], "the old one")
        equal(setting.says("imap", "ada@example.net", "better-9x", "authenticate"), [SIGNED_IN], "the new one")
        equal(setting.says("imap", "ada@example.net", "", "open_session"), [OPENED], "session")
        setting.daemon.hide_accounts()
        equal(setting.says("imap", "ada@example.net", "right", "authenticate"), [UNAVAILABLE], "no file")
        setting.daemon.show_accounts()


# --- servers ------------------------------------------------------------------------------------


def test_dovecot_signs_in_through_its_passdb_pam():
    with Setting() as setting, Dovecot(setting.services).start() as dovecot:
        for login, password, said, name in (
                ("ada@example.net", "right", "auth succeeded", "ada@example.net"),
                ("Ada@Example.NET", "right", "auth succeeded", "ada@example.net"),
                ("bob@other.example", "of bob", "auth succeeded", "bob@other.example"),
                ("ada@example.net", "wrong", "auth failed", "ada@example.net"),
                ("eve@example.net", "right", "auth failed", "eve@example.net"),
                ("gone@example.test", "right", "auth failed", "gone@example.test")):
            equal(dovecot.sign_in(login, password)[0], said, "%s\n%s" % (login, dovecot.log_text()))
            if said == "auth succeeded":
                equal(dovecot.sign_in(login, password)[1], name, login)
        setting.daemon.stop()
        equal(dovecot.sign_in("ada@example.net", "right")[0], "auth failed", dovecot.log_text())
        setting.daemon.start()
        equal(dovecot.sign_in("ada@example.net", "right")[0], "auth succeeded", dovecot.log_text())


def test_vsftpd_signs_virtual_users_in():
    with Setting() as setting, Vsftpd(setting.services).start() as vsftpd:
        equal(vsftpd.sign_in("ada@example.net", "right"), ["hello"], vsftpd.log_text())
        for login, password in (("ada@example.net", "wrong"), ("eve@example.net", "right"),
                                ("gone@example.test", "right"), ("ada@example.net", "")):
            equal(vsftpd.sign_in(login, password)[:3], "530", login)
        setting.daemon.stop()
        equal(vsftpd.sign_in("ada@example.net", "right")[:3], "530", "without a daemon")


def test_saslauthd_with_the_stack_for_it_signs_in():
    with Setting() as setting:
        setting.services.write("imap", "@include saslauthd\n")
        with Stock(["-a", "pam", "-r"], setting.services.around).start() as stock:
            equal(ask(stock.mux, "ada", "right", "example.net", "imap"), STOCK_YES, "with a realm")
            equal(ask(stock.mux, "ada", "right", None, "imap"), STOCK_YES, "without one")
            equal(ask(stock.mux, "ada", "wrong", None, "imap"), STOCK_NO, "wrong")
            equal(ask(stock.mux, "bob", "of bob", "other.example", "imap"), STOCK_YES, "another domain")


harness.main()
