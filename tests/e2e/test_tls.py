#!/usr/bin/env python3
"""D09: with which certificates, and in which mode, a connection to a database is made

The whole table is run: four modes, an authority that is the right one, another one, the system's
or missing, a name that fits or not, a certificate that is valid or not. What has to come of it
follows from two lines in what_is_right(); the server says whether the connection was encrypted.
"""

import atexit, os, shutil, sys, tempfile

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, name) for name in ("", "faults")]
import harness
from harness import OK, TEMPORARY, equal
from certificates import EXPIRED, NOT_YET, VALID, Authority
from database_site import STORED, DatabaseSite, user
from mariadb import RUNS_AS, MariaDB
from postgresql import READER, PostgreSQL
from servers import skip_all

folder = tempfile.mkdtemp(prefix="claviger-tls-")
atexit.register(shutil.rmtree, folder, True)
os.chmod(folder, 0o755)

ours = Authority(os.path.join(folder, "ours"))
# The same name, another key: who only compares names is taken in.
other = Authority(os.path.join(folder, "other"))

MODES = ("verify-full", "verify-ca", "require", "off")
AUTHORITIES = (
    # what, tls_ca, whether it is the server's
    ("the right authority",      ours.path,                          True),
    ("another authority",        other.path,                         False),
    ("the system's authorities", None,                               False),
    ("a file that is missing",   os.path.join(folder, "nowhere.pem"), False),
)
CERTIFICATES = (
    # what, names, dates, whether the name fits, whether it is valid now
    ("fits",                     "DNS:localhost,IP:127.0.0.1", VALID,   True,  True),
    ("another name",             "DNS:db.example.net",         VALID,   False, True),
    ("a name that starts alike", "DNS:localhost.example.net",  VALID,   False, True),
    ("expired",                  "DNS:localhost,IP:127.0.0.1", EXPIRED, True,  False),
    ("not valid yet",            "DNS:localhost,IP:127.0.0.1", NOT_YET, True,  False),
    ("another name and expired", "DNS:db.example.net",         EXPIRED, False, False),
)


def what_is_right(mode, tls_ca, authority_is_right, name_fits, is_valid):
    chain = authority_is_right and is_valid
    # A file that is named and missing is a mistake wherever there is TLS.
    exists = tls_ca is None or os.path.exists(tls_ca)
    return {"verify-full": chain and name_fits, "verify-ca": chain, "require": exists, "off": True}[mode]


TABLE = """
CREATE TABLE users (login varchar(320) PRIMARY KEY, password text, enabled boolean DEFAULT true);
INSERT INTO users VALUES ('%s', '%s', true);
""" % (user(1), STORED)


def give(server, owner, paths):
    """Copies of the files in the server's folder, which only its own user can read; their names there."""
    names = []
    for path, name in zip(paths, ("server.pem", "server.key", "clients.pem")):
        names.append(server.path("data", name))
        shutil.copy(path, names[-1])
        os.chmod(names[-1], 0o600)
        if os.geteuid() == 0:
            shutil.chown(names[-1], owner)
    return names


class PostgreSQLOfTLS(PostgreSQL):
    """`issued`: certificate and key, or None: the server has no TLS. `clients` is its pg_hba.conf."""

    CLIENTS = "local all all trust\nhostssl all all 127.0.0.1/32 cert\n"

    def __init__(self, issued, certificate_wanted=False):
        settings = "ssl = on\nssl_cert_file = 'server.pem'\nssl_key_file = 'server.key'\n" \
                   "ssl_ca_file = 'clients.pem'\n" if issued else ""
        self.issued = issued
        super().__init__(settings=settings, hba=self.CLIENTS if certificate_wanted else self.HBA)
        self.sql(TABLE + "GRANT SELECT ON users TO %s" % READER)

    def write_settings(self):
        super().write_settings()
        if self.issued:
            give(self, "postgres", self.issued + (ours.path,))

    def mark(self):
        pass

    def encrypted(self, mark):
        """Of the daemon's connections, which there has to be at least one of."""
        rows = self.sql("SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = '%s'"
                        % READER)
        equal(len(rows), 1, "connections are either encrypted or not")
        return rows[0][0] == "t"


class MariaDBOfTLS(MariaDB):
    def __init__(self, issued, certificate_wanted=False):
        self.issued = issued
        super().__init__()
        self.sql(TABLE + "GRANT SELECT ON mail.* TO %s@'%%';" % READER)
        if certificate_wanted:
            self.sql("ALTER USER %s@'%%' REQUIRE SUBJECT '/CN=%s'" % (READER, READER))

    def start(self):
        self.settings = ["--skip-ssl"]
        if self.issued:
            names = give(self, RUNS_AS, self.issued + (ours.path,))
            self.settings = ["--ssl-cert=" + names[0], "--ssl-key=" + names[1], "--ssl-ca=" + names[2]]
        super().start()

    def client(self, database="mail"):
        return super().client(database)[:-1] + ["--skip-ssl", database]     # it is not to be counted

    def mark(self):
        """How many handshakes there were."""
        return int(self.sql("SHOW GLOBAL STATUS LIKE 'Ssl_finished_accepts'")[0][1])

    def encrypted(self, mark):
        return self.mark() > mark


class PostgreSQLSite(DatabaseSite):
    ENGINE = "pgsql"


class MariaDBSite(DatabaseSite):
    ENGINE = "mysql"


def has_driver(engine):
    return os.path.exists(os.path.join(harness.DRIVERS, "account_%s.so" % engine))


# Those that claviger was built for.
ENGINES = tuple((server, site) for server, site in ((PostgreSQLOfTLS, PostgreSQLSite), (MariaDBOfTLS, MariaDBSite))
                if has_driver(site.ENGINE))


def keys_for(tls_ca, client=None):
    keys = 'tls_ca = "%s"\n' % tls_ca if tls_ca else ""
    if client:
        keys += 'tls_cert = "%s"  tls_key = "%s"\n' % client
    return keys


def sign_in(make_site, server, mode, tls_ca, host="localhost", client=None):
    """The answer, and whether the connection was encrypted (None: there was none), and the log."""
    with make_site("%s:%d" % (host, server.port), tls=mode, keys=keys_for(tls_ca, client)).start() as site:
        mark = server.mark()
        answer = site.ask(user(1), "right")
        if answer == TEMPORARY:
            site.says("failed: ")
        return answer, server.encrypted(mark) if answer == OK else None, site.log_text()


def verdict_of(make_site, server, mode, tls_ca, right, what, **options):
    answer, encrypted, log = sign_in(make_site, server, mode, tls_ca, **options)
    what = "%s: %s, %s" % (make_site.ENGINE, mode, what)
    equal(answer, OK if right else TEMPORARY, what + "\n" + log)
    equal(encrypted, (mode != "off") if right else None, what + ": encrypted")
    return log


def test_D09_a_connection_is_made_only_where_its_mode_says():
    cases = made = 0
    for make_server, make_site in ENGINES:
        for what, names, dates, name_fits, is_valid in CERTIFICATES:
            with make_server(ours.issue("server", "somebody", names, dates)) as server:
                for mode in MODES:
                    for who, tls_ca, authority_is_right in AUTHORITIES:
                        right = what_is_right(mode, tls_ca, authority_is_right, name_fits, is_valid)
                        verdict_of(make_site, server, mode, tls_ca, right, "%s, %s" % (what, who))
                        cases += 1
                        made += right
    print("# %d cases, %d connections" % (cases, made))


def test_D09_an_address_is_a_name_too():
    for make_server, make_site in ENGINES:
        for names, right in (("IP:127.0.0.1", True), ("IP:127.0.0.2", False)):
            with make_server(ours.issue("server", "somebody", names)) as server:
                verdict_of(make_site, server, "verify-full", ours.path, right, names, host="127.0.0.1")


def test_D09_a_server_without_tls_is_never_spoken_to_in_the_clear_unless_it_is_off():
    for make_server, make_site in ENGINES:
        with make_server(None) as server:
            for mode in MODES:
                verdict_of(make_site, server, mode, ours.path, mode == "off", "a server without TLS")


CLIENTS = (
    # what, certificate and key, whether it is let in
    ("the right certificate",     lambda: ours.issue("client", READER),             True),
    ("another account's",         lambda: ours.issue("eve", "eve"),                 False),
    ("of another authority",      lambda: other.issue("client", READER),            False),
    ("expired",                   lambda: ours.issue("old", READER, dates=EXPIRED), False),
    ("none",                      lambda: None,                                     False),
    ("files that are missing",    lambda: (os.path.join(folder, "no.pem"), os.path.join(folder, "no.key")), False),
)
# What the log says of those that are not let in, in the table's order. MariaDB says the same of all.
CLIENTS_SAID = {
    "pgsql": ("certificate authentication failed", "unknown ca", "certificate expired", "valid client certificate",
              "tls_cert: cannot read"),
    "mysql": ("Access denied", "", "", "Access denied", "tls_cert: cannot read"),
}


def test_D10_a_client_certificate_is_shown_where_there_is_one():
    for make_server, make_site in ENGINES:
        said = iter(CLIENTS_SAID[make_site.ENGINE])
        with make_server(ours.issue("server", "somebody", "DNS:localhost"), certificate_wanted=True) as server:
            for what, make, right in CLIENTS:
                log = verdict_of(make_site, server, "verify-full", ours.path, right, what, client=make())
                words = "" if right else next(said)
                assert words in log, "%r is not in %s" % (words, log)
            verdict_of(make_site, server, "off", None, False, "where only TLS is let in")


if not ENGINES:
    skip_all("claviger was built without a driver of a server")
harness.main()
