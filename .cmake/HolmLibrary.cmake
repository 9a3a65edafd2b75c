# SPDX-License-Identifier: Apache-2.0
#
# libholm, shared and static, from the objects of the rooms; what is installed.

include(CMakePackageConfigHelpers)

set(rooms holm_crdt holm_proto_generated holm_proto holm_transport holm_node)

set(holm_externals PkgConfig::xxhash PkgConfig::protobuf_c PkgConfig::lmdb nng::nng "${HOLM_MBEDCRYPTO}" Threads::Threads)

add_library(libholm SHARED)
target_link_libraries(libholm PRIVATE ${rooms} ${holm_externals} $<BUILD_INTERFACE:holm_build>)
target_include_directories(libholm INTERFACE
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
set_target_properties(libholm PROPERTIES
    OUTPUT_NAME holm
    EXPORT_NAME holm
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}
    LINKER_LANGUAGE C)
if(NOT HOLM_SANITIZE)
    target_link_options(libholm PRIVATE LINKER:--no-undefined)
endif()
add_library(holm::holm ALIAS libholm)

# The static library keeps internal names in reach: tests, the simulator and the program link it.
add_library(libholm_static STATIC)
foreach(room IN LISTS rooms)
    target_sources(libholm_static PRIVATE $<TARGET_OBJECTS:${room}>)
endforeach()
target_link_libraries(libholm_static PUBLIC ${holm_externals})
target_include_directories(libholm_static PUBLIC
    "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/include" "${PROJECT_BINARY_DIR}")
set_target_properties(libholm_static PROPERTIES OUTPUT_NAME holm LINKER_LANGUAGE C)

install(TARGETS libholm EXPORT holm)
install(TARGETS libholm_static)
install(DIRECTORY include/holm DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/holm")
install(EXPORT holm NAMESPACE holm:: FILE holmConfig.cmake DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/holmConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/holmConfigVersion.cmake" DESTINATION "${package_dir}")

# The package file finds its prefix from where it lies, so that an installed tree may be moved.
file(RELATIVE_PATH holm_prefix_from_pc
    "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
configure_file(.cmake/holm.pc.in holm.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/holm.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
