# tests/packages.sh - sourced by check.sh and demo.sh: what a list names is there, or is installed
# shellcheck shell=bash
#
# A list has one Debian package to a line; "#" starts a comment. Packages are installed only by
# root. A server that comes with one is not started: for as long as apt-get runs, policy-rc.d
# says no. One that was there before is put back, also by the caller's trap on EXIT
# (packages_release), and by the next run after a kill -9.

packages_policy=/usr/sbin/policy-rc.d
packages_kept=$packages_policy.before-claviger
packages_mark='# claviger: nothing starts while its packages are installed'

packages_release() {
    grep -qsF "$packages_mark" "$packages_policy" || return 0
    rm -f "$packages_policy"
    if [ -e "$packages_kept" ]; then mv "$packages_kept" "$packages_policy"; fi
}

packages_hold() {
    packages_release
    if [ -e "$packages_policy" ]; then mv "$packages_policy" "$packages_kept"; fi
    printf '#!/bin/sh\n%s\nexit 101\n' "$packages_mark" >"$packages_policy"
    chmod 755 "$packages_policy"
}

# packages_missing LIST...: those that are not installed, on one line.
packages_missing() {
    local name
    command -v dpkg-query >/dev/null || return 0
    cat "$@" | sed 's/#.*//' | while read -r name; do
        [ -n "$name" ] || continue
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
            printf '%s ' "$name"
    done
}

# packages_install LOG NAME...: as root. 1, with the end of the log shown, when apt-get cannot.
packages_install() {
    local log=$1 status=0
    shift
    export DEBIAN_FRONTEND=noninteractive
    if command -v debconf-set-selections >/dev/null; then
        echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
    fi
    packages_hold
    { apt-get -q update && apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 \
        -o Dpkg::Use-Pty=0 install "$@"; } >"$log" 2>&1 </dev/null || status=1
    packages_release
    [ $status = 0 ] || tail -n 15 "$log" >&2
    return $status
}

# packages_need LOG LIST...: 0 when everything is there in the end; else says what to do.
packages_need() {
    local log=$1 missing
    shift
    missing=$(packages_missing "$@")
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        echo "not installed: $missing" >&2
        echo "run this as root once, or: apt-get install --no-install-recommends $missing" >&2
        return 1
    fi
    echo "installing: $missing"
    # shellcheck disable=SC2086 # package names hold no blanks
    packages_install "$log" $missing
}

# packages_unpack FOLDER LIST: what is in those packages is in the folder then, and nothing of it
# is configured or run. What is there already stays.
packages_unpack() {
    local folder=$1 name deb
    sed 's/[ \t]*#.*//' "$2" | while read -r name; do
        [ -n "$name" ] && ! [ -e "$folder/.unpacked-$name" ] || continue
        deb=$(mktemp -d) || return 1
        (cd "$deb" && { apt-get -q download "$name" || { apt-get -q update && apt-get -q download "$name"; }; } &&
            mkdir -p "$folder" && dpkg-deb -x ./*.deb "$folder" && touch "$folder/.unpacked-$name") >&2 || {
            rm -rf "$deb"
            return 1
        }
        rm -rf "$deb"
    done
}
