"""tests/e2e/pam_services.py - a private /etc/pam.d for programs that know no other

Neither pamtester nor saslauthd can be told where the service files are, so they run in a mount
namespace of their own, in which a temporary directory lies over /etc/pam.d. The machine's own is
neither read nor written, and nobody outside sees the mount.
"""

import glob, os, re, shutil, subprocess

from harness import PAM_MODULE, SOURCE
from servers import program

COVER = 'mount --bind "$0" /etc/pam.d && exec "$@"'

EXAMPLES = os.path.join(SOURCE, "pam.d")


def sanitizer():
    """The environment that a program without AddressSanitizer needs to load a module with it: its
    library first, and not its leak report, which would be about the program."""
    needed = subprocess.run(["ldd", PAM_MODULE], capture_output=True, text=True, check=True).stdout
    library = re.search(r"libasan\S* => (\S+)", needed)
    return ["env", "LD_PRELOAD=" + library[1], "ASAN_OPTIONS=detect_leaks=0"] if library else []


class PamServices:
    """Service files in `directory`, each a stack of pam_claviger.so alone."""

    def __init__(self, directory, services, options, kinds=("auth", "account")):
        self.directory = directory
        self.covers = []
        # Where users other than root may read it, whatever the folder of the build allows.
        self.module = os.path.join(directory, "pam_claviger.so")
        shutil.copy(PAM_MODULE, self.module)
        for service in services:
            self.write(service, "".join("%s required @M %s\n" % (kind, options) for kind in kinds))

    def write(self, service, text):
        """A stack; @M is the module."""
        with open(os.path.join(self.directory, service), "w") as f:
            f.write(text.replace("@M", self.module))

    def read(self, service):
        with open(os.path.join(self.directory, service)) as f:
            return f.read()

    def write_examples(self, options, replaced=()):
        """The files of pam.d/ as they are, but for where the module and its daemon are."""
        names = sorted(os.path.basename(path) for path in glob.glob(EXAMPLES + "/*"))
        for name in names:
            with open(os.path.join(EXAMPLES, name)) as f:
                text = re.sub(r"\bpam_claviger\.so\b", "@M " + options, f.read())
            for old, new in replaced:
                text = text.replace(old, new)
            self.write(name, text)
        return names

    def cover(self, path, over):
        """Lays the file at `path` over one of the machine's, for what runs here."""
        self.covers.append((path, over))

    def around(self, argv, user=None):
        """The command line that runs `argv` with these services, and as that user id."""
        mounts = "".join('mount --bind "%s" "%s" && ' % pair for pair in self.covers)
        become = [program("/usr/bin/setpriv"), "--reuid", str(user), "--regid", str(user),
                  "--clear-groups"] if user else []
        return [program("/usr/bin/unshare"), "--mount", "/bin/sh", "-c", mounts + COVER,
                self.directory, *become, *sanitizer(), *argv]

    def pamtester(self, service, login, typed, *operations, user=None, items=()):
        """(exit status, what it says): one line for each operation that went well, or why not.
        `typed` is a line for each prompt; `items` are such as "rhost=192.0.2.1"."""
        items = [word for item in items for word in ("-I", item)]
        done = subprocess.run(
            self.around([program("/usr/bin/pamtester"), *items, service, login, *operations], user),
            input=typed + "\n", capture_output=True, text=True, timeout=30)
        # Not at the start of a line: the prompt is before it.
        return done.returncode, re.findall("pamtester: (.*)", done.stdout + done.stderr)
