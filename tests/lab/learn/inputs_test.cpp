// From files to one log: packed or not, globs and directories, several merged by time, HAR files.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "lab/learn/input_paths.hpp"
#include "lab/learn/log_merge.hpp"
#include "lab/learn/start_order.hpp"

namespace assay::learn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string gzip(const std::string& plain) {
  z_stream stream{};
  EXPECT_EQ(::deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(::deflateBound(&stream, plain.size()) + 64, '\0');
  std::string input = plain;
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(packed.size() - stream.avail_out);
  ::deflateEnd(&stream);
  return packed;
}

std::string zstd(const std::string& plain) {
  std::string packed(::ZSTD_compressBound(plain.size()), '\0');
  packed.resize(::ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), 3));
  return packed;
}

class inputs : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name, const std::string& content) {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return folder_ / name;
  }
  std::string path(const std::string& name) const { return folder_ / name; }
  static std::string line(int second, std::string_view target, std::string_view tail = "") {
    return fmt::format("192.0.2.1 - - [16/Nov/2026:{:02}:{:02}:{:02} +0000] \"GET {} HTTP/1.1\" 200 1 \"-\" \"a\"{}\n",
                       second / 3600, second / 60 % 60, second % 60, target, tail);
  }
  // Targets in the order of the log, or the error.
  std::vector<std::string> read(std::vector<std::string> paths, const std::string& format = "") {
    const format_choice formats = format_choice::parse(format).value();
    log_merge merged(std::move(paths), formats);
    std::vector<std::string> targets;
    if (const auto started = merged.start(); !started) return {started.error()};
    for (;;) {
      const auto next = merged.next();
      if (!next) return {next.error()};
      if (*next == nullptr) break;
      targets.emplace_back((*next)->target);
    }
    sources_ = merged.sources();
    facts_ = merged.facts();
    crowded_ = merged.crowded();
    return targets;
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("inputs_test_" + std::to_string(::getpid()));
  std::vector<model::log_source> sources_;
  merge_facts facts_;
  bool crowded_ = false;
};

TEST_F(inputs, packed_files_are_told_by_their_bytes) {
  const std::string plain = line(1, "/a") + line(2, "/b");
  for (const std::string& packed : {plain, gzip(plain), zstd(plain)}) {
    EXPECT_THAT(read({file("log", packed)}), ElementsAre("/a", "/b"));
    EXPECT_EQ(sources_[0].bytes, packed.size()) << "as they lie in the file";
    EXPECT_EQ(sources_[0].sha256.size(), 64U);
  }
}

TEST_F(inputs, packed_streams_may_follow_one_another) {
  const std::string halves[] = {line(1, "/a") + line(2, "/b").substr(0, 40), line(2, "/b").substr(40) + line(3, "/c")};
  EXPECT_THAT(read({file("log", gzip(halves[0]) + gzip(halves[1]))}), ElementsAre("/a", "/b", "/c"));
  EXPECT_THAT(read({file("log", gzip(halves[0]) + gzip(halves[1]) + std::string(100, '\0'))}),
              ElementsAre("/a", "/b", "/c"))
      << "with padding";
  EXPECT_THAT(read({file("log", zstd(halves[0]) + zstd(halves[1]))}), ElementsAre("/a", "/b", "/c"));
}

TEST_F(inputs, packed_files_that_are_damaged_are_named) {
  std::string plain;
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) plain += line(i, "/" + std::to_string(random()));
  for (const std::string& packed : {gzip(plain), zstd(plain)}) {
    EXPECT_EQ(read({file("log", packed)}).size(), 20'000U);
    EXPECT_THAT(read({file("log", packed.substr(0, packed.size() / 2))}),
                ElementsAre(HasSubstr("/log: ends in the middle of its packed data")));
    EXPECT_THAT(read({file("log", packed.substr(0, packed.size() - 1))}), ElementsAre(HasSubstr("in the middle")));
    std::string broken = packed;
    for (std::size_t i = packed.size() / 2; i < packed.size() / 2 + 64; ++i) broken[i] = static_cast<char>(~broken[i]);
    EXPECT_THAT(read({file("log", broken)}), ElementsAre(HasSubstr("/log: is damaged")));
    EXPECT_THAT(read({file("log", packed + "rest")}), ElementsAre(HasSubstr("/log: is damaged")));
  }
  EXPECT_THAT(read({file("log", "\x1f\x8b")}), ElementsAre(HasSubstr("in the middle")));
}

TEST_F(inputs, globs_and_directories_stand_for_their_files) {
  file("logs/b.log", "");
  file("logs/a.log", "");
  file("logs/deeper/c.log", "");
  file("logs/.hidden", "");
  file("logs/odd[1].log", "");
  const auto names = [&](const std::vector<std::string>& typed) {
    std::vector<std::string> found;
    const auto paths = input_paths(typed);
    EXPECT_TRUE(paths) << paths.error();
    for (const std::string& each : paths.value_or(std::vector<std::string>())) {
      found.push_back(each == "-" ? each : std::filesystem::path(each).lexically_relative(folder_).string());
    }
    return found;
  };
  EXPECT_THAT(names({path("logs/*.log")}), ElementsAre("logs/a.log", "logs/b.log", "logs/odd[1].log"));
  EXPECT_THAT(names({path("logs")}), ElementsAre("logs/a.log", "logs/b.log", "logs/deeper/c.log", "logs/odd[1].log"));
  EXPECT_THAT(names({path("logs/odd[1].log"), "-"}), ElementsAre("logs/odd[1].log", "-")) << "a name of its own";
  EXPECT_THAT(input_paths({path("logs/*.gz")}).error(), HasSubstr("logs/*.gz: matches no file"));
  EXPECT_THAT(input_paths({path("logs/deep*")}).error(), HasSubstr("matches directories alone"));
  std::filesystem::create_directories(path("empty"));
  EXPECT_THAT(input_paths({path("empty")}).error(), HasSubstr("is a directory without files"));
}

TEST_F(inputs, are_merged_by_time_whatever_their_order) {
  const std::string old = file("old", line(1, "/1") + line(2, "/2") + line(9, "/9"));
  const std::string next = file("next", gzip(line(3, "/3") + line(5, "/5")));
  const std::string last = file("last", line(4, "/4") + line(6, "/6"));
  const std::vector<std::string> expected = {"/1", "/2", "/3", "/4", "/5", "/6", "/9"};
  EXPECT_EQ(read({old, next, last}), expected);
  EXPECT_EQ(read({last, next, old}), expected);
  EXPECT_EQ(sources_[0].path, last) << "sources stay in the order they were named";
  EXPECT_EQ(sources_[2].kept, 3U);
}

TEST_F(inputs, a_line_out_of_order_does_not_stop_the_others) {
  const std::string one = file("one", line(10, "/10") + line(2, "/late") + line(11, "/11"));
  const std::string two = file("two", line(9, "/9") + line(12, "/12"));
  EXPECT_THAT(read({one, two}), ElementsAre("/9", "/10", "/late", "/11", "/12"));
}

TEST_F(inputs, more_than_may_be_open_are_read_all_the_same) {
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < 2 * max_open_inputs; ++i) {
    paths.push_back(file("log." + std::to_string(i), line(static_cast<int>(i), "/") + line(1000, "/")));
  }
  EXPECT_EQ(read(paths).size(), 4 * max_open_inputs);
  EXPECT_TRUE(crowded_);
  for (std::size_t i = 0; i < paths.size(); ++i) file("log." + std::to_string(i), line(static_cast<int>(i), "/"));
  EXPECT_EQ(read(paths).size(), 2 * max_open_inputs);
  EXPECT_FALSE(crowded_) << "one after the other";
}

TEST_F(inputs, a_pipe_is_merged_with_files) {
  const std::string pipe = path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const std::string plain = file("file", line(2, "/2") + line(4, "/4"));
  std::jthread writer([&] { std::ofstream(pipe) << line(1, "/1") << std::flush << line(3, "/3"); });
  EXPECT_THAT(read({plain, pipe}), ElementsAre("/1", "/2", "/3", "/4"));
}

TEST_F(inputs, what_is_not_sure_is_told) {
  read({file("log", line(1, "/1"))});
  EXPECT_TRUE(facts_.doubts.empty());
  EXPECT_EQ(facts_.fewest_digits, 0);
  std::string mixed;
  for (int i = 0; i < 10; ++i) mixed += line(i, "/");
  for (int i = 0; i < 5; ++i)
    mixed += R"({"ts":1794823200.5,"method":"GET","uri":"/","status":200})"
             "\n";
  EXPECT_EQ(read({file("log", mixed + "# comment\n")}).size(), 15U);
  EXPECT_THAT(facts_.doubts, ElementsAre(HasSubstr(
                                 "taken for combined by 10 of its first 16 lines (62 %), json by 5; lines by format: "
                                 "combined 10 json 5")));
  EXPECT_EQ(facts_.set_aside, 1U);
  EXPECT_EQ(facts_.fewest_digits, 1) << "the most of any line of an input, the fewest of any input";
}

TEST_F(inputs, the_format_may_be_given) {
  const std::string odd = file("log", "16/Nov/2026:10:00:00 +0000|GET /a HTTP/1.1|200|7\n");
  const std::string format = "$time_local|$request|$status|$body_bytes_sent";
  EXPECT_THAT(read({odd}), ElementsAre(HasSubstr("1 of 1 lines are not")));
  EXPECT_THAT(read({odd}, format), ElementsAre("/a"));
  EXPECT_EQ(sources_[0].format, "format string");
  EXPECT_THAT(read({odd}, "log_format odd '" + format + "';"), ElementsAre("/a"));
  EXPECT_EQ(sources_[0].format, "odd");
  const std::string config =
      file("nginx.conf", "log_format main '$msec $request';\nlog_format odd '" + format + "';\n");
  EXPECT_THAT(read({odd}, "@" + config), ElementsAre("/a"));
  EXPECT_EQ(sources_[0].format, "odd");
  EXPECT_THAT(read({odd}, "@" + config + "#odd"), ElementsAre("/a"));
  EXPECT_THAT(read({file("usual", line(1, "/u"))}, "@" + config), ElementsAre("/u")) << "combined needs no directive";
}

TEST(format_choices, that_are_none_say_what_was_expected) {
  const auto error = [](const std::string& typed) {
    const auto choice = format_choice::parse(typed);
    return choice ? "accepted" : choice.error();
  };
  EXPECT_THAT(error("cadddy"), HasSubstr("--format \"cadddy\": did you mean caddy?"));
  EXPECT_THAT(error("nothing like it"), HasSubstr("expected one of combined, ingress"));
  EXPECT_THAT(error("$status"), HasSubstr("expected the request"));
  EXPECT_THAT(error("@/no/such/file"), HasSubstr("/no/such/file: cannot read"));
  EXPECT_THAT(error("@/dev/null"), HasSubstr("expected log_format or LogFormat directives, found none"));
  EXPECT_THAT(error("json:time=a"), HasSubstr("expected a member for time, for request"));
  EXPECT_THAT(error("log_format x '$status';"), HasSubstr("x: expected the request"));
}

TEST_F(inputs, archives_are_read_entry_by_entry) {
  const auto entry = [](int second, std::string_view url, std::string_view more = "") {
    return fmt::format(R"({{"startedDateTime":"2026-11-16T10:00:{:02}.000Z","time":1,"request":{{"method":"GET",)"
                       R"("url":"https://shop{}","headers":[]}},"response":{{"status":200,"bodySize":5{}}}}})",
                       second, url, more);
  };
  const std::string head = R"({"log":{"version":"1.2","creator":{"name":"entries","version":"[{"},"entries":[)";
  const std::string tail = R"(],"pages":[{"id":"entries"}]}})";
  const std::string body = ",\"text\":\"" + std::string(3'000'000, 'x') + "\\\"{[\"";
  const std::string whole = head + entry(1, "/a") + "," + entry(2, "/b", body) + " , " + entry(3, "/c{[") + tail;
  EXPECT_THAT(read({file("log.har", whole)}), ElementsAre("https://shop/a", "https://shop/b", "https://shop/c{["));
  EXPECT_EQ(sources_[0].format, "har");
  EXPECT_EQ(sources_[0].lines, 3U);
  EXPECT_EQ(read({file("log.har", "\xEF\xBB\xBF{ \"log\" : \n" + whole.substr(7))}).size(), 3U) << "in any layout";
  // Cut in the second entry.
  EXPECT_EQ(read({file("log.har", whole.substr(0, head.size() + 400))}).size(), 1U);
  EXPECT_EQ(sources_[0].rejected.at("not one JSON object"), 1U);
}

struct begun {
  log_time starts;
  int number = 0;
};

class start_orders : public testing::Test {
 protected:
  void add(int starts_s, bool is_start = true) {
    order_.add({.starts = log_time(std::chrono::seconds(starts_s)), .number = came_++}, is_start,
               [&](const begun& each) { take(each); });
  }
  void finish() {
    order_.finish([&](const begun& each) { take(each); });
  }
  void take(const begun& each) {
    starts_.push_back(std::chrono::floor<std::chrono::seconds>(each.starts).time_since_epoch().count());
    numbers_.push_back(each.number);
  }

  start_order<begun> order_;
  int came_ = 0;
  std::vector<std::int64_t> starts_;
  std::vector<int> numbers_;
};

TEST_F(start_orders, requests_that_began_earlier_come_first_within_bounds) {
  // Apache stamps the start and writes at the end; entries of a HAR file may be in any order.
  for (const int second : {1, 2, 5, 3, 4, 9, 7}) add(second);
  finish();
  EXPECT_THAT(starts_, ElementsAre(1, 2, 5, 3, 4, 7, 9)) << "5 had gone when the disorder showed";
}

TEST_F(start_orders, requests_come_in_the_order_they_began) {
  add(1);
  EXPECT_THAT(starts_, ElementsAre(1)) << "nothing to put in order yet";
  for (const int second : {9, 6, 7, 7}) add(second, false);
  finish();
  EXPECT_THAT(starts_, ElementsAre(1, 6, 7, 7, 9));
  EXPECT_THAT(numbers_, ElementsAre(0, 2, 3, 4, 1)) << "of those that start together the first that came";
  starts_.clear();
  for (int i = 0; i < 3000; ++i) add(100 + i, false);
  EXPECT_EQ(starts_.size(), 3000 - max_held) << "held back are so many and no more";
  finish();
  EXPECT_EQ(starts_.size(), 3000U);
  EXPECT_EQ(starts_.back(), 3099);
}

TEST_F(start_orders, another_log_behind_this_one_is_put_in_order_too) {
  for (const int second : {90'000, 90'002, 90'001, 10'000, 10'002, 10'001}) add(second);
  finish();
  EXPECT_THAT(starts_, ElementsAre(90'000, 90'002, 90'001, 10'000, 10'001, 10'002))
      << "the disorder of the first showed too late";
}

}  // namespace
}  // namespace assay::learn
