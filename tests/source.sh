# tests/source.sh - sourced by check.sh and demo.sh: a copy of the tree to build from
# shellcheck shell=bash
#
# So that autoreconf leaves nothing in the tree itself, and a tree that somebody configured in
# place, or that is not ours to write, does as well.

# Names that belong to the tree, each ended by NUL: what git knows or would take, or in a tarball
# everything but the leavings of a build.
source_names() {
    if [ -e .git ] && command -v git >/dev/null; then
        git -c safe.directory='*' ls-files -coz --exclude-standard
    else
        find . \( -path ./build -o -path ./.git -o -name .libs -o -name .deps \
            -o -name __pycache__ -o -name '*.o' -o -name '*.lo' -o -name '*.la' \
            -o -path ./Makefile -o -path ./config.h -o -path ./config.status \) -prune \
            -o -type f -printf '%P\0'
    fi
}

# source_copy TREE COPY: ready for COPY/configure.
source_copy() {
    local name
    rm -rf "$2"
    mkdir -p "$2" || return 1
    (
        cd "$1" || exit 1
        source_names | while IFS= read -r -d '' name; do
            [ ! -e "$name" ] || printf '%s\0' "$name"
        done | tar --null -T - -c
    ) | tar -x -C "$2" || return 1
    chmod -R go-w "$2" || return 1      # a preset that others can write is not believed
    (cd "$2" && autoreconf --install)
}
