#!/bin/bash
# demo.sh - claviger from nothing to the first sign-in, in a temporary folder
#
# Builds and installs into that folder, starts clavigerd on an embedded account table, adds
# accounts, and signs in the way mail servers do: over the saslauthd socket (testsaslauthd) and
# through PAM (pamtester). Shows each command and what came back; exit status 0 only when
# everything was as expected. The folder and the daemon are gone afterwards. As root it installs
# missing Debian packages first (tests/packages.build, tests/packages.demo).

set -u -o pipefail
cd "$(dirname "$0")" || exit 1
top=$PWD
. tests/packages.sh
. tests/source.sh

if [ $# -gt 0 ]; then
    sed -n '2,/^$/s/^# \{0,1\}//p' demo.sh
    [ "$1" = --help ] || [ "$1" = -h ]; exit $(( $? * 64 ))
fi

surprises=0
daemon=

leave() {
    if [ -n "$daemon" ]; then
        kill "$daemon" 2>/dev/null
        wait "$daemon" 2>/dev/null
    fi
    packages_release
    cd / && rm -rf "$dir"
}
dir=$(mktemp -d /tmp/claviger-demo.XXXXXX) || exit 1
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# --- what it looks like -------------------------------------------------------------------

title() { printf '\n%s\n' "$1"; }

# step WHAT COMMAND...: quiet when it works; the end of its output when not.
step() {
    local what=$1 began=$SECONDS
    shift
    printf '  %-34s' "$what"
    if ! "$@" >"$dir/log" 2>&1 </dev/null; then
        printf 'failed:\n'
        tail -n 25 "$dir/log"
        exit 1
    fi
    printf 'done, %d s\n' $((SECONDS - began))
}

# attempt WHAT WANTED-STATUS WANTED-TEXT COMMAND: a line of shell, shown as it is run.
attempt() {
    local what=$1 wanted=$2 pattern=$3 command=$4 output status=0 word='as expected'
    output=$(eval "$command" 2>&1 </dev/null) || status=1
    output=$(printf '%s\n' "$output" | grep -v '^PWRAP_' | sed 's/^Password: *//' | tail -n 1)
    if [ $status != "$wanted" ] || [[ $output != *$pattern* ]]; then
        word='NOT EXPECTED'
        surprises=$((surprises + 1))
    fi
    printf '  $ %s\n      %-12s  %-17s %s\n' "$command" "$word" "$what:" "$output"
}

# --- setting up -----------------------------------------------------------------------------

configure() {
    mkdir -p "$dir/build" && cd "$dir/build" &&
        "$dir/source/configure" --quiet --prefix="$dir/usr" --sysconfdir="$dir/etc" \
            --with-pam-dir="$dir/usr/lib/security"
}

write_configuration() {
    mkdir -p etc/claviger run pam.d
    cat >etc/claviger/claviger.conf <<END
accounts "demo"    { preset = "claviger"  file = "$dir/accounts.db" }
listen "saslauthd" { protocol = "saslauthd"  path = "$dir/run/mux"      mode = 0600 }
listen "pam"       { protocol = "pam"        path = "$dir/run/pam"      mode = 0600 }
listen "control"   { protocol = "control"    path = "$dir/run/control"  mode = 0600 }
cache              { entries = 1000  ttl = "8h"  revalidate = "2s" }
END
    sed "s|pam_claviger.so|$dir/usr/lib/security/pam_claviger.so socket=$dir/run/pam|" \
        "$dir/source/pam.d/imap" >pam.d/imap
}

start_daemon() {
    clavigerd -c etc/claviger/claviger.conf >daemon.log 2>&1 </dev/null &
    daemon=$!
    for _ in $(seq 100); do
        [ ! -S run/mux ] || [ ! -S run/control ] || return 0
        kill -0 "$daemon" 2>/dev/null || break
        sleep 0.1
    done
    cat daemon.log
    return 1
}

# pamtester reads /etc/pam.d and nothing else. It gets ours in its place: in a mount namespace
# of its own, or with libpam-wrapper where the machine allows no namespaces.
choose_pam() {
    local real flags
    real=$(command -v pamtester)
    for flags in -m -rm; do
        unshare $flags mount --bind "$dir/pam.d" /etc/pam.d 2>/dev/null || continue
        pam_way="our pam.d in a mount namespace"
        wrap_pamtester "exec unshare $flags sh -c" \
            "'mount --bind $dir/pam.d /etc/pam.d && exec $real \"\$@\"' pamtester \"\$@\""
        return
    done
    packages_need "$dir/log" <(echo libpam-wrapper) || return 1
    pam_way="our pam.d through libpam-wrapper"
    wrap_pamtester "export PAM_WRAPPER=1 PAM_WRAPPER_SERVICE_DIR=$dir/pam.d;" \
        "LD_PRELOAD=libpam_wrapper.so exec $real \"\$@\""
}

wrap_pamtester() {
    mkdir -p usr/bin
    printf '#!/bin/sh\n%s\n' "$*" >usr/bin/pamtester
    chmod 755 usr/bin/pamtester
}

# --- the demonstration ------------------------------------------------------------------------

set_up() {
    title "Setting up in $dir"
    packages_need "$dir/packages.log" tests/packages.build tests/packages.demo || exit 1
    step "copy the tree, make configure" source_copy "$top" "$dir/source"
    step "configure" configure
    step "build" make -C "$dir/build" -j"$(nproc)"
    step "install" make -C "$dir/build" install
    cd "$dir" || exit 1
    PATH=$dir/usr/sbin:$dir/usr/bin:$PATH:/usr/sbin
    write_configuration
    choose_pam || exit 1
    printf '  %-34s%s\n' "pamtester" "$pam_way"
    printf '  %-34s' "clavigerd"
    start_daemon || exit 1
    printf 'runs, pid %d\n' "$daemon"
}

add_accounts() {
    title "Accounts: rows of an SQLite table, with the password on standard input"
    attempt "added" 0 "" "echo sunshine | clavigerctl user add ada@example.org"
    attempt "added" 0 "" "echo raindrop | clavigerctl user add bob@example.org"
    attempt "disabled" 0 "" "clavigerctl user disable bob@example.org"
}

sign_in_saslauthd() {
    local ok='0: OK "Success."' no='0: NO "authentication failed"'
    title "Signing in over the saslauthd socket, as Cyrus IMAP and Postfix do"
    attempt "right password" 0 "$ok" "testsaslauthd -f run/mux -u ada@example.org -p sunshine"
    attempt "with a realm" 0 "$ok" "testsaslauthd -f run/mux -u ada -r example.org -p sunshine"
    attempt "wrong password" 1 "$no" "testsaslauthd -f run/mux -u ada@example.org -p moonshine"
    attempt "disabled account" 1 "$no" "testsaslauthd -f run/mux -u bob@example.org -p raindrop"
    attempt "unknown account" 1 "$no" "testsaslauthd -f run/mux -u eve@example.org -p sunshine"
}

sign_in_pam() {
    title "Signing in through PAM and pam_claviger.so, service imap"
    attempt "right password" 0 "account management done." \
        "echo sunshine | pamtester imap ada@example.org authenticate acct_mgmt"
    attempt "wrong password" 1 "Authentication failure" \
        "echo moonshine | pamtester imap ada@example.org authenticate"
    attempt "disabled account" 1 "Permission denied" \
        "echo raindrop | pamtester imap bob@example.org authenticate"
    attempt "unknown account" 1 "User not known" \
        "echo sunshine | pamtester imap eve@example.org authenticate"
}

show_cache() {
    title "What the cache did"
    echo "  $ clavigerctl status | grep -v ' 0\$'"
    clavigerctl status | grep -v ' 0$' | sed 's/^/      /' || surprises=$((surprises + 1))
}

set_up
add_accounts
sign_in_saslauthd
sign_in_pam
show_cache
if [ $surprises = 0 ]; then
    printf '\nEverything was as expected. Nothing is left behind but installed packages.\n'
else
    printf '\n%d not as expected. What clavigerd said:\n' $surprises
    tail -n 30 "$dir/daemon.log"
fi
[ $surprises = 0 ]
