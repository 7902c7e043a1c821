#include "cli/values.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>

namespace assay::cli {
namespace {

using namespace std::chrono_literals;

TEST(durations, have_a_unit_or_are_seconds) {
  for (const auto& [text, expected] : std::initializer_list<std::pair<const char*, duration>>{{"30s", 30s},
                                                                                              {"5m", 5min},
                                                                                              {"1.5h", 90min},
                                                                                              {"250ms", 250ms},
                                                                                              {"7", 7s},
                                                                                              {"0.25", 250ms},
                                                                                              {"0s", 0s},
                                                                                              {"0.000001ms", 1ns},
                                                                                              {"1e3ms", 1s}}) {
    const auto read = parse_duration(text);
    ASSERT_TRUE(read) << text << ": " << read.error();
    EXPECT_EQ(*read, expected) << text;
  }
}

TEST(durations, that_are_none_say_what_was_expected) {
  for (const char* text : {"", "s", "ms", "abc", "10x", "10 s", " 10s", "10s ", "-1s", "nan", "inf", "infs", "1e10s",
                           "1e400", "10ss", "1,5s", "0x10", "+5s", "300000h"}) {
    const auto read = parse_duration(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error(), "\"" + std::string(text) + "\": expected a duration such as 30s, 5m, 1.5h or 250ms");
  }
}

TEST(headers, split_at_the_first_colon) {
  using field = std::pair<std::string, std::string>;
  EXPECT_EQ(parse_header("Accept: text/html"), field("Accept", "text/html"));
  EXPECT_EQ(parse_header("Accept:text/html"), field("Accept", "text/html"));
  EXPECT_EQ(parse_header("X-Time:   12:30"), field("X-Time", "12:30"));
  EXPECT_EQ(parse_header("X-Empty:"), field("X-Empty", ""));
  EXPECT_EQ(parse_header("X-Empty:   "), field("X-Empty", ""));
}

TEST(headers, without_a_name_are_refused) {
  for (const char* text : {"", "Accept", ": value", ":"}) {
    const auto read = parse_header(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error(), "-H \"" + std::string(text) + "\": expected \"Name: value\"");
  }
}

struct temporary_file {
  explicit temporary_file(const std::string& content)
      : path(std::filesystem::temp_directory_path() / ("values_test_" + std::to_string(::getpid()))) {
    std::ofstream(path, std::ios::binary) << content;
  }
  ~temporary_file() { std::filesystem::remove(path); }
  std::filesystem::path path;
};

TEST(bodies, are_themselves_or_a_file) {
  EXPECT_EQ(read_body(""), "");
  EXPECT_EQ(read_body("a=1&b=@2"), "a=1&b=@2");
  for (const std::string& content :
       {std::string("\0\r\n\xff", 4), std::string(), std::string(4096, 'x'), std::string(10'001, 'y')}) {
    const temporary_file file(content);
    EXPECT_EQ(read_body("@" + file.path.string()), content);
  }
}

TEST(bodies, that_cannot_be_read_are_named) {
  for (const char* path : {"/no/such/file", "", "/"}) {
    const auto read = read_body("@" + std::string(path));
    ASSERT_FALSE(read) << path;
    EXPECT_EQ(read.error(), "-b @" + std::string(path) + ": cannot read that file");
  }
}

TEST(messages, are_one_line) {
  EXPECT_EQ(one_line("a\r\nb\tc\x7f"), "a??b?c?");
  EXPECT_EQ(one_line("f\xc3\xbc"), "f\xc3\xbc") << "what is no control character stays";
}

TEST(suggestions, are_the_nearest_or_none) {
  const std::vector<std::string> flags = {"--rate", "--duration", "--connections", "--json", "-R", "-d"};
  EXPECT_EQ(nearest("--rtae", flags), "--rate");
  EXPECT_EQ(nearest("--conections", flags), "--connections");
  EXPECT_EQ(nearest("--jsn", flags), "--json");
  EXPECT_EQ(nearest("--json", flags), "--json");
  EXPECT_EQ(nearest("--completely-else", flags), "");
  EXPECT_EQ(nearest("x", {}), "");
  // A file of 1 MB may ask for this; comparing letter by letter took minutes.
  const std::string endless(500'000, 'q');
  EXPECT_EQ(nearest(endless, {endless + "r"}), "");
  EXPECT_EQ(nearest("--jsn", {endless, "--json"}), "--json");
}

}  // namespace
}  // namespace assay::cli
