# assay_room(<name> SOURCES ... [PUBLIC ...] [PRIVATE ...])  declares a room as the static library assay_<name>.
# assay_test(<name> SOURCES ... LINKS ...)                   declares a GoogleTest program and registers it with ctest.
# assay_program(<name> SOURCES ... LINKS ...)                declares an executable.

function(assay_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(assay_${name} STATIC ${ROOM_SOURCES})
  target_include_directories(assay_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
                                                  $<INSTALL_INTERFACE:include/assay>)
  target_link_libraries(assay_${name} PUBLIC ${ROOM_PUBLIC} PRIVATE $<BUILD_INTERFACE:assay_options>
                                            ${ROOM_PRIVATE})
endfunction()

function(assay_test name)
  cmake_parse_arguments(UNIT "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${UNIT_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE assay_options ${UNIT_LINKS} GTest::gtest GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endfunction()

function(assay_program name)
  cmake_parse_arguments(PROGRAM "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${PROGRAM_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE assay_options ${PROGRAM_LINKS})
endfunction()
