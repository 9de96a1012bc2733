"""tests/e2e/sasl_clients.py - independent ways to sign in by CRAM-MD5 and SCRAM over IMAP and SMTP

Python's own (imaplib, smtplib, hashlib, hmac), GNU SASL's gsasl and libsasl2's imtest and smtptest.
Over IMAP each says SIGNED_IN, REFUSED or, where the server said that nobody can tell, LATER; over
SMTP the code of the last reply.
"""

import base64, hashlib, hmac, imaplib, os, re, smtplib, subprocess

from servers import program

SIGNED_IN, REFUSED, LATER = "signed in", "refused", "later"
# What Cyrus makes of libsasl2's SASL_UNAVAIL and SASL_FAIL.
UNAVAILABLE = ("remote authentication server unavailable", "generic failure")

DIGESTS = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256"}


def scram(mechanism, login, password, authzid=None):
    """A client as imaplib's authenticate() wants it: called with what the server said."""
    digest = DIGESTS[mechanism]
    nonce = base64.b64encode(os.urandom(18)).decode()
    header = "n,%s," % ("" if authzid is None else "a=" + authzid)
    bare = "n=%s,r=%s" % (login.replace("=", "=3D").replace(",", "=2C"), nonce)
    state = {}

    def mac(key, text):
        return hmac.new(key, text, digest).digest()

    def answer(challenge):
        text = (challenge or b"").decode()
        if not text:
            return (header + bare).encode()
        if text.startswith("v="):
            assert base64.b64decode(text[2:]) == state["server"], "the server does not know the password"
            state["proved"] = True
            return b""
        fields = dict(part.split("=", 1) for part in text.split(","))
        assert fields["r"].startswith(nonce) and len(fields["r"]) > len(nonce), "nonce"
        salted = hashlib.pbkdf2_hmac(digest, password.encode(), base64.b64decode(fields["s"]),
                                     int(fields["i"]))
        client = mac(salted, b"Client Key")
        final = "c=%s,r=%s" % (base64.b64encode(header.encode()).decode(), fields["r"])
        message = ",".join((bare, text, final)).encode()
        stored = hashlib.new(digest, client).digest()
        proof = bytes(a ^ b for a, b in zip(client, mac(stored, message)))
        state["server"] = mac(mac(salted, b"Server Key"), message)
        return ("%s,p=%s" % (final, base64.b64encode(proof).decode())).encode()

    answer.state = state
    return answer


def cram_md5(login, password):
    return lambda challenge: ("%s %s" % (
        login, hmac.new(password.encode(), challenge, "md5").hexdigest())).encode()


def client_of(mechanism, login, password):
    return cram_md5(login, password) if mechanism == "CRAM-MD5" else scram(mechanism, login, password)


def by_python(port, mechanism, login, password):
    client = imaplib.IMAP4("127.0.0.1", port, timeout=20)
    answer = client_of(mechanism, login, password)
    try:
        client.authenticate(mechanism, answer)
        assert mechanism == "CRAM-MD5" or answer.state.get("proved"), "the server proved nothing"
        return SIGNED_IN
    except imaplib.IMAP4.error as refusal:
        return LATER if any(words in str(refusal) for words in UNAVAILABLE) else REFUSED
    finally:
        client.shutdown()


def ran(argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="backslashreplace", timeout=30)
    return done, done.stdout + done.stderr


def by_gsasl(port, mechanism, login, password):
    done, said = ran([program("/usr/bin/gsasl"), "--imap", "--no-starttls", "--no-cb", "-m", mechanism,
                      "-a", login, "-p", password, "127.0.0.1", str(port)])
    if any(words in said for words in UNAVAILABLE):
        return LATER
    assert done.returncode != 0 or "Client authentication finished (server trusted)" in said, said
    return SIGNED_IN if done.returncode == 0 else REFUSED


def by_imtest(port, mechanism, login, password):
    _, said = ran([program("/usr/lib/cyrus/bin/imtest"), "-m", mechanism.lower(), "-a", login,
                   "-u", login, "-w", password, "-p", str(port), "127.0.0.1"])
    # Its own words for a failure are the server's for another.
    refusal = re.search(r"^S: A01 NO (.*)", said, re.M)
    if refusal and any(words in refusal.group(1) for words in UNAVAILABLE):
        return LATER
    assert re.search(r"^(Authenticated|Authentication failed)", said, re.M), said
    return SIGNED_IN if "\nAuthenticated." in said else REFUSED


CLIENTS = (("Python", by_python), ("gsasl", by_gsasl), ("imtest", by_imtest))


# --- over SMTP ------------------------------------------------------------------------------


def smtp_by_python(port, mechanism, login, password):
    def b64(text):
        return base64.b64encode(text).decode()
    answer = client_of(mechanism, login, password)
    with smtplib.SMTP("127.0.0.1", port, "client.example.test", timeout=20) as client:
        client.ehlo()
        first = "" if mechanism == "CRAM-MD5" else " " + b64(answer(None))
        code, said = client.docmd("AUTH " + mechanism + first)
        while code == 334:
            code, said = client.docmd(b64(answer(base64.b64decode(said))))
    assert code != 235 or mechanism == "CRAM-MD5" or answer.state.get("proved"), "the server proved nothing"
    return code


def last_code(said, pattern):
    codes = {int(code) for code in re.findall(pattern, said, re.M) if code in ("235", "454", "535")}
    assert len(codes) == 1, said
    return codes.pop()


def smtp_by_gsasl(port, mechanism, login, password):
    done, said = ran([program("/usr/bin/gsasl"), "--smtp", "--no-starttls", "--no-cb", "-m", mechanism,
                      "-a", login, "-p", password, "127.0.0.1", str(port)])
    code = last_code(said, r"^(\d{3}) ")
    assert (code == 235) == (done.returncode == 0 and "server trusted" in said), said
    return code


def smtp_by_smtptest(port, mechanism, login, password):
    _, said = ran([program("/usr/lib/cyrus/bin/smtptest"), "-m", mechanism.lower(), "-a", login,
                   "-u", login, "-w", password, "-p", str(port), "127.0.0.1"])
    return last_code(said, r"^S: (\d{3}) ")


SMTP_CLIENTS = (("Python", smtp_by_python), ("gsasl", smtp_by_gsasl), ("smtptest", smtp_by_smtptest))
