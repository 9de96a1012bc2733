"""tests/e2e/vsftpd.py - a private vsftpd on a loopback port, whose users come from PAM

Virtual users share the guest's Unix account, whose home has to be there, and one folder. Its own sandboxes are off: what a
container lets root do differs too much.
"""

import ftplib

from servers import Server, free_ports, greets, program

VSFTPD_CONF = """
background=NO
listen=YES
listen_address=127.0.0.1
listen_port=%(port)d
anonymous_enable=NO
local_enable=YES
guest_enable=YES
guest_username=daemon
local_root=%(dir)s/files
pam_service_name=ftp
secure_chroot_dir=%(dir)s/empty
session_support=YES
check_shell=NO
delay_failed_login=0
isolate=NO
isolate_network=NO
seccomp_sandbox=NO
xferlog_enable=NO
"""


class Vsftpd(Server):
    def __init__(self, services):
        super().__init__("vsftpd")
        self.port = free_ports(1)[0]
        self.mkdir("empty")
        self.mkdir("files")
        self.write("files/hello", "hello\n")
        conf = self.write("vsftpd.conf", VSFTPD_CONF % {"dir": self.dir, "port": self.port}, 0o600)
        self.argv = services.around([program("/usr/sbin/vsftpd"), conf])

    def start(self):
        self.run(self.argv, lambda: greets(self.port), "vsftpd greets")
        return self

    def sign_in(self, login, password):
        """The names of the files that it shows, or the reply that refuses."""
        with ftplib.FTP() as ftp:
            ftp.connect("127.0.0.1", self.port, 20)
            try:
                ftp.login(login, password)
            except ftplib.error_perm as refused:
                return str(refused)
            return ftp.nlst()
