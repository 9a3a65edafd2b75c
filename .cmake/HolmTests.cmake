# SPDX-License-Identifier: Apache-2.0
#
# One line a test:
#
#     holm_test(unit count SOURCES count.c LIBS holm_crdt)        -> ctest unit.count, program test_unit_count
#     holm_test(sim swarm SOURCES swarm.c LIBS holm_sim TIMEOUT 120)
#     holm_fuzz(decode SOURCES decode.c LIBS holm_proto holm_crdt) -> ctest fuzz.decode over tests/fuzz/corpus/decode
#     holm_soak(model TARGET test_model_history ARGS --soak)      -> ./dev soak model
#     holm_example(counter SOURCES counter.c)                     -> ctest example.counter
#     holm_example(testing SOURCES testing.c LIBS holm::testing)
#
# LIBS left out means libholm_static. A room named in LIBS brings its own objects and no other room's.

# A program of the tests: cmocka, POSIX, and the paths that it may need. HOLM_PROGRAM is there for kind `process`.
function(holm_test_program target)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBS")
    if(NOT arg_LIBS)
        set(arg_LIBS libholm_static)
    endif()
    add_executable(${target} ${arg_SOURCES})
    holm_target_defaults(${target} holm_warnings_tests)
    holm_target_posix(${target})
    target_link_libraries(${target} PRIVATE ${arg_LIBS} PkgConfig::cmocka)
    target_compile_definitions(${target} PRIVATE HOLM_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
endfunction()

# holm_test(KIND NOUN SOURCES file... [LIBS library...] [ARGS argument...] [TIMEOUT seconds] [LABELS label...])
function(holm_test kind noun)
    cmake_parse_arguments(PARSE_ARGV 2 arg "" "TIMEOUT" "SOURCES;LIBS;ARGS;LABELS")
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 60)
    endif()
    set(target test_${kind}_${noun})
    holm_test_program(${target} SOURCES ${arg_SOURCES} LIBS ${arg_LIBS})
    if(kind STREQUAL "process" AND TARGET holm)
        target_compile_definitions(${target} PRIVATE HOLM_PROGRAM="$<TARGET_FILE:holm>")
        add_dependencies(${target} holm)
    endif()
    add_test(NAME ${kind}.${noun} COMMAND ${target} ${arg_ARGS})
    holm_test_properties(${kind}.${noun} TIMEOUT ${arg_TIMEOUT} LABELS ${kind} ${arg_LABELS})
endfunction()

# holm_soak(NOUN TARGET target [ARGS argument...] [LABELS label...]): long runs, left out of `./dev test`. The program
# sees HOLM_SOAK=1, and HOLM_SOAK_KEY=VALUE for each key=value given to `./dev soak NOUN`.
function(holm_soak noun)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "TARGET" "ARGS;LABELS")
    add_test(NAME soak.${noun} COMMAND ${arg_TARGET} ${arg_ARGS})
    holm_test_properties(soak.${noun} TIMEOUT 86400 LABELS soak ${arg_LABELS} ENVIRONMENT HOLM_SOAK=1)
endfunction()

# holm_fuzz(NOUN SOURCES file... [LIBS library...]): the sources define LLVMFuzzerTestOneInput.
function(holm_fuzz noun)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBS")
    set(target fuzz_${noun})
    set(corpus "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${noun}")
    if(HOLM_FUZZ)
        holm_test_program(${target} SOURCES ${arg_SOURCES} LIBS ${arg_LIBS})
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
        add_test(NAME fuzz.${noun} COMMAND ${target} -runs=0 "${corpus}")
    else()
        holm_test_program(${target} SOURCES ${arg_SOURCES} $<TARGET_OBJECTS:fuzz_replay> LIBS ${arg_LIBS})
        add_test(NAME fuzz.${noun} COMMAND ${target} "${corpus}")
    endif()
    # libFuzzer fixes the name and gives no header to declare it in.
    set_source_files_properties(${arg_SOURCES} PROPERTIES COMPILE_OPTIONS -Wno-missing-prototypes)
    holm_test_properties(fuzz.${noun} TIMEOUT 60 LABELS fuzz)
endfunction()

# holm_example(NOUN SOURCES file... [LIBS library]): a program as an embedder writes it, who sees the public headers and
# the shared library alone.
function(holm_example noun)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBS")
    if(NOT arg_LIBS)
        set(arg_LIBS holm::holm)
    endif()
    add_executable(example_${noun} ${arg_SOURCES})
    set_target_properties(example_${noun} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
    target_link_libraries(example_${noun} PRIVATE ${arg_LIBS} holm_warnings holm_build)
    add_test(NAME example.${noun} COMMAND example_${noun})
    holm_test_properties(example.${noun} TIMEOUT 60 LABELS example)
endfunction()

# holm_tidy(NOUN script [argument...]): a check of the tree itself, and the proof that the check can fail.
function(holm_tidy noun script)
    add_test(NAME tidy.${noun} COMMAND sh "${CMAKE_CURRENT_SOURCE_DIR}/${script}" ${ARGN} COMMAND_EXPAND_LISTS)
    add_test(NAME tidy.${noun}_planted COMMAND sh "${CMAKE_CURRENT_SOURCE_DIR}/${script}" --self-test)
    holm_test_properties(tidy.${noun} TIMEOUT 60 LABELS tidy)
    holm_test_properties(tidy.${noun}_planted TIMEOUT 60 LABELS tidy)
endfunction()

function(holm_test_properties name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "LABELS;ENVIRONMENT")
    if(HOLM_COVERAGE)
        # Not optimised, and every line counted: a test that is cut off has counted nothing.
        math(EXPR arg_TIMEOUT "${arg_TIMEOUT} * 10")
    endif()
    set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}")
    if(HOLM_SANITIZE MATCHES "thread")
        list(APPEND arg_ENVIRONMENT "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/.cmake/tsan.supp")
    endif()
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "${arg_ENVIRONMENT}")
endfunction()
