#!/usr/bin/env python3
"""Debian's Cyrus IMAP with libclaviger_auxprop.so: virtual users by SCRAM and CRAM-MD5.

libsasl2 does the mechanisms inside imapd; what is stored comes from clavigerd by the plugin. The
clients are Python's, GNU SASL's and libsasl2's own.
"""

import base64, contextlib, glob, hashlib, hmac, imaplib, os, shutil, socket, struct, sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from servers import require_root
require_root("Cyrus's master does")

import harness
from harness import BUILD, equal, wait_until
from claviger import UNCACHED, becomes
from cyrus import Cyrus
from sasl_clients import CLIENTS, LATER, REFUSED, SIGNED_IN, by_python

PLUGIN = os.path.join(BUILD, "sasl_plugin", ".libs", "libclaviger_auxprop.so")
PLUGINS = glob.glob("/usr/lib/*/sasl2")[0]         # libsasl2's own mechanisms
BY_PLUGIN = """
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: claviger
sasl_claviger_socket: %(mux)s
sasl_claviger_timeout: 6
sasl_mech_list: PLAIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256
"""
ACCOUNTS = 'accounts "mail" { preset = "claviger"  file = "%(dir)s/accounts.db"  mechanisms = { "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256" } }\n'
LISTEN = """
listen "plugin"  { protocol = "auxprop"  path = "%(mux)s"  mode = 0666  peers = { "cyrus" }
                   default_domain = "example.test"  %(more)s }
listen "control" { protocol = "control"  path = "%%(dir)s/control"  mode = 0600 }
"""
MECHANISMS = ("CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")


def verifier(digest, name, password, rounds=4096):
    """{SCRAM-...}, by Python."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac(digest, password.encode(), salt, rounds)
    stored = hashlib.new(digest, hmac.new(salted, b"Client Key", digest).digest()).digest()
    return "{%s}%d,%s" % (name, rounds, ",".join(base64.b64encode(b).decode() for b in (
        salt, stored, hmac.new(salted, b"Server Key", digest).digest())))


# doveadm pw -s CRAM-MD5 -p "of cram"
CRAM_OF_CRAM = "{CRAM-MD5}1c439084977896533ee58e896015e18379ff7f652a71f8b0859cf358f56a2400"
STORED = {
    "plain@example.test":   ("of plain", "{PLAIN}of plain"),
    "one@example.test":     ("of one", verifier("sha1", "SCRAM-SHA-1", "of one")),
    "two@example.test":     ("of two", verifier("sha256", "SCRAM-SHA-256", "of two")),
    "cram@example.test":    ("of cram", CRAM_OF_CRAM),
    "many@example.test":    ("of many", verifier("sha256", "SCRAM-SHA-256", "of many", 65536)),
    "plain@other.example":  ("of another", "{PLAIN}of another"),
    "crypt@example.test":   ("of crypt", harness.crypt("of crypt")),
}
SERVES = {
    "plain@example.test": MECHANISMS, "plain@other.example": MECHANISMS,
    "cram@example.test": ("CRAM-MD5",), "one@example.test": ("SCRAM-SHA-1",),
    "two@example.test": ("SCRAM-SHA-256",), "many@example.test": ("SCRAM-SHA-256",),
    "crypt@example.test": (),
}
# The reply that gives plain@example.test's password.
GIVEN = b"\1\0\1" + b"\0" + struct.pack(">H", 8) + b"of plain"


def start_cyrus():
    cyrus = Cyrus(BY_PLUGIN)
    folder = cyrus.mkdir("sasl")
    shutil.copy(PLUGIN, folder)
    os.environ["SASL_PATH"] = "%s:%s" % (folder, PLUGINS)
    return cyrus.start()


cyrus = start_cyrus()


class Daemon(harness.Site):
    def __init__(self, more=""):
        super().__init__(ACCOUNTS, LISTEN % {"mux": cyrus.mux, "more": more}, cache=UNCACHED)
        self.mux = cyrus.mux
        for login, (_, stored) in STORED.items():
            self.add_stored(login, stored)
        self.add_stored("gone@example.test", "{PLAIN}right", enabled=0)
        self.start()


def test_every_client_signs_in_by_every_mechanism_that_the_stored_password_serves():
    with Daemon():
        for name, client in CLIENTS:
            for login, serves in SERVES.items():
                for mechanism in MECHANISMS:
                    equal(client(cyrus.imap_port, mechanism, login, STORED[login][0]),
                          SIGNED_IN if mechanism in serves else REFUSED,
                          "%s: %s by %s" % (name, login, mechanism))


def test_more_rounds_than_libsasl2_s_own_client_takes_are_no_matter_for_others():
    with Daemon() as daemon:
        daemon.add_stored("more@example.test", verifier("sha256", "SCRAM-SHA-256", "of more", 150000))
        for name, client in CLIENTS[:2]:
            equal(client(cyrus.imap_port, "SCRAM-SHA-256", "more@example.test", "of more"), SIGNED_IN,
                  name)


def test_what_clavigerctl_makes_signs_in():
    with Daemon() as daemon:
        for mechanism in MECHANISMS:
            made = daemon.ctl("hash", "-s", mechanism, stdin="of made\n", check=0).stdout.strip()
            login = mechanism.lower() + "@example.test"
            daemon.add_stored(login, made)
            for name, client in CLIENTS:
                equal(client(cyrus.imap_port, mechanism, login, "of made"), SIGNED_IN,
                      "%s by %s" % (name, mechanism))


def test_a_bare_name_is_one_of_the_default_domain():
    with Daemon():
        for mechanism in MECHANISMS:
            equal(by_python(cyrus.imap_port, mechanism, "plain", "of plain"), SIGNED_IN, mechanism)
            equal(by_python(cyrus.imap_port, mechanism, "plain", "of another"), REFUSED, mechanism)


def test_wrong_passwords_unknown_and_disabled_accounts_are_refused():
    with Daemon() as daemon:
        for name, client in CLIENTS:
            for mechanism in MECHANISMS:
                for what, login, password in (
                        ("wrong", "plain@example.test", "wrong"),
                        ("unknown", "nobody@example.test", "right"),
                        ("disabled", "gone@example.test", "right")):
                    equal(client(cyrus.imap_port, mechanism, login, password), REFUSED,
                          "%s: %s by %s" % (name, what, mechanism))
        daemon.ctl("user", "disable", "plain@example.test", check=0)
        equal(by_python(cyrus.imap_port, "SCRAM-SHA-256", "plain@example.test", "of plain"), REFUSED,
              "disabled a moment ago")


def test_who_sends_a_password_is_checked_against_what_is_stored_as_it_is():
    with Daemon():
        client = cyrus.imap()
        equal(client.login("plain@example.test", "of plain")[0], "OK", "LOGIN")
        client.logout()


def test_a_database_that_is_down_is_not_a_wrong_password():
    with Daemon() as daemon:
        def sign_in():
            return by_python(cyrus.imap_port, "SCRAM-SHA-256", "two@example.test", "of two")
        equal(sign_in(), SIGNED_IN, "before")
        os.rename(daemon.database, daemon.database + ".away")
        becomes(sign_in, SIGNED_IN, LATER)
        for mechanism in MECHANISMS:
            for login in ("plain@example.test", "nobody@example.test"):
                equal(by_python(cyrus.imap_port, mechanism, login, "of plain"), LATER,
                      "%s by %s" % (login, mechanism))
        os.rename(daemon.database + ".away", daemon.database)
        becomes(sign_in, LATER, SIGNED_IN)
        daemon.stop()
        equal(sign_in(), LATER, "without a daemon")
        daemon.start()
        equal(sign_in(), SIGNED_IN, "with it again")


def test_who_is_not_listed_gets_nothing():
    def request():
        sock = harness.dial(cyrus.mux, 10)
        fields = [b"plain@example.test", b"", b"imap", b""]
        sock.sendall(b"\1\1" + b"".join(struct.pack(">H", len(f)) + f for f in fields))
        return harness.read_all(sock)

    def as_user(name):
        """What the daemon says to that user's process."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                import grp, pwd
                user = pwd.getpwnam(name)
                os.setgroups([])
                os.setgid(user.pw_gid)
                os.setuid(user.pw_uid)
                os.write(writing, request())
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as said:
            answer = said.read()
        os.waitpid(pid, 0)
        return answer

    with Daemon() as daemon:
        wait_until(daemon.answers, 5, "the daemon answers")
        equal(request(), GIVEN, "root")
        equal(as_user("cyrus"), GIVEN, "who is listed")
        equal(as_user("nobody"), b"", "who is not")


def test_nobody_is_challenged_like_somebody():
    """As far as libsasl2 lets it: who begins SCRAM gets a salt, the same each time."""
    def challenge(login):
        with cyrus.imap() as client, contextlib.suppress(imaplib.IMAP4.error):
            said = []

            def answer(server):
                said.append(server.decode())
                return b"n,,n=%s,r=abc" % login.encode() if len(said) == 1 else None
            client.authenticate("SCRAM-SHA-256", answer)
        return [f for f in said[1].split(",") if f[0] != "r"]
    with Daemon() as daemon:
        known = challenge("two@example.test")
        equal(challenge("nobody@example.test")[1], known[1], "rounds")
        equal(challenge("nobody@example.test"), challenge("nobody@example.test"), "twice")
        daemon.ctl("user", "disable", "two@example.test", check=0)
        equal(challenge("two@example.test"), known, "disabled")


def test_a_socket_of_a_stranger_is_not_believed():
    import threading

    def serve(server):
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            peer.recv(4096)
            with contextlib.suppress(BrokenPipeError):
                peer.sendall(GIVEN)
            peer.close()

    with Daemon() as daemon:
        daemon.stop()
        if os.path.exists(cyrus.mux):
            os.unlink(cyrus.mux)
        server = socket.socket(socket.AF_UNIX)
        server.bind(cyrus.mux)
        os.chmod(cyrus.mux, 0o666)
        os.seteuid(65534)           # what listen() keeps as the owner
        server.listen(8)
        os.seteuid(0)
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        equal(by_python(cyrus.imap_port, "SCRAM-SHA-256", "plain@example.test", "of plain"), LATER,
              "a socket of nobody's")
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        os.unlink(cyrus.mux)
        daemon.start()
        equal(by_python(cyrus.imap_port, "SCRAM-SHA-256", "plain@example.test", "of plain"), SIGNED_IN,
              "the daemon's again")


harness.main()
