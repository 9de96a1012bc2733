"""tests/e2e/stock.py - the stock saslauthd and its testsaslauthd, to lay answers side by side

It runs in the foreground with `-m` in a private directory, in a session of its own: when it ends it
signals its whole process group. Its accounts come through `-a rimap` from an IMAP server of a few
lines here, because its other mechanisms read fixed files under /etc.
"""

import socketserver, subprocess, threading

from servers import Server, program

# What testsaslauthd ends with and prints.
YES = (0, '0: OK "Success."\n')
NO = (255, '0: NO "authentication failed"\n')


def ask(mux, login, password, realm=None, service=None):
    """(exit status, standard output) of one testsaslauthd."""
    argv = [program("/usr/sbin/testsaslauthd"), "-f", mux, "-u", login, "-p", password]
    argv += ["-r", realm] if realm is not None else []
    argv += ["-s", service] if service is not None else []
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20)
    return done.returncode, done.stdout


class Upstream(socketserver.ThreadingTCPServer):
    """Says OK to `LOGIN "name" "password"` for the pairs in `accounts`, and NO to others."""
    daemon_threads = True

    def __init__(self, accounts):
        super().__init__(("127.0.0.1", 0), UpstreamSession)
        self.accepted = ['LOGIN "%s" "%s"' % pair for pair in accounts]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


class UpstreamSession(socketserver.StreamRequestHandler):
    timeout = 10

    def handle(self):
        self.wfile.write(b"* OK ready\r\n")
        tag, _, command = self.rfile.readline().decode(errors="replace").strip().partition(" ")
        word = "OK" if command in self.server.accepted else "NO"
        self.wfile.write(("%s %s done\r\n" % (tag, word)).encode())
        self.rfile.readline()           # LOGOUT


class Stock(Server):
    """saslauthd with the words of `mechanism`; `mux` is its socket. `around` may put its command
    line into another."""

    def __init__(self, mechanism, around=lambda argv: argv):
        super().__init__("stock")
        self.mux = self.path("run", "mux")
        self.mkdir("run")
        self.argv = around([program("/usr/sbin/saslauthd"), "-d", "-n", "2",
                            "-m", self.path("run"), *mechanism])

    def start(self):
        self.run(self.argv, lambda: "using process model" in self.log_text(), "saslauthd listens")
        return self


class StockOf(Stock):
    """One that knows these accounts; `flags` are such as -r."""

    def __init__(self, accounts, flags=()):
        self.upstream = Upstream(accounts)
        super().__init__(["-a", "rimap", "-O", "%s/%d" % self.upstream.server_address, *flags])

    def close(self):
        super().close()
        self.upstream.close()
