// Recordings read to be sent again: access logs and GoReplay's files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "lab/learn/gor_traffic.hpp"
#include "lab/learn/line/gor_record.hpp"
#include "lab/learn/log_traffic.hpp"

namespace assay::learn {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// A file of a test, until the test has ended.
class scratch_file {
 public:
  explicit scratch_file(const std::string& text, const std::string& name = "traffic")
      : path_((std::filesystem::temp_directory_path() / (std::to_string(::getpid()) + name)).string()) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~scratch_file() { std::filesystem::remove(path_); }
  scratch_file(const scratch_file&) = delete;
  scratch_file& operator=(const scratch_file&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

model::recorded_traffic log_of(const std::string& text, std::uint64_t seed = 1) {
  const scratch_file file(text);
  auto read = read_log_traffic({.files = {file.path()}, .seed = seed});
  if (read) return std::move(*read);
  ADD_FAILURE() << read.error();
  return {};
}

std::string log_error(const std::string& text) {
  const scratch_file file(text);
  const auto read = read_log_traffic({.files = {file.path()}});
  return read ? "it was read" : read.error();
}

std::string line(int second, const std::string& address, const std::string& target, const std::string& tail = "") {
  return address + " - - [17/May/2015:10:05:" + std::to_string(100 + second).substr(1) + " +0000] \"GET " + target +
         " HTTP/1.1\" 200 12 \"-\" \"agent\"" + tail + "\n";
}

std::vector<std::string> targets(const model::recorded_traffic& of) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < of.size(); ++i) all.emplace_back(of[i].target);
  return all;
}

TEST(log_traffic, a_line_is_a_request_without_a_body) {
  const auto traffic = log_of(
      "shop.example 10.0.0.1 - - [17/May/2015:10:05:03 +0000] \"POST /a\\x20b?c=d HTTP/1.1\" 201 12 \"http://from/\" "
      "\"Agent \\\"7\\\"\"\n");
  ASSERT_EQ(traffic.size(), 1U);
  const model::traffic_request request = traffic[0];
  EXPECT_EQ(request.at, 0ns);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/a b?c=d") << "as the client sent it; that it cannot be sent is for the rules to say";
  EXPECT_EQ(request.host, "shop.example");
  EXPECT_EQ(request.fields, "User-Agent: Agent \"7\"\r\nReferer: http://from/\r\n");
  EXPECT_EQ(request.status, 201);
  EXPECT_EQ(request.body, "");
  EXPECT_TRUE(request.whole);
  EXPECT_THAT(traffic.notes, Contains(HasSubstr("a log holds no bodies")));
}

TEST(log_traffic, a_client_is_an_address_with_an_agent) {
  std::string text = line(0, "10.0.0.1", "/a") + line(1, "10.0.0.2", "/b") + line(2, "10.0.0.1", "/c");
  std::string other = line(3, "10.0.0.1", "/d");
  text += other.replace(other.find("agent"), 5, "other");
  const auto traffic = log_of(text);
  ASSERT_EQ(traffic.size(), 4U);
  EXPECT_EQ(traffic.clients(), 3U);
  EXPECT_EQ(traffic[0].client, traffic[2].client);
  EXPECT_NE(traffic[0].client, traffic[1].client);
  EXPECT_NE(traffic[0].client, traffic[3].client);
}

TEST(log_traffic, stamps_of_a_second_are_spread_over_it_in_the_order_of_the_log) {
  std::string text;
  std::vector<std::string> expected;
  for (int i = 0; i < 600; ++i) {
    expected.push_back("/" + std::to_string(i));
    text += line(i / 100, "10.0.0." + std::to_string(i % 7), expected.back());
  }
  const auto traffic = log_of(text);
  EXPECT_EQ(targets(traffic), expected);
  EXPECT_THAT(traffic.notes, Contains(HasSubstr("600 stamps are of a whole second")));
  // Of uniform places: each second holds its 100 still, and half of them lie in its first half, give or take 5 sigma.
  const auto second_of = [&](std::size_t i) { return (traffic[i].at + 10ms) / 1s; };
  int in_first_half = 0;
  for (std::size_t i = 0; i < 600; ++i) {
    EXPECT_NEAR(static_cast<double>(second_of(i)), static_cast<double>(i / 100), 1) << i;
    in_first_half += (traffic[i].at - traffic[100 * (i / 100)].at) < 500ms;
  }
  EXPECT_NEAR(in_first_half, 300, 62);
}

TEST(log_traffic, the_spread_is_a_function_of_the_seed) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += line(0, "10.0.0.1", "/" + std::to_string(i));
  const auto instants = [&text](std::uint64_t seed) {
    const auto traffic = log_of(text, seed);
    std::vector<std::chrono::nanoseconds> all;
    for (std::size_t i = 0; i < traffic.size(); ++i) all.push_back(traffic[i].at);
    return all;
  };
  EXPECT_EQ(instants(1), instants(1));
  EXPECT_NE(instants(1), instants(2));
}

// nginx stamps the end: what began first was written last.
TEST(log_traffic, a_request_lies_where_it_began) {
  const auto traffic = log_of(line(5, "10.0.0.1", "/quick", " 0.010") + line(9, "10.0.0.2", "/slow", " 8.000") +
                              line(9, "10.0.0.1", "/quick", " 0.010"));
  EXPECT_THAT(targets(traffic), ElementsAre("/slow", "/quick", "/quick"));
}

TEST(log_traffic, what_is_no_request_is_counted) {
  const auto traffic = log_of(line(0, "10.0.0.1", "/") + line(1, "10.0.0.1", "/") +
                              "10.0.0.1 - - [17/May/2015:10:05:03 +0000] \"-\" 400 0 \"-\" \"-\"\nnot a line\n");
  EXPECT_EQ(traffic.size(), 2U);
  std::uint64_t rejected = 0;
  for (const auto& [reason, count] : traffic.rejected) rejected += count;
  EXPECT_EQ(rejected, 2U);
}

// --- GoReplay ---

const std::string separator = "\n" + std::string(record_separator) + "\n";
const std::string first_id = "a7590000000100000001c0a8";  // 24 digits: port a759, port 0000, …
const std::string same_connection = "a759000000010000ffffffff";

std::string record(char kind, const std::string& id, std::uint64_t at_ms, const std::string& message) {
  return std::string(1, kind) + " " + id + " " + std::to_string(1646861401000 + at_ms) + "000000 0\n" + message +
         separator;
}

std::string get(const std::string& target) { return "GET " + target + " HTTP/1.1\r\nHost: a\r\nCookie: b=c\r\n\r\n"; }

model::recorded_traffic gor_of(const std::string& bytes) {
  const scratch_file file(bytes);
  auto read = read_gor_traffic({file.path()});
  if (read) return std::move(*read);
  ADD_FAILURE() << read.error();
  return {};
}

std::string gor_error(const std::string& bytes) {
  const scratch_file file(bytes);
  const auto read = read_gor_traffic({file.path()});
  return read ? "it was read" : read.error();
}

TEST(gor_traffic, a_message_is_kept_with_its_body) {
  const auto traffic = gor_of(record('1', first_id, 0,
                                     "POST /cart HTTP/1.1\r\nHost: shop\r\nConnection: keep-alive\r\nX-A: 1\r\n"
                                     "Content-Length: 8\r\nExpect: 100-continue\r\n\r\na\nb\r\n\n\nc"));
  ASSERT_EQ(traffic.size(), 1U);
  const model::traffic_request request = traffic[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/cart");
  EXPECT_EQ(request.host, "shop");
  EXPECT_EQ(request.fields, "X-A: 1\r\n");
  EXPECT_EQ(request.body, "a\nb\r\n\n\nc");
  EXPECT_TRUE(request.whole);
  EXPECT_EQ(request.status, 0);
}

TEST(gor_traffic, chunks_are_put_together_and_a_body_that_was_cut_is_said_to_be) {
  const std::string chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string announced = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n";
  const auto traffic =
      gor_of(record('1', first_id, 0, chunked + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n") +
             record('1', first_id, 1, chunked + "3\r\nabc\r\n") + record('1', first_id, 2, announced + "abc"));
  ASSERT_EQ(traffic.size(), 3U);
  EXPECT_EQ(traffic[0].body, "abcde");
  EXPECT_TRUE(traffic[0].whole);
  EXPECT_FALSE(traffic[1].whole);
  EXPECT_FALSE(traffic[2].whole);
}

TEST(gor_traffic, ids_tell_connections_and_answers_and_records_may_be_in_any_order) {
  const std::string old_id(40, 'a');
  const auto traffic =
      gor_of(record('2', first_id, 30, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n") +
             record('1', old_id, 20, get("/third")) + record('1', same_connection, 10, get("/second")) +
             record('1', first_id, 0, get("/first")) + record('3', first_id, 40, "HTTP/1.1 200 OK\r\n\r\n"));
  EXPECT_THAT(targets(traffic), ElementsAre("/first", "/second", "/third"));
  EXPECT_EQ(traffic[0].status, 404);
  EXPECT_EQ(traffic[1].status, 0);
  EXPECT_EQ(traffic[1].at, 10ms);
  EXPECT_EQ(traffic[0].client, traffic[1].client);
  EXPECT_NE(traffic[0].client, traffic[2].client);
  EXPECT_THAT(traffic.notes, ElementsAre(HasSubstr("1 ids name no connection")));
  EXPECT_THAT(traffic.rejected, IsEmpty());
}

TEST(gor_traffic, what_is_no_request_is_counted_by_reason) {
  const auto traffic = gor_of(
      record('1', first_id, 0, get("/a")) + record('1', first_id, 1, get("/b")) + record('1', first_id, 2, get("/c")) +
      record('1', first_id, 3, get("/d")) + record('1', first_id, 4, get("/e")) + "9 nonsense\nGET / HTTP/1.1\r\n\r\n" +
      separator + record('1', first_id, 5, "\x16\x03\x01 hello") +
      record('1', first_id, 6, "GET / HTTP/1.1\r\nHost: a\r\n") + record('1', first_id, 7, get("/") + "behind") + "1 " +
      first_id + " 1646861401000000000 0\n" + get("/last"));
  EXPECT_EQ(traffic.size(), 5U);
  EXPECT_THAT(traffic.rejected, UnorderedElementsAre(Pair(std::string(label(line_fault::bad_record)), 2U),
                                                     Pair(std::string(label(line_fault::no_request)), 1U),
                                                     Pair(std::string(label(line_fault::cut_short)), 2U)));
}

TEST(gor_traffic, packed_files_are_read_too) {
  const scratch_file file("", "traffic.gor.gz");
  const std::string bytes = record('1', first_id, 0, get("/packed"));
  ::gzFile packed = ::gzopen(file.path().c_str(), "wb");
  ASSERT_EQ(::gzwrite(packed, bytes.data(), static_cast<unsigned>(bytes.size())), static_cast<int>(bytes.size()));
  ASSERT_EQ(::gzclose(packed), Z_OK);
  const auto traffic = read_gor_traffic({file.path()});
  ASSERT_TRUE(traffic) << traffic.error();
  EXPECT_THAT(targets(*traffic), ElementsAre("/packed"));
}

TEST(gor_traffic, a_file_of_another_kind_is_refused_aloud) {
  EXPECT_THAT(gor_error(line(0, "10.0.0.1", "/")), HasSubstr("expected a GoReplay recording; 1 of 1 records are none"));
  EXPECT_THAT(gor_error(""), HasSubstr("holds no record"));
  EXPECT_THAT(log_error(record('1', first_id, 0, get("/"))),
              HasSubstr("assay replay gor sends them with their bodies"));
  EXPECT_THAT(read_gor_traffic({"/nowhere/at.gor"}).error(), HasSubstr("/nowhere/at.gor"));
}

TEST(gor_cutter, cuts_where_a_line_is_the_separator_however_the_bytes_come) {
  const std::string monkeys(record_separator);
  const std::string bytes =
      "one\n\n" + monkeys + "\nt" + monkeys + "\n" + monkeys + " \nwo\r\n" + separator.substr(1) + "rest";
  for (const std::size_t piece : {bytes.size(), std::size_t{1}, std::size_t{5}}) {
    gor_cutter cutter;
    std::vector<std::string> records;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      std::string_view some = std::string_view(bytes).substr(at, piece);
      while (cutter.feed(some)) records.emplace_back(cutter.record());
    }
    EXPECT_THAT(records, ElementsAre("one\n", "t" + monkeys + "\n" + monkeys + " \nwo\r"));
    EXPECT_TRUE(cutter.is_inside());
  }
}

TEST(gor_cutter, a_record_beyond_the_limit_is_passed_over) {
  gor_cutter cutter;
  const std::string bytes = "1 " + std::string(max_record_bytes, 'x') + separator + "next" + separator;
  std::string_view rest = bytes;
  ASSERT_TRUE(cutter.feed(rest));
  EXPECT_TRUE(cutter.too_long());
  EXPECT_EQ(cutter.record().size(), max_record_bytes);
  ASSERT_TRUE(cutter.feed(rest));
  EXPECT_FALSE(cutter.too_long());
  EXPECT_EQ(cutter.record(), "next");
  EXPECT_FALSE(cutter.is_inside());
}

}  // namespace
}  // namespace assay::learn
