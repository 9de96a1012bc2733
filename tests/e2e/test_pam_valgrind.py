#!/usr/bin/env python3
"""tests/e2e/test_pam_valgrind.py - all of tests/pam_cases once more, with valgrind watching

Its child processes are watched too. What the module or the test did not free, read past an end or
never set is a fault; libpam's own caches, which are still there when it ends, are none.
"""

import os, re, subprocess, sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import harness
from harness import BUILD, PAM_MODULE, SOURCE, equal
from servers import program, skip_all

FOUND = 99                      # valgrind's exit status when it has something to say
CASES = os.path.join("tests", "unit", "test_pam_cases")


def test_the_scripted_cases_are_clean_under_valgrind():
    environment = dict(os.environ, CLAVIGER_SOURCE=SOURCE, CLAVIGER_BUILD=BUILD)
    environment.pop("LD_PRELOAD", None)
    done = subprocess.run(["./libtool", "--mode=execute", program("/usr/bin/valgrind"), "--trace-children=yes",
                           "--trace-children-skip=*/bin/*", "--quiet", "--vgdb=no", "--leak-check=full",
                           "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite",
                           "--error-exitcode=%d" % FOUND, CASES],
                          cwd=BUILD, env=environment, capture_output=True, text=True, timeout=600)
    said = done.stdout + done.stderr
    equal(re.findall(r"^==\d+== (?!$).*", said, re.M), [], "valgrind's words")
    equal(done.returncode, 0, said[-2000:])
    assert said.count("[       OK ]") >= 100 or said.count("\nok ") >= 100, said[-2000:]


def is_sanitized():
    return re.search("lib[at]san", subprocess.run(["ldd", PAM_MODULE], capture_output=True, text=True).stdout)


if __name__ == "__main__":
    if is_sanitized() or os.environ.get("CLAVIGER_SANITIZED"):
        skip_all("a sanitizer watches already")
    harness.main()
