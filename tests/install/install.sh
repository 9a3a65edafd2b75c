#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# install.sh WAY CMAKE BUILD HEADERS LIBDIR PROGRAM TEST - installs BUILD to a scratch prefix, and there builds and runs
# an outside PROGRAM that finds holm, and a TEST that finds holm-testing, by pkg-config or by CMake.

set -eu

way=$1 cmake=$2 build=$3 headers=$4 libdir=$5 program=$6 test=$7

fail() {
    echo "install.$way: $*"
    exit 1
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
prefix=$scratch/prefix
"$cmake" --install "$build" --prefix "$prefix" >"$scratch/log" 2>&1 || { cat "$scratch/log"; fail "cannot install"; }

# The promise to embedders and nothing else.
(cd "$headers" && find . -type f -name '*.h' | LC_ALL=C sort) >"$scratch/promised"
(cd "$prefix/include" && find . -type f | LC_ALL=C sort) >"$scratch/installed"
diff "$scratch/promised" "$scratch/installed" || fail "the installed headers are not those of include/"
for library in libholm libholm-testing; do
    readelf -d "$prefix/$libdir/$library.so" | grep -q "SONAME.*\[$library\.so\.0\]" ||
        fail "the SONAME is not $library.so.0"
done

mkdir "$scratch/outside"
cp "$program" "$scratch/outside/outside.c"
cp "$test" "$scratch/outside/test.c"
cd "$scratch/outside"
export LD_LIBRARY_PATH="$prefix/$libdir"

case $way in
    pkgconfig)
        export PKG_CONFIG_PATH="$prefix/$libdir/pkgconfig"
        pkg-config --exists --print-errors holm || fail "pkg-config does not find holm"
        # shellcheck disable=SC2046
        ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror -o shared outside.c $(pkg-config --cflags --libs holm)
        ./shared >shared.out || fail "the program fails with the shared library"
        # shellcheck disable=SC2046
        ${CC:-cc} -std=c11 -o static outside.c $(pkg-config --cflags holm) "$prefix/$libdir/libholm.a" \
            $(pkg-config --static --libs holm | sed 's/-lholm\([^-a-z]\|$\)/\1/')
        env -u LD_LIBRARY_PATH ./static >static.out || fail "the program fails with the static library"
        # shellcheck disable=SC2046
        ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror -o test test.c $(pkg-config --cflags --libs holm-testing)
        ./test >test.out 2>&1 || { cat test.out; fail "the test fails with the shared library"; }
        readelf -d test | grep -q 'NEEDED.*libholm\.so' && fail "the test has two holms"
        # shellcheck disable=SC2046
        ${CC:-cc} -std=c11 -o static_test test.c $(pkg-config --cflags holm-testing) \
            "$prefix/$libdir/libholm-testing.a" \
            $(pkg-config --static --libs holm-testing | sed 's/-lholm-testing//')
        env -u LD_LIBRARY_PATH ./static_test >static_test.out 2>&1 || fail "the test fails with the static library"
        cmp test.out static_test.out || fail "the libraries play the same seeds differently"
        ;;
    cmake)
        cat >CMakeLists.txt <<'TEXT'
cmake_minimum_required(VERSION 3.25)
project(outside LANGUAGES C)
find_package(holm 0.1 REQUIRED)
add_executable(shared outside.c)
target_link_libraries(shared PRIVATE holm::holm)
add_executable(test_ test.c)
target_link_libraries(test_ PRIVATE holm::testing)
TEXT
        {
            "$cmake" -S . -B build -G Ninja "-DCMAKE_PREFIX_PATH=$prefix" && "$cmake" --build build
        } >"$scratch/log" 2>&1 || { cat "$scratch/log"; fail "the outside project does not build"; }
        env -u LD_LIBRARY_PATH build/shared >shared.out || fail "the program fails"
        env -u LD_LIBRARY_PATH build/test_ >test.out 2>&1 || { cat test.out; fail "the test fails"; }
        ;;
esac
cat shared.out
