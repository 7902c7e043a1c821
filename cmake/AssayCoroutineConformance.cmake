# assay_check_coroutine_conformance()  stops the configure step when the C++ compiler miscompiles coroutines.
#
# Some released compilers accept ordinary C++20 coroutines and produce double frees, or drop a body without a
# diagnostic. A list of compiler names would be wrong for the next release, so the suite in tests/conformance judges
# the configured compiler by what its programs do, at -O1 and at -O2. There is no option to go on regardless: a server
# built by a compiler that fails here corrupts its heap.
#
# A pass is remembered in the cache, keyed on the compiler's path and version, the flags and the suite's own sources.
# A failure is not, so that a repaired machine is judged again.
#
# Sets ASSAY_CONFORMANCE_SOURCES, and ASSAY_CONFORMANCE_LANGUAGE_SOURCES for the files that a compiler may reject.

set(ASSAY_CONFORMANCE_DIR ${CMAKE_CURRENT_LIST_DIR}/../tests/conformance)
cmake_path(NORMAL_PATH ASSAY_CONFORMANCE_DIR)
set(ASSAY_CONFORMANCE_SOURCES
  conditions.cpp coroutine_conformance.cpp exceptions.cpp expressions.cpp frames.cpp harness.cpp lambdas.cpp
  lifetimes.cpp task.cpp temporaries.cpp)
set(ASSAY_CONFORMANCE_LANGUAGE_SOURCES language/deducing_this.cpp language/initializer_list.cpp)
list(TRANSFORM ASSAY_CONFORMANCE_SOURCES PREPEND ${ASSAY_CONFORMANCE_DIR}/)
list(TRANSFORM ASSAY_CONFORMANCE_LANGUAGE_SOURCES PREPEND ${ASSAY_CONFORMANCE_DIR}/)

# The first line of a compiler's output that states an error.
function(_assay_first_error output result)
  string(REGEX MATCH "error: [^\n]*" line "${output}")
  set(${result} "${line}" PARENT_SCOPE)
endfunction()

# Compiles each language file alone. Sets <accepted> to those that compile, <failures> to one line for each other.
function(_assay_try_language_files accepted failures)
  set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
  set(compiling)
  set(lines)
  foreach(source IN LISTS ASSAY_CONFORMANCE_LANGUAGE_SOURCES)
    cmake_path(GET source STEM name)
    try_compile(compiles SOURCES ${source}
      CMAKE_FLAGS -DINCLUDE_DIRECTORIES=${PROJECT_SOURCE_DIR}
      OUTPUT_VARIABLE output CXX_STANDARD 23 CXX_STANDARD_REQUIRED ON NO_CACHE)
    if(compiles)
      list(APPEND compiling ${source})
    else()
      _assay_first_error("${output}" error)
      string(APPEND lines "FAIL ${name} does not compile: ${error}\n")
    endif()
  endforeach()
  set(${accepted} "${compiling}" PARENT_SCOPE)
  set(${failures} "${lines}" PARENT_SCOPE)
endfunction()

# Builds and runs the suite from <sources>. Sets <compiled>, <passed>, and <report>: the program's output, or the
# compiler's when it did not compile.
function(_assay_run_conformance optimisation sources compiled passed report)
  # -g0: debug information changes no code and costs time.
  try_run(exit_code compiles SOURCES ${sources}
    CMAKE_FLAGS -DINCLUDE_DIRECTORIES=${PROJECT_SOURCE_DIR}
    COMPILE_DEFINITIONS ${optimisation} -g0
    COMPILE_OUTPUT_VARIABLE compile_output RUN_OUTPUT_VARIABLE run_output
    CXX_STANDARD 23 CXX_STANDARD_REQUIRED ON NO_CACHE)
  set(${compiled} ${compiles} PARENT_SCOPE)
  set(${passed} FALSE PARENT_SCOPE)
  if(NOT compiles)
    set(${report} "${compile_output}" PARENT_SCOPE)
    return()
  endif()
  if(exit_code STREQUAL "0")
    set(${passed} TRUE PARENT_SCOPE)
  elseif(NOT run_output MATCHES "FAIL ")
    string(APPEND run_output "FAIL suite ended with ${exit_code} and named no case\n")
  endif()
  set(${report} "${run_output}" PARENT_SCOPE)
endfunction()

# Keeps the first <limit> failures of each family, so that a long family does not hide the others.
function(_assay_first_failures failures limit result)
  set(kept)
  foreach(failure IN LISTS failures)
    string(REGEX REPLACE "^FAIL ([a-z_]+).*" "\\1" family "${failure}")
    if(NOT DEFINED seen_${family})
      set(seen_${family} 0)
    endif()
    math(EXPR seen_${family} "${seen_${family}} + 1")
    if(seen_${family} LESS_EQUAL limit)
      list(APPEND kept "${failure}")
    endif()
  endforeach()
  set(${result} "${kept}" PARENT_SCOPE)
endfunction()

function(_assay_reject_compiler optimisation report)
  string(REGEX REPLACE "[][;]" " " report "${report}")  # what would split or join the elements of a list
  string(REGEX MATCHALL "FAIL [^\n]*" failures "${report}")
  list(LENGTH failures failed)
  _assay_first_failures("${failures}" 3 first)
  list(JOIN first "\n  " first)
  message(FATAL_ERROR
    "The C++ compiler miscompiles coroutines.\n"
    "  compiler: ${CMAKE_CXX_COMPILER} (${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}), ${optimisation}\n"
    "  failed: ${failed} cases; the first of each family:\n"
    "  ${first}\n"
    "  remedy: use clang 19: apt install clang-19, then ./run build, or -DCMAKE_CXX_COMPILER=clang++-19\n")
endfunction()

function(assay_check_coroutine_conformance)
  file(GLOB headers ${ASSAY_CONFORMANCE_DIR}/*.hpp)
  set(key "${CMAKE_CXX_COMPILER};${CMAKE_CXX_COMPILER_VERSION};${CMAKE_CXX_FLAGS}")
  foreach(source IN LISTS ASSAY_CONFORMANCE_SOURCES ASSAY_CONFORMANCE_LANGUAGE_SOURCES headers)
    file(SHA256 ${source} digest)
    string(APPEND key ";${digest}")
  endforeach()
  string(SHA256 key "${key}")
  if(ASSAY_CONFORMANCE_PASSED STREQUAL key)
    return()
  endif()

  message(STATUS "Checking the compiler's coroutines")
  foreach(optimisation -O1 -O2)
    set(sources ${ASSAY_CONFORMANCE_SOURCES} ${ASSAY_CONFORMANCE_LANGUAGE_SOURCES})
    set(rejected "")
    _assay_run_conformance(${optimisation} "${sources}" compiled passed report)
    if(NOT compiled)
      # Some file is rejected: find which, and judge the rest, so that one error does not hide the other defects.
      _assay_try_language_files(accepted rejected)
      if(rejected)
        set(sources ${ASSAY_CONFORMANCE_SOURCES} ${accepted})
        _assay_run_conformance(${optimisation} "${sources}" compiled passed report)
      endif()
    endif()
    if(NOT compiled)
      message(FATAL_ERROR "The coroutine conformance suite does not compile with ${CMAKE_CXX_COMPILER} "
        "${CMAKE_CXX_COMPILER_VERSION}; the project needs C++23.\n${report}")
    endif()
    if(rejected OR NOT passed)
      _assay_reject_compiler(${optimisation} "${rejected}${report}")
    endif()
    string(REGEX MATCH "[0-9]+ passed" summary "${report}")
    message(STATUS "Checking the compiler's coroutines - ${summary} at ${optimisation}")
  endforeach()
  set(ASSAY_CONFORMANCE_PASSED ${key} CACHE INTERNAL "The compiler and suite of the last pass")
endfunction()
