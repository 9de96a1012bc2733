#!/usr/bin/env python3
"""D, S and U of the reliability rows on a real PostgreSQL, through clavigerd and the saslauthd wire

The server is the tests' own (postgresql.py); cases that do it no harm share one. What every server has to pass
is in database_faults.py and database_names.py; here is what is PostgreSQL's.
"""

import os, sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, name) for name in ("", "faults")]
import harness
from harness import NO, OK, TEMPORARY
import database_site
from database_site import LOOKUP, STORED, USERS, shared
from database_faults import *
from database_bytes import *
from database_failover import *
from database_names import *
from postgresql import READER, PostgreSQL


class Engine:
    DRIVER = "pgsql"
    Server = PostgreSQL
    TABLE = """
CREATE TABLE users (login text PRIMARY KEY, password text, enabled boolean NOT NULL DEFAULT true);
INSERT INTO users SELECT 'user' || i || '@example.org', '%s' FROM generate_series(0, %d) i;
GRANT SELECT ON users TO %s;
CHECKPOINT;
""" % (STORED, USERS - 1, READER)
    SLOW = LOOKUP.replace("FROM users", "FROM users, (SELECT pg_sleep(0.4)) AS slow")
    SERIES = "generate_series(1, %d)"
    LOGS = {"settings": PostgreSQL.LOGS}
    LEAVES_IDLE = "ALTER ROLE %s SET idle_session_timeout = '%%ds'" % READER
    MAY_WRITE = "GRANT UPDATE ON users TO " + READER

    # Of a new session's bytes: in the answers to logging in, to preparing, and in a row.
    BYTES = (0, 1, 5, 9, 100, 330, 400, 440, 460, 480, 500, 520, 540)

    # what is done to the tables, a key of the configuration, what is said, whether the lookup fits
    FITS = (
        ("SELECT 1",                               "",     "query lookup: fits",                           True),
        ("SELECT 1",                               CHANGE, "permission denied for table users",            True),
        (MAY_WRITE,                                CHANGE, "query set_password: fits",                     True),
        ("SELECT 1",           'list = "SELECT nobody AS login FROM users"', 'column "nobody" does not exist', True),
        ("REVOKE SELECT ON users FROM " + READER,  "",     "permission denied for table users",            False),
        ("ALTER TABLE users RENAME TO people",     "",     'relation "users" does not exist',              False),
    )

    KEYS_OF_ALL_KINDS = {}
    METHODS = (
        # how the server authenticates, our password, what the log says if not
        ("trust",         None,     None),
        ("scram-sha-256", "secret", None),
        ("md5",           "secret", None),
        ("password",      "secret", None),
        ("scram-sha-256", "other",  "password authentication failed"),
        ("md5",           "other",  "password authentication failed"),
        ("scram-sha-256", None,     "password_file"),
        ("password",      None,     "password_file"),
        ("reject",        None,     "pg_hba.conf rejects connection"),
        ("gss",           None,     "GSSAPI"),
        ("ident",         None,     "Ident authentication failed"),
    )

    MOMENTS_TABLE = """CREATE TABLE numbers (login varchar(99), password text, expires_at bigint);
                       CREATE TABLE moments (login varchar(99), password text, moment timestamptz NULL);
                       GRANT SELECT ON numbers, moments TO claviger"""
    TO_MOMENT, FROM_MOMENT = "to_timestamp(%s)", "CAST(extract(epoch FROM moment) AS bigint)"
    MOMENTS_FAR = (("far", 253402300799, OK),)

    NOT_THAT = "Peer authentication failed"

    NO_ROOM = {"settings": "max_connections = 5\nsuperuser_reserved_connections = 2\n"}, "SELECT 1"
    WAIT_IN_VAIN = 4

    DRIFTS = (
        ("a column is dropped",     "ALTER TABLE users DROP COLUMN enabled CASCADE",   TEMPORARY, 'column "enabled"'),
        ("the table is renamed",    "ALTER TABLE users RENAME TO people",              TEMPORARY, 'relation "users"'),
        ("a right is taken away",   "REVOKE SELECT ON users FROM claviger",            TEMPORARY, "permission denied"),
        ("a type that says nothing", "ALTER TABLE users ALTER enabled DROP DEFAULT, ALTER enabled TYPE text "
                                    "USING 'perhaps'",                                 TEMPORARY, 'column "enabled"'),
        ("a type that says the same", "ALTER TABLE users ALTER enabled DROP DEFAULT, ALTER enabled TYPE text "
                                    "USING 'Y'",                                       OK,        None),
        ("the login is a number",   "ALTER TABLE users DROP CONSTRAINT users_pkey, ALTER login TYPE bigint "
                                    "USING 1",                                         TEMPORARY, "22P02"),
        ("enabled is NULL",         "ALTER TABLE users ALTER enabled DROP NOT NULL; UPDATE users SET enabled = NULL",
                                                                                       NO,        None),
        ("the password is NULL",    "UPDATE users SET password = NULL",                NO,        None),
        ("a column more",           "ALTER TABLE users ADD shoe_size int",             OK,        None),
    )

    # options, and what who has a login of another script is told: what the database cannot hold it says is an error
    ENCODINGS = (
        ({"settings": "standard_conforming_strings = off\n"}, NO),
        ({"encoding": "LATIN1"}, TEMPORARY),
        ({"encoding": "SQL_ASCII"}, NO),
        ({"encoding": "EUC_JP"}, NO),
        ({"encoding": "EUC_CN", "settings": "standard_conforming_strings = off\n"}, NO),
        ({"encoding": "LATIN1", "settings": "standard_conforming_strings = off\nbackslash_quote = on\n"}, TEMPORARY),
    )

    # of ICU: what it looks at, from letters alone to all but nothing
    COLLATIONS = ("und-u-ks-level1", "und-u-ks-level2", "und-u-ks-level3", "und-u-ks-identic", "und-u-ka-shifted-ks-level1",
                  "und-u-ka-shifted-ks-level3", "und-u-kc-ks-level1", "tr-u-ks-level1", "de-u-co-phonebk-ks-level1",
                  "da-u-ks-level1", "en-u-kn-ks-level2", "sv-u-ks-level1")
    TWINS = (
        # what differs, the other row, how a careless query compares
        ("case",          "Alice@example.org",       "lower(login) = lower(%%u)"),
        ("a blank",       "alice@example.org ",      "rtrim(login) = %%u"),
        ("the collation", "\u00e1lice@example.org",  "login = %%u COLLATE letters"),
    )

    @staticmethod
    def make_spelled(server, collation):
        server.sql("""DROP TABLE IF EXISTS spelled; DROP COLLATION IF EXISTS loose;
                      CREATE COLLATION loose (provider = icu, locale = '%s', deterministic = false);
                      CREATE TABLE spelled (login text COLLATE loose, password text);
                      GRANT SELECT ON spelled TO %s""" % (collation, READER))

    @staticmethod
    def make_twins(server):
        server.sql("""CREATE COLLATION letters (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
                      CREATE TABLE twins (login text, password text); GRANT SELECT ON twins TO """ + READER)


database_site.use(Engine)
shared()
harness.main(at_once=6)
