# SPDX-License-Identifier: Apache-2.0
#
# Options, the one set of warnings, and what every target of the tree has in common.

option(HOLM_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(HOLM_WERROR "Treat warnings as errors" OFF)
option(HOLM_FUZZ "Build libFuzzer programs (clang only)" OFF)
option(HOLM_COVERAGE "Count executed lines (gcov)" OFF)
set(HOLM_SANITIZE "" CACHE STRING "Sanitizers, as the compiler's -fsanitize= takes them")

add_library(holm_warnings INTERFACE)
target_compile_options(holm_warnings INTERFACE
    -Wall -Wextra -Wpedantic
    -Wshadow -Wconversion -Wsign-conversion
    -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
    -Wcast-qual -Wcast-align -Wpointer-arith -Wwrite-strings
    -Wundef -Wvla -Wswitch-enum -Wformat=2 -Wimplicit-fallthrough
    $<$<C_COMPILER_ID:GNU>:-Wlogical-op -Wduplicated-cond>
    $<$<BOOL:${HOLM_WERROR}>:-Werror>)

# The tests': every cmocka test takes a state that few need.
add_library(holm_warnings_tests INTERFACE)
target_compile_options(holm_warnings_tests INTERFACE
    $<TARGET_PROPERTY:holm_warnings,INTERFACE_COMPILE_OPTIONS> -Wno-unused-parameter)

# How code is built, generated code included: sanitizers, coverage, hardening.
add_library(holm_build INTERFACE)
target_compile_options(holm_build INTERFACE -fstack-protector-strong)
target_link_options(holm_build INTERFACE LINKER:-z,relro,-z,now)
if(HOLM_SANITIZE)
    target_compile_options(holm_build INTERFACE
        -fsanitize=${HOLM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(holm_build INTERFACE -fsanitize=${HOLM_SANITIZE})
endif()
if(HOLM_FUZZ)
    target_compile_options(holm_build INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(HOLM_COVERAGE)
    # Threads count the same lines: without atomic updates counts get lost, or negative, which gcovr refuses.
    target_compile_options(holm_build INTERFACE --coverage -fprofile-update=atomic)
    target_link_options(holm_build INTERFACE --coverage)
endif()

# holm_target_defaults(TARGET [warnings]): what every target of ours has, generated code apart.
function(holm_target_defaults target)
    set(warnings holm_warnings ${ARGN})
    list(GET warnings -1 warnings)
    set_target_properties(${target} PROPERTIES
        C_STANDARD 11
        C_STANDARD_REQUIRED ON
        C_EXTENSIONS OFF
        C_VISIBILITY_PRESET hidden
        POSITION_INDEPENDENT_CODE ON)
    target_include_directories(${target} PRIVATE
        "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/include")
    target_link_libraries(${target} PRIVATE
        $<BUILD_INTERFACE:${warnings}> $<BUILD_INTERFACE:holm_build>)
endfunction()

# POSIX beside C11, for the rooms that touch the system.
function(holm_target_posix target)
    target_compile_definitions(${target} PRIVATE _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE=1)
    target_link_libraries(${target} PRIVATE Threads::Threads)
endfunction()

# holm_room(NAME [PURE | POSIX] SOURCES file... [LIBS library...])
#
# Makes the object library holm_NAME. LIBS name what the room's sources include and link, other rooms too; objects of
# another room are not linked through it. A PURE room cannot call what crdt/banned.h lists.
function(holm_room name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "PURE;POSIX" "" "SOURCES;LIBS")
    add_library(holm_${name} OBJECT ${arg_SOURCES})
    holm_target_defaults(holm_${name})
    if(arg_PURE)
        target_compile_options(holm_${name} PRIVATE -include "${PROJECT_SOURCE_DIR}/crdt/banned.h")
    endif()
    if(arg_POSIX)
        holm_target_posix(holm_${name})
    endif()
    target_link_libraries(holm_${name} PUBLIC ${arg_LIBS})
endfunction()
