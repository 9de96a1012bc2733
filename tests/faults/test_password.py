#!/usr/bin/env python3
"""clavigerctl's commands about stored passwords, and what the password room is made of."""

import glob, os, re, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from harness import BUILD, CLAVIGERCTL, SOURCE, Site, crypt, equal

RIGHT, WRONG, BAD, USAGE = 0, 1, 3, 64


def ctl(*arguments, stdin=b""):
    return subprocess.run([CLAVIGERCTL, *arguments], input=stdin, capture_output=True, timeout=120)


def test_verify_tells_right_wrong_and_what_is_no_stored_password():
    for stored, password, options, want in (
            (crypt("secret"), "secret", (), RIGHT),
            (crypt("secret"), "Secret", (), WRONG),
            (crypt("secret"), "", (), WRONG),
            (crypt("secret"), "x" * 5000, (), WRONG),
            ("5ebe2294ecd0e0f08eab7690d2a6ee69", "secret", ("--default-scheme", "RAW-MD5-HEX"), RIGHT),
            ("5ebe2294ecd0e0f08eab7690d2a6ee69", "secret", (), BAD),
            ("{DIGEST-MD5}b1726872c344b6dc8365b774f8fd6412", "secret", ("--user", "alice@example.com"), RIGHT),
            ("{DIGEST-MD5}b1726872c344b6dc8365b774f8fd6412", "secret", (), WRONG),
            ("", "", (), BAD), ("!", "!", (), BAD), ("*", "*", (), BAD), ("*0", "*0", (), BAD),
            ("{PLAIN}", "", (), BAD), ("{CRYPT}", "", (), BAD), ("{NOSUCH}secret", "secret", (), BAD),
            ("$6$rounds=999999999$salt$" + "0" * 86, "secret", (), BAD),
            (crypt("secret")[:50], "secret", (), BAD)):
        for flag, data in (((), "%s\n%s\n" % (stored, password)), (("-0",), "%s\0%s" % (stored, password))):
            done = ctl("verify", *flag, *options, stdin=data.encode())
            equal(done.returncode, want, (stored, password, flag, done.stdout, done.stderr))
            assert not password or stored == password or len(password) < 3 \
                or password.encode() not in done.stdout + done.stderr


def test_verify_says_scheme_verdict_and_cost():
    done = ctl("verify", stdin=("%s\nsecret\n" % crypt("secret")).encode()).stdout.decode()
    for line in (r"^scheme   SHA512-CRYPT$", r"^class    strong$", r"^verdict  right$", r"^cost     0\.4 ms, 0 KiB"):
        assert re.search(line, done, re.M), done


def test_verify_tells_no_cost_of_what_is_bad_and_asks_for_the_login_that_is_hashed():
    bad = ctl("verify", stdin=b"$6$rounds=999999999$salt$x\nx\n").stdout.decode()
    assert "cost     " not in bad and "sha_rounds" in bad, bad
    stored = b"{DIGEST-MD5}b1726872c344b6dc8365b774f8fd6412\nsecret\n"
    assert b"--user" in ctl("verify", stdin=stored).stdout
    assert b"--user" not in ctl("verify", "--user", "alice@example.com", stdin=stored).stdout


def test_hash_tells_what_only_verifies_from_what_is_no_scheme():
    for scheme, words in (("PBKDF2", b"nothing new is made"), ("crypt", b"nothing new is made"),
                          ("bcrypt", b"did you mean BLF-CRYPT"), ("nosuch", b"--list shows")):
        done = ctl("hash", "-s", scheme, stdin=b"secret\n")
        equal(done.returncode, USAGE, scheme)
        assert words in done.stderr and not done.stdout, (scheme, done.stderr)


def test_verify_wants_two_values_and_a_scheme_that_there_is():
    equal(ctl("verify", stdin=b"only one").returncode, USAGE)
    equal(ctl("verify", "-0", stdin=b"only one\nand its line\n").returncode, USAGE)
    equal(ctl("verify", stdin=b"one\ntwo\nthree\n").returncode, USAGE)
    equal(ctl("verify", "-s", "NOSUCH", stdin=b"a\nb\n").returncode, USAGE)


def test_a_password_with_a_nul_is_wrong():
    equal(ctl("verify", "-0", stdin=crypt("secret").encode() + b"\0secret\0junk").returncode, WRONG)
    equal(ctl("verify", "-0", stdin=crypt("secret").encode() + b"\0secret\0").returncode, RIGHT)


def test_other_encodings_are_tried_only_when_asked():
    stored = "%s" % crypt("gr\xfcn".encode("latin-1"))
    data = stored.encode() + b"\n" + "grün".encode() + b"\n"
    equal(ctl("verify", stdin=data).returncode, WRONG)
    equal(ctl("verify", "-e", stdin=data).returncode, RIGHT)


def test_schemes_lists_what_is_made_and_measures_it():
    lines = ctl("schemes").stdout.decode().splitlines()
    rows = {line.split()[0]: line.split() for line in lines[1:]}
    assert len(rows) > 90 and rows["YESCRYPT"][1] == "strong", lines[:3]
    assert float(rows["BLF-CRYPT"][4]) > 1 and rows["PLAIN-MD5"][2] == "verifies"


def test_calibrate_proposes_costs_that_hash_takes():
    lines = ctl("calibrate", "--target-ms", "20").stdout.decode().splitlines()[1:]
    equal([line.split()[0] for line in lines], ["YESCRYPT", "BLF-CRYPT", "ARGON2ID", "SHA512-CRYPT"])
    for line in lines:
        scheme, cost = line.split()[:2]
        equal(ctl("hash", "-s", scheme, "--cost", cost, stdin=b"secret\n").returncode, 0, line)


def test_a_refused_scheme_is_unavailable_and_told_and_a_weak_one_is_told_once():
    site = Site(extra='password { refuse_schemes = { "PLAIN" } }\n')
    site.add_stored("ada@example.org", "{PLAIN}secret")
    site.add_stored("bob@example.org", "{PLAIN-MD5}5ebe2294ecd0e0f08eab7690d2a6ee69")
    site.add_stored("eve@example.org", "{PLAIN-MD5}5ebe2294ecd0e0f08eab7690d2a6ee69")
    site.start()
    equal(site.ask("ada@example.org", "secret"), harness.TEMPORARY)
    equal(site.ask("bob@example.org", "secret"), harness.OK)
    equal(site.ask("eve@example.org", "secret"), harness.OK)
    log = harness.wait_until(lambda: "legacy scheme" in site.log_text() and site.log_text(), 10, "the warning")
    assert "refuse_schemes refuses it" in log and "secret" not in log, log
    equal(log.count("legacy scheme PLAIN-MD5"), 1, log)
    site.stop()


# --- what the room is made of --------------------------------------------------------------

# Comparisons that stop early, and what they may look at: never a digest, a key or a password.
EARLY = re.compile(r"\b(memcmp|bcmp|strn?cmp|strn?casecmp|span_equal|span_is|span_starts)\s*(?=\()")
SECRET = re.compile(r"\b(made|key|tag|hash|digest|password|form\.key|form->key)\b")
ALLOWED = (
    "span_equal(span_until(form.salt, 2), span_until(form.key, 2))",    # DES's salt, which is public
)


def arguments_at(text, start):
    """From one parenthesis to the one that closes it."""
    depth = 0
    for end in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        if depth == 0:
            return text[start:end + 1]
    raise AssertionError("never closed: " + text[start:start + 60])


def test_nothing_secret_is_compared_by_what_stops_early():
    looked = 0
    for path in sorted(glob.glob(os.path.join(SOURCE, "password", "*.c"))):
        with open(path) as f:
            text = f.read()
        for found in EARLY.finditer(text):
            looked += 1
            call = found.group(1) + " ".join(arguments_at(text, found.end()).split())
            assert call in ALLOWED or not SECRET.search(call), (path, call)
    assert looked > 10, looked


def test_the_objects_call_no_comparison_that_stops_early():
    objects = glob.glob(os.path.join(BUILD, "password", ".libs", "*.o")) \
        or glob.glob(os.path.join(BUILD, "password", "*.o"))
    assert len(objects) > 15, objects
    for path in objects:
        undefined = subprocess.run(["nm", "-u", path], capture_output=True, text=True, check=True).stdout
        found = set(re.findall(r"\b(memcmp|bcmp|strcmp|strcasecmp|strncasecmp)\b", undefined))
        assert not found, (path, found)


if __name__ == "__main__":
    harness.main()
