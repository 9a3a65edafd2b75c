# SPDX-License-Identifier: Apache-2.0
#
# awk -v list=LIST -v name=MUTANT -f plant.awk SOURCE: the source with the mutant's old lines replaced by its new ones.
# Status 3 when they are not there, 4 when they are there more than once, 5 when the list has no such mutant.

BEGIN {
    old = new = text = "\n"
    while ((getline line < list) > 0) {
        if (line ~ /^@ /) {
            split(line, word, " ")
            inside = word[2] == name
            found += inside
        } else if (inside && line ~ /^-/) {
            old = old substr(line, 2) "\n"
        } else if (inside && line ~ /^\+/) {
            new = new substr(line, 2) "\n"
        }
    }
}

{ text = text $0 "\n" }

END {
    if (found != 1 || old == "\n") exit 5
    at = index(text, old)
    if (at == 0) exit 3
    if (index(substr(text, at + 1), old) > 0) exit 4
    planted = substr(text, 1, at - 1) new substr(text, at + length(old))
    printf "%s", substr(planted, 2)
}
