#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# spdx.sh ROOT - every source says its licence in its first three lines.

. "${0%/*}/common.sh"

check() {
    tree_files "$1" |
        grep -E '\.(c|h|sh|cmake|proto|supp)$|(^|/)CMakeLists\.txt$|^dev$|^\.ci/' |
        while IFS= read -r file; do
            head -n 3 "$1/$file" | grep -q 'SPDX-License-Identifier: Apache-2\.0' || echo "$file: no SPDX line"
        done
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
