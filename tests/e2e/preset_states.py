"""tests/e2e/preset_states.py - what each preset has to say of each row of schemas/NAME.sql

A state is a row of a table: what it is, the login, the service, the password, the reason of the verdict
(doc/log.md), and which account it is. It follows from the account manager's own rules, not from our query: the facts stand
in the comments of account/presets/NAME.sql and, with their sources, in the manager's code.
"""

import itertools

from collections import namedtuple

# `account`: whose sign-in it is, where that is not the login in lower case.
State = namedtuple("State", "what login service password reason remote account")

# Tables of schemas/`tables`.sql with `words` for what stands in [brackets], and further SQL; the options
# that are chosen; and what clavigerctl's writes are tried on (None: the preset has none of them).
Variant = namedtuple("Variant", "preset name engines tables words sql options states writes column")

ALL = ("sqlite", "mysql", "pgsql")
OK, WRONG, UNKNOWN, OFF = "ok", "wrong-password", "unknown-account", "disabled"
SERVICE, NONE, TWO, EXPIRED = "service-denied", "no-password", "ambiguous-account", "password-expired"
NETWORK, BAD = "network-denied", "bad-stored-password"


def state(what, login, reason=OK, service="imap", password="right", remote="", account=None):
    return State(what, login, service, password, reason, remote, account or login.lower())


def services(what, login, denied, password="right", known=("imap", "pop3", "smtp", "sieve"), otherwise=OK, account=None):
    """One state for each service: refused for those of `denied`."""
    return [state("%s, %s" % (what, s), login, SERVICE if s in denied else otherwise, s, password, account=account)
            for s in known]


def variant(preset, engines, states, name="", tables=None, words=(), sql=(), options=(), writes=None, column=None):
    return Variant(preset, name or preset, engines, tables or preset, dict(words), tuple(sql), tuple(options),
                   tuple(states), writes, column)


def common(login="ada@example.org"):
    return [
        state("right", login),
        state("wrong", login, WRONG, password="wrong"),
        state("unknown", "eve@example.org", UNKNOWN),
        state("a blank behind the local part", "ada @example.org", "malformed"),
        state("a name that goes on", login + "x", UNKNOWN),
        state("capitals", login.upper(), account=login),
        state("no password", login, "empty-password", password=""),
    ]


VARIANTS = []


def add(*args, **named):
    VARIANTS.append(variant(*args, **named))


# --- django-cyradm ---------------------------------------------------------------------------------
add("django-cyradm", ALL, common() + [
    state("upper case is the same name", "ADA@Example.ORG"),
    state("inactive", "off@example.org", OFF),
    state("inactive, wrong", "off@example.org", WRONG, password="wrong"),
    state("NULL password", "null@example.org", NONE),
    state("the Cyrus administrator", "cyrus"),
    state("a recovery address", "recovery@example.com", UNKNOWN),
    state("an alias domain has no accounts", "ada@alias.example", UNKNOWN),
] + services("every service", "ada@example.org", (), known=("imap", "pop3", "smtp", "sieve", "http")),
    writes="ada@example.org", column=("djcyradm_mailusers", "password"))

# --- tmail -----------------------------------------------------------------------------------------
TMAIL = [
    state("two rows", "twin@example.org", TWO), state("inactive", "off@example.org", OFF),
    state("empty passwords", "empty@example.org", NONE),
    state("active is NULL", "nobody@example.org", OFF),
    state("a service that tmail does not know", "ada@example.org", SERVICE, "http"),
]
add("tmail", ALL, common() + TMAIL + services("relay and mailbox", "ada@example.org", ())
    + services("relay only", "relay", ("imap", "pop3", "sieve"))
    + services("mailbox only", "box@example.org", ("smtp",))
    + services("neither", "none@example.org", ("imap", "pop3", "smtp", "sieve"))
    + services("NULL", "null@example.org", ("imap", "pop3", "smtp", "sieve"))
    + [state("Dovecot's own hash", "ada@example.org", WRONG, password="of dovecot")],
    writes="ada@example.org", column=("users", "passwd"))
add("tmail", ALL, [
    state("by Dovecot's hash", "ada@example.org", password="of dovecot"),
    state("tmail's own hash", "ada@example.org", WRONG),
    state("no hash for Dovecot", "none@example.org", NONE, password="of dovecot"),
], name="tmail-dove", options=("dove-passwd",), column=("users", "dove_passwd"))

# --- Modoboa ---------------------------------------------------------------------------------------
MODOBOA = common() + [
    state("inactive", "off@example.org", OFF), state("NULL password", "null@example.org", NONE),
    state("an administrator without a mailbox", "boss@example.org", UNKNOWN),
    state("two rows of one address", "twin@example.org", TWO),
    state("one account, two mailboxes", "boxes@example.org", TWO),
    state("bare md5-crypt", "bare@example.org"), state("unusable password", "unusable@example.org", NONE),
    state("a user name of its own", "own", UNKNOWN), state("its address", "own@example.org"),
    state("an unknown service", "ada@example.org", OK, "http"),
]
DOMAIN_OFF = [state("domain disabled", "in@off.example", OFF)]
NO_ALIAS = [state("alias domain", "ada@alias.example", UNKNOWN)]
AGE = {"accounts": "core_user", "local": "is_local BOOL NOT NULL DEFAULT TRUE, ",
       "send-only": "is_send_only BOOL NOT NULL DEFAULT FALSE, "}
LDAP = "UPDATE core_user SET is_local = FALSE WHERE id = 8"
add("modoboa", ALL, MODOBOA + DOMAIN_OFF + NO_ALIAS + [
    state("password in LDAP", "ldap@example.org", OFF)]
    + services("send-only", "send@example.org", ("imap", "pop3", "sieve")),
    words=AGE, sql=(LDAP, "UPDATE admin_mailbox SET is_send_only = TRUE WHERE id = 9"),
    writes="ada@example.org", column=("admin_mailbox", "is_send_only"))
add("modoboa", ALL, MODOBOA + [
    state("domain disabled, and not looked at", "in@off.example"),
    state("alias domain", "ada@alias.example", account="ada@example.org"),
    state("alias domain, capitals", "ADA@Alias.Example", account="ada@example.org"),
    state("alias domain, a name like the domain's", "example.org@alias.example", account="example.org@example.org"),
    state("alias domain, wrong", "ada@alias.example", WRONG, password="wrong"),
    state("alias domain, inactive account", "off@alias.example", OFF),
    state("alias domain that is disabled", "ada@away.example", UNKNOWN)]
    + services("alias domain, send-only", "send@alias.example", ("imap", "pop3", "sieve"), account="send@example.org"),
    sql=("UPDATE admin_mailbox SET is_send_only = TRUE WHERE id = 9",), name="modoboa-options", words=AGE, options=("alias-domains", "skip-domain"))
add("modoboa", ALL, MODOBOA + DOMAIN_OFF + NO_ALIAS + services("send", "send@example.org", ()),
    name="modoboa-2.1", words=dict(AGE, **{"send-only": ""}), options=("before-2.2",), writes="ada@example.org")
for version, table, option in (("1.0", "admin_user", "before-1.1"), ("0.9", "auth_user", "before-1.0")):
    add("modoboa", ALL, MODOBOA + DOMAIN_OFF + NO_ALIAS + [state("no LDAP yet", "ldap@example.org")],
        name="modoboa-" + version, options=(option,),
        words={"accounts": table, "local": "", "send-only": ""}, column=(table, "is_active"))

# --- PostfixAdmin ----------------------------------------------------------------------------------
PFA = common() + [
    state("empty password", "lock@example.org", NONE),
    state("upper case is the same name", "Ada@EXAMPLE.org"),
]
add("postfixadmin", ALL, PFA + DOMAIN_OFF + NO_ALIAS + [
    state("inactive", "off@example.org", OFF), state("inactive, smtp", "send@example.org", OFF, "smtp"),
    state("smtp_active is not looked at", "read@example.org", OK, "smtp"),
    state("expiry is not looked at", "late@strict.example"), state("TOTP is not looked at", "totp@example.org"),
    state("app passwords are not looked at", "totp@example.org", WRONG, password="of phone")],
    words={"prefix": ""}, writes="ada@example.org", column=("mailbox", "active"))
add("postfixadmin", ALL, PFA + [
    state("domain inactive, and not looked at", "in@off.example"),
    state("alias domain", "ada@alias.example", account="ada@example.org"),
    state("alias domain, a name like the domain's", "example.org@alias.example", account="example.org@example.org"),
    state("alias domain, wrong", "ada@alias.example", WRONG, password="wrong"),
    state("alias domain, inactive mailbox", "off@alias.example", OFF),
    state("alias domain that is disabled", "ada@away.example", UNKNOWN),
    state("alias domain, unknown", "eve@alias.example", UNKNOWN),
    state("expired", "late@strict.example", EXPIRED),
    state("expired, wrong", "late@strict.example", WRONG, password="wrong"),
    state("not expired yet", "soon@strict.example"), state("no moment of expiry", "never@strict.example", EXPIRED),
    state("a domain without expiry", "ada@example.org")],
    name="postfixadmin-options", words={"prefix": "pfa_"},
    options=("prefix=pfa_", "alias-domains", "skip-domain", "enforce-expiry"), writes="ada@example.org",
    column=("pfa_alias_domain", "target_domain"))
add("postfixadmin", ALL, PFA + DOMAIN_OFF + services("both active", "ada@example.org", ())
    + services("neither active", "off@example.org", (), otherwise=OFF)
    + [state("send only, smtp", "send@example.org", OK, "smtp"), state("send only, imap", "send@example.org", OFF, "imap"),
       state("read only, smtp", "read@example.org", SERVICE, "smtp"), state("read only, imap", "read@example.org", OK, "imap"),
       state("main password with TOTP", "totp@example.org", SERVICE),
       state("main password with TOTP, excepted address", "totp@example.org", OK, remote="192.0.2.1"),
       state("main password with TOTP, address for all", "totp@example.org", OK, remote="192.0.2.2"),
       state("main password with TOTP, another's address", "totp@example.org", SERVICE, remote="192.0.2.3"),
       state("app password", "totp@example.org", OK, password="of phone"),
       state("the second app password", "totp@example.org", OK, "smtp", "of tablet"),
       state("another's app password", "ada@example.org", WRONG, password="of phone"),
       state("app password of an inactive mailbox", "off@example.org", OFF, password="of phone"),
       state("app password, domain inactive", "in@off.example", OFF, password="of phone"),
       state("app password without a name", "read@example.org", OK, password="of phone"),
       state("app password, smtp off", "read@example.org", SERVICE, "smtp", "of phone"),
       state("neither", "totp@example.org", WRONG, password="wrong")],
    name="postfixadmin-4.0", words={"prefix": ""}, options=("smtp-active", "app-passwords"), writes="ada@example.org",
    column=("mailbox_app_password", "password_hash"))
add("postfixadmin", ALL, PFA + DOMAIN_OFF + services("without the switch for smtp, inactive", "send@example.org", (), otherwise=OFF)
    + services("without the switch for smtp, active", "read@example.org", ())
    + services("app password", "totp@example.org", (), "of phone")
    + [state("main password with TOTP", "totp@example.org", SERVICE), state("alias domain", "totp@alias.example", SERVICE),
       state("alias domain, app password", "totp@alias.example", password="of tablet", account="totp@example.org"),
       state("expired", "late@strict.example", EXPIRED)],
    name="postfixadmin-apps", words={"prefix": ""}, options=("app-passwords", "alias-domains", "enforce-expiry"))
# Its tables on MySQL are in latin1: a login that they cannot hold is an error to the server, and not "unknown".
add("postfixadmin", ("mysql",), PFA + DOMAIN_OFF + [
    state("alias domain", "ada@alias.example", account="ada@example.org"), state("Cyrillic", "\u0436uk@example.org", "account-source-down"),
    state("an accent", "\u00e1da@example.org", UNKNOWN), state("fullwidth", "\uff41da@example.org", "account-source-down")],
    name="postfixadmin-latin1", words={"prefix": ""}, options=("alias-domains",),
    sql=tuple("ALTER TABLE %s CONVERT TO CHARACTER SET latin1 COLLATE latin1_general_ci" % t for t in ("mailbox", "domain", "alias_domain")))

# --- VMM -------------------------------------------------------------------------------------------
VMM = (common() + services("all four", "ada@example.org", ()) + services("set of none", "off@example.org", ("imap", "pop3", "smtp", "sieve"))
       + services("no smtp", "nosmtp@example.org", ("smtp",)) + services("no pop3", "nopop3@example.org", ("pop3",))
       + services("no imap", "noimap@example.org", ("imap",)) + services("no sieve", "nosieve@example.org", ("sieve",))
       + [state("an unknown service", "ada@example.org", SERVICE, "http")])
VMM_ALIAS = [state("alias domain", "ada@alias.example"), state("alias domain, wrong", "ada@alias.example", WRONG, password="wrong")] \
    + services("alias domain, no imap", "noimap@alias.example", ("imap",))
VMM7 = VMM + services("the domain's set has none", "in@off.example", ("imap", "pop3", "smtp", "sieve")) + [
    state("its own set goes first", "own@off.example"), state("locked", "lock@example.org", NONE)]
add("vmm", ("pgsql",), VMM7 + VMM_ALIAS, words={"fourth": "sieve"}, writes="ada@example.org", column=("service_set", "sieve"))
add("vmm", ("pgsql",), VMM7 + VMM_ALIAS, name="vmm-older-file", words={"fourth": "managesieve"}, options=("managesieve",),
    writes="ada@example.org")
add("vmm", ("pgsql",), VMM7 + [state("alias domain", "ada@alias.example", account="ada@example.org")]
    + services("alias domain, no imap", "noimap@alias.example", ("imap",), account="noimap@example.org"), name="vmm-primary", words={"fourth": "sieve"}, options=("primary-domain",))
add("vmm", ("pgsql",), VMM + VMM_ALIAS, name="vmm-0.5", tables="vmm05", words={"fourth": "sieve"}, options=("v0.5",))
add("vmm", ("pgsql",), VMM + VMM_ALIAS, name="vmm-0.5-older", tables="vmm05", words={"fourth": "managesieve"},
    options=("v0.5", "managesieve"))

# --- mailcow ---------------------------------------------------------------------------------------
MAILCOW = common() + DOMAIN_OFF + [
    state("inactive", "off@example.org", OFF), state("receives only", "recv@example.org", OFF),
    state("a room", "room@example.org", OFF), state("a group", "group@example.org", OFF),
    state("empty password", "lock@example.org", NONE), state("a password without a prefix", "plain@example.org", BAD),
    state("no attributes", "bare@example.org"), state("attributes that are no strings", "true@example.org"),
    state("attributes that are no strings, pop3", "true@example.org", SERVICE, "pop3"),
    state("app password of a mailbox that receives only", "recv@example.org", OFF, password="of phone"),
    state("app password of a room", "room@example.org", OFF, password="of phone"),
    state("an unknown service", "ada@example.org", OK, "http"), state("an unknown service, app password", "ada@example.org", SERVICE, "http", "of phone"),
    state("app password", "ada@example.org", OK, "imap", "of phone"),
    state("app password, another service", "ada@example.org", SERVICE, "smtp", "of phone"),
    state("the second app password", "ada@example.org", OK, "smtp", "of printer"),
    state("the second app password, another service", "ada@example.org", SERVICE, "imap", "of printer"),
    state("a revoked app password", "ada@example.org", WRONG, "imap", "of lost"),
    state("app password where the main may not", "noimap@example.org", OK, "imap", "of phone"),
    state("app password of an inactive mailbox", "off@example.org", OFF, "imap", "of phone"),
    state("app password, domain inactive", "in@off.example", OFF, "imap", "of phone"),
] + services("no imap", "noimap@example.org", ("imap",)) + services("no pop3", "nopop3@example.org", ("pop3",)) \
  + services("no smtp", "nosmtp@example.org", ("smtp",)) + services("no sieve", "nosieve@example.org", ("sieve",))
SOURCE_OF = {"authsource": "authsource ENUM('mailcow','keycloak','generic-oidc','ldap') DEFAULT 'mailcow', "}
add("mailcow", ("mysql",), MAILCOW + NO_ALIAS + [
    state("force_pw_update is the web's", "force@example.org"), state("single sign-on", "oidc@example.org", WRONG),
    state("single sign-on, app password", "oidc@example.org", password="of phone")],
    words=SOURCE_OF, sql=("UPDATE mailbox SET authsource = 'keycloak' WHERE local_part = 'oidc'",),
    writes="ada@example.org", column=("mailbox", "kind"))
add("mailcow", ("mysql",), MAILCOW + [
    state("force_pw_update keeps the main password out", "force@example.org", SERVICE),
    state("and no app password", "force@example.org", OK, password="of phone"),
    state("alias domain", "ada@alias.example", account="ada@example.org"),
    state("alias domain, a name like the domain's", "example.org@alias.example", account="example.org@example.org"),
    state("alias domain, app password", "ada@alias.example", OK, "imap", "of phone", account="ada@example.org")],
    name="mailcow-2024", words={"authsource": ""}, options=("before-2025-03", "alias-domains"))

# --- iRedMail --------------------------------------------------------------------------------------
IREDMAIL = common() + [
    state("inactive", "off@example.org", OFF), state("backup MX", "mx@backup.example", OFF),
    state("empty password", "lock@example.org", NONE),
    state("outside of its networks", "nets@example.org", NETWORK, remote="198.51.100.1"),
    state("no address told", "nets@example.org", NETWORK), state("inside", "nets@example.org", remote="192.0.2.7"),
    state("inside, IPv6", "nets@example.org", remote="2001:db8::1"),
    state("an unknown service", "ada@example.org", SERVICE, "http")]
add("iredmail", ("mysql", "pgsql"), IREDMAIL + DOMAIN_OFF + NO_ALIAS + [
    state("expiry is not looked at", "late@example.org"), state("nor the domain's", "in@old.example"),
    state("the switch without TLS is not looked at", "plain@example.org")]
    + services("no smtp", "nosmtp@example.org", ("smtp",)) + services("no imap", "noimap@example.org", ("imap",))
    + services("no pop3", "nopop3@example.org", ("pop3",)) + services("no sieve", "nosieve@example.org", ("sieve",)),
    writes="ada@example.org", column=("mailbox", "enablesievesecured"))
add("iredmail", ("mysql", "pgsql"), IREDMAIL + [
    state("expired", "late@example.org", OFF), state("domain expired", "in@old.example", OFF),
    state("domain inactive, and not looked at", "in@off.example"),
    state("the switch without TLS", "plain@example.org", SERVICE), state("the one with TLS is not looked at", "noimap@example.org"),
    state("alias domain", "ada@alias.example", account="ada@example.org"),
    state("alias domain, a name like it", "alias.example@alias.example", account="alias.example@example.org"),
    state("alias domain, unknown", "eve@alias.example", UNKNOWN)],
    name="iredmail-options", options=("plain", "enforce-expiry", "alias-domains", "skip-domain"))

# --- ISPConfig -------------------------------------------------------------------------------------
add("ispconfig", ("mysql",), common() + DOMAIN_OFF + [
    state("a login of its own", "web1_custom"), state("its address", "custom@example.org", account="web1_custom"),
    state("a custom login does not slip past its domain", "web1_sly", OFF),
    state("on another server", "far@example.org", UNKNOWN), state("one's login is another's address", "cross@example.org", TWO),
    state("NULL password", "null@example.org", NONE), state("an umlaut", "umlaut@example.org", password="größe"),
    state("an umlaut, wrong", "umlaut@example.org", WRONG, password="größer"),
    state("an unknown service", "ada@example.org", SERVICE, "http")]
    + services("no smtp", "nosmtp@example.org", ("smtp",)) + services("no imap", "noimap@example.org", ("imap",))
    + services("no pop3", "nopop3@example.org", ("pop3",)) + services("no sieve", "nosieve@example.org", ("sieve",)),
    writes="ada@example.org", column=("mail_user", "disablesieve"))
add("ispconfig", ("mysql",), [state("on this server, domain off there", "far@example.org", OFF), state("on the other", "ada@example.org", UNKNOWN)],
    name="ispconfig-2", options=("server-id=2",))
add("ispconfig", ("mysql",), common() + [state("domain off, and not looked at", "in@off.example"), state("with a login of its own", "web1_sly")],
    name="ispconfig-3.1", options=("skip-domain",))

# --- Froxlor ---------------------------------------------------------------------------------------
FROXLOR = common() + [
    state("all off", "off@example.org", SERVICE), state("a user name of its own", "name@example.org"),
    state("its address", "mail@example.org", account="name@example.org"), state("two rows of one user name", "twin@example.org", TWO),
    state("NULL password", "null@example.org", NONE), state("an unknown service", "ada@example.org", SERVICE, "http"),
] + services("no imap", "noimap@example.org", ("imap",)) + services("no pop3", "nopop3@example.org", ("pop3",)) \
  + services("no smtp", "nosmtp@example.org", ("smtp", "sieve"))
add("froxlor", ("mysql",), FROXLOR + DOMAIN_OFF + [state("customer deactivated", "cust@example.org", OFF)],
    writes="ada@example.org", column=("mail_users", "password_enc"))
add("froxlor", ("mysql",), FROXLOR + [state("domain is not looked at", "in@off.example"),
    state("customer is not looked at", "cust@example.org")], name="froxlor-0.10", options=("before-2.0", "skip-domain"),
    writes="ada@example.org")

# --- the others ------------------------------------------------------------------------------------
add("mailinabox", ("sqlite",), common() + [
    state("without a prefix", "bare@example.org"), state("locked", "lock@example.org", NONE)]
    + services("every service", "ada@example.org", ()), writes="ada@example.org", column=("users", "email"))
TOKEN, OFFICE = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
MAILU = [
    state("unknown", "eve@example.org", UNKNOWN), state("alternative domain", "ada@alias.example", UNKNOWN),
    state("token", "ada@example.org", password=TOKEN), state("token, wrong", "ada@example.org", WRONG, password=TOKEN[:-1] + "0"),
    state("token from its network", "ada@example.org", password=OFFICE, remote="192.0.2.9"),
    state("token from elsewhere", "ada@example.org", NETWORK, password=OFFICE, remote="198.51.100.1"),
    state("token, address not told", "ada@example.org", NETWORK, password=OFFICE),
    state("token of a disabled user", "off@example.org", OFF, password=TOKEN),
    state("token, imap off", "noimap@example.org", SERVICE, password=TOKEN),
    state("token, imap off, smtp", "noimap@example.org", OK, "smtp", TOKEN)]
MAILU_WORDS = {"mysql": "`user`", "pgsql": '"user"', "sqlite": '"user"'}
add("mailu", ALL, MAILU + common() + [
    state("disabled", "off@example.org", OFF), state("locked", "lock@example.org", NONE),
    state("an unknown service", "ada@example.org", SERVICE, "http")]
    + services("no imap", "noimap@example.org", ("imap",)) + services("no pop", "nopop@example.org", ("pop3",)),
    words={"user": MAILU_WORDS}, writes="ada@example.org", column=("token", "ip"))
add("mailu", ALL, MAILU + [state("main password", "ada@example.org", SERVICE)], name="mailu-tokens",
    words={"user": MAILU_WORDS}, options=("require-tokens",))
VEXIM = common() + [
    state("disabled", "off@example.org", OFF), state("piped", "pipe@example.org"), state("alias, smtp", "alias@example.org", OK, "smtp"),
    state("alias, imap", "alias@example.org", SERVICE), state("fail", "fail@example.org", OFF),
    state("catch-all", "catch@example.org", OFF), state("NULL password", "null@example.org", NONE),
    state("an administrator of a domain", "admin@example.org", OFF), state("an unknown service", "ada@example.org", OK, "http"),
    state("alias, pop3", "alias@example.org", SERVICE, "pop3"), state("alias, sieve", "alias@example.org", SERVICE, "sieve"),
    state("the site's administrator", "siteadmin", UNKNOWN), state("and in a domain", "siteadmin@example.org", "other-account")]
add("vexim", ("mysql", "pgsql"), VEXIM + DOMAIN_OFF + NO_ALIAS + [state("both disabled", "off@off.example", OFF)], writes="ada@example.org", column=("users", "type"))
add("vexim", ("mysql", "pgsql"), VEXIM + [state("domain disabled, and not looked at", "in@off.example"),
    state("disabled in a domain that is not looked at", "off@off.example", OFF),
    state("alias domain", "ada@alias.example", account="ada@example.org"),
    state("alias domain, a name like the domain's", "example.org@alias.example", account="example.org@example.org"),
    state("alias domain, unknown", "eve@alias.example", UNKNOWN)],
    name="vexim-options", options=("alias-domains", "skip-domain"))
add("ispmail", ("mysql",), common() + [
    state("an older guide's", "old@example.org"), state("Roundcube's", "cube@example.org"),
    state("empty password", "lock@example.org", NONE)] + services("every service", "ada@example.org", ()),
    writes="ada@example.org", column=("virtual_users", "email"))
WEBCYRADM = common() + [state("a name without a domain", "test0001"), state("the Cyrus administrator", "cyrus"),
    state("all off", "off", SERVICE), state("empty password", "lock", NONE),
    state("an unknown service", "test0001", SERVICE, "http")] \
    + services("no imap", "noimap", ("imap",)) + services("no pop", "nopop", ("pop3",)) \
    + services("no sieve", "nosieve", ("sieve",)) + services("no smtp", "nosmtp", ("smtp",))
add("web-cyradm", ("mysql", "pgsql"), WEBCYRADM, words={"width": "50"}, column=("accountuser", "smtpauth"))
add("web-cyradm", ("mysql", "pgsql"), WEBCYRADM, name="web-cyradm-wide", words={"width": "255"},
    options=("wide-password",), writes="test0001")
add("web-cyradm", ("mysql", "pgsql"), [state("no switches", "off")], name="web-cyradm-0.5.4", words={"width": "50"},
    options=("before-0.5.5",))
VPOPMAIL = common() + [state("NULL password", "null@example.org", NONE), state("an unknown service", "off@example.org", OK, "http")] \
    + services("no pop3", "nopop3@example.org", ("pop3",)) + services("no imap", "noimap@example.org", ("imap",)) \
    + services("no smtp", "nosmtp@example.org", ("smtp",)) + services("all off", "off@example.org", ("imap", "pop3", "smtp"))
add("vpopmail", ALL, VPOPMAIL + NO_ALIAS + [state("domain limits are not looked at", "in@limited.example")],
    writes="ada@example.org", column=("vpopmail", "pw_gid"))
add("vpopmail", ("mysql",), VPOPMAIL + services("domain limits", "in@limited.example", ("imap",))
    + services("free of them", "free@limited.example", ()) + [state("alias domain", "ada@alias.example", account="ada@example.org")],
    name="vpopmail-options", options=("domain-limits", "alias-domains"))
COURIER = common() + [state("clear text", "clear@example.org"), state("crypt goes first", "both@example.org"),
    state("not the clear text then", "both@example.org", WRONG, password="other"), state("neither", "none@example.org", NONE),
    state("NULL in both", "null@example.org", NONE), state("an unknown service", "ada@example.org", OK, "http")]
COURIER_SERVICES = services("no imap", "noimap@example.org", ("imap",)) + services("no pop3", "nopop3@example.org", ("pop3",)) \
    + services("disableimap=0", "yes@example.org", ())
add("courier", ("pgsql",), COURIER, words={"unique": " PRIMARY KEY"}, writes="ada@example.org", column=("passwd", "crypt"))
add("courier", ("sqlite",), COURIER + COURIER_SERVICES, name="courier-sqlite", words={"unique": " PRIMARY KEY"},
    writes="ada@example.org", column=("passwd", "options"))
add("courier", ("mysql",), COURIER + COURIER_SERVICES + [state("two rows", "twin@example.org", TWO)], name="courier-mysql",
    words={"unique": ""}, writes="ada@example.org", column=("passwd", "options"))
DBMAIL = common() + [state("by name", "ada"), state("clear text", "clear"), state("md5-crypt", "md5"),
    state("capitals in the table", "case@example.org", account="Case@example.org"), state("as it is stored", "Case@Example.org", account="Case@example.org"),
    state("capitals in the table, wrong", "case@example.org", WRONG, password="wrong"), state("sha1 in hex", "sum"), state("md5 in hex", "hex"),
    state("an unknown service", "ada", OK, "http"), state("the duress password", "ada", WRONG, password="duress"), state("empty password", "empty", NONE), state("the public user", "__public__", OFF),
    state("whirlpool", "whirl", BAD)]
add("dbmail", ALL, DBMAIL + [state("inactive", "off", OFF)], words={"prefix": "dbmail_", "active": "active SMALLINT NOT NULL DEFAULT 1, "},
    sql=("UPDATE dbmail_users SET active = 0 WHERE userid = 'off'",), writes="ada", column=("dbmail_users", "encryption_type"))
add("dbmail", ("sqlite", "pgsql"), [state("two rows that differ by case", "mixed@example.org", TWO)], name="dbmail-case",
    words={"prefix": "dbmail_", "active": "active SMALLINT NOT NULL DEFAULT 1, "})
add("dbmail", ALL, DBMAIL + [state("no column active", "off")], name="dbmail-3.0", words={"prefix": "db_", "active": ""},
    options=("prefix=db_", "before-32004"))
add("vimbadmin", ("mysql",), common() + DOMAIN_OFF + [
    state("inactive", "off@example.org", OFF), state("waits to be deleted", "gone@example.org", OFF),
    state("two rows", "twin@example.org", TWO), state("NULL password", "null@example.org", NONE)]
    + [state("an unknown service", "ada@example.org", OK, "http"), state("an unknown service with a list", "imap@example.org", SERVICE, "http")]
    + services("in lower case", "lower@example.org", ("pop3", "smtp")) + services("NULL", "none@example.org", ("imap", "pop3", "smtp", "sieve"))
    + services("imap only", "imap@example.org", ("pop3", "smtp", "sieve")) + services("two", "two@example.org", ("imap", "sieve")),
    writes="ada@example.org", column=("mailbox", "access_restriction"))
add("imscp", ("mysql",), common() + [state("disabled", "off@example.org", OFF), state("mailbox off", "nopo@example.org", OFF),
    state("being changed", "change@example.org", OFF), state("forwards only", "fwd@example.org", NONE, password="_no_")] + services("every service", "ada@example.org", (), known=("imap", "pop3", "smtp", "sieve", "http"))
    + services("off for all", "nopo@example.org", (), otherwise=OFF),
    column=("mail_users", "po_active"))
add("maddy", ALL, common() + [state("another's", "other@example.org", WRONG)] + services("every service", "ada@example.org", ()), words={"table": "passwords"}, column=("passwords", "value"))
add("maddy", ALL, common(), name="maddy-table", words={"table": "creds"}, options=("table=creds",))


# --- crowds: every combination of a manager's switches -----------------------------------------------
CROWDS = []
STORED = "{SHA512-CRYPT}<<right>>"


def crowd(preset, engines, flags, insert, judge, words=(), options=(), asked=("imap", "smtp")):
    """An account for each combination of `flags` (name -> values): `insert` is SQL with %(flag)s, %(id)d, %(name)s
    and %(stored)s, `judge` the manager's rule: from the flags and the service to a reason."""
    sql, states = [], []
    names = sorted(flags)
    for number, values in enumerate(itertools.product(*(flags[n] for n in names)), 100):
        at = dict(zip(names, values), id=number, name="user%d" % number, stored=STORED)
        sql += [text % at for text in insert]
        domain = at.get("domain", "example.org")
        states += [state(str(values), "%s@%s" % (at["name"], domain), judge(at, s), s) for s in asked]
    CROWDS.append(variant(preset, engines, states, name=preset + " crowd", words=words, sql=sql, options=options))


YES_NO = ("TRUE", "FALSE")
BIT = ("1", "0")
DOMAINS = ("example.org", "off.example")


def on(at, *flags):
    return all(at[f] in ("TRUE", "1") for f in flags) and at.get("domain") != "off.example"


def judge_pfa(at, service):
    """Its sample query with the SMTP flag; TOTP keeps the main password to the web."""
    decides = on(at, "smtp") if service == "smtp" else on(at, "active")
    if not on(at, "active") and not (service == "smtp" and on(at, "smtp")):
        return OFF
    return OK if decides and at["totp"] == "NULL" else SERVICE


crowd("postfixadmin", ALL, {"active": YES_NO, "smtp": YES_NO, "domain": DOMAINS, "totp": ("NULL", "'JBSWY3DP'"), "expiry": ("2000", "2037")},
      ("INSERT INTO mailbox (username, password, local_part, domain, active, smtp_active, totp_secret, password_expiry) VALUES "
       "('%(name)s@%(domain)s', '%(stored)s', '%(name)s', '%(domain)s', %(active)s, %(smtp)s, %(totp)s, '%(expiry)s-01-01 00:00:00')",),
      judge_pfa, words={"prefix": ""}, options=("smtp-active", "app-passwords"))
crowd("modoboa", ALL, {"active": YES_NO, "domain": DOMAINS, "local": YES_NO, "send": YES_NO, "staff": YES_NO},
      ("INSERT INTO core_user (id, username, email, password, is_active, is_local, is_staff) VALUES "
       "(%(id)d, '%(name)s', '%(name)s@%(domain)s', '%(stored)s', %(active)s, %(local)s, %(staff)s)",
       "INSERT INTO admin_mailbox (id, address, domain_id, user_id, is_send_only) SELECT "
       "%(id)d, '%(name)s', id, %(id)d, %(send)s FROM admin_domain WHERE name = '%(domain)s'"),
      lambda at, service: OFF if not on(at, "active", "local") else SERVICE if on(at, "send") and service != "smtp" else OK,
      words=AGE, asked=("imap", "smtp", "sieve"))
crowd("vmm", ("pgsql",), {"smtp": YES_NO, "pop3": YES_NO, "imap": YES_NO, "sieve": YES_NO, "own": YES_NO},
      ("INSERT INTO service_set VALUES (%(id)d, %(smtp)s, %(pop3)s, %(imap)s, %(sieve)s)",
       "INSERT INTO users (local_part, passwd, uid, gid, ssid) VALUES ('%(name)s', '%(stored)s', %(id)d, 1, "
       "CASE WHEN %(own)s THEN %(id)d END)"),
      lambda at, service: OK if not on(at, "own") or on(at, service) else SERVICE,
      words={"fourth": "sieve"}, asked=("smtp", "pop3", "imap", "sieve"))
crowd("vexim", ("mysql", "pgsql"), {"enabled": BIT, "domain": DOMAINS, "kind": ("local", "piped", "alias", "fail", "catch", "admin", "site", "else")},
      ("INSERT INTO users (user_id, domain_id, localpart, username, crypt, type, enabled) SELECT %(id)d, domain_id, '%(name)s', "
       "'%(name)s@%(domain)s', '%(stored)s', '%(kind)s', %(enabled)s FROM domains WHERE domain = '%(domain)s'",),
      lambda at, service: OFF if not on(at, "enabled") or at["kind"] not in ("local", "piped", "alias")
      else SERVICE if at["kind"] == "alias" and service != "smtp" else OK)
crowd("iredmail", ("mysql", "pgsql"), {"active": BIT, "domain": DOMAINS, "imap": BIT, "smtp": BIT, "expired": ("2020", "2037")},
      ("INSERT INTO mailbox (username, password, domain, active, enableimapsecured, enablesmtpsecured, expired) VALUES "
       "('%(name)s@%(domain)s', '%(stored)s', '%(domain)s', %(active)s, %(imap)s, %(smtp)s, '%(expired)s-01-01 00:00:00')",),
      lambda at, service: OFF if not on(at, "active") or at["expired"] == "2020" else OK if on(at, service) else SERVICE,
      options=("enforce-expiry",))
crowd("mailcow", ("mysql",), {"active": ("1", "0", "2"), "domain": DOMAINS, "kind": ("", "thing"), "imap": BIT, "smtp": BIT},
      ("INSERT INTO mailbox (username, password, local_part, domain, attributes, kind, active) VALUES ('%(name)s@%(domain)s', '%(stored)s', "
       "'%(name)s', '%(domain)s', '{\"imap_access\":\"%(imap)s\",\"smtp_access\":\"%(smtp)s\"}', '%(kind)s', %(active)s)",),
      lambda at, service: OFF if not on(at, "active") or at["kind"] else OK if on(at, service) else SERVICE,
      words=SOURCE_OF)
crowd("vimbadmin", ("mysql",), {"active": BIT, "domain": DOMAINS, "pending": ("NULL", "0", "1"), "may": ("ALL", "IMAP", "SMTP,POP3")},
      ("INSERT INTO mailbox (username, password, Domain_id, active, access_restriction, delete_pending) SELECT '%(name)s@%(domain)s', "
       "'%(stored)s', id, %(active)s, '%(may)s', %(pending)s FROM domain WHERE domain = '%(domain)s'",),
      lambda at, service: OFF if not on(at, "active") or at["pending"] == "1"
      else OK if at["may"] == "ALL" or service.upper() in at["may"].split(",") else SERVICE)
