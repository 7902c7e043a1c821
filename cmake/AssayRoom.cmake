# assay_room(<name> SOURCES ... [PUBLIC ...] [PRIVATE ...])  declares a room as the static library assay_<name>.
# assay_test(<name> SOURCES ... LINKS ...)                   declares a GoogleTest program and registers it with ctest.
# assay_program(<name> SOURCES ... LINKS ...)                declares an executable.
# assay_precompile(<name> HEADERS ... [LINKS ...] [OPTIONS ...])  declares headers to be read once for many targets.
# assay_compile_apart(<target>)                              its sources are never compiled as one.
#
# The presets compile the sources of a target eight at a time as one (CMAKE_UNITY_BUILD), which halves the time of a
# build: what they include is read, and what they share is instantiated, once. So the names in the anonymous namespaces
# of a room's sources differ from each other, or the room is compiled apart. No source may count on another's includes:
# the linter reads every file alone. To work on one file, -DCMAKE_UNITY_BUILD=OFF is quicker.
#
# A target uses the precompiled headers that ASSAY_PRECOMPILED names where it is declared; unset, it uses none. They
# save half of the time of a build, and no source may count on them: the linter reads every file without.

function(assay_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(assay_${name} STATIC ${ROOM_SOURCES})
  target_include_directories(assay_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
                                                  $<INSTALL_INTERFACE:include/assay>)
  target_link_libraries(assay_${name} PUBLIC ${ROOM_PUBLIC} PRIVATE $<BUILD_INTERFACE:assay_options>
                                            ${ROOM_PRIVATE})
  assay_reuse_precompiled(assay_${name})
endfunction()

function(assay_compile_apart target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD OFF)
endfunction()

function(assay_precompile name)
  cmake_parse_arguments(READ "" "" "HEADERS;LINKS;OPTIONS" ${ARGN})
  set(empty ${PROJECT_BINARY_DIR}/precompiled/${name}.cpp)
  file(CONFIGURE OUTPUT ${empty} CONTENT "// Only the precompiled headers of its target are wanted.\n")
  add_library(${name} OBJECT ${empty})
  target_link_libraries(${name} PRIVATE assay_options ${READ_LINKS})
  target_compile_options(${name} PRIVATE ${READ_OPTIONS})
  target_precompile_headers(${name} PRIVATE ${READ_HEADERS})
endfunction()

function(assay_reuse_precompiled target)
  if(ASSAY_PRECOMPILED)
    target_precompile_headers(${target} REUSE_FROM ${ASSAY_PRECOMPILED})
  endif()
endfunction()

function(assay_test name)
  cmake_parse_arguments(UNIT "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${UNIT_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE assay_options ${UNIT_LINKS} GTest::gtest GTest::gmock GTest::gtest_main)
  target_compile_options(${name} PRIVATE ${ASSAY_TEST_OPTIONS})
  assay_reuse_precompiled(${name})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endfunction()

function(assay_program name)
  cmake_parse_arguments(PROGRAM "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${PROGRAM_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE assay_options ${PROGRAM_LINKS})
  target_compile_options(${name} PRIVATE ${ASSAY_TEST_OPTIONS})
  assay_reuse_precompiled(${name})
endfunction()
