#include "lab/inside/runtime_guess.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace assay::inside {
namespace {

TEST(runtime_guess, goes_by_the_programs_name) {
  EXPECT_EQ(runtime_of_program("/usr/bin/python3.11"), "python");
  EXPECT_EQ(runtime_of_program("/srv/app/.venv/bin/python"), "python");
  EXPECT_EQ(runtime_of_program("node"), "node");
  EXPECT_EQ(runtime_of_program("/usr/lib/jvm/bin/java"), "jvm");
  EXPECT_EQ(runtime_of_program("/usr/bin/pythonic"), "");
  EXPECT_EQ(runtime_of_program("/usr/bin/nodejs-exporter"), "");
  EXPECT_EQ(runtime_of_program(""), "");
}

TEST(runtime_guess, this_program_and_what_is_not_there_are_none_of_them) {
  EXPECT_EQ(guess_runtime(static_cast<std::uint32_t>(::getpid())), "");
  EXPECT_EQ(guess_runtime(4'194'304), "");
}

}  // namespace
}  // namespace assay::inside
