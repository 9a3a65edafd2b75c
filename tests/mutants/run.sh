#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# run.sh [NAME...] - plants the bugs of the lists beside it (or those whose names begin so), one at a time, in a copy of
# the tree under build/mutants, and runs tests until one fails: first those that the list names, then all others that
# need no process of their own, worlds too (not with HOLM_MUTANTS_NAMED=1, which is quicker and says less). A bug that no test finds, that cannot be planted or does not compile is a failure.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

scratch=build/mutants
tree=$scratch/tree
build=$scratch/build
jobs=$(nproc 2>/dev/null || echo 2)
kinds='unit|law|fuzz|model|exhaustive|sim'
# Canaries have bugs of their own, which may stand where one is planted; the others take minutes.
not_hunted='^sim\.(canary_.*|bench.*|swarm|literature|shrink)$'

# Histories are enough when they are few, and a bug that was planted needs no short story.
export HOLM_MODEL_SEEDS=1..3000 HOLM_MODEL_BRIEF=1

# Brings the copy up to date; what has not changed keeps its time, so that little is built.
copy_tree() {
    local file
    mkdir -p "$tree"
    { git ls-files; git ls-files --others --exclude-standard; } | while IFS= read -r file; do
        [ -f "$file" ] || continue
        cmp -s "$file" "$tree/$file" && continue
        mkdir -p "$tree/$(dirname "$file")"
        cp "$file" "$tree/$file"
    done
    (cd "$tree" && find . -type f) | while IFS= read -r file; do
        [ -f "$file" ] || rm "$tree/$file"
    done
}

target_of() {
    case $1 in
        exhaustive.pairs) echo test_exhaustive_pairs ;;
        exhaustive.*) echo test_exhaustive ;;
        fuzz.*) echo "fuzz_${1#*.}" ;;
        sim.t[0-9]*) echo test_sim_scenarios ;;
        *) echo "test_${1%%.*}_${1#*.}" ;;
    esac
}

compile() {
    cmake --build "$build" -j "$jobs" "$@" >"$scratch/log" 2>&1
}

# run_tests CTEST-ARGUMENT...: prints the first test that failed. A bug may also make one run for ever.
run_tests() {
    local status=0
    ctest --test-dir "$build" --no-tests=error "$@" >"$scratch/log" 2>&1 || status=$?
    [ "$status" != 0 ] || return 0
    awk '/\*\*\*/ {
        for (i = 1; i <= NF; i++) if ($i ~ /^#[0-9]+:$/) { print $(i + 1) (/\*\*\*Timeout/ ? " (time-out)" : ""); exit }
    }' "$scratch/log" |
        grep . || echo "ctest (status $status)"
}

# hunt TEST...: which test finds what is planted; empty: none does. Status 1: it does not compile.
hunt() {
    local test found
    for test in "$@"; do
        compile --target "$(target_of "$test")" || return 1
        found=$(run_tests -R "^${test//./\\.}\$")
        [ -z "$found" ] || { echo "$found"; return 0; }
    done
    [ -z "${HOLM_MUTANTS_NAMED:-}" ] || return 0
    compile || return 1
    run_tests -L "^($kinds)\$" -LE soak -E "$not_hunted" -j "$jobs" --stop-on-failure
}

# Tests that the lists name for these bugs: what must pass before anything is planted, or its failure would say nothing.
check_unplanted() {
    local test name targets=() filter="" tests
    tests=$(cat tests/mutants/*.list | grep '^@ ' | while read -r _ name _ tests; do
        ! wanted "$name" "$@" || printf '%s\n' $tests
    done | LC_ALL=C sort -u)
    for test in $tests; do
        targets+=(--target "$(target_of "$test")")
        filter+="|${test//./\\.}"
    done
    compile "${targets[@]}" || { tail -n 40 "$scratch/log" >&2; echo "the tree does not compile" >&2; exit 1; }
    test=$(run_tests -R "^(${filter#|})\$" -j "$jobs")
    [ -z "$test" ] || { tail -n 40 "$scratch/log" >&2; echo "$test fails without any bug planted" >&2; exit 1; }
}

# plant LIST NAME FILE TEST...: one line of the table; status 1 unless a test found it.
plant() {
    local list=$1 name=$2 file=$3 started=$SECONDS found status=0
    shift 3
    if ! awk -v list="$list" -v name="$name" -f tests/mutants/plant.awk "$tree/$file" >"$scratch/planted"; then
        found="CANNOT BE PLANTED" status=1
    else
        mv "$tree/$file" "$scratch/unplanted"
        cp "$scratch/planted" "$tree/$file"
        if ! found=$(hunt "$@"); then
            found="DOES NOT COMPILE" status=1
        elif [ -z "$found" ]; then
            found="SURVIVES" status=1
        fi
        cp "$scratch/unplanted" "$tree/$file"
    fi
    printf '%-42s %-26s %5d s\n' "$name" "$found" "$((SECONDS - started))"
    return "$status"
}

wanted() {
    local name=$1 prefix
    shift
    [ $# -gt 0 ] || return 0
    for prefix in "$@"; do
        case $name in "$prefix"*) return 0 ;; esac
    done
    return 1
}

copy_tree
cmake -G Ninja -S "$tree" -B "$build" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O1 >"$scratch/log" 2>&1 ||
    { cat "$scratch/log" >&2; exit 1; }
check_unplanted "$@"
planted=0
failed=0
printf '%-42s %-26s %7s\n' "planted" "found by" "after"
for list in tests/mutants/*.list; do
    while read -r _ name file tests; do
        wanted "$name" "$@" || continue
        planted=$((planted + 1))
        # shellcheck disable=SC2086
        plant "$list" "$name" "$file" $tests </dev/null || failed=$((failed + 1))
    done < <(grep '^@ ' "$list")
done
echo "$planted planted, $((planted - failed)) found, in $SECONDS s"
[ "$failed" = 0 ] && [ "$planted" -gt 0 ]
