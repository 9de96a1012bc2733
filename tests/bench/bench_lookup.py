#!/usr/bin/env python3
"""tests/bench/bench_lookup.py - bench_lookup on databases of its own: SQLite, and each server that is installed"""

import os, subprocess, sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, name) for name in ("", "e2e")]
from harness import BUILD, DRIVERS, Site

ACCOUNTS = ["user%d@example.org" % i for i in range(1024)]
TABLE = "CREATE TABLE users (login varchar(255) PRIMARY KEY, password varchar(255)); INSERT INTO users VALUES " \
    + ", ".join("('%s', '{PLAIN}right')" % login for login in ACCOUNTS) + ";"
LOOKUP = 'lookup = "SELECT login, password FROM users WHERE login = %u"'
SERVED = 'hosts = { "%s" }  database = "mail"  user = "claviger"  tls = "off"'


def sqlite(site):
    site.sql(TABLE.split(";")[0])
    site.sql(TABLE.split(";")[1])
    return 'file = "%s"' % site.database


def mysql(site):
    from mariadb import MariaDB
    server = MariaDB()
    server.sql(TABLE + "GRANT SELECT ON mail.* TO claviger@'%'")
    return SERVED % server.socket


def pgsql(site):
    from postgresql import PostgreSQL
    server = PostgreSQL()
    server.sql(TABLE + "GRANT SELECT ON users TO claviger")
    return SERVED % server.path(".s.PGSQL.%d" % server.port)


ENGINES = (("sqlite", sqlite), ("mysql", mysql), ("pgsql", pgsql))

for name, make in ENGINES:
    if not os.path.exists(os.path.join(DRIVERS, "account_%s.so" % name)):
        continue
    site = Site()
    site.write_conf('accounts "%s" { driver = "%s"  %s  %s }\n' % (name, name, make(site), LOOKUP) + Site.LISTEN.replace(
        "%(dir)s", site.dir))
    subprocess.run([os.path.join(BUILD, "tests", "bench", "bench_lookup"), site.conf], check=True)
