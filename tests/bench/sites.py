"""tests/bench/sites.py - the servers that are measured, and claviger-bench against them

Everything is in temporary directories and stopped by its id.
"""

import atexit, json, os, shutil, signal, socket, sqlite3, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "e2e")]
import harness
from harness import BUILD, wait_until

BENCH = os.path.join(BUILD, "tools", "claviger-bench")
FLOOR = os.path.join(BUILD, "tests", "bench", "floor")
FLOOR_DOVECOT = os.path.join(BUILD, "tests", "bench", "floor_dovecot")
DOVECOT = "/usr/sbin/dovecot"
SASLAUTHD = "/usr/sbin/saslauthd"
PASSWORD = "correct horse"

# sha512-crypt with the rounds that it has when nobody says how many (5000).
SHA512 = harness.crypt(PASSWORD, "$6$saltsaltsaltsalt")
PLAIN = "{PLAIN}" + PASSWORD


def command(mux, login, count, *options, wire="saslauthd"):
    return [BENCH, "--socket", mux, "--wire", wire, "--login", login, "--password", PASSWORD,
            "--count", str(count), "--json", *map(str, options)]


class Running:
    """A claviger-bench that goes on beside others."""

    def __init__(self, *arguments, **options):
        self.argv = command(*arguments, **options)
        self.process = subprocess.Popen(self.argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.report()

    def report(self):
        """What it told; 1 is an answer that was wrong, which the report counts."""
        out, err = self.process.communicate()
        if self.process.returncode not in (0, 1):
            raise AssertionError("%s: exit %d\n%s" % (" ".join(self.argv), self.process.returncode, err))
        return json.loads(out)


def bench(*arguments, **options):
    return Running(*arguments, **options).report()


class Claviger(harness.Site):
    """A clavigerd whose accounts are written at once, and with a cache as large as is asked for."""

    def __init__(self, accounts, entries=10000, cache='revalidate = "1h"', daemon=""):
        self.cache_text = "cache { entries = %d  %s }\n" % (entries, cache)
        super().__init__(listen=self.LISTEN + 'listen "auth" { protocol = "dovecot"  path = "%(dir)s/auth" }\n',
                         daemon=daemon)
        self.auth = os.path.join(self.dir, "auth")
        self.user_add("first@example.org", "placeholder")       # makes the tables
        self.fill(accounts)

    def write_conf(self, text, daemon="", cache=""):
        super().write_conf(text, daemon, cache)
        with open(self.conf) as f:
            lines = f.read().split("\n")
        with open(self.conf, "w") as f:
            f.write("\n".join(l for l in lines if not l.startswith("cache ")) + self.cache_text)

    def fill(self, accounts):
        """`accounts`: (pattern of the login, how many, stored password)."""
        db = sqlite3.connect(self.database)
        with db:
            for pattern, count, stored in accounts:
                db.executemany("INSERT INTO accounts (login, password) VALUES (?, ?)",
                               ((pattern % i, stored) for i in range(count)))
        db.close()

    def warm(self, login, count, clients=8):
        """Each account signs in once, so that it is remembered."""
        report = bench(self.mux, login, count, "--in-turn", "--requests", count, "--clients", clients,
                       "--seconds", 3600)
        assert report["right"]["accepted"] == count, report
        return report


class Server:
    """A directory, and a process in it."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="claviger-bench-")
        self.mux = os.path.join(self.dir, "mux")
        self.process = None
        atexit.register(self.close)

    def listens(self):
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.connect(self.mux)
            return True
        except OSError:
            return False

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
        shutil.rmtree(self.dir, ignore_errors=True)


class Floor(Server):
    """The least that a server of the wire can do."""

    def __init__(self, variant="accept"):
        super().__init__()
        self.process = subprocess.Popen([FLOOR, self.mux, variant, str(os.cpu_count())])
        wait_until(self.listens, 10, "floor listens")


class DovecotFloor(Server):
    """The same of the Dovecot auth wire."""

    def __init__(self, *variant):
        super().__init__()
        self.process = subprocess.Popen([FLOOR_DOVECOT, self.mux, *variant])
        wait_until(self.listens, 10, "floor listens")


class Dovecot(Server):
    """Debian's Dovecot, its auth process alone, with the accounts as plaintext rows of a passwd-file,
    which it keeps in memory: nothing is asked of a database, and nothing is hashed."""

    CONFIGURATION = """
base_dir = %(dir)s/run
state_dir = %(dir)s/state
log_path = /dev/null
protocols =
ssl = no
auth_mechanisms = plain login
auth_failure_delay = 0
default_internal_user = %(user)s
default_login_user = %(user)s
default_internal_group = %(group)s
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%%u %(dir)s/users
}
userdb {
  driver = static
  args = uid=%(user)s gid=%(group)s home=/nowhere
}
service auth {
  user = root
  unix_listener %(dir)s/mux {
    mode = 0666
  }
}
"""

    def __init__(self, login, count):
        super().__init__()
        os.chmod(self.dir, 0o755)
        with open(os.path.join(self.dir, "users"), "w") as f:
            f.write("".join("%s:%s::::::\n" % (login % i, PASSWORD) for i in range(count)))
        conf = os.path.join(self.dir, "conf")
        with open(conf, "w") as f:
            f.write(self.CONFIGURATION % {"dir": self.dir, "user": "nobody", "group": "nogroup"})
        self.process = subprocess.Popen([DOVECOT, "-F", "-c", conf], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        wait_until(self.listens, 10, "Dovecot listens")


class Stock(Server):
    """The stock saslauthd with its cache, as Debian starts it (5 processes). Its upstream is a few
    lines of IMAP here and asked once for each account: after that, its cache answers. It is not
    kept in the foreground: -d would have it write lines for each request."""

    def __init__(self, login, count):
        import stock
        super().__init__()
        self.upstream = stock.Upstream([(login % i, PASSWORD) for i in range(count)])
        self.pid_file = os.path.join(self.dir, "saslauthd.pid")
        subprocess.run([SASLAUTHD, "-a", "rimap", "-O", "%s/%d" % self.upstream.server_address, "-c",
                        "-s", "4096", "-m", self.dir], check=True, stdout=subprocess.DEVNULL)
        wait_until(lambda: os.path.exists(self.pid_file) and self.listens(), 10, "saslauthd listens")

    def close(self):
        try:
            with open(self.pid_file) as f:
                pid = int(f.read())
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not os.path.exists("/proc/%d" % pid), 10, "saslauthd ends")
        except (FileNotFoundError, ProcessLookupError, AttributeError):
            pass
        if getattr(self, "upstream", None):
            self.upstream.close()
            self.upstream = None
        super().close()


def has_stock():
    return os.access(SASLAUTHD, os.X_OK)


def has_dovecot():
    """Dovecot's master wants to be root."""
    return os.access(DOVECOT, os.X_OK) and os.geteuid() == 0
