"""tests/e2e/sendmail.py - a private Sendmail whose SMTP AUTH asks a socket

It runs from a folder: unpacked.py. Its libsasl2 finds Sendmail.conf in one of three folders that are
compiled in, its configuration is made by m4 from Debian's own files, and it wants a host name that
is whole: all of this only it sees.
"""

import os, smtplib, subprocess

from servers import Server, free_ports, greets, program
from unpacked import add_users, alone, unpacked, unpacked_program

HOST = "mail.example.test"

# M=a: nobody sends without having signed in. L: more than ten at once find room to wait. LA: it would
# hear nobody on a machine with work to do.
CONFIGURATION = """divert(0)dnl
OSTYPE(`linux')dnl
define(`QUEUE_DIR',`%(dir)s/queue')dnl
define(`confPID_FILE',`%(dir)s/pid')dnl
define(`STATUS_FILE',`%(dir)s/status')dnl
define(`HELP_FILE',`%(dir)s/help')dnl
define(`ALIAS_FILE',`')dnl
define(`confDOMAIN_NAME',`%(host)s')dnl
define(`confTO_IDENT',`0')dnl
define(`confDELIVERY_MODE',`queueonly')dnl
define(`confDONT_PROBE_INTERFACES',`True')dnl
define(`confREFUSE_LA',`10000')dnl
define(`confQUEUE_LA',`10000')dnl
define(`confAUTH_MECHANISMS',`PLAIN LOGIN')dnl
TRUST_AUTH_MECH(`PLAIN LOGIN')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
DAEMON_OPTIONS(`Family=inet, Name=MTA, Port=%(port)d, Addr=127.0.0.1, M=a, L=128')dnl
MAILER(`smtp')dnl
"""

SASL = """pwcheck_method: saslauthd
saslauthd_path: %s
mech_list: PLAIN LOGIN
"""

NAMED = ["/bin/sh", "-c", 'hostname "$0" && exec "$@"', HOST]


class Sendmail(Server):
    def __init__(self):
        super().__init__("sendmail")
        self.port, = free_ports(1)
        self.mux = os.path.join(self.mkdir("run"), "mux")

    def make_configuration(self):
        cf = unpacked("usr/share/sendmail/cf/")
        source = self.write("sendmail.mc", CONFIGURATION % {"dir": self.dir, "port": self.port, "host": HOST})
        made = subprocess.run([program("/usr/bin/m4"), "-D_CF_DIR_=" + cf, os.path.join(cf, "m4/cf.m4"), source],
                              capture_output=True, text=True, check=True)
        return self.write("sendmail.cf", made.stdout)

    def start(self):
        for name in ("etc", "sasl"):
            self.mkdir(name)
        self.mkdir("queue", mode=0o700)
        add_users(self, "smmta", "smmsp")
        self.write("etc/hosts", "127.0.0.1 %s localhost\n" % HOST)
        self.write("sasl/Sendmail.conf", SASL % self.mux)
        argv = NAMED + [unpacked_program("usr/libexec/sendmail/sendmail"), "-C", self.make_configuration(), "-bD"]
        self.run(alone(self, argv, (self.path("etc/hosts"), "/etc/hosts"), (self.path("sasl"), "/usr/lib/sasl2")),
                 lambda: greets(self.port), "Sendmail greets")
        return self

    def connect(self):
        client = smtplib.SMTP("127.0.0.1", self.port, "client.example.test", timeout=60)
        client.ehlo()
        return client
