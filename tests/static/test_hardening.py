#!/usr/bin/env python3
"""tests/static/test_hardening.py - X10 of the reliability rows: what the compiler was asked to put into all that is installed

Position independent, relocations read-only before main() runs, no stack that can be executed, stack protector, checked
library calls and landing pads: of every program and every module of the build, as readelf and objdump see it.
"""

import glob, os, re, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from harness import BUILD, Skip, equal

PROGRAMS = [os.path.join(BUILD, name) for name in (
    "saslauthd_backend/clavigerd", "saslauthd_backend/claviger-check", "tools/clavigerctl", "tools/claviger-bench")]
MODULES = glob.glob(os.path.join(BUILD, "*", ".libs", "*.so"))


def output(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True, env=dict(os.environ, LC_ALL="C")).stdout


def hardened():
    """Everything that is installed, of a build that was asked for it."""
    with open(os.path.join(BUILD, "Makefile")) as f:
        flags = f.read()
    if re.search(r"^CFLAGS = .*(-fsanitize|-O0)", flags, re.M) or "-Wl,-z,relro" not in flags:
        raise Skip("not a build that is installed")
    assert any("account_sqlite" in module for module in MODULES), MODULES
    assert any("pam_claviger" in module for module in MODULES), MODULES
    return PROGRAMS + MODULES


def lacking(lacks):
    equal([os.path.relpath(path, BUILD) for path in hardened() if lacks(path)], [], "these lack it")


def test_X10_all_of_it_is_position_independent():
    lacking(lambda path: not re.search(r"Type: +DYN", output("readelf", "-hW", path)))


def test_X10_relocations_are_done_and_read_only_before_anything_runs():
    lacking(lambda path: "GNU_RELRO" not in output("readelf", "-lW", path)
            or "BIND_NOW" not in output("readelf", "-dW", path))


def test_X10_no_segment_can_be_written_and_executed():
    lacking(lambda path: "GNU_STACK" not in output("readelf", "-lW", path)
            or re.search(r"^  (LOAD|GNU_STACK) .* RWE ", output("readelf", "-lW", path), re.M))


def test_X10_there_is_no_search_path_and_no_text_relocation():
    lacking(lambda path: re.search(r"\((RPATH|RUNPATH|TEXTREL)\)", output("readelf", "-dW", path)))


def test_X10_stacks_are_protected():
    lacking(lambda path: "__stack_chk_fail" not in output("readelf", "--dyn-syms", "-W", path))


# Where the size of what is written to is known only at run time, 3 checks and 2 does not.
def test_X10_library_calls_are_checked():
    lacking(lambda path: not re.search(r" __\w+_chk(@|$)", output("readelf", "--dyn-syms", "-W", path), re.M))
    with open(os.path.join(BUILD, "Makefile")) as f:
        assert "-D_FORTIFY_SOURCE=3" in f.read()


# The C library's own files of Debian 12 are built without, so that the linker cannot mark the whole.
def test_X10_every_function_that_is_called_by_pointer_begins_with_a_landing_pad():
    if os.uname().machine != "x86_64":
        raise Skip("endbr64 is of x86-64")
    lacking(lambda path: "endbr64" not in output("objdump", "-d", "--no-show-raw-insn", path))


if __name__ == "__main__":
    harness.main()
