"""tests/e2e/postfix.py - a private Postfix that asks a saslauthd socket, and a client's dialogue

Three SMTP services, each on its own loopback port:

    open     not chrooted, as many processes as come; asks Postfix.mux
    jailed   chrooted in the queue directory, as operators run it; asks Postfix.jail_mux, which it
             sees at /var/run/saslauthd/mux
    single   not chrooted, one process that serves everybody in turn and never retires: what it
             leaks adds up

With sasl_type = "dovecot" all three ask Postfix.auth instead, a socket of the Dovecot auth protocol
as operators have it: private/auth in the queue directory.

Nobody is trusted for where they come from (mynetworks is empty): MAIL and RCPT are for those who
signed in. What is accepted goes to discard(8).
"""

import base64, os, smtplib

from servers import Server, command_line, free_ports, greets, processes, program

MAIN = """
compatibility_level = 3.6
queue_directory = %(dir)s/queue
data_directory = %(dir)s/data
meta_directory = %(dir)s/etc
command_directory = /usr/sbin
daemon_directory = %(daemons)s
shlib_directory = /usr/lib/postfix
mail_owner = postfix
setgid_group = postdrop
maillog_file = %(dir)s/log/mail
maillog_file_prefixes = %(dir)s
myhostname = mail.example.test
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
default_transport = discard:
smtpd_peername_lookup = no

smtpd_sasl_auth_enable = yes
smtpd_sasl_type = %(sasl_type)s
smtpd_sasl_path = %(sasl_path)s
cyrus_sasl_config_path = %(dir)s/etc/sasl
smtpd_delay_reject = no
smtpd_sender_restrictions = permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = permit_sasl_authenticated, reject

# Tests fail to sign in a lot, all from one address.
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 1000
smtpd_hard_error_limit = 1000
smtpd_client_connection_count_limit = 0
smtpd_client_event_limit_exceptions = 127.0.0.0/8
"""

# service type private unpriv chroot wakeup maxproc command
MASTER = """
127.0.0.1:%(open)d   inet n - n - 120 smtpd
127.0.0.1:%(jailed)d inet n - y - 10  smtpd -o smtpd_sasl_path=%(jailed_path)s
127.0.0.1:%(single)d inet n - n - 1   smtpd -o max_use=1000000 -o max_idle=1h
cleanup   unix       n - n - 0   cleanup
qmgr      unix       n - n 300 1 qmgr
rewrite   unix       - - n - -   trivial-rewrite
bounce    unix       - - n - 0   bounce
defer     unix       - - n - 0   bounce
trace     unix       - - n - 0   bounce
discard   unix       - - n - -   discard
anvil     unix       - - n - 1   anvil
proxymap  unix       - - n - -   proxymap
postlog   unix-dgram n - n - 1   postlogd
"""

# In etc/sasl because Debian's Postfix looks there, whatever cyrus_sasl_config_path says.
SASL = """pwcheck_method: saslauthd
saslauthd_path: %s
mech_list: PLAIN LOGIN
"""

# As post-install makes them; see postfix-files(5) of the package.
SPOOL = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming",
         "private", "saved", "trace")


# What smtpd_sasl_path means to each type; for the chrooted service its own.
SASL_PATHS = {"cyrus": ("smtpd", "smtpd-jailed"), "dovecot": ("private/auth", "private/auth")}


class Postfix(Server):
    def __init__(self, sasl_type="cyrus"):
        super().__init__("postfix")
        self.sasl_type = sasl_type
        self.ports = dict(zip(("open", "jailed", "single"), free_ports(3)))
        self.mux = os.path.join(self.mkdir("run"), "mux")
        self.mkdir("queue")
        self.auth = os.path.join(self.mkdir("queue/private", "postfix", mode=0o700), "auth")
        self.jail_mux = os.path.join(self.mkdir("queue/var/run/saslauthd"), "mux")

    def start(self):
        daemons = os.path.dirname(program("/usr/lib/postfix/sbin/master"))
        for name in ("etc/sasl", "log", "queue/pid"):
            self.mkdir(name)
        self.mkdir("data", "postfix", "postfix", 0o700)
        for name in SPOOL:
            self.mkdir("queue/" + name, "postfix", mode=0o700)
        self.mkdir("queue/maildrop", "postfix", "postdrop", 0o730)
        self.mkdir("queue/public", "postfix", "postdrop", 0o710)
        path, jailed_path = SASL_PATHS[self.sasl_type]
        self.write("etc/main.cf", MAIN % {"dir": self.dir, "daemons": daemons, "sasl_path": path,
                                          "sasl_type": self.sasl_type})
        self.write("etc/master.cf", MASTER % {"jailed_path": jailed_path, **self.ports})
        self.write("etc/dynamicmaps.cf", "")
        self.write("etc/sasl/smtpd.conf", SASL % self.mux)
        self.write("etc/sasl/smtpd-jailed.conf", SASL % "/var/run/saslauthd/mux")
        self.run([os.path.join(daemons, "master"), "-c", self.path("etc")],
                 lambda: all(greets(p) for p in self.ports.values()), "Postfix greets")
        return self

    def log_text(self):
        if not os.path.exists(self.path("log/mail")):
            return super().log_text()
        with open(self.path("log/mail"), errors="backslashreplace") as f:
            return "".join(f.readlines()[-40:])

    def single_smtpd(self):
        """The id of the process behind the service `single`."""
        address = "127.0.0.1:%d" % self.ports["single"]
        found = [pid for pid, fields in processes()
                 if fields["parent"] == self.process.pid and address in command_line(pid)]
        assert len(found) == 1, "smtpd behind %s: %s" % (address, found)
        return found[0]

    def connect(self, service="open"):
        client = smtplib.SMTP("127.0.0.1", self.ports[service], "client.example.test", timeout=60)
        client.ehlo()
        return client


def encoded(text):
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def auth_plain(client, login, password):
    """The code of the answer to AUTH PLAIN with an initial response (RFC 4616)."""
    return client.docmd("AUTH", "PLAIN " + encoded("\0%s\0%s" % (login, password)))[0]


def auth_login(client, login, password):
    """The code of the last answer in the dialogue of AUTH LOGIN."""
    for line in ("AUTH LOGIN", encoded(login), encoded(password)):
        code = client.docmd(line)[0]
        if code != 334:
            break
    return code


MECHANISMS = {"PLAIN": auth_plain, "LOGIN": auth_login}
