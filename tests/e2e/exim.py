"""tests/e2e/exim.py - a private Exim whose `dovecot` authenticators ask a socket

It runs from a folder: unpacked.py.
"""

import os, smtplib

from servers import Server, free_ports, greets
from unpacked import NUMBER, add_users, alone, unpacked_program

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
smtp_connect_backlog = 200
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
        add_users(self, "Debian-exim")
        self.write("etc/exim.conf", CONFIGURATION % {"dir": self.dir, "port": self.port, "auth": self.auth})
        self.run(alone(self, [unpacked_program("usr/sbin/exim4"), "-C", self.path("etc/exim.conf"), "-bdf"]),
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
        client = smtplib.SMTP("127.0.0.1", self.port, "client.example.test", timeout=60)
        client.ehlo()
        return client
