"""tests/e2e/mariadb.py - a MariaDB of the tests' own

The server of Debian's package, in a temporary directory, on a socket there and a loopback port;
as user nobody where root runs the tests. The machine's own instance and its option files are not
looked at.
"""

import atexit, contextlib, os, shutil, signal, subprocess, tempfile

from harness import wait_until
from servers import Server, free_ports, program, stop_all

READER = "claviger"     # whom the daemon is
RUNS_AS = "nobody"      # where root runs the tests


def mine():
    return ["--user=" + RUNS_AS] if os.geteuid() == 0 else []


templates = []          # a data directory, made once and copied for each server


def template():
    if not templates:
        folder = tempfile.mkdtemp(prefix="claviger-mariadb-")
        atexit.register(shutil.rmtree, folder, True)
        os.chmod(folder, 0o755)
        if os.geteuid() == 0:
            shutil.chown(folder, RUNS_AS)
        done = subprocess.run([program("/usr/bin/mariadb-install-db"), "--no-defaults", "--datadir=" + folder + "/data",
                               "--tmpdir=" + folder,        # the caller's may be the caller's alone
                               "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve",
                               "--innodb-log-file-size=8M", *mine()], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        templates.append(folder + "/data")
    return templates[0]


class MariaDB(Server):
    """A running server with a database "mail" and the user "claviger". `settings` are options."""

    SETTINGS = ("--skip-log-bin", "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M", "--skip-name-resolve",
                "--innodb-flush-log-at-trx-commit=2", "--performance-schema=OFF", "--max-allowed-packet=128M")

    def __init__(self, settings=(), port=None):
        super().__init__("mariadb")
        self.port = port or free_ports(1)[0]
        self.socket = self.path("s")
        self.settings, self.zone = list(settings), "UTC"
        if os.geteuid() == 0:
            shutil.chown(self.dir, RUNS_AS)
        subprocess.run(["cp", "-a", template(), self.path("data")], check=True)
        self.start()
        self.sql("CREATE DATABASE mail CHARACTER SET utf8mb4", database="mysql")
        self.sql("CREATE USER %s@'%%'" % READER, database="mysql")

    def start(self):
        self.run(["/usr/bin/env", "TZ=" + self.zone, program("/usr/sbin/mariadbd"), "--no-defaults", "--datadir=" + self.path("data"),
                  "--tmpdir=" + self.dir, "--socket=" + self.socket, "--port=%d" % self.port, "--skip-networking=0",
                  "--bind-address=127.0.0.1", "--pid-file=" + self.path("data", "pid"), *self.SETTINGS, *mine(),
                  *self.settings], self.is_up, "MariaDB answers")

    def client(self, database="mail"):
        return [program("/usr/bin/mariadb"), "--no-defaults", "--socket=" + self.socket, "--user=root", "--skip-ssl", "--batch",
                "--raw", "--skip-column-names", "--default-character-set=utf8mb4", database]

    def is_up(self):
        return subprocess.run(self.client("mysql") + ["-e", "SELECT 1"], capture_output=True).returncode == 0

    def sql(self, text, database="mail"):
        """Runs it; rows come as lists of text."""
        done = subprocess.run(self.client(database), input="SET NAMES utf8mb4;\n" + text, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, "%s\n%s" % (text, done.stderr)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def asked_by_us(self):
        """How many of the daemon's connections it has."""
        return int(self.sql("SELECT count(*) FROM information_schema.processlist WHERE user = '%s'" % READER)[0][0])

    def runs_our_query(self):
        return self.sql("SELECT 1 FROM information_schema.processlist WHERE user = '%s' AND command = 'Execute'" % READER)

    def executed_for_us(self):
        """How many prepared statements it has executed: only the daemon has some."""
        return int(self.sql("SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'")[0][1])

    def statements_for_us(self):
        """Texts of prepared statements in its log; it was started with LOGS."""
        with open(self.path("data", "general.log"), errors="backslashreplace") as f:
            return [line.split("Prepare\t", 1)[1].strip() for line in f if "Prepare\t" in line]

    LOGS = ("--general-log=1", "--general-log-file=general.log")

    def admits_us_by(self, plugin):
        self.sql("ALTER USER %s@'%%' IDENTIFIED VIA %s" % (READER, plugin))

    def admits_by_the_system(self, name):
        """Whom the system says to be `name`, and the daemon's own user only so."""
        self.sql("CREATE USER IF NOT EXISTS `%s`@localhost; ALTER USER `%s`@localhost IDENTIFIED VIA unix_socket; "
                 "GRANT SELECT ON mail.* TO `%s`@localhost" % (name, name, name))
        self.admits_us_by("unix_socket")

    def is_in_zone(self, zone):
        """The machine that it runs on; a name or a TZ of POSIX."""
        self.ordered_stop()
        self.zone = zone
        self.start()

    def takes_writes(self, yes):
        self.sql("SET GLOBAL read_only = %d" % (not yes))

    @contextlib.contextmanager
    def locked(self, table):
        holder = subprocess.Popen(self.client(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        with holder:
            holder.stdin.write("LOCK TABLES %s WRITE; SELECT 'held';\n" % table)
            holder.stdin.flush()
            wait_until(lambda: self.sql("SHOW OPEN TABLES WHERE In_use > 0"), 5, "the table is locked")
            yield

    def ordered_stop(self, how=signal.SIGTERM):
        """SIGTERM: connections are told and closed; SIGKILL: nobody is told anything."""
        self.process.send_signal(how)
        self.process.wait(30)

    def freeze(self):
        stop_all([self.process.pid])

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        if self.process and self.process.poll() is None:
            self.thaw()
        super().close()
