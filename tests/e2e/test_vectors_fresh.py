#!/usr/bin/env python3
"""Stored passwords of other makers, made now with random passwords: theirs by us, ours by them.

Makers are Debian's packages (tests/packages): Dovecot's doveadm, passlib, Django's hashers, mkpasswd,
htpasswd, openssl, PHP. A maker that is not there is an error, not a skip.
"""

import os, random, shutil, string, subprocess, sys, tempfile, warnings

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from harness import CLAVIGERCTL

warnings.simplefilter("ignore")
ROUNDS = int(os.environ.get("VECTOR_ROUNDS", "3"))      # random passwords for each format
SEED = int(os.environ.get("VECTOR_SEED", random.SystemRandom().randrange(1 << 32)))
draw = random.Random(SEED)
RIGHT, WRONG = 0, 1


def password(most=40):
    letters = draw.choice((string.ascii_letters + string.digits, string.printable[:95], "aüß漢🔑 é'$\\{}"))
    return "".join(draw.choice(letters) for _ in range(draw.randint(1, 12)))[:most].strip() or "x"


def run(*command, stdin=None):
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=60)
    assert done.returncode == 0, "%s: exit %d: %s" % (command[0], done.returncode, done.stderr.decode("utf-8", "replace"))
    return done.stdout.decode().strip("\n")


def verify(stored, text, *options):
    """The exit status of clavigerctl verify."""
    done = subprocess.run([CLAVIGERCTL, "verify", "-0", *options],
                          input=stored.encode() + b"\0" + text.encode(), capture_output=True, timeout=60)
    return done.returncode


def theirs(maker, stored, text, *options):
    for tried, want in ((text, RIGHT), (text + "x", WRONG), (text[:-1] + chr(ord(text[-1]) ^ 1), WRONG)):
        got = verify(stored, tried, *options)
        assert got == want, "seed %d: %s made %s of %r: %r: exit %d, not %d" % (
            SEED, maker, stored, text, tried, got, want)


def ours(scheme, text, cost=None):
    options = ["--cost", str(cost)] if cost else []
    return run(CLAVIGERCTL, "hash", "-s", scheme, *options, stdin=text.encode() + b"\n")


def both(makers):
    for maker, stored_of, options in makers:
        for _ in range(ROUNDS):
            text = password()
            theirs(maker, stored_of(text), text, *options)


# --- Dovecot -------------------------------------------------------------------------------


class Doveadm:
    """doveadm with a configuration of its own: nothing of the machine's is read."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="claviger-doveadm-")
        self.conf = os.path.join(self.dir, "dovecot.conf")
        with open(self.conf, "w") as f:
            f.write("ssl = no\nbase_dir = %s\nlog_path = /dev/stderr\n" % self.dir)

    def make(self, scheme, text, *options):
        return run("doveadm", "-c", self.conf, "pw", "-s", scheme, "-p", text, *options)

    def test(self, stored, text, login=None):
        extra = ["-u", login] if login else []
        done = subprocess.run(["doveadm", "-c", self.conf, "pw", "-t", stored, "-p", text, *extra],
                              capture_output=True, text=True, timeout=60)
        return done.returncode == 0 and "verified" in done.stdout

    def close(self):
        shutil.rmtree(self.dir)


DOVECOT_MAKES = ("PLAIN CLEAR CRAM-MD5 HMAC-MD5 PLAIN-MD5 LDAP-MD5 PLAIN-MD4 SHA SHA1 SHA256 SHA512 SMD5 SSHA"
                 " SSHA256 SSHA512 MD5 MD5-CRYPT DES-CRYPT CRYPT BLF-CRYPT SHA256-CRYPT SHA512-CRYPT PBKDF2"
                 " SCRAM-SHA-1 SCRAM-SHA-256 ARGON2I SSHA512.hex SHA256.hex SSHA.b64 SHA512-CRYPT.b64 OTP").split()


def test_what_doveadm_makes_verifies():
    doveadm = Doveadm()
    for scheme in DOVECOT_MAKES:
        for _ in range(ROUNDS):
            text = password(8 if "DES" in scheme or scheme == "CRYPT" else 40)
            if scheme == "DES-CRYPT":
                text = "".join(draw.choice(string.ascii_letters) for _ in range(7))
            theirs("doveadm " + scheme, doveadm.make(scheme, text), text)
    doveadm.close()


def test_what_doveadm_makes_for_a_login_verifies_for_that_login_only():
    doveadm = Doveadm()
    for login in ("ada@example.org", "ada", "ada.b@mail.example.org"):
        text = password()
        stored = doveadm.make("DIGEST-MD5", text, "-u", login)
        theirs("doveadm DIGEST-MD5", stored, text, "--user", login)
        assert verify(stored, text, "--user", "eve@example.org") == WRONG
    doveadm.close()


def test_what_we_make_verifies_for_doveadm():
    doveadm = Doveadm()
    for scheme, cost in (("SHA512-CRYPT", 1000), ("SHA256-CRYPT", 1000), ("BLF-CRYPT", 4), ("SSHA256", None),
                         ("SSHA512", None), ("CRAM-MD5", None), ("PLAIN", None), ("SCRAM-SHA-1", 4096),
                         ("SCRAM-SHA-256", 4096), ("ARGON2I", 14), ("ARGON2ID", 14)):
        for _ in range(ROUNDS):
            text = password()
            stored = ours(scheme, text, cost)
            named = stored if stored.startswith("{") else "{%s}%s" % (scheme, stored)
            assert doveadm.test(named, text), "seed %d: %s of %r" % (SEED, named, text)
            assert not doveadm.test(named, text + "x"), named
    doveadm.close()


# --- passlib -------------------------------------------------------------------------------


def passlib_handlers():
    from passlib import hash as h
    quick = dict(rounds=1000)
    named = lambda handler, **kw: (lambda text: handler.using(**kw).hash(text))
    return (
        ("pbkdf2_sha1", named(h.pbkdf2_sha1, **quick), ()),
        ("pbkdf2_sha256", named(h.pbkdf2_sha256, **quick), ()),
        ("pbkdf2_sha512", named(h.pbkdf2_sha512, **quick), ()),
        ("ldap_pbkdf2_sha512", named(h.ldap_pbkdf2_sha512, **quick), ()),
        ("ldap_salted_sha1", named(h.ldap_salted_sha1), ()),
        ("ldap_salted_sha512", named(h.ldap_salted_sha512), ()),
        ("bcrypt_sha256", named(h.bcrypt_sha256, rounds=4), ()),
        ("bcrypt_sha256 v1", named(h.bcrypt_sha256, rounds=5, version=1), ()),
        ("bcrypt", named(h.bcrypt, rounds=4), ()),
        ("sha512_crypt", named(h.sha512_crypt, **quick), ()),
        ("sha256_crypt", named(h.sha256_crypt, **quick), ()),
        ("sha1_crypt", named(h.sha1_crypt, **quick), ()),
        ("sun_md5_crypt", named(h.sun_md5_crypt, rounds=10), ()),
        ("md5_crypt", named(h.md5_crypt), ()),
        ("apr_md5_crypt", named(h.apr_md5_crypt), ()),
        ("phpass", named(h.phpass, rounds=8), ()),
        ("scrypt", named(h.scrypt, rounds=8), ()),
        # passlib refuses what Unicode 3.2 had not assigned, emoji among them
        ("scram", lambda text: h.scram.using(**quick).hash(text), ()),
        ("argon2 id", named(h.argon2, type="ID", memory_cost=256, rounds=2, parallelism=2), ()),
        ("argon2 i", named(h.argon2, type="I", memory_cost=256, rounds=2, parallelism=3), ()),
        ("argon2 d", named(h.argon2, type="D", memory_cost=256, rounds=2, parallelism=1), ()),
        ("atlassian_pbkdf2_sha1", named(h.atlassian_pbkdf2_sha1), ()),
        ("fshp", named(h.fshp, rounds=100), ()),
        ("grub_pbkdf2_sha512", named(h.grub_pbkdf2_sha512, **quick), ()),
        ("cta_pbkdf2_sha1", named(h.cta_pbkdf2_sha1, **quick), ()),
        ("dlitz_pbkdf2_sha1", named(h.dlitz_pbkdf2_sha1, **quick), ()),
        ("django_pbkdf2_sha256", named(h.django_pbkdf2_sha256, **quick), ()),
        ("mysql41", named(h.mysql41), ()),
        ("hex_md4", named(h.hex_md4), ("-s", "RAW-MD4-HEX")),
        ("hex_sha512", named(h.hex_sha512), ("-s", "RAW-SHA512-HEX")),
        ("nthash", named(h.nthash), ("-s", "RAW-NT-HEX")),
        ("mysql323", lambda text: h.mysql323.hash(text + "z"), ("-s", "MYSQL-323")),
    )


def test_what_passlib_makes_verifies():
    for maker, make, options in passlib_handlers():
        for _ in range(ROUNDS):
            text = password()
            if maker == "scram":
                text = text.replace("🔑", "k")
            theirs("passlib " + maker, make(text), text + "z" if maker == "mysql323" else text, *options)


def test_what_passlib_makes_of_eight_letters_verifies():
    from passlib import hash as h
    for _ in range(ROUNDS):
        text = "".join(draw.choice(string.ascii_lowercase) for _ in range(6))
        theirs("passlib des_crypt", h.des_crypt.hash(text), text, "-s", "CRYPT")
        theirs("passlib bsdi_crypt", h.bsdi_crypt.using(rounds=101).hash(text), text)
        theirs("passlib crypt16", h.crypt16.hash(text), text, "-s", "CRYPT16")
        theirs("passlib bigcrypt", h.bigcrypt.hash(text * 2), text * 2, "-s", "CRYPT")
        assert verify(h.lmhash.hash(text), text.upper(), "-s", "LANMAN") == RIGHT


def test_what_passlib_makes_for_a_login_verifies():
    from passlib import hash as h
    for _ in range(ROUNDS):
        text = password()
        theirs("passlib postgres_md5", h.postgres_md5.hash(text, user="ada"), text, "--user", "ada")


def test_what_we_make_verifies_for_passlib():
    from passlib import hash as h
    for scheme, cost, handler in (
            ("PASSLIB-BCRYPT-SHA256", 4, h.bcrypt_sha256), ("PASSLIB-PBKDF2-SHA256", 1000, h.pbkdf2_sha256),
            ("PASSLIB-PBKDF2-SHA512", 1000, h.pbkdf2_sha512), ("PHC-SCRYPT", 10, h.scrypt),
            ("DJANGO-PBKDF2-SHA256", 1000, h.django_pbkdf2_sha256), ("ARGON2ID", 10, h.argon2),
            ("ARGON2I", 10, h.argon2), ("SHA512-CRYPT", 1000, h.sha512_crypt), ("BLF-CRYPT", 4, h.bcrypt)):
        for _ in range(ROUNDS):
            text = password()
            stored = ours(scheme, text, cost)
            assert handler.verify(text, stored) and not handler.verify(text + "x", stored), (SEED, stored, text)


# --- Django --------------------------------------------------------------------------------


def django_hashers():
    from django.conf import settings
    if not settings.configured:
        settings.configure()
    from django.contrib.auth import hashers
    return hashers


def test_what_django_makes_verifies():
    hashers = django_hashers()
    makes = [
        lambda p: hashers.PBKDF2PasswordHasher().encode(p, hashers.get_random_string(12), 1000),
        lambda p: hashers.PBKDF2SHA1PasswordHasher().encode(p, hashers.get_random_string(12), 1000),
        lambda p: hashers.Argon2PasswordHasher().encode(p, hashers.get_random_string(12)),
        lambda p: hashers.BCryptSHA256PasswordHasher().encode(p, b"$2b$04$" + b"abcdefghijklmnopqrstuu"),
        lambda p: hashers.BCryptPasswordHasher().encode(p, b"$2b$04$" + b"abcdefghijklmnopqrstuu"),
        lambda p: hashers.MD5PasswordHasher().encode(p, hashers.get_random_string(12)),
    ]
    if hasattr(hashers, "SHA1PasswordHasher"):
        makes.append(lambda p: hashers.SHA1PasswordHasher().encode(p, hashers.get_random_string(12)))
    if hasattr(hashers, "ScryptPasswordHasher"):            # since 4.0
        makes.append(lambda p: hashers.ScryptPasswordHasher().encode(p, hashers.get_random_string(12), 1 << 10))
    both([("Django %d" % i, make, ()) for i, make in enumerate(makes)])


def test_what_we_make_verifies_for_django():
    hasher = django_hashers().PBKDF2PasswordHasher()
    for _ in range(ROUNDS):
        text = password()
        stored = ours("DJANGO-PBKDF2-SHA256", text, 1000)
        assert hasher.verify(text, stored) and not hasher.verify(text + "x", stored), (SEED, stored, text)


# --- programs ------------------------------------------------------------------------------


def test_what_mkpasswd_makes_verifies():
    for method, rounds in (("yescrypt", 1), ("gost-yescrypt", 1), ("scrypt", 6), ("bcrypt", 4), ("bcrypt-a", 4),
                           ("sha512crypt", 1000), ("sha256crypt", 1000), ("sunmd5", 10), ("md5crypt", None),
                           ("bsdicrypt", 101), ("nt", None)):
        for _ in range(ROUNDS):
            text = password().encode("ascii", "ignore").decode() or "x"
            options = ["-R", str(rounds)] if rounds else []
            stored = run("mkpasswd", "-s", "-m", method, *options, stdin=text.encode() + b"\n")
            theirs("mkpasswd " + method, stored, text)


def test_what_htpasswd_makes_verifies():
    for flag, options in (("-m", ()), ("-B", ()), ("-s", ()), ("-2", ()), ("-5", ())):
        for _ in range(ROUNDS):
            text = password()
            done = subprocess.run(["htpasswd", "-n", "-i", flag, "ada"], input=text.encode() + b"\n",
                                  capture_output=True, timeout=60)
            if done.returncode != 0 and flag in ("-2", "-5"):
                break           # apache2-utils before 2.4.59
            theirs("htpasswd " + flag, done.stdout.decode().strip().split(":", 1)[1], text, *options)


def test_what_openssl_makes_verifies():
    for flag in ("-1", "-apr1", "-5", "-6"):
        for _ in range(ROUNDS):
            text = password()
            theirs("openssl " + flag, run("openssl", "passwd", flag, "-stdin", stdin=text.encode() + b"\n"), text)


PHP_MAKES = {
    "bcrypt": 'password_hash($p, PASSWORD_BCRYPT, ["cost" => 4])',
    "sha512": 'crypt($p, "\\$6\\$rounds=1000\\$" . bin2hex(random_bytes(8)))',
    "md5": 'crypt($p, "\\$1\\$" . bin2hex(random_bytes(4)))',
    "argon2id": 'password_hash($p, PASSWORD_ARGON2ID, ["memory_cost" => 1024, "time_cost" => 2])',
    "WordPress": '"\\$wp" . password_hash(base64_encode(hash_hmac("sha384", $p, "wp-sha384", true)),'
                 ' PASSWORD_BCRYPT, ["cost" => 4])',
    "Joomla": 'md5($p . "saltsalt") . ":saltsalt"',
    "Whirlpool": 'hash("whirlpool", $p)',
    "Tiger": 'hash("tiger192,3", $p)',
}


PHP_OPTIONS = {"Joomla": ("-s", "JOOMLA15"), "Whirlpool": ("-s", "RAW-WHIRLPOOL-HEX"), "Tiger": ("-s", "RAW-TIGER-HEX")}


def php(code, text):
    return run("php", "-n", "-r", '$p = stream_get_contents(STDIN); %s' % code, stdin=text.encode())


def test_what_php_makes_verifies():
    has_argon = php('echo defined("PASSWORD_ARGON2ID") ? 1 : 0;', "") == "1"
    for name, code in PHP_MAKES.items():
        for _ in range(ROUNDS if name != "argon2id" or has_argon else 0):
            text = password()
            theirs("PHP " + name, php("echo %s;" % code, text), text, *PHP_OPTIONS.get(name, ()))


def test_what_we_make_verifies_for_php():
    for scheme, cost in (("BLF-CRYPT", 4), ("SHA512-CRYPT", 1000), ("SHA256-CRYPT", 1000)):
        for _ in range(ROUNDS):
            text = password()
            stored = ours(scheme, text, cost)
            for tried, want in ((text, "1"), (text + "x", "0")):
                got = php("echo password_verify($p, '%s') ? 1 : 0;" % stored, tried)
                assert got == want, (SEED, stored, tried)


# Debian's modules are the Debian interpreter's, which need not be the one on the path.
DEBIAN_PYTHON = "/usr/bin/python3"


def start_over_with_debian_python():
    try:
        import passlib, django     # noqa: only whether they are there
    except ModuleNotFoundError:
        if os.path.realpath(sys.executable) != os.path.realpath(DEBIAN_PYTHON):
            os.execv(DEBIAN_PYTHON, [DEBIAN_PYTHON, *sys.argv])


if __name__ == "__main__":
    start_over_with_debian_python()
    print("# VECTOR_SEED=%d VECTOR_ROUNDS=%d" % (SEED, ROUNDS))
    harness.main()
