"""tests/dovecot_client.py - a raw client of the Dovecot auth protocol, for tests"""

import base64, socket, time

from harness import dial


def b64(text):
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def plain(login, password, authzid=""):
    return b64("%s\0%s\0%s" % (authzid, login, password))


class Client:
    """A connection that has read the hello, and said its own unless `minor` is None. `where` is a
    path, or a port of 127.0.0.1."""

    def __init__(self, where, minor=2, timeout=10):
        if isinstance(where, int):
            self.sock = socket.create_connection(("127.0.0.1", where), timeout)
        else:
            self.sock = dial(where, timeout)
        self.left = b""
        self.ids = 0
        self.hello = self.lines_until("DONE")
        if minor is not None:
            self.send("VERSION\t1\t%d" % minor, "CPID\t4711")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, *lines):
        self.sock.sendall(b"".join((l.encode() if isinstance(l, str) else l) + b"\n" for l in lines))

    def line(self):
        """The next one, or None at the end."""
        while b"\n" not in self.left:
            try:
                came = self.sock.recv(65536)
            except ConnectionResetError:
                came = b""
            if not came:
                assert not self.left, "half a line, then the end: %r" % self.left
                return None
            self.left += came
        line, _, self.left = self.left.partition(b"\n")
        return line.decode("latin-1")

    def lines_until(self, last):
        lines = []
        while not lines or lines[-1] != last:
            lines.append(self.line())
            assert lines[-1] is not None, "ended after %r" % lines
        return lines

    def auth(self, mechanism="PLAIN", response=None, extra="", service="smtp", number=None):
        """Sends an AUTH; its id."""
        self.ids = number or self.ids + 1
        self.send("AUTH\t%d\t%s\tservice=%s%s%s" % (
            self.ids, mechanism, service, "\t" + extra if extra else "",
            "" if response is None else "\tresp=" + response))
        return self.ids

    def ask(self, login, password, extra="", authzid=""):
        """The answer to a PLAIN with its initial response, as a list of fields; None: closed."""
        self.auth("PLAIN", plain(login, password, authzid), extra)
        answer = self.line()
        return answer and answer.split("\t")

    def ended(self):
        return self.line() is None

    def is_silent(self, seconds=0.1):
        """Whether nothing comes, and it stays open, for that long."""
        self.sock.settimeout(seconds)
        try:
            return self.left == b"" and self.sock.recv(1, socket.MSG_PEEK) is None
        except (TimeoutError, socket.timeout):
            return True
        finally:
            self.sock.settimeout(10)
