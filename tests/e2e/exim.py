"""tests/e2e/exim.py - a private Exim whose `dovecot` authenticators ask a socket

Debian's Exim conflicts with its Postfix, so it is not installed: it runs from the folder that
tests/packages.unpacked is unpacked into. Its user is compiled in and made by its installation;
here it is in files that only its own mount namespace sees in the place of /etc/passwd and
/etc/group.
"""

import os, smtplib, subprocess

from harness import BUILD, SOURCE
from servers import Server, free_ports, greets, program

UNPACKED = os.environ.get("CLAVIGER_UNPACKED") or os.path.join(BUILD, "unpacked")

# A user and a group that nobody has.
NUMBER = 64321

CONFIGURATION = """
primary_hostname = mail.example.test
spool_directory = %(dir)s/spool
log_file_path = %(dir)s/log/%%slog
pid_file_path = %(dir)s/log/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = %(port)d
tls_advertise_hosts =
auth_advertise_hosts = *
host_lookup =
rfc1413_query_timeout = 0s
queue_only
smtp_accept_max = 200
smtp_accept_max_nonmail = 10000
keep_environment =
log_selector = +smtp_protocol_error
acl_smtp_mail = signed_in
acl_smtp_rcpt = signed_in

begin acl
signed_in:
    deny    ! authenticated = *
    accept

begin routers
nowhere:
    driver = accept
    transport = nowhere

begin transports
nowhere:
    driver = appendfile
    file = /dev/null
    user = nobody

begin authenticators
plain:
    driver = dovecot
    public_name = PLAIN
    server_socket = %(auth)s
    server_set_id = $auth1
login:
    driver = dovecot
    public_name = LOGIN
    server_socket = %(auth)s
    server_set_id = $auth1
"""

MOUNT_AND_RUN = """
mount --bind "$1/etc/passwd" /etc/passwd && mount --bind "$1/etc/group" /etc/group &&
    exec "$2" -C "$1/etc/exim.conf" -bdf
"""


def exim4():
    """The program; fetched when check.sh has not done so."""
    path = os.path.join(UNPACKED, "usr/sbin/exim4")
    if not os.access(path, os.X_OK):
        tests = os.path.join(SOURCE, "tests")
        subprocess.run(["bash", "-c", '. "$0/packages.sh"; packages_unpack "$1" "$0/packages.unpacked"',
                        tests, UNPACKED], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return program(path)


class Exim(Server):
    def __init__(self):
        super().__init__("exim")
        self.port, = free_ports(1)
        self.auth = os.path.join(self.mkdir("run"), "auth")

    def start(self):
        for name in ("etc", "spool", "log"):
            self.mkdir(name)
        for name in ("spool", "log"):
            os.chown(self.path(name), NUMBER, NUMBER)
        for name, line in (("passwd", "Debian-exim:x:%d:%d::/nonexistent:/bin/false\n"),
                           ("group", "Debian-exim:x:%d:\n")):
            with open("/etc/" + name) as f:
                lines = [l for l in f if not l.startswith("Debian-exim:")]
            self.write("etc/" + name, "".join(lines) + line % ((NUMBER,) * line.count("%d")))
        self.write("etc/exim.conf", CONFIGURATION % {"dir": self.dir, "port": self.port, "auth": self.auth})
        self.run(["/usr/bin/unshare", "--mount", "/bin/sh", "-c", MOUNT_AND_RUN, "exim", self.dir, exim4()],
                 lambda: greets(self.port), "Exim greets")
        return self

    def log_text(self):
        text = super().log_text()
        for name in ("mainlog", "rejectlog", "paniclog"):
            if os.path.exists(self.path("log", name)):
                with open(self.path("log", name), errors="backslashreplace") as f:
                    text += "".join(f.readlines()[-40:])
        return text

    def connect(self):
        client = smtplib.SMTP("127.0.0.1", self.port, "client.example.test", timeout=20)
        client.ehlo()
        return client
