# Compiler options shared by every target, as the interface library assay_options.
add_library(assay_options INTERFACE)
# Whoever only uses it is not to be stopped by what a newer compiler warns of.
if(PROJECT_IS_TOP_LEVEL)
  set(warnings_are_errors -Werror)
endif()
target_compile_options(assay_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast -Wundef ${warnings_are_errors}
  -fno-omit-frame-pointer -fstack-protector-strong
  # Assertions stay on in releases: they are cheap here, and a misuse found late costs more. Also where the stack is a
  # part of somebody's own build, in RelWithDebInfo or with -DNDEBUG in his flags: this comes behind them.
  -UNDEBUG)
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
# A report of a sanitizer needs lines, not variables, and a test compiles and links in half of the time.
set(CMAKE_C_FLAGS_DEBUG "-g1")
set(CMAKE_CXX_FLAGS_DEBUG "-g1")
if(ASSAY_SANITIZE)
  target_compile_options(assay_options INTERFACE -fsanitize=${ASSAY_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(assay_options INTERFACE -fsanitize=${ASSAY_SANITIZE})
endif()
if(ASSAY_FUZZ)
  target_compile_options(assay_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # ccache compares what went into precompiled headers, not when they were made.
  target_compile_options(assay_options INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
  # Not in C: the probe stands in for functions whose names are reserved.
  target_compile_options(assay_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wreserved-identifier>)
endif()
find_package(Threads REQUIRED)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  find_program(ASSAY_LLD NAMES ld.lld-19 ld.lld)
  if(ASSAY_LLD)
    target_link_options(assay_options INTERFACE -fuse-ld=${ASSAY_LLD})
  endif()
endif()
