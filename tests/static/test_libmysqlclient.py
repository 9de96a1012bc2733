#!/usr/bin/env python3
"""tests/static/test_libmysqlclient.py - the MySQL driver builds with Oracle's library, too

Debian has MariaDB's alone, so this is about compiling, with declarations of our own
(libmysqlclient/mysql.h), and about what configure finds. Nothing is linked and nothing runs.
"""

import os, shlex, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from harness import SOURCE, Skip, equal

STUB = os.path.join(SOURCE, "tests", "static", "libmysqlclient")
PKG_CONFIG = os.environ.get("PKG_CONFIG", "pkg-config")


def test_the_driver_compiles_with_oracles_declarations():
    flags = subprocess.run([PKG_CONFIG, "--cflags", "libsodium"], capture_output=True, text=True).stdout
    for name in ("driver_mysql.c", "mysql_call.c"):
        done = subprocess.run(
            shlex.split(os.environ.get("CC", "cc")) + shlex.split(flags) + [
                "-std=gnu11", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", '-DMYSQL_LIBRARY="mysqlclient 8.0"',
                "-I" + STUB, "-I" + SOURCE, os.path.join(SOURCE, "account", name)], capture_output=True, text=True)
        equal(done.returncode, 0, name + "\n" + done.stderr)


def test_configure_takes_mysqlclient_where_there_is_no_connector():
    configure = os.path.join(SOURCE, "configure")
    if not os.path.exists(configure):
        raise Skip("configure is not generated")
    with tempfile.TemporaryDirectory(prefix="claviger-") as folder:
        # What stands first in the path hides the system's.
        for name, version in (("libmariadb", "0"), ("mysqlclient", "8.0.36")):
            with open(os.path.join(folder, name + ".pc"), "w") as f:
                f.write("Name: %s\nDescription: none\nVersion: %s\nCflags: -I%s\nLibs: -lmysqlclient\n" % (name, version, STUB))
        done = subprocess.run([configure], cwd=folder, capture_output=True, text=True,
                              env=dict(os.environ, PKG_CONFIG_PATH=folder))
        equal(done.returncode, 0, done.stdout[-2000:] + done.stderr)
        line = [line for line in done.stdout.splitlines() if line.split()[:2] == ["driver", "mysql"]]
        equal([part.split()[2:] for part in line], [["yes", "mysqlclient", "8.0.36"]], "what configure says")


harness.main()
