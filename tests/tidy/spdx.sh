#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# spdx.sh ROOT - every source says its licence in its first three lines.

. "${0%/*}/common.sh"

check() {
    tree_files "$1" |
        grep -E '\.(c|h|sh|cmake|proto|supp)$|(^|/)CMakeLists\.txt$|^dev$|^\.ci/' |
        (cd "$1" && xargs -r awk '
            function told() { if (file != "" && !found) print file ": no SPDX line" }
            FNR == 1 { told(); file = FILENAME; found = 0 }
            FNR <= 3 && /SPDX-License-Identifier: Apache-2\.0/ { found = 1 }
            FNR > 3 { nextfile }
            END { told() }')
}

planted() {
    write tree/crdt/a.c '/* SPDX-License-Identifier: Apache-2.0 */' 'int a;'
    write tree/build/generated.c 'int b;'
    offence clean '' "$scratch/tree"
    write tree/crdt/b.c 'int b;'
    offence 'a source without one' '^crdt/b.c: no SPDX' "$scratch/tree"
    write tree/crdt/b.c '' '' '' '/* SPDX-License-Identifier: Apache-2.0 */'
    offence 'too late' '^crdt/b.c: no SPDX' "$scratch/tree"
    write tree/crdt/b.c '/* SPDX-License-Identifier: Apache-2.0 */'
    write tree/dev '#!/bin/sh' 'true'
    offence 'a script without one' '^dev: no SPDX' "$scratch/tree"
}

run "$@"
