#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# service.sh UNIT... - what a unit's process may do is little: systemd's own figure for it, from 0 to 10, is at most 1.5.
# Skipped (77) where there is no systemd-analyze that looks at files.

. "${0%/*}/common.sh"

most=1.5

if ! systemd-analyze security --help 2>/dev/null | grep -q -- '--offline'; then
    echo "skipped: there is no systemd-analyze with --offline (package systemd)"
    exit 77
fi

check() {
    [ $# -gt 0 ] || echo "no units were given"
    for unit in "$@"; do
        # The last line; it is another process's fault if it fails.
        said=$(SYSTEMD_COLORS=0 systemd-analyze security --no-pager --offline=true "$unit" 2>&1) || true
        figure=$(printf '%s\n' "$said" | sed -n 's/.*Overall exposure level for [^:]*: \([0-9.]*\).*/\1/p')
        if [ -z "$figure" ]; then
            echo "$unit: systemd-analyze has no figure for it"
        elif [ "$(awk -v figure="$figure" -v most="$most" 'BEGIN { print (figure + 0 > most + 0) }')" = 1 ]; then
            echo "$unit: its exposure is $figure, more than $most"
        fi
    done
}

# plant NAME EXPECTED SED-SCRIPT
plant() {
    mkdir -p "$scratch/$1"
    sed "$3" "${0%/*}/../../docs/examples/holm.service" >"$scratch/$1/holm.service"
    offence "$1" "$2" "$scratch/$1/holm.service"
}

planted() {
    plant clean '' ''
    plant root 'more than' '/^DynamicUser/d; /^CapabilityBoundingSet/d'
    plant calls 'more than' '/^SystemCallFilter/d; /^NoNewPrivileges/d; /^IPAddress/d'
    plant open 'more than' '/^P[a-z]*[A-Z]/d'
    plant empty 'no figure' 'd'
    offence none 'no units'
}

run "$@"
