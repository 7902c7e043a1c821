// curl lines, HAR files, and what becomes of either.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "lab/load/counter_random.hpp"
#include "lab/load/curl_line.hpp"
#include "lab/load/har.hpp"
#include "lab/load/shell_words.hpp"

namespace assay::load {
namespace {

using words = std::vector<std::string>;
using fields = std::vector<std::pair<std::string, std::string>>;

// What is said of what cannot be read.
template <class T>
std::string why(const std::expected<T, std::string>& read) {
  return read ? "it was read" : read.error();
}

// A file of a test, until the test has ended.
class scratch_file {
 public:
  scratch_file(const std::string& name, const std::string& text)
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

TEST(shell_words, are_split_as_a_shell_would) {
  EXPECT_EQ(shell_words("  a  b\tc\n"), (words{"a", "b", "c"}));
  EXPECT_EQ(shell_words(R"('a b' "c \"d\" \x" e\ f '')"), (words{"a b", "c \"d\" \\x", "e f", ""}));
  EXPECT_EQ(shell_words("a'b'\"c\"d \\\n e"), (words{"abcd", "e"}));
  EXPECT_EQ(shell_words(R"($'it\'s\n\x41\u00e9\u20ac\101')"), (words{"it's\nA\xc3\xa9\xe2\x82\xac"
                                                                     "A"}));
  EXPECT_EQ(shell_words(""), words());
}

TEST(shell_words, refuse_what_a_shell_would_have_to_do) {
  for (const char* text : {"a $HOME", "a `b`", "a | b", "a > b", "a; b", "a & b", "a 'b", "a \"b", "a $'b", "a \\",
                           "\"$HOME\"", "\"`b`\"", R"($'\q')", R"($'\x')", "a *"}) {
    EXPECT_FALSE(shell_words(text)) << text;
  }
  EXPECT_EQ(shell_words("\"$HOME\"").error(),
            "'$' within double quotes is for a shell, and there is none here: write \\$");
}

std::string in_single_quotes(const std::string& word) {
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

TEST(shell_words, of_any_bytes_come_back_from_quotes) {
  std::uint64_t state = 5;
  for (int round = 0; round < 300; ++round) {
    words written;
    std::string line;
    for (int word = 0; word < 4; ++word) {
      written.emplace_back();
      for (std::uint64_t i = 0, n = mix(++state) % 12; i < n; ++i) written.back() += static_cast<char>(mix(++state));
      line += " " + in_single_quotes(written.back());
    }
    ASSERT_EQ(shell_words(line), written);
  }
}

// Pieces of command lines in any order: read, or refused in a sentence.
TEST(curl, reads_or_refuses_whatever_it_is_given) {
  constexpr std::array<std::string_view, 22> pieces = {
      "curl ", "-H ",  "-d",  "@", "'", "\"", "\\", "$'", "\n",   " ",       "http://a",
      "-X",    "PUT ", "-G ", "=", "?", "#",  "{",  "\0", "\xff", "--json ", "--url "};
  std::uint64_t state = 9;
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string line = "curl ";
    for (std::uint64_t i = 0, n = mix(++state) % 10; i < n; ++i) line += pieces[mix(++state) % pieces.size()];
    const auto read = parse_curl(line);
    if (read) {
      ++accepted;
      ASSERT_TRUE(read->url.starts_with("http")) << line;
    } else {
      ASSERT_FALSE(read.error().empty()) << line;
    }
  }
  EXPECT_GT(accepted, 500);
}

recorded_request curl(const std::string& line) {
  const auto read = parse_curl("curl " + line);
  EXPECT_TRUE(read) << line << ": " << read.error();
  return read.value_or(recorded_request{});
}

TEST(curl, a_url_alone_is_got) {
  EXPECT_EQ(curl("http://a/b?c#d"),
            (recorded_request{.method = "GET", .url = "http://a/b?c#d", .headers = {{"Accept", "*/*"}}, .body = ""}));
  EXPECT_EQ(curl("localhost:8080").url, "http://localhost:8080");
  EXPECT_EQ(curl("--url http://a/ -sSvk --http1.1 -o /dev/null -w '%{http_code}'").url, "http://a/");
}

TEST(curl, data_makes_a_post_and_says_its_type) {
  const recorded_request form = curl("http://a/ -d a=1 --data-raw @b -da=2");
  EXPECT_EQ(form.method, "POST");
  EXPECT_EQ(form.body, "a=1&@b&a=2");
  EXPECT_EQ(form.headers, (fields{{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "*/*"}}));
  const recorded_request json = curl("http://a/ --json '{\"a\":1}'");
  EXPECT_EQ(json.body, "{\"a\":1}");
  EXPECT_EQ(json.headers, (fields{{"Accept", "application/json"}, {"Content-Type", "application/json"}}));
  const recorded_request typed = curl("-XPUT -H 'content-type: text/plain' -H Accept: --data-binary x http://a/");
  EXPECT_EQ(typed.method, "PUT");
  EXPECT_EQ(typed.headers, (fields{{"content-type", "text/plain"}})) << "and no Accept";
  const scratch_file body("curl-body", "one\r\ntwo\n");
  EXPECT_EQ(curl("http://a/ -d @" + body.path()).body, "onetwo");
  EXPECT_EQ(curl("http://a/ --data-binary @" + body.path()).body, "one\r\ntwo\n");
}

TEST(curl, the_other_options_that_make_the_request) {
  EXPECT_EQ(curl("-G -d a=1 -d b http://a#x").url, "http://a/?a=1&b");
  EXPECT_EQ(curl("-G -d a=1 'http://a/b?c'").url, "http://a/b?c&a=1");
  EXPECT_EQ(curl("-G -d a=1 http://a").method, "GET");
  EXPECT_EQ(curl("-I http://a").method, "HEAD");
  EXPECT_EQ(curl("-A me -e http://r -b k=v -H 'X;' --compressed -H 'Connection: keep-alive' http://a").headers,
            (fields{{"User-Agent", "me"},
                    {"Referer", "http://r"},
                    {"Cookie", "k=v"},
                    {"X", ""},
                    {"Accept-Encoding", "deflate, gzip, br, zstd"},
                    {"Accept", "*/*"}}));
}

TEST(curl, what_is_not_supported_is_refused_by_its_name) {
  const auto refusal = [](const std::string& line) { return why(parse_curl(line)); };
  EXPECT_EQ(refusal("curl http://a --proxy http://b"), "curl's --proxy is not supported");
  EXPECT_EQ(refusal("curl http://a -sx http://b"), "curl's -x is not supported");
  EXPECT_EQ(refusal("curl -L http://a"), "curl's -L is not supported: --follow follows redirects");
  EXPECT_EQ(refusal("curl -u me:secret http://a"), "curl's -u is not supported: write -H 'Authorization: ...'");
  EXPECT_EQ(refusal("curl --form a=b http://a"),
            "curl's --form is not supported: write the body with --data-binary @FILE");
  EXPECT_EQ(refusal("curl http://a -H"), "curl's -H without its argument");
  EXPECT_EQ(refusal("curl http://a http://b"), "a second URL, \"http://b\": expected one a line");
  EXPECT_EQ(refusal("curl -s"), "expected a URL");
  EXPECT_EQ(refusal("curl ftp://a/"), "\"ftp://a/\": expected an http URL");
  EXPECT_EQ(refusal("wget http://a"), "expected a line that begins with curl");
  EXPECT_EQ(refusal("curl http://a -H nonsense"), "curl's header \"nonsense\": expected \"Name: value\"");
  EXPECT_EQ(refusal("curl http://a -b jar.txt"), "curl's --cookie with a file is not supported: write \"name=value\"");
  EXPECT_EQ(refusal("curl http://a -d @/no/such"), "curl's data, /no/such: no such file");
}

TEST(curl, a_file_has_one_a_line) {
  const scratch_file good("curl-good", "# notes\n\ncurl http://a/1\r\n  curl -XPOST \\\n  http://a/2\ncurl http://a/1");
  const auto read = read_curl(good.path());
  ASSERT_TRUE(read) << read.error();
  ASSERT_EQ(read->size(), 3U);
  EXPECT_EQ((*read)[1].method, "POST");
  const scratch_file bad("curl-bad", "curl http://a/1\ncurl \\\n http://a/2\ncurl --proxy x http://a/3\n");
  EXPECT_EQ(why(read_curl(bad.path())), bad.path() + ":4: curl's --proxy is not supported");
  const scratch_file none("curl-none", "# nothing\n");
  EXPECT_EQ(why(read_curl(none.path())), none.path() + ": holds no curl line");
  EXPECT_EQ(why(read_curl("/no/such")),
            "--curl: expected a line that begins with curl, or a file: /no/such: no such file");
  EXPECT_EQ(why(read_curl("curl -L x")), "--curl: curl's -L is not supported: --follow follows redirects");
}

TEST(recorded, equal_requests_are_one_route_with_a_weight) {
  const recorded_request one{.method = "GET", .url = "http://a:1/x?y={z}", .headers = {{"Host", "a:1"}}, .body = ""};
  recorded_request other = one;
  other.headers.emplace_back("X", "{1}");
  recorded_request elsewhere = one;
  elsewhere.url = "https://cdn/x";
  const auto made = load_of({one, other, elsewhere, one}, "", {});
  ASSERT_TRUE(made) << made.error();
  EXPECT_EQ(made->url, "http://a:1");
  EXPECT_EQ(made->left_out, 1U);
  ASSERT_EQ(made->routes.size(), 2U);
  EXPECT_EQ(made->routes[0].weight, 2);
  EXPECT_EQ(made->routes[0].name, "GET /x?y={z}");
  EXPECT_EQ(made->routes[0].target, "/x?y={{z}}") << "no placeholder: nobody feeds it";
  EXPECT_TRUE(made->routes[0].headers.empty());
  EXPECT_EQ(made->routes[1].name, "GET /x?y={z} #2");
  EXPECT_EQ(made->routes[1].headers, (fields{{"X", "{{1}}"}}));
  EXPECT_EQ(load_of({one}, "http://b", {{"z", {}}})->routes[0].target, "/x?y={z}");
  EXPECT_EQ(load_of({one}, "http://b", {})->url, "http://b");
  EXPECT_FALSE(load_of({}, "", {}));
}

TEST(har, requests_without_what_is_the_connections) {
  const scratch_file file("har-good", R"({"log":{"version":"1.2","entries":[
    {"request":{"method":"POST","url":"https://shop/orders","headers":[{"name":":authority","value":"shop"},
      {"name":"Content-Length","value":"2"},{"name":"X","value":"1"}],"postData":{"mimeType":"a/b","text":"{}"}}},
    {"request":{"method":"GET","url":"data:text/plain,x"}},
    {"request":{"method":"GET","url":"https://shop/"}}]}})");
  const auto read = read_har(file.path());
  ASSERT_TRUE(read) << read.error();
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ((*read)[0],
            (recorded_request{.method = "POST", .url = "https://shop/orders", .headers = {{"X", "1"}}, .body = "{}"}));
}

TEST(har, a_form_is_put_together_from_its_fields) {
  const auto body_of = [](const std::string& data) {
    const scratch_file file("har-form", R"({"log":{"entries":[{"request":{"method":"POST","url":"http://a/",)"
                                        R"("headers":[{"name":"X","value":"1"}],"postData":)" +
                                            data + "}}]}}");
    const auto read = read_har(file.path());
    recorded_request none;
    if (!read) none.method = read.error();
    return read ? read->front() : none;
  };
  const recorded_request form =
      body_of(R"({"mimeType":"application/x-www-form-urlencoded; charset=UTF-8","params":[)"
              R"({"name":"user name","value":"a&b=\u00e4"},{"name":"empty"},{"name":"safe*-._09","value":"{id}"}]})");
  EXPECT_EQ(form.body, "user+name=a%26b%3D%C3%A4&empty=&safe*-._09=%7Bid%7D") << form.method;
  EXPECT_EQ(form.headers, (fields{{"X", "1"}, {"Content-Type", "application/x-www-form-urlencoded"}}));
  EXPECT_EQ(body_of(R"({"text":"","params":[{"name":"a","value":"b"}]})").body, "a=b");
  EXPECT_EQ(body_of(R"({"text":"a=c","params":[{"name":"a","value":"b"}]})").body, "a=c") << "as it was sent";
  EXPECT_EQ(body_of(R"({"mimeType":"multipart/form-data","text":"--x","params":[{"name":"a"}]})").body, "--x");
  for (const char* empty : {"null", R"({"params":[]})", R"({"text":""})"}) {
    EXPECT_EQ(body_of(empty).body, "") << empty;
    EXPECT_EQ(body_of(empty).method, "POST") << empty;
  }
}

TEST(har, entries_say_when_on_which_connection_and_what_was_answered) {
  const scratch_file file("har-timed", R"({"log":{"entries":[
    {"startedDateTime":"2026-11-23T08:00:00.250Z","connection":"7","request":{"method":"GET","url":"http://a/"},
     "response":{"status":304}},
    {"request":{"method":"GET","url":"http://a/b"},"response":{"status":0}},
    {"request":{"method":"GET","url":"http://a/c"},"response":{"status":"200"},"connection":9}]}})");
  const auto read = read_har_entries(file.path());
  ASSERT_TRUE(read) << read.error();
  ASSERT_EQ(read->size(), 3U);
  EXPECT_EQ((*read)[0].started, "2026-11-23T08:00:00.250Z");
  EXPECT_EQ((*read)[0].connection, "7");
  EXPECT_EQ((*read)[0].status, 304);
  for (const std::size_t unknown : {1U, 2U}) {
    EXPECT_EQ((*read)[unknown].started, "");
    EXPECT_EQ((*read)[unknown].connection, "");
    EXPECT_EQ((*read)[unknown].status, 0);
  }
}

TEST(har, what_is_none_is_told_with_the_entry) {
  const auto refusal = [](const std::string& text) {
    const scratch_file file("har-bad", text);
    std::string said = why(read_har(file.path()));
    return said.starts_with(file.path()) ? said.substr(file.path().size()) : said;
  };
  for (const char* none : {"", "[]", "{}", R"({"log":1})", R"({"log":{"entries":{}}})", "{\"log\":"}) {
    EXPECT_EQ(refusal(none), ": expected a HAR file, a JSON object with \"log\" and in it a list of \"entries\"")
        << none;
  }
  const auto entry = [&refusal](const std::string& text) { return refusal(R"({"log":{"entries":[)" + text + "]}}"); };
  EXPECT_EQ(entry(""), ": holds no http request");
  EXPECT_EQ(entry("1"), ": entries[0]: expected an object with a \"request\"");
  EXPECT_EQ(entry(R"({"request":{"method":"GET"}})"),
            ": entries[0]: expected the texts \"method\" and \"url\" in \"request\"");
  EXPECT_EQ(entry(R"({"request":{"method":"GET","url":"http://a","headers":[{"name":1}]}})"),
            ": entries[0]: expected the texts \"name\" and \"value\" in each of \"headers\"");
  const auto body = [&entry](const std::string& text) {
    return entry(
        R"({"request":{"method":"GET","url":"http://a"}},{"request":{"method":"POST","url":"http://a","postData":)" +
        text + "}}");
  };
  for (const char* none : {"{}", "1", R"({"params":1})"}) {
    EXPECT_EQ(body(none), ": entries[1]: expected a \"text\" or a list of \"params\" in \"postData\"") << none;
  }
  EXPECT_EQ(body(R"({"mimeType":"multipart/form-data; boundary=x","params":[{"name":"a"}]})"),
            ": entries[1]: \"postData\" of multipart/form-data has \"params\" and no \"text\": only those of "
            "application/x-www-form-urlencoded can be put together");
  EXPECT_EQ(entry(R"({"request":{"method":"POST","url":"http://a","headers":[{"name":"content-type",)"
                  R"("value":"multipart/form-data; boundary=x"}],"postData":{"params":[{"name":"a"}]}}})"),
            ": entries[0]: \"postData\" of multipart/form-data has \"params\" and no \"text\": only those of "
            "application/x-www-form-urlencoded can be put together")
      << "by its field, where it does not say";
  for (const char* wrong : {R"({"params":[{"value":"x"}]})", R"({"params":[{"name":"a","fileName":"b.png"}]})"}) {
    EXPECT_EQ(body(wrong),
              ": entries[1]: expected the text \"name\", and no \"fileName\", in each of \"params\" in \"postData\"");
  }
}

}  // namespace
}  // namespace assay::load
