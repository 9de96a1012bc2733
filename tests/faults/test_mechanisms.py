#!/usr/bin/env python3
"""Challenge-response mechanisms as an operator sees them, and the wire of libsasl2's plugin."""

import base64, hashlib, hmac, os, socket, struct, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from harness import Site, counted, crypt, equal

MECHANISMS = ("CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")
ACCOUNTS = 'accounts "mail" { preset = "claviger"  file = "%%(dir)s/accounts.db"  %s }\n'
ALL = 'mechanisms = { "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256" }'
LISTEN = 'listen "plugin" { protocol = "auxprop"  path = "%(dir)s/auxprop" }\n' + Site.LISTEN


class Mechanisms(Site):
    def __init__(self, said=ALL, **more):
        super().__init__(ACCOUNTS % said, LISTEN, **more)

    def test(self, mechanism, login, password):
        done = self.ctl("test", "--mech", mechanism, login, stdin=password + "\n")
        return done.returncode, done.stdout.partition(" (")[0]

    def make(self, scheme, password):
        return self.ctl("hash", "-s", scheme, stdin=password + "\n", check=0).stdout.strip()


def filled(site):
    site.add_stored("plain@example.org", "{PLAIN}pencil")
    site.add_stored("crypt@example.org", crypt("pencil"))
    site.add_stored("gone@example.org", "{PLAIN}pencil", enabled=0)
    for scheme in MECHANISMS:
        site.add_stored(scheme.lower() + "@example.org", site.make(scheme, "pencil"))
    return site


def test_each_mechanism_is_told_from_a_wrong_password_where_it_is_not_served():
    with filled(Mechanisms()).start() as site:
        for mechanism in MECHANISMS:
            for login in ("plain", "crypt", *(m.lower() for m in MECHANISMS)):
                serves = login in ("plain", mechanism.lower())
                name = login + "@example.org"
                equal(site.test(mechanism, name, "pencil"),
                      (0, "accepted: ok") if serves else (1, "rejected: mechanism-unserved"),
                      "%s by %s" % (login, mechanism))
                equal(site.test(mechanism, name, "wrong"),
                      (1, "rejected: wrong-password" if serves else "rejected: mechanism-unserved"),
                      "%s by %s with a wrong password" % (login, mechanism))
            equal(site.test(mechanism, "nobody@example.org", "pencil"), (1, "rejected: unknown-account"), mechanism)
            equal(site.test(mechanism, "gone@example.org", "pencil"), (1, "rejected: disabled"), mechanism)
            equal(site.test(mechanism, "gone@example.org", "wrong"), (1, "rejected: wrong-password"), mechanism)
        for plain in ("PLAIN", "login"):
            equal(site.test(plain, "scram-sha-256@example.org", "pencil"), (0, "accepted: ok"), plain)
        os.rename(site.database, site.database + ".away")
        equal(site.test("SCRAM-SHA-256", "plain@example.org", "pencil"), (2, "unavailable: account-source-down"), "down")
        log = site.log_text()
        assert "pencil" not in log, log


def test_what_nobody_has_is_refused():
    with filled(Mechanisms()).start() as site:
        done = site.ctl("test", "--mech", "DIGEST-MD5", "plain@example.org", stdin="pencil\n")
        equal(done.returncode, 64, done.stderr)
        assert "unknown mechanism DIGEST-MD5: there are PLAIN, LOGIN, CRAM-MD5, SCRAM-SHA-1, SCRAM-SHA-256" in done.stderr, done.stderr
        done = site.ctl("test", "--mech", "CRAM-MD5", "--realm", "example.org", "plain", stdin="pencil\n")
        equal(done.returncode, 64, done.stderr)


def test_mechanisms_counts_what_is_stored():
    def counts(site):
        lines = site.ctl("mechanisms", check=0).stdout.splitlines()
        return lines[0], {line.split("  ")[2]: line[18:].split(None, 1) for line in lines[1:]}
    with filled(Mechanisms()) as site:
        site.add_stored("bad@example.org", "{NOSUCH}x")
        head, told = counts(site)
        equal(head, "mail (preset claviger): 7 accounts", "head")
        equal(told, {"PLAIN, LOGIN": ["6"], "CRAM-MD5": ["3"], "SCRAM-SHA-1": ["3"], "SCRAM-SHA-256": ["3"]},
              "all of them")
    with filled(Mechanisms('make_scheme = "{SCRAM-SHA-256}"')) as site:
        equal([len(told) for told in counts(site)[1].values()], [1, 2, 2, 1], "what is not offered")


def test_the_default_follows_the_form_in_which_passwords_are_made():
    for said, served in (("", ()), ('make_scheme = "{SCRAM-SHA-256}"', ("SCRAM-SHA-256",)),
                         ('default_scheme = "PLAIN"', MECHANISMS), ('make_scheme = "CRAM-MD5"', ("CRAM-MD5",)),
                         ('default_scheme = "PLAIN"  mechanisms = "none"', ())):
        with filled(Mechanisms(said)).start() as site:
            for mechanism in MECHANISMS:
                equal(site.test(mechanism, "plain@example.org", "pencil")[0], 0 if mechanism in served else 1,
                      "%r: %s" % (said, mechanism))


def test_a_configuration_that_cannot_be_is_refused():
    for accounts, daemon, words in (
            ('mechanisms = "SCRAM-SHA-257"', "", 'did you mean "SCRAM-SHA-256"'),
            ("", 'challenge_key = "/nonexistent/key"', "/nonexistent"),
            ("", 'challenge_key = "%s"', "fewer than 32 characters")):
        site = Mechanisms(accounts)
        key = os.path.join(site.dir, "key")
        with open(key, "w") as f:
            f.write("short\n")
        os.chmod(key, 0o600)
        site.write_conf(ACCOUNTS % accounts + LISTEN, daemon=daemon.replace("%s", key))
        checked = site.ctl("check-config", check=78)
        assert words in checked.stderr and site.conf in checked.stderr, checked.stderr
        site.start(wait=False)
        status = site.process.wait(20)
        assert status not in (0, None) and words in site.log_text(), (status, site.log_text())
        site.close()


# --- the wire of the plugin ---------------------------------------------------------------


def exchange(site, request, shut=False):
    sock = site.connect(os.path.join(site.dir, "auxprop"))
    sock.sendall(request)
    if shut:
        sock.shutdown(socket.SHUT_WR)
    return harness.read_all(sock)


PLAINTEXT, CRAM, SHA_1, SHA_256 = range(4)
NOBODY, UNAVAILABLE, MALFORMED = b"\1\1\0", b"\1\2\0", b"\1\3\0"
SCRAM = (PLAINTEXT, SHA_1, SHA_256)     # what SCRAM's properties are


def asked(login, wants=(PLAINTEXT,), realm="", service="imap", remote=""):
    return bytes([1, sum(1 << kind for kind in wants)]) + b"".join(
        counted(f) for f in (login, realm, service, remote))


def values(reply):
    """By kind, of a reply that found somebody."""
    equal(reply[:2], b"\1\0", "version and answer")
    got, at = {}, 3
    for _ in range(reply[2]):
        length = struct.unpack(">H", reply[at + 1:at + 3])[0]
        got[reply[at]] = reply[at + 3:at + 3 + length]
        at += 3 + length
    equal(at, len(reply), "nothing behind the values")
    return got


def fields(verifier):
    """Rounds, salt and keys of "NAME$rounds:salt$stored:server"."""
    _, head, keys = verifier.decode().split("$")
    rounds, salt = head.split(":")
    return [int(rounds)] + [base64.b64decode(f) for f in (salt, *keys.split(":"))]


def is_of(verifier, digest, password):
    """Computed by Python: does a proof made with this password fit?"""
    rounds, salt, stored, server = fields(verifier)
    salted = hashlib.pbkdf2_hmac(digest, password.encode(), salt, rounds)
    client = hmac.new(salted, b"Client Key", digest).digest()
    return (hashlib.new(digest, client).digest() == stored,
            hmac.new(salted, b"Server Key", digest).digest() == server) == (True, True)


def test_the_password_itself_is_given_only_where_nothing_else_would_do():
    with filled(Mechanisms()).start() as site:
        equal(values(exchange(site, asked("plain@example.org"))), {PLAINTEXT: b"pencil"}, "plaintext")
        equal(values(exchange(site, asked("plain", realm="example.org"))), {PLAINTEXT: b"pencil"}, "with a realm")
        equal(list(values(exchange(site, asked("plain@example.org", SCRAM)))), [SHA_1, SHA_256], "for SCRAM")
        equal(list(values(exchange(site, asked("plain@example.org", (PLAINTEXT, CRAM))))), [CRAM], "for CRAM-MD5")
        for login in ("crypt@example.org", "gone@example.org", "nobody@example.org", "scram-sha-1@example.org",
                      "a\x01b", ""):
            equal(exchange(site, asked(login)), NOBODY, repr(login))
        equal(exchange(site, asked("a\x01b", SCRAM)), NOBODY, "nobody's name, for SCRAM")


def test_verifiers_fit_where_they_should_and_nowhere_else():
    with filled(Mechanisms()).start() as site:
        for login, right in (("plain", (SHA_1, SHA_256)), ("scram-sha-1", (SHA_1,)), ("scram-sha-256", (SHA_256,)),
                             ("cram-md5", ()), ("crypt", ()), ("gone", ()), ("nobody", ())):
            request = asked(login + "@example.org", SCRAM)
            got = values(exchange(site, request))
            equal(list(got), [SHA_1, SHA_256], login)
            for kind, digest, name in ((SHA_1, "sha1", b"SCRAM-SHA-1$"), (SHA_256, "sha256", b"SCRAM-SHA-256$")):
                assert got[kind].startswith(name), got[kind]
                equal(is_of(got[kind], digest, "pencil"), kind in right, "%s by %r" % (login, name))
                again = values(exchange(site, request))[kind]
                equal(fields(again)[:2], fields(got[kind])[:2], "%s: salt and rounds, again" % login)
                equal(len(fields(got[kind])[1]), 16, "%s: bytes of salt" % login)
        before = values(exchange(site, asked("scram-sha-256@example.org", SCRAM)))[SHA_256]
        site.ctl("user", "disable", "scram-sha-256@example.org", check=0)
        after = values(exchange(site, asked("scram-sha-256@example.org", SCRAM)))[SHA_256]
        equal(fields(after)[:2], fields(before)[:2], "a disabled account keeps its salt")
        assert not is_of(after, "sha256", "pencil"), "a disabled account's keys"
        salt = fields(values(exchange(site, asked("nobody@example.org", SCRAM)))[SHA_1])[1]
        site.stop()
        site.start()
        equal(fields(values(exchange(site, asked("nobody@example.org", SCRAM)))[SHA_1])[1], salt, "after a restart")


def test_a_database_that_is_down_and_a_bad_stored_password_are_unavailable():
    with filled(Mechanisms()).start() as site:
        site.add_stored("bad@example.org", "{NOSUCH}x")
        for wants in ((PLAINTEXT,), (PLAINTEXT, CRAM), SCRAM):
            equal(exchange(site, asked("bad@example.org", wants)), UNAVAILABLE, "a bad stored password")
        os.rename(site.database, site.database + ".away")
        for wants in ((PLAINTEXT,), (PLAINTEXT, CRAM), SCRAM):
            for login in ("plain@example.org", "nobody@example.org"):
                equal(exchange(site, asked(login, wants)), UNAVAILABLE, "down: " + login)
        assert "pencil" not in site.log_text(), site.log_text()


def test_bytes_that_are_no_request_are_told_so():
    with filled(Mechanisms()).start() as site:
        whole = asked("plain@example.org")
        for what, request in (("another version", b"\2" + whole[1:]), ("a byte too many", whole + b"x"),
                              ("nothing wanted", b"\1\0" + whole[2:]), ("a kind too many", b"\1\x11" + whole[2:]),
                              ("a field too long", b"\1\1" + struct.pack(">H", 1025))):
            equal(exchange(site, request), MALFORMED, what)
        for cut in range(1, len(whole)):
            assert exchange(site, whole[:cut], shut=True) in (UNAVAILABLE, NOBODY, MALFORMED), cut
        sock = site.connect(os.path.join(site.dir, "auxprop"))
        for i in range(len(whole)):
            sock.sendall(whole[i:i + 1])
        equal(values(harness.read_all(sock)), {PLAINTEXT: b"pencil"}, "one byte at a time")


def test_a_verifier_of_a_refused_scheme_is_not_given():
    with filled(Mechanisms(extra='password { refuse_schemes = { "PLAIN", "SCRAM-SHA-1" } }\n')).start() as site:
        equal(exchange(site, asked("plain@example.org")), NOBODY, "plaintext")
        for login in ("plain@example.org", "scram-sha-1@example.org"):
            equal(exchange(site, asked(login, SCRAM)), UNAVAILABLE, login)
            equal(site.test("SCRAM-SHA-1", login, "pencil"), (2, "unavailable: bad-stored-password"), login)
        got = values(exchange(site, asked("scram-sha-256@example.org", SCRAM)))
        assert is_of(got[SHA_256], "sha256", "pencil"), "another"


harness.main()
