"""tests/e2e/pam_services.py - a private /etc/pam.d for programs that know no other

Neither pamtester nor saslauthd can be told where the service files are, so they run in a mount
namespace of their own, in which a temporary directory lies over /etc/pam.d. The machine's own is
neither read nor written, and nobody outside sees the mount.
"""

import re, subprocess

from harness import PAM_MODULE
from servers import program

COVER = 'mount --bind "$0" /etc/pam.d && exec "$@"'


def sanitizer():
    """The environment that a program without AddressSanitizer needs to load a module with it: its
    library first, and not its leak report, which would be about the program."""
    needed = subprocess.run(["ldd", PAM_MODULE], capture_output=True, text=True, check=True).stdout
    library = re.search(r"libasan\S* => (\S+)", needed)
    return ["env", "LD_PRELOAD=" + library[1], "ASAN_OPTIONS=detect_leaks=0"] if library else []


class PamServices:
    """Service files in `directory`, each a stack of pam_claviger.so alone."""

    def __init__(self, directory, services, options):
        self.directory = directory
        for service in services:
            with open("%s/%s" % (directory, service), "w") as f:
                for kind in ("auth", "account"):
                    f.write("%s required %s %s\n" % (kind, PAM_MODULE, options))

    def around(self, argv):
        """The command line that runs `argv` with these services."""
        return [program("/usr/bin/unshare"), "--mount", "/bin/sh", "-c", COVER, self.directory,
                *sanitizer(), *argv]

    def pamtester(self, service, login, password, *operations):
        """(exit status, what it says): one line for each operation that went well, or why not."""
        done = subprocess.run(
            self.around([program("/usr/bin/pamtester"), service, login, *operations]),
            input=password + "\n", capture_output=True, text=True, timeout=30)
        # Not at the start of a line: the prompt is before it.
        return done.returncode, re.findall("pamtester: (.*)", done.stdout + done.stderr)
