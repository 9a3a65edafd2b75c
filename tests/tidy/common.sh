# SPDX-License-Identifier: Apache-2.0
#
# Sourced by the checks beside it. A check defines
#
#     check ARGUMENT...    print one line for each offence, nothing when all is well
#     planted              plant offences with `offence`, each in a small tree of its own
#
# and ends with `run "$@"`. With --self-test the planted offences must all be found, and the small tree without them
# must pass: a check that cannot fail is worth nothing.

set -eu

scratch=
clean_up() {
    [ -z "$scratch" ] || rm -rf "$scratch"
}
trap clean_up EXIT

# offence NAME EXPECTED ARGUMENT...: in $scratch/NAME lies a tree with an offence; `check ARGUMENT...` must print a line
# that matches EXPECTED. With EXPECTED empty the tree is well and nothing may be printed.
offence() {
    offence_name=$1
    offence_expected=$2
    shift 2
    said=$(check "$@" 2>&1) || said="$said (status $?)"
    if [ -z "$offence_expected" ]; then
        [ -z "$said" ] || { echo "$offence_name: wrongly reported: $said"; exit 1; }
    else
        printf '%s\n' "$said" | grep -q -- "$offence_expected" || {
            echo "$offence_name: not found; reported instead: ${said:-nothing}"
            exit 1
        }
    fi
    echo "ok: $offence_name"
}

# write FILE LINE...: a file in the scratch folder.
write() {
    write_file=$scratch/$1
    shift
    mkdir -p "${write_file%/*}"
    printf '%s\n' "$@" >"$write_file"
}

# The files of a tree, without what is built or git's own.
tree_files() {
    (cd "$1" && find . -name .git -prune -o -path ./build -prune -o -type f -print | sed 's|^\./||' | LC_ALL=C sort)
}

run() {
    if [ "${1:-}" = --self-test ]; then
        scratch=$(mktemp -d)
        planted
    else
        offences=$(check "$@")
        [ -z "$offences" ] || { printf '%s\n' "$offences"; exit 1; }
    fi
}
