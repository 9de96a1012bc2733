#!/usr/bin/env python3
"""D, S and U of the reliability rows on a real MariaDB, through clavigerd and the saslauthd wire

The server is the tests' own (mariadb.py); cases that do it no harm share one. What every server has to pass is
in database_faults.py and database_names.py; here is what is MariaDB's.
"""

import os, sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, name) for name in ("", "faults")]
import harness
from harness import NO, OK, TEMPORARY
import database_site
from database_site import LOOKUP, STORED, USERS, DatabaseSite as Site, shared, tcp, user
from database_faults import *
from database_bytes import *
from database_failover import *
from database_names import *
from mariadb import READER, MariaDB


def both_ways(charsets):
    """The long form: each with and without a backslash that escapes."""
    return [["--character-set-server=" + charset, "--skip-character-set-client-handshake", "--sql-mode=" + mode]
            for charset in charsets for mode in ("", "NO_BACKSLASH_ESCAPES")] if LONG else []


class Engine:
    DRIVER = "mysql"
    Server = MariaDB
    TABLE = """
CREATE TABLE users (login varchar(320) PRIMARY KEY, password text, enabled boolean NOT NULL DEFAULT true)
    CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT INTO users SELECT concat('user', seq, '@example.org'), '%s', true FROM seq_0_to_%d;
GRANT SELECT ON mail.* TO %s@'%%';
""" % (STORED, USERS - 1, READER)
    SLOW = LOOKUP.replace("WHERE", "WHERE sleep(0.4) = 0 AND")
    SERIES = "(SELECT 1 FROM seq_0_to_1000000 LIMIT %d) AS series"
    LOGS = {"settings": MariaDB.LOGS}
    LEAVES_IDLE = "SET GLOBAL wait_timeout = %d"
    MAY_WRITE = "GRANT UPDATE ON mail.* TO %s@'%%'" % READER

    # Of a new session's bytes: in its greeting, the answers to logging in, to preparing, and in a row.
    BYTES = (0, 3, 4, 10, 77, 90, 100, 115, 130, 160, 200, 260, 300)

    # what is done to the tables, a key of the configuration, what is said, whether the lookup fits
    FITS = (
        ("SELECT 1",                                          "",     "query lookup: fits",            True),
        ("SELECT 1",                                          CHANGE, "UPDATE command denied",         True),
        ("GRANT UPDATE ON mail.users TO %s@'%%'" % READER,    CHANGE, "query set_password: fits",      True),
        ("SELECT 1",           'list = "SELECT nobody AS login FROM users"', "nobody",                 True),
        ("REVOKE SELECT ON mail.* FROM %s@'%%'" % READER,     "",     "SELECT command denied",         False),
        ("GRANT SELECT ON mail.* TO %s@'%%'; RENAME TABLE users TO people" % READER, "", "mail.users' doesn't exist", False),
    )

    KEYS_OF_ALL_KINDS = {"settings": ["--plugin-load-add=auth_ed25519", "--plugin-load-add=auth_pam"]}
    METHODS = (
        # how the server authenticates the user, our password, what the log says if it fails
        ("mysql_native_password USING password('secret')", "secret", None),
        ("mysql_native_password USING password('secret')", "other",  "Access denied"),
        ("mysql_native_password USING password('secret')", None,     "Access denied"),
        ("ed25519 USING password('secret')",               "secret", None),
        ("ed25519 USING password('secret')",               "other",  "Access denied"),
        ("unix_socket",                                    "secret", "Access denied"),
    ) + ((("pam", "secret", "dialog"),) if os.geteuid() == 0 else ())      # its helper is for root and mysql alone

    MOMENTS_TABLE = """CREATE TABLE numbers (login varchar(99), password text, expires_at bigint);
                       CREATE TABLE moments (login varchar(99), password text, moment timestamp NULL);"""
    TO_MOMENT, FROM_MOMENT = "FROM_UNIXTIME(%s)", "UNIX_TIMESTAMP(moment)"
    MOMENTS_FAR = ()                    # a timestamp ends with 2038-01-19

    NOT_THAT = "Access denied"

    NO_ROOM = {"settings": ["--max-connections=10"]}, "ALTER USER %s@'%%' WITH MAX_USER_CONNECTIONS 2" % READER
    WAIT_IN_VAIN = 12   # it notices that a client has gone when it has the lock

    DRIFTS = (
        ("a column is dropped",     "ALTER TABLE users DROP COLUMN enabled",                        TEMPORARY, "enabled"),
        ("the table is renamed",    "RENAME TABLE users TO people",                                 TEMPORARY, "users"),
        ("a right is taken away",   "REVOKE SELECT ON mail.* FROM claviger@'%'; KILL USER claviger", TEMPORARY, "denied"),
        ("a type that says nothing", "ALTER TABLE users MODIFY enabled text; UPDATE users SET enabled = 'perhaps'",
                                                                                                    TEMPORARY, "enabled"),
        ("a type that says the same", "ALTER TABLE users MODIFY enabled text; UPDATE users SET enabled = 'Y'", OK, None),
        ("enabled is NULL",         "ALTER TABLE users MODIFY enabled boolean; UPDATE users SET enabled = NULL", NO, None),
        ("the password is NULL",    "UPDATE users SET password = NULL",                             NO,        None),
        ("a column more",           "ALTER TABLE users ADD shoe_size int",                          OK,        None),
    )

    # options, and what who has a login of another script is told; in the long form each character set both ways
    ENCODINGS = tuple(({"settings": settings}, NO) for settings in (
        ["--sql-mode=NO_BACKSLASH_ESCAPES"], ["--sql-mode=ANSI"],
        ["--character-set-server=latin1", "--skip-character-set-client-handshake"],
        ["--character-set-server=gbk", "--skip-character-set-client-handshake", "--sql-mode="],
        ["--character-set-server=big5", "--skip-character-set-client-handshake"],
        ["--character-set-server=sjis", "--init-connect=SET NAMES sjis"],
        ["--character-set-server=utf16"], ["--character-set-server=utf8mb3"],
        *both_ways(("latin1", "gbk", "big5", "sjis", "utf16", "utf8mb3"))))

    COLLATIONS = ("utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_unicode_520_ci", "uca1400_ai_ci", "uca1400_as_cs",
                  "utf8mb4_bin", "utf8mb4_nopad_bin", "utf8mb4_turkish_ci", "utf8mb4_german2_ci",
                  "utf8mb4_general_nopad_ci", "utf8mb4_unicode_nopad_ci", "utf8mb4_danish_ci")
    TWINS = (
        # what differs, the other row, how a careless query compares
        ("case",          "Alice@example.org",       "lower(login) = %%u"),
        ("a blank",       "alice@example.org ",      "trim(login) = %%u"),
        ("the collation", "\u00e1lice@example.org",  "login = %%u COLLATE utf8mb4_unicode_ci"),
    )

    @staticmethod
    def make_spelled(server, collation):
        server.sql("CREATE OR REPLACE TABLE spelled (login varchar(99), password text) CHARACTER SET utf8mb4 COLLATE "
                   + collation)

    @staticmethod
    def make_twins(server):
        server.sql("CREATE TABLE twins (login varchar(99), password text) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")


TYPES = ("boolean", "bit(1)", "bit(20)", "int unsigned", "bigint", "decimal(6,0)", "char(1)", "enum('1','0')", "varbinary(4)")


def test_a_truth_may_be_of_any_type():
    server = shared()
    for i, kind in enumerate(TYPES):
        columns = "login varchar(99), password text, enabled " + kind
        server.sql("CREATE TABLE typed%d (%s); INSERT INTO typed%d VALUES %s" % (i, columns, i, ", ".join(
            "('%s@example.org', '%s', %s)" % (name, STORED, "'%s'" % value if value != "NULL" and
                                              kind.startswith(("char", "enum", "varb")) else value)
            for name, value in (("yes", "1"), ("no", "0"), ("null", "NULL")))))
        with Site(tcp(server), lookup=LOOKUP.replace("users", "typed%d" % i)).start() as site:
            for name, wanted in (("yes", OK), ("no", NO), ("null", NO)):
                site.asked(name + "@example.org", "right", wanted, "%s %s\n%s" % (kind, name, site.log_text()))


database_site.use(Engine)
shared()
harness.main(at_once=6)
