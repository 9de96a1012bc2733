"""tests/e2e/database_site.py - a clavigerd on a database server, and the load that it is under

What the tests of the engines share: a site whose accounts are in a server's table, sign-ins on many threads, the
daemon's answers counted by kind. Cases that every engine has to pass are in database_faults.py and
database_names.py; the program that runs them says which engine it is by use().
"""

import os, threading, time

import harness
from harness import NO, OK, TEMPORARY, Site, crypt, equal, wait_until

UNCACHED = 'revalidate = "0s"  negative_ttl = "0s"'

# A load lasts longer than an entry is fresh by default; the longest of them is ten minutes.
FRESH = 'revalidate = "20m"  negative_ttl = "0s"'

# Seconds within which everybody has an answer: the wire's promise; and what a query gets here.
DEADLINE = 8.0
QUERY_TIMEOUT = 'query_timeout = "1500ms"'

CHANGE = 'set_password = "UPDATE users SET password = %%p WHERE login = %%u"'
LOOKUP = "SELECT login, password, enabled FROM users WHERE login = %%u"

# Seconds in which a site works again once its server does.
WELL_WITHIN = 2.0

# Milliseconds that one of a hundred cached sign-ins may exceed.
HIT_P99_MS = 20.0


def quoted(text):
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


class DatabaseSite(Site):
    """`hosts` are as in the configuration, for SQLite one file; `keys` is more of its section `accounts`; `name` and `password`
    are ours at the server."""

    ENGINE = None

    def __init__(self, *hosts, lookup=LOOKUP, keys="", cache=UNCACHED, daemon="", tls="off", extra="", password=None, name="claviger"):
        if password is not None:
            keys += '  password_file = "%(dir)s/password"'
        where = 'file = "%s"' % hosts if self.ENGINE == "sqlite" else \
            'hosts = { %s }  database = "mail"  user = "%s"  tls = "%s"' % (", ".join(quoted(h) for h in hosts), name, tls)
        accounts = 'accounts "mail" { driver = "%s"  %s\n    lookup = %s\n    %s }\n' % (
            self.ENGINE, where, quoted(lookup), keys)
        super().__init__(accounts=accounts, cache=cache, daemon=daemon, extra=extra)
        if password is not None:
            self.write_secret("password", password)

    def write_secret(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w") as f:
            f.write(text + "\n")
        os.chmod(path, 0o600)

    def write_hosts(self, text):
        """The file that the daemon finds where the system's names are, in place; its path."""
        path = os.path.join(self.dir, "hosts")
        with open(path, "w") as f:
            f.write("127.0.0.1 localhost\n%s\n" % text)
        return path

    def asked(self, login, password="right", wanted=OK, what=""):
        equal(self.ask(login, password), wanted, what or "%s, %r\n%s" % (login, password, self.log_text()[-2000:]))

    def timed(self, login, password="right"):
        """The answer, and after how many seconds."""
        began = time.monotonic()
        return self.ask(login, password), time.monotonic() - began

    def threads(self):
        return len(os.listdir("/proc/%d/task" % self.process.pid))

    def becomes_well(self, login, seconds=WELL_WITHIN):
        """Until then it may be that nobody can tell; a wrong "no" is a failure."""
        def well():
            answer = self.ask(login, "right")
            assert answer in (OK, TEMPORARY), answer
            return answer == OK
        began = time.monotonic()
        wait_until(well, seconds, "well again\n" + self.log_text()[-2000:])
        return time.monotonic() - began

    def says(self, words):
        try:
            wait_until(lambda: words in self.log_text(), 5, "the log says %r" % words)
        except AssertionError as fault:
            raise AssertionError("%s\n%s" % (fault, self.log_text()[-3000:]))


def user(i):
    return "user%d@example.org" % i


STORED = crypt("right")

# Rows of the table "users" that filled() makes; the last is for a case that changes it.
USERS = 300

# --- servers of the engine that is tested ----------------------------------------------------------

used = []


def use(it):
    """What the program says of its engine: class Engine in test_mysql.py, test_pgsql.py and test_sqlite.py."""
    used[:] = [it]
    DatabaseSite.ENGINE = it.DRIVER


def engine():
    return used[0]


def filled(**options):
    """A server with the table of users."""
    server = engine().Server(**options)
    server.sql(engine().TABLE)
    return server


shared_server = []


def shared():
    """The server of all cases that leave it as it was. Made before the first of them."""
    if not shared_server:
        shared_server.append(filled())
    return shared_server[0]


def tcp(server):
    """Where a daemon finds it; for SQLite that is its file."""
    return server.file if engine().DRIVER == "sqlite" else "127.0.0.1:%d" % server.port


def relayed(server):
    from relay import Relay             # of tests/faults; not all who import this have it in their path
    return Relay(("127.0.0.1", 0), ("127.0.0.1", server.port))


def at(relay):
    return "%s:%d" % relay.address



class Load:
    """Sign-ins on threads of their own until the end of the `with`. `logins` are taken in turn."""

    def __init__(self, site, logins, threads=1, password="right", pause=0.002):
        self.site, self.logins, self.password, self.pause = site, logins, password, pause
        self.answers = []               # (when it was asked, seconds, answer)
        self.ended = False
        self.faults = []
        self.threads = [threading.Thread(target=self.run, args=(i, threads)) for i in range(threads)]

    def run(self, first, step):
        i = first
        try:
            while not self.ended:
                began = time.monotonic()
                answer = self.site.ask(self.logins[i % len(self.logins)], self.password)
                self.answers.append((began, time.monotonic() - began, answer))
                i += step
                time.sleep(self.pause)
        except Exception as fault:
            self.faults.append(fault)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        for thread in self.threads:
            thread.join(30)
        assert not self.faults, self.faults

    def kinds(self, since=0):
        return sorted({answer for began, _, answer in self.answers if began >= since})

    def p99_ms(self, since=0, until=float("inf")):
        took = sorted(seconds for began, seconds, _ in self.answers if since <= began <= until)
        return 1000 * took[int(len(took) * 0.99)]

    def told(self, answer, since):
        """When somebody was told that, for the report of a failure."""
        return ", ".join("%r asked after %.3f s for %.3f s" % (answer, began - since, took)
                         for began, took, got in self.answers if got == answer)

    def slowest(self):
        return max(seconds for _, seconds, _ in self.answers)


def all_at_once(site, logins, password="right"):
    """One sign-in for each, all on their way together; (answer, seconds) in their order."""
    socks = [site.connect(timeout=20) for _ in logins]
    began = time.monotonic()
    for sock, login in zip(socks, logins):
        sock.sendall(harness.frame(login, password))
    results = []
    for sock in socks:
        results.append((harness.read_reply(sock), time.monotonic() - began))
        sock.close()
    return results


def at_a_rate(site, per_second, logins):
    """One sign-in after the other at their moments, whether those before have been answered or not; (answer, seconds)."""
    began, results, waiting = time.monotonic(), [], list(enumerate(logins))[::-1]

    def run():
        try:
            while True:
                i, login = waiting.pop()
                moment = began + i / per_second
                time.sleep(max(0, moment - time.monotonic()))
                results.append((site.ask(login, "right"), time.monotonic() - moment))
        except IndexError:
            return                      # none is left
    threads = [threading.Thread(target=run) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(len(results), len(logins), "answers")
    return results


def never_no(answers, what):
    assert NO not in answers, "%s: somebody was told \"wrong password\": %s" % (what, answers)


class Calm:
    """Cached sign-ins at a daemon whose accounts are out of harm's way, meanwhile: how slow the machine itself is."""

    def __enter__(self):
        self.site = Site(cache=FRESH)
        self.site.add_stored("ada@example.org", STORED)
        self.site.start()
        self.site.ask("ada@example.org", "right")
        self.load = Load(self.site, ["ada@example.org"]).__enter__()
        return self.load

    def __exit__(self, *how):
        self.load.__exit__(*how)
        self.site.__exit__(*how)


def well_hit_p99(load, calm, since, until, what):
    """While there is harm. Where the machine is slower than the bound, they are as slow as where there is none."""
    p99, reference = load.p99_ms(since, until), calm.p99_ms(since, until)
    print("# %s: p99 of cached sign-ins %.2f ms, elsewhere meanwhile %.2f ms" % (what, p99, reference))
    assert p99 <= max(HIT_P99_MS, 2 * reference), p99


def keeps_no_more_descriptors(site, without):
    """Than it has `without` a connection, and those of four: once the last clients are gone."""
    most = without + 4 * (3 if site.ENGINE == "sqlite" else 1)         # a file has two more beside it
    wait_until(lambda: site.descriptors() <= most, 5, "no more descriptors than %d" % most)
