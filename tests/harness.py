"""tests/harness.py - a claviger of our own in a temporary directory, and the ways to talk to it

A test file is a program: it defines functions named test_*, whose names are sentences about the
product, and ends with harness.main(). It prints TAP. Nothing outside the temporary directory is
touched; every process is stopped by its id.
"""

import atexit, contextlib, grp, json, os, pwd, shutil, signal, socket, sqlite3, struct, subprocess, sys
import tempfile, time, traceback

SOURCE = os.environ.get("CLAVIGER_SOURCE") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("CLAVIGER_BUILD") or SOURCE
CLAVIGERD = os.path.join(BUILD, "saslauthd_backend", "clavigerd")
CLAVIGERCTL = os.path.join(BUILD, "tools", "clavigerctl")
AROUND = os.environ.get("CLAVIGER_AROUND", "").split()     # a program that runs clavigerd, such as valgrind
DRIVERS = os.path.join(BUILD, "account", ".libs")
PRESETS = os.path.join(SOURCE, "account", "presets")
PAM_MODULE = os.path.join(BUILD, "pam_module", ".libs", "pam_claviger.so")

# crypt(3) of "secret", "right" and so on with few rounds, so that tests spend no time on hashes.
import ctypes, ctypes.util
_crypt = ctypes.CDLL(ctypes.util.find_library("crypt") or "libcrypt.so.1")
_crypt.crypt.restype = ctypes.c_char_p


def crypt(password, setting="$6$rounds=1000$saltsaltsaltsalt"):
    """A stored password, made by libcrypt itself: independent of our code."""
    if isinstance(password, str):
        password = password.encode()
    return _crypt.crypt(password, setting.encode()).decode()


OK, NO, TEMPORARY, NOTHING = "OK", "NO", "temporary", "nothing"


def counted(value):
    if isinstance(value, str):
        value = value.encode()
    return struct.pack(">H", len(value)) + value


def frame(login, password, service="imap", realm="", remote=None):
    """A request on the saslauthd wire; with `remote` the five-field form."""
    fields = [login, password, service, realm] + ([] if remote is None else [remote])
    return b"".join(counted(f) for f in fields)


def dial(path, timeout=15):
    """A connection to a UNIX socket. It waits for room in the backlog, as real clients do: with
    settimeout() alone, Python would give up at once when the daemon stands still for a moment."""
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(timeout), 0))
        sock.connect(path)
    except OSError:
        sock.close()
        raise
    sock.settimeout(timeout)
    return sock


def read_reply(sock):
    """The reply's meaning: OK, NO, TEMPORARY (length zero), or NOTHING (closed without one)."""
    head = b""
    while len(head) < 2:
        try:
            part = sock.recv(2 - len(head))
        except ConnectionResetError:
            part = b""
        if not part:
            return NOTHING
        head += part
    left = struct.unpack(">H", head)[0]
    if left == 0:
        return TEMPORARY
    body = b""
    while len(body) < left:
        part = sock.recv(left - len(body))
        if not part:
            raise AssertionError("reply cut short: %r of %d" % (body, left))
        body += part
    return OK if body.startswith(b"OK") else NO


def read_all(sock):
    """What comes until the other side closes, however it does that; then we do."""
    got = b""
    with sock:
        while True:
            try:
                part = sock.recv(65536)
            except ConnectionResetError:
                part = b""
            if not part:
                return got
            got += part


def wait_until(condition, seconds=10.0, what="condition"):
    """Polls; a bound, not a delay. Returns what the condition said."""
    end = time.monotonic() + seconds
    while True:
        is_last = time.monotonic() > end    # looked at once more, who knows when we were woken
        value = condition()
        if value:
            return value
        if is_last:
            raise AssertionError("not within %.1f s: %s" % (seconds, what))
        time.sleep(0.01)


def p99_ms(times):
    """Of seconds."""
    return 1000 * sorted(times)[int(len(times) * 0.99)]


def alternate(count, *ways):
    """Each of `ways` is called so often, one after the other; for each, the p99 in ms. By their number and not for a
    while: on a machine that is slow and stands still now and then, a while has too few for a hundredth of them."""
    took = [[] for _ in ways]
    for _ in range(count):
        for way, times in zip(ways, took):
            began = time.monotonic()
            way()
            times.append(time.monotonic() - began)
        time.sleep(0.002)
    return [p99_ms(times) for times in took]


def kept_in_a_round(what, measure, most, rounds=5):
    """A promise with a number, on a machine that may stand still at any moment: one of the rounds has to keep it. measure()
    gives a figure, or a list of it and another of the same moments from where no harm is done: twice that will do as well."""
    figures = []
    while len(figures) < rounds:
        made = measure()
        figure, *elsewhere = made if isinstance(made, list) else [made]
        figures.append("%.2f" % figure + "".join(" (elsewhere %.2f)" % other for other in elsewhere))
        if figure <= max([most] + [2 * other for other in elsewhere]):
            print("# %s: %s, at most %.2f" % (what, ", ".join(figures), most))
            return figure
    raise AssertionError("%s: %s, at most %.2f" % (what, ", ".join(figures), most))


class Site:
    """A directory with a configuration, an account file and a daemon."""

    # In this order, for they are made in it: when the last one answers, all are there.
    LISTEN = """
listen "control" { protocol = "control"    path = "%(dir)s/control"  mode = 0600 }
listen "pam"     { protocol = "pam"        path = "%(dir)s/pam"      mode = 0666 }
listen "test"    { protocol = "saslauthd"  path = "%(dir)s/mux"      mode = 0666 }
"""
    ACCOUNTS = 'accounts "mail" { preset = "claviger"  file = "%(dir)s/accounts.db" }\n'
    PATIENT = ACCOUNTS.replace(" }", '  query_timeout = "8s" }')     # for rows_held(), with a deadline as long

    def __init__(self, accounts=None, listen=None, extra="", daemon="", cache=""):
        self.dir = tempfile.mkdtemp(prefix="claviger-")
        os.chmod(self.dir, 0o755)
        self.mux = os.path.join(self.dir, "mux")
        self.control = os.path.join(self.dir, "control")
        self.database = os.path.join(self.dir, "accounts.db")
        self.conf = os.path.join(self.dir, "claviger.conf")
        self.log = os.path.join(self.dir, "log")
        self.process = None
        atexit.register(self.close)
        self.write_conf((accounts or self.ACCOUNTS) + (listen or self.LISTEN) + extra, daemon, cache)

    def write_conf(self, text, daemon="", cache=""):
        text = text % {"dir": self.dir} if "%(dir)s" in text else text
        text += 'daemon { driver_dir = "%s"  preset_dir = "%s"  %s }\n' % (DRIVERS, PRESETS, daemon)
        text += "cache { %s %s }\n" % ("" if "entries" in cache else "entries = 10000", cache)
        with open(self.conf, "w") as f:
            f.write(text)
        os.chmod(self.conf, 0o600)

    def ctl(self, *arguments, stdin="", check=None):
        done = subprocess.run([CLAVIGERCTL, arguments[0], "-c", self.conf, *arguments[1:]],
                              input=stdin, capture_output=True, text=True, timeout=60)
        if check is not None and done.returncode != check:
            raise AssertionError("clavigerctl %s: exit %d\n%s%s" % (
                " ".join(arguments), done.returncode, done.stdout, done.stderr))
        return done

    def user_add(self, login, password):
        """With few rounds: hashes give way to all that is at work, and on a busy machine a real one may miss its deadline."""
        self.ctl("user", "add", login, stdin=password + "\n", check=0)
        if os.path.exists(self.database):
            self.sql("UPDATE accounts SET password = ? WHERE login = ?", crypt(password), login)

    def add_stored(self, login, stored, enabled=1):
        """Writes a row with a ready stored password, as a manager would."""
        self.user_add(login, "placeholder")
        self.sql("UPDATE accounts SET password = ?, enabled = ? WHERE login = ?", stored, enabled, login)

    def sql(self, text, *parameters):
        """Changes the account file behind claviger's back, as a manager does."""
        db = sqlite3.connect(self.database, timeout=10)
        with db:
            rows = db.execute(text, parameters).fetchall()
        db.close()
        return rows

    @contextlib.contextmanager
    def rows_held(self):
        """Meanwhile nobody reads a row of the account file: who is not remembered waits, for the query_timeout at most."""
        holder = sqlite3.connect(self.database, timeout=10, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            holder.execute("ROLLBACK")
            holder.close()

    def lookups_connect(self, threads=4):
        """Those that look rows up connect when they are first needed; from here on none of them opens a descriptor."""
        before = self.status()["lookups"]
        with contextlib.ExitStack() as held:
            with self.rows_held():
                for i in range(threads):
                    sock = held.enter_context(self.connect())
                    sock.sendall(frame("connects%d@example.org" % i, "-"))
                wait_until(lambda: self.status()["lookups"] == before + threads, 5, "each is at a row")
            wait_until(lambda: self.status()["waiting"] == 0, 10, "they are done")
        wait_until(lambda: self.status()["connections"] == 0, 10, "their clients are gone")

    def start(self, wait=True, argv=(), before=(), **options):
        """`before`: a command that ends as the daemon, in its own process."""
        log = open(self.log, "ab")
        self.process = subprocess.Popen([*before, *AROUND, CLAVIGERD, "-c", self.conf, *argv], stdin=subprocess.DEVNULL,
                                        stdout=log, stderr=log, **options)
        log.close()
        if wait:
            wait_until(lambda: self.answers() or self.died(), 60, "clavigerd answers")
        return self

    def died(self):
        if self.process.poll() is not None:
            raise AssertionError("clavigerd ended with %s\n%s" % (self.process.returncode, self.log_text()))

    def answers(self, path=None):
        try:
            self.connect(path).close()
            return True
        except OSError:
            return False

    def stop(self, how=signal.SIGTERM, seconds=60):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(seconds)
        return self.process.returncode if self.process else None

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            if self.process:
                status = self.stop()
                assert status == 0, "clavigerd ended with %s\n%s" % (status, self.log_text())
        finally:
            self.close()

    def log_text(self):
        with open(self.log, errors="backslashreplace") as f:
            return f.read()

    def connect(self, path=None, timeout=15):
        return dial(path or self.mux, timeout)

    def ask(self, login, password, service="imap", realm="", remote=None, path=None):
        """One sign-in over the saslauthd wire."""
        sock = self.connect(path)
        try:
            sock.sendall(frame(login, password, service, realm, remote))
            return read_reply(sock)
        finally:
            sock.close()

    def status(self):
        return json.loads(self.ctl("status", "--json", check=0).stdout)

    def descriptors(self):
        """The daemon's own count: only root may look into a process that forbids dumps."""
        return self.status()["descriptors"]

    def resident_kib(self):
        for line in open("/proc/%d/status" % self.process.pid):
            if line.startswith("VmRSS:"):
                return int(line.split()[1])


def equal(got, wanted, what=""):
    if got != wanted:
        raise AssertionError("%s: got %r, wanted %r" % (what, got, wanted))


def chosen():
    """The program's tests in the order in which they are written; those that its arguments name."""
    tests = [(n, f) for n, f in vars(sys.modules["__main__"]).items() if n.startswith("test_") and callable(f)]
    tests.sort(key=lambda test: (test[1].__code__.co_filename, test[1].__code__.co_firstlineno))
    only = sys.argv[1:]
    return [(i, n, f) for i, (n, f) in enumerate((t for t in tests if not only or t[0] in only), 1)]


class Skip(Exception):
    """A test raises it to say what it lacks here."""


def tried(number, name, function):
    """Runs a test and prints its lines; whether it holds."""
    sentence = name[5:].replace("_", " ")
    try:
        function()
    except Skip as why:
        print("ok %d - %s # SKIP %s" % (number, sentence, why), flush=True)
        return True
    except Exception:
        print("not ok %d - %s" % (number, sentence))
        print("".join("# %s\n" % line for line in traceback.format_exc().splitlines()), end="", flush=True)
        return False
    print("ok %d - %s" % (number, sentence), flush=True)
    return True


class Apart:
    """A test in a process of its own, which ends what it started; its lines are kept until they are wanted."""

    def __init__(self, number, name, function):
        self.lines = tempfile.TemporaryFile("w+")
        self.status = None
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self.run(number, name, function)
        atexit.register(self.end)

    def run(self, number, name, function):
        failed = True
        try:
            atexit._clear()             # what the parent started is the parent's
            os.dup2(self.lines.fileno(), 1)
            failed = not tried(number, name, function)
        finally:
            atexit._run_exitfuncs()
            sys.stdout.flush()
            os._exit(failed)

    def text(self):
        self.lines.seek(0)
        return self.lines.read()

    def ends_well(self):
        self.status = os.waitpid(self.pid, 0)[1]
        return self.status == 0

    def end(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGTERM)
            os.waitpid(self.pid, 0)


def run_together(tests, at_once):
    """At most so many tests at a time; their lines come in order. How many fail."""
    waiting, told, failed = list(tests), 1, 0
    apart = {}                          # by number
    while waiting or any(test.status is None for test in apart.values()):
        while waiting and sum(test.status is None for test in apart.values()) < at_once:
            test = waiting.pop(0)
            apart[test[0]] = Apart(*test)
        pid, status = os.wait()
        for test in apart.values():
            if test.pid == pid:
                test.status = status
                failed += status != 0
        while told in apart and apart[told].status is not None:
            print(apart[told].text(), end="", flush=True)
            told += 1
    return failed


def main(at_once=1):
    """`at_once`: how many tests run at a time, each in a process of its own; what they share is there before."""
    tests = chosen()
    at_once = min(at_once, 2 * len(os.sched_getaffinity(0)))
    print("1..%d" % len(tests), flush=True)
    if at_once > 1:
        failed = run_together(tests, at_once)
    else:
        failed = sum(not tried(*test) for test in tests)
    sys.exit(1 if failed else 0)
