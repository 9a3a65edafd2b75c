# SPDX-License-Identifier: Apache-2.0
#
# Options, the one set of warnings, and what every target of the tree has in common.

include(CheckCCompilerFlag)
include(CheckPIESupported)

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

# Hardening, as the OpenSSF's Compiler Options Hardening Guide for C has it; tidy.hardening looks at what comes of it.
# Compiler options are for what is optimised, and runs elsewhere: debuggers and sanitizers see more without them.
# Left out: -z nodlopen, since other languages load libholm so; -fstrict-flex-arrays=3, which gcc 13 brings; -fexceptions,
# by which a thread that is cancelled runs its clean-up handlers: no thread is ever cancelled here.
add_library(holm_hardening INTERFACE)
target_compile_options(holm_hardening INTERFACE -fstack-protector-strong)
target_link_options(holm_hardening INTERFACE LINKER:-z,relro,-z,now,-z,noexecstack,--as-needed)
check_pie_supported(LANGUAGES C)
if(NOT HOLM_SANITIZE AND NOT HOLM_COVERAGE)
    set(optimised $<CONFIG:Release,RelWithDebInfo,MinSizeRel>)
    target_compile_options(holm_hardening INTERFACE
        "$<${optimised}:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=3;-Wformat=2;-Werror=format-security;-Werror=implicit>")
    foreach(flag IN ITEMS -fstack-clash-protection -fcf-protection=full -mbranch-protection=standard
            -ftrivial-auto-var-init=zero -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing
            -Wtrampolines -Wbidi-chars=any -Werror=incompatible-pointer-types -Werror=int-conversion)
        string(MAKE_C_IDENTIFIER "HOLM_TAKES${flag}" taken)
        check_c_compiler_flag("-Werror ${flag}" ${taken})
        if(${taken})
            target_compile_options(holm_hardening INTERFACE "$<${optimised}:${flag}>")
        endif()
    endforeach()
endif()
target_link_libraries(holm_build INTERFACE holm_hardening)

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
