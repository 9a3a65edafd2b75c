#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# words.sh ROOT - nothing in the tree marks unfinished work, points outside the tree, or names a package registry's
# host: who builds holm uses the mirrors that their own system is set up for.

. "${0%/*}/common.sh"

# Written so that this file does not match itself.
unfinished='FIX''ME|TO''DO|(^|[^X])X''XX([^A-Za-z0-9]|$)|HA''CK([^A-Za-z]|$)'
outside='\.\./sha''red|/wo''rk/'
hosts='(deb|security|archive)[.](debian|ubuntu)|npm(js|mirror)[.](org|com)|registry[.][a-z]+[.]|pypi[.]|crates[.]io|proxy[.]golang'

check() {
    (cd "$1" && tree_files . | grep -v -e '^LICENSE$' -e '^tests/fuzz/corpus/' |
        tr '\n' '\0' | xargs -0 -r grep -InE -e "$unfinished" -e "$outside" -e "$hosts" -- /dev/null) |
        sed 's/$/  <- not a word for this tree/' || true
}

# plant NAME LINE EXPECTED
plant() {
    write tree/docs/a.md 'All is well.' "$2"
    offence "$1" "$3" "$scratch/tree"
}

planted() {
    plant clean '' ''
    plant unfinished 'FIX''ME later' '^docs/a.md:2:'
    plant unfinished 'x = 1; /* TO''DO */' '^docs/a.md:2:'
    plant outside 'see ../sha''red/notes.md' '^docs/a.md:2:'
    plant host 'from deb''.debian.org' '^docs/a.md:2:'
}

run "$@"
