#!/bin/bash
# tests/bench/run.sh [BUILD-FOLDER] [OPTION...] - one table of ratios; doc/performance.md explains it
#
# BUILD-FOLDER is where claviger was built; without it, the source tree. --help lists the options.
here=$(cd "$(dirname "$0")" && pwd) || exit 1
if [ $# -gt 0 ] && [ -d "$1" ]; then
    CLAVIGER_BUILD=$(cd "$1" && pwd) || exit 1
    export CLAVIGER_BUILD
    shift
fi
PYTHONDONTWRITEBYTECODE=1 exec python3 "$here/run.py" "$@"
