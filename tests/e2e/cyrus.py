"""tests/e2e/cyrus.py - a private Cyrus IMAP that asks a saslauthd socket

imapd and pop3d on loopback ports, mailboxes under the temporary directory, `virtdomains: userid`
with example.test as the default domain: what Cyrus asks for is "bob" with an empty realm there, and
"bob" with the realm other.example elsewhere. It runs as the package's user cyrus, whom Debian puts
in the group sasl; the socket is Cyrus.mux. Inboxes come into being at the first sign-in.
"""

import imaplib, os, poplib

from servers import Server, free_ports, greets, program

IMAPD_CONF = """
configdirectory: %(dir)s/config
defaultpartition: default
partition-default: %(dir)s/mail
proc_path: %(dir)s/proc
mboxname_lockpath: %(dir)s/lock
lmtpsocket: %(dir)s/lmtp
idlesocket: %(dir)s/idle
notifysocket: %(dir)s/notify
sievedir: %(dir)s/sieve
servername: mail.example.test
virtdomains: userid
defaultdomain: example.test
unixhierarchysep: yes
altnamespace: no
admins: admin
autocreate_quota: 0
failedloginpause: 0
maxlogins_per_user: 0
popminpoll: 0
allowplaintext: yes
"""

# How it signs users in: by a saslauthd socket, if nothing else is said.
BY_SASLAUTHD = """
sasl_pwcheck_method: saslauthd
sasl_saslauthd_path: %(mux)s
sasl_mech_list: PLAIN
"""

CYRUS_CONF = """
START {
  recover cmd="ctl_cyrusdb -C %(conf)s -r"
}
SERVICES {
  imap cmd="imapd -C %(conf)s" listen="127.0.0.1:%(imap)d" proto="tcp4" prefork=0
  pop3 cmd="pop3d -C %(conf)s" listen="127.0.0.1:%(pop)d"  proto="tcp4" prefork=0
}
EVENTS {
}
"""


class Cyrus(Server):
    def __init__(self, sasl=BY_SASLAUTHD):
        super().__init__("cyrus")
        self.sasl = sasl
        self.imap_port, self.pop_port = free_ports(2)
        self.mux = os.path.join(self.mkdir("run"), "mux")

    def start(self):
        for name in ("config", "config/db", "mail", "proc", "lock", "sieve"):
            self.mkdir(name, "cyrus", "mail", 0o750)
        conf = self.write("imapd.conf", (IMAPD_CONF + self.sasl) % {"dir": self.dir, "mux": self.mux})
        services = self.write("cyrus.conf", CYRUS_CONF % {
            "conf": conf, "imap": self.imap_port, "pop": self.pop_port})
        self.run([program("/usr/lib/cyrus/bin/master"), "-C", conf, "-M", services,
                  "-p", self.path("master.pid")],
                 lambda: greets(self.imap_port) and greets(self.pop_port), "Cyrus greets")
        return self

    def imap(self):
        return imaplib.IMAP4("127.0.0.1", self.imap_port, timeout=20)

    def pop(self):
        return poplib.POP3("127.0.0.1", self.pop_port, timeout=20)
