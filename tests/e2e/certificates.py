"""tests/e2e/certificates.py - authorities and certificates of the tests' own, made by openssl"""

import os, subprocess

from servers import program

CONFIGURATION = """
[ca]
default_ca = default
[default]
dir = %(dir)s
database = %(dir)s/index
serial = %(dir)s/serial
new_certs_dir = %(dir)s
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
"""

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")

VALID = ("20200101000000Z", "21200101000000Z")
EXPIRED = ("20200101000000Z", "20210101000000Z")
NOT_YET = ("21000101000000Z", "21200101000000Z")


def openssl(*argv):
    done = subprocess.run([program("/usr/bin/openssl"), *argv], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise AssertionError("openssl %s\n%s" % (" ".join(argv), done.stderr))


class Authority:
    """In a folder; `path` is its own certificate."""

    def __init__(self, folder, name="Authority of the tests"):
        os.makedirs(folder)
        self.dir = folder
        self.path = self.file("ca.pem")
        with open(self.file("conf"), "w") as f:
            f.write(CONFIGURATION % {"dir": folder})
        with open(self.file("index"), "w"):
            pass
        with open(self.file("serial"), "w") as f:
            f.write("1000\n")
        openssl("req", "-x509", *KEY, "-days", "3650", "-config", self.file("conf"), "-extensions", "authority",
                "-subj", "/CN=" + name, "-keyout", self.file("ca.key"), "-out", self.path)

    def file(self, name):
        return os.path.join(self.dir, name)

    def issue(self, name, common, alternatives="", dates=VALID):
        """Paths of a certificate and its key. `alternatives` as in "DNS:db.example.net,IP:127.0.0.1"."""
        cert, key, request, extra = (self.file(name + end) for end in (".pem", ".key", ".request", ".extra"))
        with open(extra, "w") as f:
            f.write("basicConstraints = CA:false\n")
            if alternatives:
                f.write("subjectAltName = %s\n" % alternatives)
        openssl("req", "-new", *KEY, "-config", self.file("conf"), "-subj", "/CN=" + common, "-keyout", key,
                "-out", request)
        openssl("ca", "-batch", "-notext", "-config", self.file("conf"), "-cert", self.path, "-keyfile",
                self.file("ca.key"), "-in", request, "-out", cert, "-extfile", extra, "-startdate", dates[0],
                "-enddate", dates[1])
        os.chmod(key, 0o600)
        return cert, key
