# SPDX-License-Identifier: Apache-2.0
#
# libholm-testing, shared and static: libholm, and a world to run it in. A test links it instead of libholm, whose calls
# it has, too: what is tested is one and the same code, and there is only one of it in the program.

# Of the world what its users need: no plans, no judges.
set(world "$<TARGET_OBJECTS:holm_network>"
    "$<FILTER:$<TARGET_OBJECTS:holm_world>,INCLUDE,/world/(disk|gate|trace|world[a-z_]*)[.]c>"
    "$<TARGET_OBJECTS:holm_testing>")

add_library(libholm_testing SHARED ${world})
target_link_libraries(libholm_testing PRIVATE ${rooms} ${holm_externals} $<BUILD_INTERFACE:holm_build>)
target_include_directories(libholm_testing INTERFACE
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
set_target_properties(libholm_testing PROPERTIES
    OUTPUT_NAME holm-testing
    EXPORT_NAME testing
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}
    LINKER_LANGUAGE C)
if(NOT HOLM_SANITIZE)
    target_link_options(libholm_testing PRIVATE LINKER:--no-undefined)
endif()
add_library(holm::testing ALIAS libholm_testing)

add_library(libholm_testing_static STATIC ${world})
foreach(room IN LISTS rooms)
    target_sources(libholm_testing_static PRIVATE $<TARGET_OBJECTS:${room}>)
endforeach()
target_link_libraries(libholm_testing_static PUBLIC ${holm_externals})
target_include_directories(libholm_testing_static PUBLIC
    "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/include" "${PROJECT_BINARY_DIR}")
set_target_properties(libholm_testing_static PROPERTIES OUTPUT_NAME holm-testing LINKER_LANGUAGE C)

install(TARGETS libholm_testing EXPORT holm)
install(TARGETS libholm_testing_static)
configure_file(.cmake/holm-testing.pc.in holm-testing.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/holm-testing.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
