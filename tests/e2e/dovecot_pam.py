"""tests/e2e/dovecot_pam.py - a private Dovecot that asks PAM, and answers "doveadm auth test"

No mail protocol: its auth process and the workers in which Dovecot calls PAM, as Debian's
dovecot-core has them.
"""

import re, subprocess

from servers import Server, program

DOVECOT_CONF = """
base_dir = %(dir)s/run
state_dir = %(dir)s/state
log_path = %(dir)s/output
info_log_path = %(dir)s/output
protocols =
ssl = no
disable_plaintext_auth = no
default_login_user = nobody
default_internal_user = nobody
default_internal_group = nogroup
auth_username_format = %%u
auth_failure_delay = 0
auth_cache_size = 0
passdb {
  driver = pam
  args = session=yes dovecot
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=/nonexistent
}
service auth {
  unix_listener auth-client {
    mode = 0600
  }
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth-worker {
  user = root
}
"""


class Dovecot(Server):
    def __init__(self, services):
        super().__init__("dovecot")
        self.conf = self.write("dovecot.conf", DOVECOT_CONF % {"dir": self.dir})
        self.argv = services.around([program("/usr/sbin/dovecot"), "-F", "-c", self.conf])

    def start(self):
        self.run(self.argv, lambda: "starting up" in self.log_text(), "dovecot starts")
        return self

    def sign_in(self, login, password):
        """What doveadm makes of it: "auth succeeded", "auth failed" or what else it says, and the
        account's name."""
        done = subprocess.run(
            [program("/usr/bin/doveadm"), "-c", self.conf, "auth", "test", "-x", "service=imap",
             "-x", "rip=192.0.2.7", login, password],
            capture_output=True, text=True, timeout=30)
        text = done.stdout + done.stderr
        said = re.search(r"^passdb: \S+ (auth \w+)", text, re.M)
        name = re.search(r"^\s*user=(\S+)", text, re.M)
        return said[1] if said else text, name[1] if name else None
