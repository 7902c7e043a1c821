// What services are made of beside handlers: JSON, settings, origins, files.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>

#include "stack/http/json.hpp"
#include "stack/http/origin.hpp"
#include "stack/http/settings.hpp"
#include "stack/http/static_files.hpp"
#include "stack/net/address.hpp"

namespace assay::http {
namespace {

using namespace std::string_literals;

TEST(json_object, has_its_fields_in_order_and_text_escaped) {
  EXPECT_EQ(json_object({{"id", 7}, {"name", "a\"b\\\n\x01"s}, {"ok", true}, {"note", nullptr}}),
            R"({"id":7,"name":"a\"b\\\n\u0001","ok":true,"note":null})");
  EXPECT_EQ(json_object({}), "{}");
  EXPECT_EQ(json_object({{"list", json_text{"[1]"}}, {"half", 0.5}, {"nothing", std::nan("")}}),
            R"({"list":[1],"half":0.5,"nothing":null})");
  EXPECT_EQ(json_object({{"least", std::numeric_limits<std::int64_t>::min()},
                         {"most", std::numeric_limits<std::uint64_t>::max()}}),
            R"({"least":-9223372036854775808,"most":18446744073709551615})");
  EXPECT_EQ(json_object({{"bad", "\xff"}}), "{\"bad\":\"\xEF\xBF\xBD\"}");
}

std::string origin_text(std::string_view url) {
  const auto got = origin_of(url);
  return got ? got->host + " at " + net::format_address(got->address) : got.error();
}

TEST(origin_of, takes_host_and_port_and_nothing_else) {
  EXPECT_EQ(origin_text("http://127.0.0.1:9100"), "127.0.0.1:9100 at 127.0.0.1:9100");
  EXPECT_EQ(origin_text("http://127.0.0.1:9100/"), "127.0.0.1:9100 at 127.0.0.1:9100");
  EXPECT_EQ(origin_text("http://127.0.0.1"), "127.0.0.1 at 127.0.0.1:80");
  EXPECT_EQ(origin_text("http://127.0.0.1:80"), "127.0.0.1 at 127.0.0.1:80");
  EXPECT_EQ(origin_text("http://[::1]:81"), "[::1]:81 at [::1]:81");
  for (const char* bad : {"", "127.0.0.1:80", "https://127.0.0.1", "http://", "http://127.0.0.1:", "http://127.0.0.1:0",
                          "http://127.0.0.1:65536", "http://127.0.0.1:8x", "http://127.0.0.1/path",
                          "http://u@127.0.0.1", "http://127.0.0.1?q", "http://[::1", "http://[]x"}) {
    EXPECT_EQ(origin_text(bad), "\""s + bad + "\": expected http://host:port");
  }
}

TEST(origins_of, takes_several_and_says_which_is_wrong) {
  const auto hosts = origins_of("http://127.0.0.1:1,http://127.0.0.1:2/");
  ASSERT_TRUE(hosts);
  ASSERT_EQ(hosts->size(), 2U);
  EXPECT_EQ((*hosts)[1].host, "127.0.0.1:2");
  EXPECT_EQ(origins_of("http://127.0.0.1:1").value().size(), 1U);
  for (const char* bad : {"", "http://127.0.0.1,", ",http://127.0.0.1", "http://127.0.0.1,,http://127.0.0.1:2"}) {
    EXPECT_EQ(origins_of(bad).error(), "\"\": expected http://host:port") << bad;
  }
  EXPECT_EQ(origins_of("http://127.0.0.1, http://[::1]").error(), "\" http://[::1]\": expected http://host:port");
}

TEST(number_setting, is_a_whole_number_within_its_bounds) {
  ::setenv("ASSAY_TEST_SETTING", "8", 1);
  EXPECT_EQ(number_setting("ASSAY_TEST_SETTING", 1, 8).value(), 8U);
  for (const char* bad : {"0", "9", "-1", "2x", " 2", "99999999999"}) {
    ::setenv("ASSAY_TEST_SETTING", bad, 1);
    EXPECT_EQ(number_setting("ASSAY_TEST_SETTING", 1, 8).error(),
              "ASSAY_TEST_SETTING is \""s + bad + "\"; allowed: 1 to 8");
  }
  EXPECT_EQ(optional_number("ASSAY_TEST_SETTING", 8).error(), "ASSAY_TEST_SETTING is \"99999999999\"; allowed: 1 to 8");
  ::setenv("ASSAY_TEST_SETTING", "8", 1);
  EXPECT_EQ(optional_number("ASSAY_TEST_SETTING", 8).value(), 8U);
  ::unsetenv("ASSAY_TEST_SETTING");
  EXPECT_EQ(number_setting("ASSAY_TEST_SETTING", 3, 8).value(), 3U);
  EXPECT_EQ(optional_number("ASSAY_TEST_SETTING", 8).value(), std::nullopt);
}

TEST(setting, is_there_or_has_a_fallback_or_is_named) {
  ::setenv("ASSAY_TEST_SETTING", "here", 1);
  EXPECT_EQ(setting("ASSAY_TEST_SETTING").value(), "here");
  ::setenv("ASSAY_TEST_SETTING", "", 1);
  EXPECT_EQ(setting("ASSAY_TEST_SETTING", "else").value(), "else");
  EXPECT_EQ(setting("ASSAY_TEST_SETTING").error(), "ASSAY_TEST_SETTING is not set");
  EXPECT_EQ(or_refuse(setting("ASSAY_TEST_SETTING", "else")), "else");
  EXPECT_EXIT(or_refuse(setting("ASSAY_TEST_SETTING")), ::testing::ExitedWithCode(could_not_start),
              "http_router_test: ASSAY_TEST_SETTING is not set");
}

class static_files_test : public ::testing::Test {
 protected:
  static_files_test() {
    std::filesystem::create_directories(folder_ / "inner");
    write("small", "12345");
    write("large", std::string(11, 'x'));
  }
  ~static_files_test() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }
  response get(std::string name) { return on_.run(files_.get(std::move(name), "text/x")); }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("assay-static-files-" + std::to_string(::getpid()));
  offload_pool readers_{{.threads = 1, .max_queued = 4}};
  static_files files_{{.folder = folder_.string(), .max_file_bytes = 10, .max_kept_bytes = 12}, readers_};
  loop on_{std::move(*make_io({.kind = io_kind::epoll, .buffer_count = 1}))};
};

TEST_F(static_files_test, are_read_once_and_kept_up_to_the_limit) {
  EXPECT_EQ(get("small").body, "12345");
  EXPECT_EQ(get("small").content_type.text(), "text/x");
  write("small", "changed");
  EXPECT_EQ(get("small").body, "12345") << "it was kept";
  write("second", "1234567");
  EXPECT_EQ(get("second").body, "1234567");
  write("third", "1");
  EXPECT_EQ(get("third").body, "1");
  write("third", "2");
  EXPECT_EQ(get("third").body, "2") << "there was no room left";
}

TEST_F(static_files_test, are_those_of_the_folder_and_not_too_large) {
  write("inner/file", "1");
  for (const char* name : {"", ".", "..", "large", "nowhere", "inner", "inner/file", "../passwd", "/etc/passwd"}) {
    const response got = get(name);
    EXPECT_EQ(got.status, 404) << name;
    EXPECT_EQ(got.reason, "not_found");
  }
  EXPECT_EQ(get("small\0"s).status, 404);
}

// A request whose body comes in pieces.
class pieces final : public request {
 public:
  pieces(std::vector<std::string> of, std::uint64_t announced) : pieces_(std::move(of)) {
    head_.body = {.kind = announced != 0 ? body_kind::length : body_kind::chunked, .length = announced};
  }
  task<result<std::string_view>> read() override {
    reads++;
    co_return next_ < pieces_.size() ? std::string_view(pieces_[next_++]) : std::string_view();
  }
  int reads = 0;

 private:
  std::vector<std::string> pieces_;
  std::size_t next_ = 0;
};

TEST_F(static_files_test, a_body_is_read_up_to_a_limit) {
  pieces fits({"ab", "cd"}, 0);
  EXPECT_EQ(on_.run(fits.read_all(4)).value(), "abcd");
  pieces grows({"ab", "cde", "f"}, 0);
  EXPECT_EQ(on_.run(grows.read_all(4)).error().code, errc::limit);
  EXPECT_EQ(grows.reads, 2) << "and no further";
  pieces announces({"abcde"}, 5);
  EXPECT_EQ(on_.run(announces.read_all(4)).error().code, errc::limit);
  EXPECT_EQ(announces.reads, 0);
}

}  // namespace
}  // namespace assay::http
