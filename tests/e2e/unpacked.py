"""tests/e2e/unpacked.py - mail servers that cannot be installed beside Postfix

Debian has one of them at a time. The others run from the folder that tests/packages.unpacked is
unpacked into. Their users are compiled in and made by their installation: here they are in files that
only the server's own mount namespace sees in the place of /etc/passwd and /etc/group.
"""

import os, subprocess

from harness import BUILD, SOURCE
from servers import program

UNPACKED = os.environ.get("CLAVIGER_UNPACKED") or os.path.join(BUILD, "unpacked")

# A user and a group that nobody has; and those after it.
NUMBER = 64321

MOUNT_AND_RUN = """
while [ "$1" != -- ]; do mount --bind "$1" "$2" && shift 2 || exit 1; done
shift && exec "$@"
"""


def unpacked(path):
    """Below the folder; fetched when check.sh has not done so."""
    whole = os.path.join(UNPACKED, path)
    if not os.path.exists(whole):
        tests = os.path.join(SOURCE, "tests")
        subprocess.run(["bash", "-c", '. "$0/packages.sh"; packages_unpack "$1" "$0/packages.unpacked"',
                        tests, UNPACKED], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return whole


def unpacked_program(path):
    return program(unpacked(path))


def add_users(server, *names):
    """Writes etc/passwd and etc/group below the server's folder: the machine's, and these."""
    for file, line in ("passwd", "%(name)s:x:%(id)d:%(id)d::/nonexistent:/bin/false\n"), ("group", "%(name)s:x:%(id)d:\n"):
        with open("/etc/" + file) as f:
            lines = [l for l in f if l.split(":")[0] not in names]
        lines += [line % {"name": name, "id": NUMBER + i} for i, name in enumerate(names)]
        server.write("etc/" + file, "".join(lines))


def alone(server, argv, *more):
    """The command that runs `argv` where it sees add_users()'s files, and `more`: pairs of what is to
    be seen, and in what place."""
    places = [(server.path("etc", name), "/etc/" + name) for name in ("passwd", "group")] + list(more)
    return ["/usr/bin/unshare", "--mount", "--uts", "/bin/sh", "-c", MOUNT_AND_RUN, server.name,
            *(path for pair in places for path in pair), "--", *argv]
