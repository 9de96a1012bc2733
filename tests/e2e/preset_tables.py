"""tests/e2e/preset_tables.py - a daemon on tables as an account manager makes them

The tables are schemas/NAME.sql: one text for all engines. A line that starts with [mysql] or
[pgsql sqlite] is for these only, [words] are a variant's, <<right>> is a stored password of "right".
"""

import base64, itertools, json, os, re, sqlite3

import harness
from harness import DRIVERS, NO, OK, SOURCE, TEMPORARY, Site, crypt
from preset_states import VARIANTS

SCHEMAS = os.path.join(SOURCE, "tests", "e2e", "schemas")
UNCACHED = 'revalidate = "0s"  negative_ttl = "0s"'

# --- stored passwords ------------------------------------------------------------------------------
SETTINGS = {"bcrypt": "$2y$04$saltsaltsaltsaltsaltsO", "sha256": "$5$rounds=1000$salt", "md5crypt": "$1$saltsalt",
            "des": "ri", "maddy": "$2a$04$saltsaltsaltsaltsaltsO"}


def stored(words):
    kind, _, rest = words.partition(" ")
    if kind == "token":
        return crypt(rest, "$5$rounds=1000$salt")
    if kind == "latin1":
        return crypt(rest.encode("latin-1"))
    if kind == "maddy":
        return "bcrypt:" + crypt(rest, SETTINGS[kind])
    return crypt(rest, SETTINGS[kind]) if kind in SETTINGS else crypt(words)


def statements(variant, engine):
    """The tables of a variant: lines for other engines are left out, [words] and <<passwords>> filled in."""
    lines = []
    with open(os.path.join(SCHEMAS, variant.tables + ".sql"), encoding="utf-8") as f:
        for line in f:
            only = re.match(r"\[((?:mysql|pgsql|sqlite)(?: \w+)*)\]", line)
            if not only or engine in only.group(1).split():
                lines.append(line[only.end():] if only else line)
    text = "".join(lines) + "".join(s + ";\n" for s in variant.sql)
    for word, value in variant.words.items():
        text = text.replace("[%s]" % word, value[engine] if isinstance(value, dict) else value)
    assert not re.search(r"\[[a-z-]+\]", text), text
    return re.sub(r"<<([^>]*)>>", lambda m: stored(m.group(1)), text)


# --- engines ---------------------------------------------------------------------------------------
class SQLite:
    engine = "sqlite"

    @staticmethod
    def prepare():
        """Nothing runs."""

    def create(self, site, text):
        self.path = os.path.join(site.dir, "tables.db")
        self.sql(text)

    def sql(self, text):
        db = sqlite3.connect(self.path, timeout=10)
        try:
            if not text.lstrip().upper().startswith("SELECT"):
                db.executescript(text)
                return []
            return [["" if c is None else str(c) for c in row] for row in db.execute(text)]
        finally:
            db.close()

    def revoke(self):
        """A file has no rights of its own."""

    def config(self):
        return 'driver = "sqlite"  file = "%s"' % self.path

    def drop(self):
        os.unlink(self.path)


class OnServer:
    """A database for each variant on one server, which is made when it is first needed."""

    servers = {}

    @classmethod
    def prepare(cls):
        if cls.engine not in cls.servers:
            cls.servers[cls.engine] = cls.start()

    def create(self, site, text):
        self.prepare()
        self.server = self.servers[self.engine]
        self.name = "preset%d_%d" % (os.getpid(), next(counter))
        self.make()
        self.sql(text)
        self.grant()


counter = itertools.count()


class PgSQL(OnServer):
    engine = "pgsql"

    @staticmethod
    def start():
        import postgresql
        return postgresql.PostgreSQL()

    def make(self):
        self.server.sql("CREATE DATABASE %s" % self.name, database="postgres")

    def sql(self, text):
        return self.server.sql(text, database=self.name)

    def grant(self):
        self.sql("GRANT ALL ON ALL TABLES IN SCHEMA public TO claviger; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO claviger")

    def revoke(self):
        self.sql("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM claviger")

    def config(self):
        return 'driver = "pgsql"  hosts = { "%s/.s.PGSQL.%d" }  database = "%s"  user = "claviger"' % (
            self.server.dir, self.server.port, self.name)

    def drop(self):
        self.server.sql("DROP DATABASE %s WITH (FORCE)" % self.name, database="postgres")


class MySQL(OnServer):
    engine = "mysql"

    @staticmethod
    def start():
        import mariadb
        return mariadb.MariaDB()

    def make(self):
        self.server.sql("CREATE DATABASE %s CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci" % self.name, database="mysql")

    def sql(self, text):
        return self.server.sql(text, database=self.name)

    def grant(self):
        self.server.sql("CREATE USER IF NOT EXISTS claviger@localhost; GRANT ALL ON %s.* TO claviger@localhost"
                        % self.name, database="mysql")

    def revoke(self):
        self.server.sql("REVOKE ALL ON %s.* FROM claviger@localhost" % self.name, database="mysql")

    def config(self):
        return 'driver = "mysql"  hosts = { "%s" }  database = "%s"  user = "claviger"' % (self.server.socket, self.name)

    def drop(self):
        self.server.sql("DROP DATABASE %s" % self.name, database="mysql")


def databases():
    """The engines whose drivers were built."""
    return [c for c in (SQLite, MySQL, PgSQL) if os.path.exists(os.path.join(DRIVERS, "account_%s.so" % c.engine))]


# --- a daemon on a variant's tables ------------------------------------------------------------------
LISTEN = Site.LISTEN


class Tables(Site):
    def __init__(self, variant, database, cache=UNCACHED, extra=""):
        self.variant, self.tables = variant, database()
        super().__init__(accounts="accounts \"none\" { lookup = \"SELECT 1\" }\n")
        self.tables.create(self, statements(variant, self.tables.engine))
        self.configure(cache, extra)

    def configure(self, cache=UNCACHED, extra=""):
        """`extra` is more of the section accounts."""
        variant = self.variant
        options = 'options = { %s }' % ", ".join('"%s"' % o for o in variant.options) if variant.options else ""
        accounts = 'accounts "mail" { preset = "%s"  %s  %s  %s }\n' % (
            variant.preset, options, self.tables.config(), extra)
        self.write_conf(accounts + LISTEN % {"dir": self.dir}, cache=cache)

    def shown_queries(self):
        """The preset's for this engine and these options."""
        return self.ctl("presets", self.variant.preset, "-e", self.tables.engine,
                        *(["-o", ",".join(self.variant.options)] if self.variant.options else []), check=0).stdout

    def answers(self):
        """Both sockets are there: the daemon makes one after the other."""
        try:
            self.connect(self.control).close()
        except OSError:
            return False
        return super().answers()

    def close(self):
        super().close()
        if self.tables.engine != "sqlite" and getattr(self.tables, "name", None):
            self.tables.drop()
            self.tables.name = None

    def reason(self, login, password, service="imap", remote=""):
        """What explain says last, and everything that it said."""
        done = self.ctl("explain", "-p", "-s", service, *(["-i", remote] if remote else []), "--", login, stdin=password + "\n")
        last = re.findall(r"^verdict +\w+, ([\w-]+)$", done.stdout, re.M)
        return last[-1] if last else done.stderr, done.stdout


    def judged(self, states):
        """Each asked as a mail server asks: (what the caller is told, the reason in the daemon's log), one after the
        other, for an answer may be there before its line."""
        answers = []
        for s in states:
            told = self.ask(s.login, s.password, s.service, remote=s.remote or None)
            self.asked += 1
            answers.append((told, harness.wait_until(self.reasons, 10, "the verdict's line in the log")[-1]))
        return answers

    asked = 0

    def reasons(self):
        reasons = re.findall(r" (?:accepted|rejected|unavailable) reason=([\w-]+) via=", self.log_text())
        return reasons if len(reasons) == self.asked else None

    def told(self, command, states):
        """What the daemon answers to clavigerctl's command for each, asked on one connection."""
        with self.connect(self.control) as control, control.makefile("rw") as lines:
            for s in states:
                question = {"command": command, "login": s.login, "service": s.service,
                            "password": base64.b64encode(s.password.encode()).decode()}
                lines.write(json.dumps(dict(question, remote=s.remote) if s.remote else question) + "\n")
                lines.flush()
                yield json.loads(lines.readline())


UNAVAILABLE = ("bad-stored-password", "account-source-down", "deadline", "overloaded", "internal")


def wire(reason):
    return OK if reason == "ok" else TEMPORARY if reason in UNAVAILABLE else NO


def chosen(wanted=lambda variant: True, variants=VARIANTS):
    """(engine, variant): what is built and wanted."""
    return [(database, variant) for database in databases() for variant in variants
            if database.engine in variant.engines and wanted(variant) and knows(variant)]


def each(wanted):
    """Those variants on every engine; the tables are gone afterwards."""
    for database, variant in chosen(wanted):
        with Tables(variant, database) as site:
            yield site, named(site)


def named(site):
    return "%s on %s" % (site.variant.name, site.tables.engine)


known = {}


def knows(variant):
    """Whether this build verifies maddy's own forms of stored passwords."""
    if variant.preset != "maddy":
        return True
    if "maddy" not in known:
        with Site(cache=UNCACHED) as site:
            site.add_stored("ada", stored("maddy right"))
            site.start()
            known["maddy"] = site.ask("ada", "right") == OK
    return known["maddy"]


def gather(faults, call):
    """One fault does not hide the next."""
    try:
        return call()
    except AssertionError as error:
        faults.append(str(error))
