"""tests/e2e/claviger.py - a clavigerd on sockets of a mail server's choice, and its account file"""

import contextlib, os, signal

from harness import Site, crypt, equal, wait_until

# No answer is older than its lookup, so that a test sees the account file itself.
UNCACHED = 'revalidate = "0s"  negative_ttl = "0s"'

CONTROL = 'listen "control" { protocol = "control"  path = "%(dir)s/control"  mode = 0600 }\n'

# Seconds until a change of the account file has to show.
SHOWS_WITHIN = 5


class Claviger(Site):
    """A running daemon. `listen` is text of the configuration, `mux` the socket that says it is
    up, `accounts` are pairs of login and password. gone@example.test is there too, disabled, with
    the password "right"."""

    def __init__(self, listen, mux=None, accounts=(), cache=UNCACHED, sources=None):
        super().__init__(accounts=sources, listen=listen + CONTROL, cache=cache)
        self.mux = mux or self.mux
        for login, password in accounts:
            self.add_stored(login, crypt(password))
        self.add_stored("gone@example.test", crypt("right"), enabled=0)
        self.start()

    def hide_accounts(self):
        os.rename(self.database, self.database + ".away")

    def show_accounts(self):
        os.rename(self.database + ".away", self.database)

    @contextlib.contextmanager
    def without_accounts(self, ask, well, ill):
        """The account file is away for as long as this is open. ask() answers `well` before, `ill`
        while, `well` after, and nothing third on the way down or up."""
        equal(ask(), well, "before the account file goes")
        self.hide_accounts()
        becomes(ask, well, ill)
        yield
        self.show_accounts()
        becomes(ask, ill, well)

    def kill(self):
        self.stop(signal.SIGKILL)


def becomes(ask, old, new):
    """Asks until the answer is `new`; until then there is none but `old`."""
    def asked():
        answer = ask()
        assert answer in (old, new), "between %r and %r: %r" % (old, new, answer)
        return answer == new
    wait_until(asked, SHOWS_WITHIN, "%r becomes %r" % (old, new))
