#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# layers.sh ROOT - includes point one way: include <- crdt <- proto <- transport <- node; sim sees those but neither nng
# nor LMDB; nobody sees sim but bench, cli and tests, nor bench but cli and tests, nor cli but tests; an embedder's
# example sees <holm/...> alone.

. "${0%/*}/common.sh"

check() {
    (
        cd "$1"
        find include crdt proto transport node sim bench cli tests docs -type f -name '*.[ch]' 2>/dev/null |
            LC_ALL=C sort | xargs -r grep -HE '^[[:space:]]*#[[:space:]]*include' -- /dev/null
    ) | awk '
    BEGIN {
        split("include crdt proto transport node", order, " ")
        for (i in order) level[order[i]] = i
        split("sim bench cli tests docs", others, " ")
        for (i in others) level[others[i]] = 9
        c11 = " stdint.h stddef.h stdbool.h limits.h inttypes.h stdarg.h string.h "
        core = c11 "stdlib.h stdalign.h stdnoreturn.h "
    }

    function offend(why) { printf "%s: #include %s: %s\n", file, shown, why }

    # A header that is not of this tree.
    function outside(room, header) {
        if (header ~ /^nng\//) {
            if (file !~ /^(transport|tests\/unit)\/nng[^\/]*\.[ch]$/) offend("only transport/nng* may see nng")
        } else if (header == "lmdb.h") {
            if (file !~ /^node\/store[^\/]*\.c$/) offend("only node/store* may see LMDB")
        } else if (header ~ /^mbedtls\//) {
            if (file !~ /^node\/secret\.c$|^cli\/authority\.c$/ && room != "tests") offend("only node/secret.c and cli/authority.c may see mbed TLS")
        } else if (header ~ /^protobuf-c\//) {
            if (room != "proto" && room != "tests") offend("only proto/ may see protobuf-c")
        } else if (header == "xxhash.h") {
            if (level[room] < level["crdt"]) offend("a public header includes only C11 and public headers")
        } else if (room == "include") {
            if (index(c11, " " header " ") == 0) offend("a public header includes only C11 and public headers")
        } else if (room == "crdt" || room == "proto") {
            if (index(core, " " header " ") == 0) offend("the core has no use for the system")
        }
    }

    function inside(room, target, header) {
        if (header ~ /holm\.pb-c\.h$/ && room != "proto" && room != "tests" && file != "bench/proto_baseline.c")
            offend("generated code is seen by proto/ alone")
        if (room == "docs" && target != "include")
            offend("an example sees the public headers alone")
        else if ((target == "sim" || target == "bench" || target == "cli" || target == "tests") && target != room &&
                 !(target == "sim" && (room == "bench" || room == "cli" || room == "tests")) &&
                 !(target == "bench" && room == "cli") && !((target == "cli" || target == "bench") && room == "tests"))
            offend("nobody sees " target "/ but its users")
        else if (level[room] < level[target])
            offend("the arrow from " room "/ to " target "/ points the wrong way")
    }

    {
        split($0, part, ":"); file = part[1]
        shown = $0; sub(/^[^:]*:[ \t]*#[ \t]*include[ \t]*/, "", shown); sub(/[ \t].*$/, "", shown)
        header = substr(shown, 2, length(shown) - 2)
        room = file; sub(/\/.*/, "", room)
        target = header; sub(/\/.*/, "", target)
        if (target == "holm") inside(room, "include", header)
        else if (target in level && header ~ /\//) inside(room, target, header)
        else if (header == "holm.pb-c.h") inside(room, "proto", header)
        else if (shown ~ /^</ ) outside(room, header)
        else if (room != "tests") offend("write it from the root of the tree, as \"crdt/vector.h\"")
        if (shown ~ /^"holm\//) offend("public headers are included as <holm/...>")
    }'
}

# plant FILE INCLUDE EXPECTED
plant() {
    rm -rf "${scratch:?}/tree"
    write tree/crdt/vector.c '#include <string.h>' '#include <holm/holm.h>' '#include "crdt/vector.h"'
    write tree/node/engine.c '#include <poll.h>' '#include "transport/transport.h"' '#include "proto/codec.h"'
    write tree/transport/nng_link.c '#include <nng/nng.h>'
    write tree/cli/sim.c '#include "sim/city/actor.h"' '#include "node/engine.h"'
    [ -z "$1" ] || write "tree/$1" "#include $2"
    offence "${1:-clean} $2" "$3" "$scratch/tree"
}

planted() {
    plant '' '' ''
    plant crdt/a.c '"proto/codec.h"' 'wrong way'
    plant crdt/a.c '<time.h>' 'no use for the system'
    plant crdt/a.c '<stdio.h>' 'no use for the system'
    plant proto/a.c '"node/engine.h"' 'wrong way'
    plant proto/a.c '<pthread.h>' 'no use for the system'
    plant node/a.c '"sim/world.h"' 'nobody sees sim'
    plant tests/process/a.c '"cli/sim.h"' ''
    plant bench/a.c '"cli/sim.h"' 'nobody sees cli'
    plant tests/unit/a.c '"bench/measure.h"' ''
    plant cli/a.c '"bench/bench.h"' ''
    plant node/a.c '"bench/measure.h"' 'nobody sees bench'
    plant node/a.c '<nng/nng.h>' 'only transport/nng'
    plant sim/a.c '<nng/nng.h>' 'only transport/nng'
    plant sim/a.c '<lmdb.h>' 'only node/store'
    plant node/a.c '<mbedtls/md.h>' 'only node/secret.c'
    plant transport/table.c '<nng/nng.h>' 'only transport/nng'
    plant include/holm/a.h '"crdt/vector.h"' 'wrong way'
    plant include/holm/a.h '<pthread.h>' 'public header'
    plant crdt/a.c '"vector.h"' 'root of the tree'
    plant node/a.c '"proto/holm.pb-c.h"' 'generated'
    plant docs/examples/a.c '"crdt/vector.h"' 'public headers alone'
}

run "$@"
