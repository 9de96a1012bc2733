#!/bin/bash
# check.sh - builds claviger in every way that matters and runs every test there is
#
#   ./check.sh              everything; under 20 minutes on two cores
#   ./check.sh STAGE...     these stages only (./check.sh --help lists them)
#
# On Debian it needs nothing but this folder: what is missing is installed with apt-get when root
# runs it (tests/packages*), without starting any server. Everything is made under build/ (or in
# the folder that BUILD names); processes that the tests start are ended with it. The last line
# is "N passed, N failed"; the exit status is 0 only when nothing failed.

set -u -o pipefail
cd "$(dirname "$0")" || exit 1
top=$PWD
. tests/packages.sh
. tests/source.sh

stage_names=(source static gcc sanitize e2e threads fuzz clang distcheck)
declare -A about=(
    [source]="a clean copy of the tree, configure generated"
    [static]="headers, includes, lists, manual pages"
    [gcc]="gcc, warnings are errors: unit and fault tests"
    [sanitize]="AddressSanitizer and UBSan: the same tests"
    [e2e]="real servers: Cyrus IMAP, Postfix, Exim, PostgreSQL"
    [threads]="ThreadSanitizer: unit tests, and the daemon"
    [fuzz]="libFuzzer: each target for ${FUZZ_SECONDS:=4} s on its corpus"
    [clang]="clang, warnings are errors: everything builds"
    [distcheck]="make distcheck: a tarball that builds, tests, installs"
)
declare -A limit=([gcc]=1200 [sanitize]=1500 [e2e]=2400 [threads]=1200 [distcheck]=900)  # seconds; else 600
declare -A program=([fuzz]=clang [clang]=clang [static]=mandoc)         # without it: not run

build=${BUILD:-$top/build}
jobs=$(nproc)
job=                    # process group of the running stage
passed=0 failed=0

# --- the build folder, and leaving it ---------------------------------------------------

prepare_build() {
    if ! mkdir -p "$build" 2>/dev/null || ! [ -w "$build" ]; then
        build=$(mktemp -d "${TMPDIR:-/tmp}/claviger-build.XXXXXX")
    fi
    build=$(cd "$build" && pwd)
    logs=$build/logs results=$build/results source=$build/source
    [ $# -gt 0 ] || for stage in "${stage_names[@]}"; do rm -rf "${build:?}/$stage"; done
    rm -rf "$logs" "$results"
    mkdir -p "$logs" "$results"
    TMPDIR=$(mktemp -d /tmp/claviger-check.XXXXXX)      # short: it holds sockets
    chmod 755 "$TMPDIR"
    export TMPDIR
}

end_job() {
    [ -n "$job" ] || return 0
    kill -TERM -- "-$job" 2>/dev/null && sleep 1
    kill -KILL -- "-$job" 2>/dev/null
    job=
}

leave() {
    end_job
    packages_release
    [ -z "${TMPDIR_OURS:-}" ] || rm -rf "$TMPDIR_OURS"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# --- results: a line "PASS name", "FAIL name" or "SKIP name" for each, by stage ---------

result() {              # PASS|FAIL|SKIP NAME
    printf '%s %s\n' "$1" "$2" >>"$results/$stage"
}

# Kernels with many random bits put memory where older sanitizers do not expect it.
not_random() {
    if [ "$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 0)" -gt 28 ] &&
        setarch "$(uname -m)" -R true 2>/dev/null; then
        setarch "$(uname -m)" -R "$@"
    else
        "$@"
    fi
}

# What automake's driver says of each test point: the verdict in the .trs file, the name in the
# .log. What failed is shown with its output.
collect_trs() {         # DIRECTORY
    local trs name kind text bad
    while read -r trs; do
        name=${trs#"$1"/}
        name=${name%.trs} bad=0
        while read -r _ kind _ text; do
            case $kind in
                PASS|XFAIL) result PASS "$text" ;;
                SKIP) result SKIP "$text" ;;
                ERROR) [ $bad = 1 ] || result FAIL "$text"; bad=1 ;;
                *) result FAIL "$text"; bad=1 ;;
            esac
        done < <(paste -d ' ' <(grep '^:test-result:' "$trs") \
            <(grep -E '^(PASS|FAIL|SKIP|XFAIL|XPASS|ERROR): ' "${trs%.trs}.log"))
        [ $bad = 0 ] || reasons "$1/$name.log" >>"$logs/$stage.failed"
        [ $bad = 0 ] || { printf '\n--- %s\n' "$name"; grep -v '^ok \|^PASS:' "$1/$name.log" | tail -n 60; }
    done < <(find "$1" -name '*.trs' | sort)
}

# What a test's log says of what failed, which is what one wants to read first.
reasons() {             # LOG...
    sed -n '/^not ok/,/^ok/{/^ok/!p}' "$@" | head -n 60
}

# Tests meet the machine's own troubles too. Few that fail are tried once more, one by one, and the
# end of the run names them with what they said at first. Not what a sanitizer found or what died:
# that need not happen twice to be true.
second_try() {          # DIRECTORY LIST...
    local failed logged
    mapfile -t failed < <(find "$1" -name '*.trs' -exec grep -l '^:recheck: *yes' {} +)
    logged=("${failed[@]/%.trs/.log}")
    [ ${#failed[@]} -gt 0 ] && [ ${#failed[@]} -le 3 ] || return 1
    ! grep -qE 'Sanitizer|runtime error:|ended with -|signal [0-9]' "${logged[@]}" || return 1
    { printf '%s\n' "${failed[@]#"$1"/}" | sed 's/\.trs$//'; reasons "${logged[@]}"; } >>"$logs/$stage.first"
    not_random make -j1 -C "$1" recheck "TESTS=$(printf '$(%s) ' "${@:2}")"
}

# Each LIST, a variable of Makefile.am, runs when the one before is over: its tests side by side,
# but for those that measure time (quiet_tests) or fill the machine alone (e2e_databases).
make_check() {          # DIRECTORY LIST...
    local directory=$1 list width status=0
    find "$directory" -name '*.trs' -delete
    for list in "${@:2}"; do
        width=$jobs
        case $list in quiet_tests|e2e_databases) width=1 ;; esac
        not_random make -j"$width" -C "$directory" check "TESTS=\$($list)" || status=1
    done
    [ $status = 0 ] || ! second_try "$@" || status=0
    collect_trs "$directory"
    return $status
}

# --- builds ---------------------------------------------------------------------------

build_in() {            # NAME [CONFIGURE ARGUMENTS...]
    local directory=$build/$1
    shift
    mkdir -p "$directory" && cd "$directory" || return 1
    [ -e Makefile ] || "$source/configure" --quiet "$@" || return 1
    make -j"$jobs" all && make -j"$jobs" check TESTS=
}

build_gcc() {
    build_in gcc CC=gcc --enable-werror
}

# The tests of names in Turkish and German, where the sources of the locales are installed. Not for
# LeakSanitizer: with LOCPATH, glibc 2.36 itself loses the path when a library asks for a locale.
make_locales() {
    local name
    mkdir -p "$build/locale"
    for name in tr_TR de_DE; do
        localedef -i $name -f UTF-8 "$build/locale/$name.UTF-8" || return 0
    done
    localedef -i tr_TR -f ISO-8859-9 "$build/locale/tr_TR"
    return 0
}

# --- the stages -------------------------------------------------------------------------

stage_source() {
    source_copy "$top" "$source" || return 1
    [ -d "$build/locale" ] || make_locales
}

stage_static() {
    local line status=0 tap=$logs/static.tap
    CLAVIGER_SOURCE=$top PYTHONDONTWRITEBYTECODE=1 python3 tests/static/test_tree.py >"$tap" || status=1
    while IFS= read -r line; do
        printf '%s\n' "$line"
        case $line in
            *" # SKIP"*) result SKIP "$line" ;;
            "ok "*) result PASS "$line" ;;
            "not ok "*) result FAIL "$line" ;;
        esac
    done <"$tap"
    return $status
}

stage_gcc() {
    build_gcc && LOCPATH=$build/locale make_check "$build/gcc" check_PROGRAMS fault_tests quiet_tests
}

stage_sanitize() {
    export ASAN_OPTIONS=halt_on_error=1:detect_leaks=1:detect_stack_use_after_return=1
    export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    export CLAVIGER_SANITIZED=address
    build_in sanitize CC=gcc --enable-werror \
        CFLAGS="-g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all" &&
        make_check "$build/sanitize" check_PROGRAMS fault_tests quiet_tests
}

stage_e2e() {
    local missing
    missing=$(packages_missing tests/packages tests/packages.demo)
    if [ -n "$missing" ]; then
        echo "not installed: $missing"
        result FAIL "all of tests/e2e (not installed: $missing)"
        return 1
    fi
    export CLAVIGER_UNPACKED=$build/unpacked
    packages_unpack "$CLAVIGER_UNPACKED" tests/packages.unpacked ||
        echo "cannot be fetched: tests/packages.unpacked"        # what needs it says so
    build_gcc && make_check "$build/gcc" e2e_tests e2e_databases
}

stage_threads() {
    export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
    export CLAVIGER_SANITIZED=thread
    build_in threads CC=gcc --enable-werror --disable-hardening CFLAGS="-g -O1 -fsanitize=thread" &&
        make_check "$build/threads" check_PROGRAMS daemon_tests
}

# A finding is an artifact beside the log.
fuzz_one() {            # NAME
    local verdict=PASS
    mkdir -p "found/$1"
    not_random "tests/fuzz/fuzz_$1" -max_total_time="$FUZZ_SECONDS" -timeout=10 -verbosity=0 \
        -artifact_prefix="$logs/$1-" "found/$1" "$source/tests/fuzz/corpus/$1" || verdict=FAIL
    result $verdict "fuzz_$1"
    [ $verdict = PASS ]
}

stage_fuzz() {
    local program pid pids=() status=0
    build_in fuzz CC=clang --enable-werror --enable-fuzzers \
        CFLAGS="-g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all" ||
        return 1
    for program in tests/fuzz/fuzz_*; do
        [ -x "$program" ] || continue
        [ "$(jobs -rp | wc -l)" -lt "$jobs" ] || wait -n
        fuzz_one "${program##*/fuzz_}" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || status=1; done
    return $status
}

stage_clang() {
    build_in clang CC=clang --enable-werror
}

# Also: everything that is in the tree is in the tarball, but for what only git reads.
stage_distcheck() {
    local missing
    build_gcc && make -j"$jobs" -C "$build/gcc" distcheck DISTCHECK_CONFIGURE_FLAGS=--enable-werror \
        "TESTS=\$(unit_tests)" || return 1
    missing=$(comm -23 <(cd "$top" && source_names | tr '\0' '\n' | grep -v '\.gitignore$' | sort -u) \
        <(tar -tf "$build"/gcc/claviger-*.tar.xz | sed 's|^[^/]*/||' | sort))
    [ -z "$missing" ] || { printf 'not in the tarball:\n%s\n' "$missing"; return 1; }
}

# --- running them -------------------------------------------------------------------------

count() {               # PASS|FAIL|SKIP
    grep -c "^$1 " "$results/$stage" || true
}

run_or_skip() {
    if command -v "${program[$stage]:-bash}" >/dev/null; then
        "stage_$stage"
    else
        result SKIP "stage $stage: no ${program[$stage]} here"
    fi
}

# Ends the stage's processes when it is over, or when its time is.
wait_for_stage() {
    local sleeper status
    sleep "${limit[$stage]:-600}" &
    sleeper=$!
    wait -n "$job" "$sleeper"
    status=$?
    if kill -0 "$sleeper" 2>/dev/null; then
        kill -- "-$sleeper" 2>/dev/null
    else
        echo "check.sh: stopped after ${limit[$stage]:-600} s" >>"$logs/$stage.log"
        status=124
    fi
    wait "$sleeper" 2>/dev/null
    end_job
    return $status
}

show_failure() {
    echo
    grep '^FAIL ' "$results/$stage" | head -n 20 | sed 's/^/    /'
    [ ! -s "$logs/$stage.failed" ] || head -n 60 "$logs/$stage.failed" | sed 's/^/    | /'
    echo "    --- the end of $logs/$stage.log:"
    tail -n 40 "$logs/$stage.log" | sed 's/^/    | /'
    echo
}

run_stage() {
    local began=$SECONDS status=0 word=ok
    : >"$results/$stage"
    printf '  %-10s %-56s' "$stage" "${about[$stage]}"
    set -m
    run_or_skip >"$logs/$stage.log" 2>&1 </dev/null &
    job=$!
    wait_for_stage 2>/dev/null || status=$?
    set +m
    if [ $status != 0 ] && [ "$(count FAIL)" = 0 ]; then
        result FAIL "stage $stage"
    elif [ ! -s "$results/$stage" ]; then
        result PASS "stage $stage"
    fi
    [ "$(count PASS)" != 0 ] || word="not run"
    [ "$(count FAIL)" = 0 ] || word=FAILED
    passed=$((passed + $(count PASS)))
    failed=$((failed + $(count FAIL)))
    printf ' %-7s %4d passed %3d failed %4d s\n' "$word" "$(count PASS)" "$(count FAIL)" \
        $((SECONDS - began))
    [ "$word" != FAILED ] || show_failure
    [ "$stage" != source ] || [ "$word" = ok ]
}

help() {
    sed -n '2,11s/^# \{0,1\}//p' "$0"
    printf '\nStages:\n'
    for stage in "${stage_names[@]}"; do
        printf '  %-10s %s\n' "$stage" "${about[$stage]}"
    done
}

show_skipped() {
    grep -qs '^SKIP ' "$results"/* || return 0
    echo
    echo "Not run:"
    sed -n 's/^SKIP /  /p' "$results"/*
}

show_second_tries() {
    local first
    for first in "$logs"/*.first; do
        [ -s "$first" ] || continue
        printf '\nTried a second time, for at first it said (%s):\n' "$(basename "$first" .first)"
        sed 's/^/  | /' "$first"
    done
}

# Root gets what is missing; for others, stages and tests that lack something are not run.
get_packages() {
    local missing stage=packages
    if [ "$(id -u)" = 0 ]; then
        packages_need "$logs/packages.log" tests/packages tests/packages.{build,check,demo}
        return
    fi
    packages_need "$logs/packages.log" tests/packages.build || return 1
    missing=$(packages_missing tests/packages.check)
    [ -z "$missing" ] || result SKIP "what needs packages that are not installed: $missing"
}

main() {
    local wanted=("${stage_names[@]}")
    case ${1:-} in -h|--help) help; exit 0 ;; esac
    for stage in "$@"; do
        [ -n "${about[$stage]:-}" ] || { echo "check.sh: no stage \"$stage\"; see --help" >&2; exit 2; }
    done
    [ $# = 0 ] || wanted=(source "${@/#source/}")
    prepare_build "$@"
    TMPDIR_OURS=$TMPDIR
    get_packages || { echo "0 passed, 1 failed"; exit 1; }
    echo "claviger: building and testing in $build, with $jobs processors"
    for stage in "${wanted[@]}"; do
        [ -z "$stage" ] || run_stage || break
    done
    show_second_tries
    show_skipped
    [ "$(id -u)" = 0 ] || echo "(An ordinary user ran this: what needs root is named above as not run.)"
    printf '\n%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" = 0 ]
}

main "$@"
