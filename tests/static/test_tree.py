#!/usr/bin/env python3
"""tests/static/test_tree.py - is the house as it is drawn?

What no test of behaviour would notice: which room includes which, headers that lean on their
includer, a test that no list names, a manual page that does not format. Reads the source tree and
writes nothing.
"""

import os, re, shutil, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from harness import SOURCE

# The table of doc/architecture.md: a room, and the rooms whose headers it may include.
ROOMS = {
    "common": [],
    "password": ["common"],
    "cache": ["common"],
    "account": ["common"],
    "auth": ["common", "password", "cache", "account"],
    "sasl": ["common", "password", "account", "auth"],
    "config": ["common", "password", "cache", "account", "auth"],
    "saslauthd_backend": ["common", "password", "cache", "account", "auth", "sasl",
                          "config"],
    "tools": ["common", "password", "cache", "account", "auth", "config"],
    "guest": [],
    "pam_module": ["guest"],
    "sasl_plugin": ["guest"],
}
# A header by name where the room as a whole would be too much.
ALSO = {
    "pam_module": ["common/pam_wire.h"],
    "sasl_plugin": ["common/auxprop_wire.h"],
    "tools": ["saslauthd_backend/control_wire.h"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
FUNCTION_LINES_MAX = 60
GENERATED = re.compile(r"^config\.h|(^|/)(configure|aclocal\.m4|Makefile(\.in)?|libtool|"
                       r"build-aux|autom4te\.cache|.*\.(o|lo|la|a|so|trs|log|pyc|orig|rej))$")


def files(*suffixes, under=""):
    """Paths below the source tree, without what builds leave there."""
    found = []
    for folder, folders, names in os.walk(os.path.join(SOURCE, under)):
        folders[:] = sorted(f for f in folders
                            if f not in ("build", "build-aux", "autom4te.cache", "__pycache__")
                            and not (f.startswith(".") and f != ".ci"))
        found += [os.path.relpath(os.path.join(folder, n), SOURCE)
                  for n in sorted(names) if n.endswith(suffixes)]
    return found


def sources(*suffixes):
    return [p for p in files(*suffixes) if p.split("/")[0] in ROOMS]


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as f:
        return f.read()


def run(*command, **options):
    return subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, timeout=120, **options)


def none(faults, what):
    assert not faults, "%s:\n  %s" % (what, "\n  ".join(faults))


def makefile_words():
    return set(read("Makefile.am").replace("\\\n", " ").split())


def test_includes_run_downwards_only():
    faults = []
    for path in sources(".c", ".h"):
        room = path.split("/")[0]
        for header in INCLUDE.findall(read(path)):
            theirs = header.split("/")[0]
            if header != "config.h" and theirs not in ROOMS[room] + [room] \
                    and header not in ALSO.get(room, []):
                faults.append("%s includes %s" % (path, header))
    none(faults, "includes that the table of rooms does not allow")


# Client libraries whose headers are not where the compiler looks by itself.
CLIENTS = ["libpq", "libmariadb", "mysqlclient"]


def client_flags():
    return [flag for name in CLIENTS for flag in run("pkg-config", "--cflags", name).stdout.split()]


def test_every_header_compiles_on_its_own():
    faults, flags = [], client_flags()
    for path in sources(".h"):
        done = run(os.environ.get("CC", "cc"), "-std=gnu11", "-D_GNU_SOURCE", "-I.", *flags, "-Wall", "-Wextra",
                   "-Werror", "-fsyntax-only", "-x", "c", "-", input='#include "%s"\n' % path)
        if done.returncode != 0:
            faults.append("%s\n%s" % (path, done.stderr))
    none(faults, "headers that need another one first")


def test_every_header_is_guarded_by_its_path():
    none([p for p in sources(".h") + files(".h", under="tests")
          if "#ifndef %s\n#define %s\n" % ((re.sub(r"[/.]", "_", p).upper(),) * 2) not in read(p)],
         "headers without the guard of their path")


def test_every_file_says_first_what_it_is():
    none([p for p in sources(".c", ".h") + files(".c", ".h", under="tests")
          if not read(p).startswith("/* %s - " % p)],
         "files that do not start with their path and a line about them")


def test_no_function_is_longer_than_a_page():
    faults = []
    for path in sources(".c"):
        start = None
        for number, line in enumerate(read(path).split("\n"), 1):
            if line == "{":
                start = number
            elif line == "}" and start:
                if number - start + 1 > FUNCTION_LINES_MAX:
                    faults.append("%s:%d has %d lines" % (path, start, number - start + 1))
                start = None
    none(faults, "functions of more than %d lines" % FUNCTION_LINES_MAX)


def test_every_source_and_test_is_in_the_makefile():
    words = makefile_words()
    wanted = sources(".c", ".h") + files(".c", ".h", under="tests")
    wanted += [p for p in files(".py", under="tests") if os.path.basename(p).startswith("test_")]
    # A program of one file is named without its ending.
    none([p for p in wanted if p not in words and p[:-2] not in words], "files that Makefile.am does not name")


def test_every_fuzz_target_has_a_corpus():
    none([p for p in files(".c", under="tests/fuzz")
          if not os.path.isdir(os.path.join(SOURCE, "tests/fuzz/corpus", os.path.basename(p)[5:-2]))],
         "fuzz targets without a folder of seeds")


def test_manual_pages_format_without_a_warning():
    pages = [p for p in files(".1", ".5", ".8") if p.startswith("man/")]
    done = run("mandoc", "-T", "lint", "-W", "warning", *pages)
    assert pages and done.returncode == 0, done.stdout or "no manual page"


def test_scripts_are_well_formed():
    faults = []
    for path in files(".sh", ".ci/run") + [".ci/run"]:
        faults += [done.stderr for done in [run("bash", "-n", path)] if done.returncode != 0]
    for path in files(".py"):
        try:
            compile(read(path), path, "exec")
        except SyntaxError as error:
            faults.append("%s: %s" % (path, error))
    none(faults, "scripts that do not parse")


def test_nothing_generated_is_kept():
    kept = []           # only git knows: a tarball, or a machine without it, has nothing to say
    if shutil.which("git") and os.path.exists(os.path.join(SOURCE, ".git")):
        kept = run("git", "-c", "safe.directory=*", "ls-files").stdout.split("\n")
    none([p for p in kept if GENERATED.search(p)], "generated files among the sources")


def test_no_line_is_left_for_later():
    marks = re.compile(r"\b(%s)\b" % "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]))
    none([p for p in files(".c", ".h", ".py", ".sh", ".am", ".ac", ".sql") if marks.search(read(p))],
         "files with a mark of unfinished work")


if __name__ == "__main__":
    harness.main()
