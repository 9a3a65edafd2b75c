#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# events.sh ROOT - docs/OPERATIONS.md lists each event of node/log_events.h once, with its level and its fields, and says
# what it means; it lists no other; and each is told somewhere in node/.

. "${0%/*}/common.sh"

# ID name level fields, from the table in C: continued lines are one, and a string may be in pieces.
rows() {
    sed -n '/^#define HOLM_LOG_EVENTS/,$p' "$1" | tr -d '\\' | tr '\n' ' ' | sed 's/" *"//g; s/ X(/\n&/g' |
        sed -nE 's/^ X\(([A-Z_]+), *"([a-z_]+)", *([A-Z]+), *[0-9]+, *"(.*)"\).*/\1 \2 \3 \4/p' |
        awk '{
            fields = ""
            text = $0
            while (match(text, /\{[a-z_]+\}/)) {
                fields = fields (fields == "" ? "" : ",") substr(text, RSTART + 1, RLENGTH - 2)
                text = substr(text, RSTART + RLENGTH)
            }
            print $1, $2, tolower($3), fields == "" ? "-" : fields
        }'
}

# name level fields, from tables whose first column is an event; a meaning must follow.
listed() {
    awk -F '|' '/^\| `[a-z_]+` \| (error|warn|info|debug) \|/ && $5 ~ /[a-z]/ {
        gsub(/[ `]/, "", $2); gsub(/ /, "", $3); gsub(/[ `]/, "", $4)
        print $2, $3, $4 == "" ? "-" : $4
    }' "$1" | LC_ALL=C sort
}

check() {
    work=$(mktemp -d)
    rows "$1/node/log_events.h" >"$work/rows"
    [ -s "$work/rows" ] || echo "node/log_events.h: no events found"
    cut -d ' ' -f 2- "$work/rows" | LC_ALL=C sort >"$work/coded"
    listed "$1/docs/OPERATIONS.md" >"$work/listed"
    LC_ALL=C comm -23 "$work/coded" "$work/listed" | sed 's/$/: not so in docs\/OPERATIONS.md, or without a meaning/'
    LC_ALL=C comm -13 "$work/coded" "$work/listed" | sed 's/$/: in docs\/OPERATIONS.md, but not in node\/log_events.h/'
    LC_ALL=C uniq -d "$work/coded" | sed 's/$/: twice in node\/log_events.h/'
    while read -r id name rest; do
        grep -rqw --include='*.c' "HOLM_LOG_$id" "$1/node" || echo "$name: nobody tells it"
    done <"$work/rows"
    rm -r "$work"
}

planted() {
    tree=$scratch/tree
    write tree/node/log_events.h '#define HOLM_LOG_EVENTS(X) \' '    X(PEER_UP, "peer_up", INFO, 60, "peer {peer} is up") \' \
        '    X(GONE, "gone", WARN, 20, \' '      "{peer} went: " \' '      "{why}")'
    write tree/node/a.c 'tell(HOLM_LOG_PEER_UP);' 'tell(HOLM_LOG_GONE);'
    good_up='| `peer_up` | info | `peer` | a link stands |'
    good_gone='| `gone` | warn | `peer`, `why` | it went |'
    write tree/docs/OPERATIONS.md "$good_up" "$good_gone"
    offence clean '' "$tree"
    write tree/docs/OPERATIONS.md "$good_up"
    offence 'not listed' '^gone warn peer,why: not so' "$tree"
    write tree/docs/OPERATIONS.md "$good_up" '| `gone` | error | `peer`, `why` | it went |'
    offence 'another level' '^gone warn peer,why: not so' "$tree"
    write tree/docs/OPERATIONS.md "$good_up" '| `gone` | warn | `peer` | it went |'
    offence 'a field too few' '^gone warn peer,why: not so' "$tree"
    write tree/docs/OPERATIONS.md "$good_up" '| `gone` | warn | `peer`, `why` | |'
    offence 'no meaning' '^gone warn peer,why: not so' "$tree"
    write tree/docs/OPERATIONS.md "$good_up" "$good_gone" '| `other` | warn | | it was there once |'
    offence 'no such event' '^other warn -: in docs' "$tree"
    write tree/docs/OPERATIONS.md "$good_up" "$good_gone"
    write tree/node/a.c 'tell(HOLM_LOG_PEER_UP);' 'tell(HOLM_LOG_GONE_AGAIN);'
    offence 'never told' '^gone: nobody tells it' "$tree"
    write tree/node/log_events.h '/* nothing */'
    offence 'no table' '^node/log_events.h: no events found' "$tree"
}

run "$@"
