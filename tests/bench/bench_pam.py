#!/usr/bin/env python3
"""tests/bench/bench_pam.py - what a sign-in through pam_claviger.so costs, beside others

Four stacks in one run, by turns: pam_permit.so alone, which is what PAM itself costs; pam_floor.so,
which asks a server that knows nothing, and is the least that asking costs; ours, warm, with a clavigerd;
and pam_mysql.so (Debian's libpam-mysql) on a MariaDB of its own, with a password that is stored as it
is, so that it hashes nothing. pam_mysql is measured with one thread: with four it has crashed.
"""

import os, shutil, subprocess, sys, tempfile

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, name) for name in ("", "e2e")]
from harness import BUILD, PAM_MODULE, Site, crypt
from mariadb import MariaDB
from sites import Floor

PAM_FLOOR = os.path.join(BUILD, "tests", "bench", ".libs", "pam_floor.so")
PROGRAM = os.path.join(BUILD, "tests", "bench", "bench_pam")
LOGIN, PASSWORD = "ada@example.net", "right"
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "9"))
DENIES = "".join("%s required pam_deny.so\n" % kind for kind in ("auth", "account", "password", "session"))


def measure(directory, threads, calls, *stacks):
    """{stack: calls per second}"""
    done = subprocess.run([PROGRAM, directory, LOGIN, PASSWORD, str(threads), str(calls), str(ROUNDS), *stacks],
                          check=True, capture_output=True, text=True)
    return {stack: float(rate) for stack, rate in (line.split() for line in done.stdout.splitlines())}


def report(rates, threads):
    for name in rates:
        print("%-9s %d thread%s %7.0f calls/s, %5.2f of pam_permit alone%s" % (
            name, threads, "s" if threads > 1 else " ", rates[name], rates[name] / rates["permit"],
            ", %.1f of pam_mysql" % (rates[name] / rates["mysql"]) if "mysql" in rates else ""))


def measure_with(what, directory, calls):
    print(what)
    report(measure(directory, 1, calls, "permit", "floor", "claviger", "mysql"), 1)
    report(measure(directory, 4, 4 * calls, "permit", "floor", "claviger"), 4)


def mysql_stack():
    server = MariaDB()
    server.sql("CREATE TABLE users (login varchar(255) PRIMARY KEY, password varchar(255));"
               "INSERT INTO users VALUES ('%s', '%s');"
               "CREATE USER pam@localhost IDENTIFIED BY 'ofpam';"
               "GRANT SELECT ON mail.* TO pam@localhost;" % (LOGIN, PASSWORD))
    return server, "auth required pam_mysql.so user=pam passwd=ofpam host=%s db=mail table=users " \
        "usercolumn=login passwdcolumn=password crypt=0\n" % server.socket


def write_stacks(directory, stacks):
    for name, text in stacks.items():
        with open(os.path.join(directory, name), "w") as f:
            f.write(text)


def as_on_the_host(directory):
    """The service "other", which libpam reads for every transaction, as this machine has it."""
    for name in os.listdir("/etc/pam.d"):
        if name == "other" or name.startswith("common-"):
            shutil.copy(os.path.join("/etc/pam.d", name), directory)


with Site(cache='revalidate = "1h"') as site, tempfile.TemporaryDirectory() as directory:
    site.add_stored(LOGIN, crypt(PASSWORD))
    site.start()
    server, mysql = mysql_stack()
    floor = Floor()
    write_stacks(directory, {"permit": "auth required pam_permit.so\n", "mysql": mysql,
                             "floor": "auth required %s %s\n" % (PAM_FLOOR, floor.mux),
                             "claviger": "auth required %s socket=%s/pam\n" % (PAM_MODULE, site.dir)})
    measure(directory, 1, 100, "claviger")              # warm
    measure_with("no file of the service \"other\"", directory, 4000)
    write_stacks(directory, {"other": DENIES})
    measure_with("one that is pam_deny alone", directory, 4000)
    as_on_the_host(directory)
    measure_with("as this machine has it", directory, 1000)
    floor.close()
    server.close()
