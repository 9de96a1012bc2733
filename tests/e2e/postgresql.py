"""tests/e2e/postgresql.py - a PostgreSQL of the tests' own

The server of Debian's package, in a temporary directory, on a socket there and a loopback port;
as user postgres where root runs the tests. The machine's own clusters are not looked at.
"""

import contextlib, glob, os, shutil, signal, subprocess, tempfile, atexit

from harness import wait_until
from servers import Server, command_line, free_ports, kill_one, processes, program, stop_all

OWNER = "owner"         # the superuser
READER = "claviger"     # whom the daemon is


def programs():
    """The newest server's folder."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: float(p.split("/")[4]))
    if not found:
        raise AssertionError("not installed: postgresql (tests/packages names the packages)")
    return found[-1]


def unprivileged():
    """What goes before a command: the server refuses to be root."""
    if os.geteuid() != 0:
        return []
    return [program("/usr/bin/setpriv"), "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def call(argv, **options):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, **options)
    if done.returncode != 0:
        raise AssertionError("%s: exit %d\n%s%s" % (argv, done.returncode, done.stdout, done.stderr))
    return done.stdout


templates = {}          # what initdb made, by its options: copied for each server


def template(options):
    if options not in templates:
        folder = tempfile.mkdtemp(prefix="claviger-initdb-")
        atexit.register(shutil.rmtree, folder, True)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        call(unprivileged() + [programs() + "/initdb", "-D", folder + "/data", "-U", OWNER, "-A", "trust",
                               "--no-sync", *options], cwd="/")
        templates[options] = folder + "/data"
    return templates[options]


class PostgreSQL(Server):
    """A running server with a database "mail" and the role "claviger". `settings` is text of
    postgresql.conf, `hba` of pg_hba.conf: whom it lets in."""

    HBA = "local all all trust\nhost all all 127.0.0.1/32 trust\n"
    SETTINGS = """
fsync = off
full_page_writes = off
synchronous_commit = off
shared_buffers = 16MB
max_wal_senders = 0
wal_level = minimal
autovacuum = off
logging_collector = off
log_line_prefix = '%p %q%a '
"""

    def __init__(self, encoding="UTF8", locale="C", settings="", hba=HBA, port=None):
        super().__init__("postgresql")
        self.port = port or free_ports(1)[0]
        self.socket = self.path(".s.PGSQL.%d" % self.port)
        if os.geteuid() == 0:
            shutil.chown(self.dir, "postgres", "postgres")
        call(["cp", "-a", template(("-E", encoding, "--locale", locale)), self.path("data")])
        self.settings, self.hba = settings, hba
        self.children = set()
        self.start()
        self.sql("CREATE DATABASE mail", database="postgres")
        self.sql("CREATE ROLE %s LOGIN" % READER)

    def start(self):
        self.write_settings()
        self.run(unprivileged() + [programs() + "/postgres", "-D", self.path("data")], self.is_up,
                 "PostgreSQL answers")

    def write_settings(self):
        text = self.SETTINGS + "listen_addresses = '127.0.0.1'\nport = %d\n" \
            "unix_socket_directories = '%s'\n" % (self.port, self.dir) + self.settings
        for name, content in (("postgresql.conf", text), ("pg_hba.conf", self.hba)):
            with open(self.path("data", name), "w") as f:
                f.write(content)

    def reload(self, settings=None, hba=None):
        """What is not given stays."""
        self.settings = self.settings if settings is None else settings
        self.hba = self.hba if hba is None else hba
        self.write_settings()
        self.process.send_signal(signal.SIGHUP)

    def is_up(self):
        return subprocess.run([programs() + "/pg_isready", "-q", "-h", self.dir, "-p", str(self.port)],
                              stderr=subprocess.DEVNULL).returncode == 0

    def sql(self, text, database="mail", role=OWNER):
        """Runs it; rows come as lists of text."""
        out = call([programs() + "/psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", self.dir,
                    "-p", str(self.port), "-U", role, "-d", database, "-f", "-"], input=text,
                   env={"PATH": os.environ["PATH"], "PGCLIENTENCODING": "UTF8"})
        return [line.split("\t") for line in out.splitlines()]

    def asked_by_us(self):
        """How many of the daemon's connections it has."""
        return len(self.sql("SELECT 1 FROM pg_stat_activity WHERE usename = '%s'" % READER))

    def runs_our_query(self):
        return self.sql("SELECT 1 FROM pg_stat_activity WHERE usename = '%s' AND state = 'active'" % READER)

    def statements_for_us(self):
        """Texts of prepared statements that it was asked to execute; it was started with LOGS."""
        with open(self.output, errors="backslashreplace") as f:
            return [line.split(": ", 2)[2].strip() for line in f if READER + " LOG:  execute " in line]

    LOGS = "log_statement = all\n"

    def executed_for_us(self):
        return len(self.statements_for_us())

    def admits_us_by(self, method):
        """`method` of pg_hba.conf; our password is "secret" for those that ask for one."""
        self.sql("SET password_encryption = '%s'; ALTER ROLE %s PASSWORD '%s'" % (
            "md5" if method == "md5" else "scram-sha-256", READER, "secret"))
        self.reload(hba="local all all trust\nhost all all 127.0.0.1/32 %s\n" % method)
        wait_until(lambda: self.sql("SELECT 1 FROM pg_hba_file_rules WHERE auth_method = '%s'" % method), 5,
                   "the rule is loaded")

    def admits_by_the_system(self, name):
        """Whom the system says to be `name`, and the daemon's own role only so."""
        self.sql('CREATE ROLE "%s" LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO "%s"' % (name, name))
        self.reload(hba="local all %s trust\nlocal all all peer\n" % OWNER)
        wait_until(lambda: self.sql("SELECT 1 FROM pg_hba_file_rules WHERE auth_method = 'peer'"), 5, "the rule is loaded")

    def is_in_zone(self, zone):
        """For the daemon's sessions; a name or a TZ of POSIX."""
        self.sql("ALTER ROLE %s SET timezone = '%s'" % (READER, zone))

    def takes_writes(self, yes):
        word = "off" if yes else "on"
        self.reload(settings="default_transaction_read_only = %s\n" % word)
        wait_until(lambda: self.sql("SHOW default_transaction_read_only") == [[word]], 5, "reload")

    @contextlib.contextmanager
    def locked(self, table):
        holder = subprocess.Popen(
            [programs() + "/psql", "-X", "-q", "-A", "-t", "-h", self.dir, "-p", str(self.port), "-U", OWNER, "-d", "mail"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with holder:
            holder.stdin.write("BEGIN;\nLOCK TABLE %s IN ACCESS EXCLUSIVE MODE;\nSELECT 'held';\n" % table)
            holder.stdin.flush()
            while holder.stdout.readline().strip() != "held":
                assert holder.poll() is None, "nothing was locked"
            yield

    def family(self):
        """Its processes each have a session of their own: they are known by their parent."""
        alive = dict(processes())
        self.children |= {pid for pid, fields in alive.items() if fields["parent"] == self.process.pid}
        self.children = {pid for pid in self.children if pid in alive and "postgres" in command_line(pid)[0]}
        return sorted(self.children | {self.process.pid} & set(alive))

    def ordered_stop(self, how=signal.SIGINT):
        """SIGINT: connections are told and closed; SIGKILL: nobody is told anything."""
        if how == signal.SIGKILL:
            for pid in self.family():
                kill_one(pid)
        else:
            self.process.send_signal(how)
        self.process.wait(20)
        wait_until(lambda: not self.family(), 10, "the server's processes end")

    def freeze(self):
        stop_all(self.family())

    def thaw(self):
        for pid in self.family():
            os.kill(pid, signal.SIGCONT)

    def close(self):
        if self.process and self.process.poll() is None:
            self.thaw()
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                pass
        super().close()
