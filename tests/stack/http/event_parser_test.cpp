// The event stream parser: the standard's own examples, every cut, every line end, and the limits.
#include "stack/http/event_parser.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace assay::http {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;

// Each event as "type|data|id".
std::vector<std::string> parse(event_parser& parser, std::string_view bytes, std::size_t piece_bytes) {
  std::vector<std::string> events;
  while (!bytes.empty()) {
    std::string_view piece = bytes.substr(0, piece_bytes);
    bytes.remove_prefix(piece.size());
    while (!piece.empty()) {
      auto next = parser.next(piece);
      if (!next) {
        events.emplace_back(describe(next.error()));
        return events;
      }
      if (*next) events.push_back((*next)->type + "|" + (*next)->data + "|" + (*next)->last_event_id);
    }
  }
  return events;
}

std::vector<std::string> parse(std::string_view bytes, std::size_t piece_bytes = 1000) {
  event_parser parser;
  return parse(parser, bytes, piece_bytes);
}

using events = std::vector<std::string>;

struct sample {
  std::string_view bytes;
  events expected;
};

const std::vector<sample>& samples() {
  static const std::vector<sample> all{
      // Those of the standard, section "Interpreting an event stream".
      {"data: YHOO\ndata: +2\ndata: 10\n\n", {"message|YHOO\n+2\n10|"}},
      {": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
       {"message|first event|1", "message|second event|", "message| third event|"}},
      {"data\n\ndata\ndata\n\ndata:", {"message||", "message|\n|"}},
      {"data:test\n\ndata: test\n\n", {"message|test|", "message|test|"}},
      // Line ends, also mixed.
      {"data: a\r\ndata: b\r\n\r\ndata: c\r\rdata: d\n\n", {"message|a\nb|", "message|c|", "message|d|"}},
      {"data: a\r\n\rdata: b\n\r\n", {"message|a|", "message|b|"}},
      // The byte order mark, once and in front.
      {"\xef\xbb\xbf"
       "data: a\n\n",
       {"message|a|"}},
      {"\xef\xbb\xbf\n\n\xef\xbb\xbf"
       "data: a\ndata: b\n\n",
       {"message|b|"}},
      {"\xef\xbb"
       "data: a\ndata: b\n\n",
       {"message|b|"}},
      // Fields.
      {"event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\ndata: 7\n\n",
       {"add|73857293|", "remove|2153|", "message|7|"}},
      {"event: lost\n\ndata: a\n\n", {"message|a|"}},
      {"event: a\nevent:\ndata: a\n\n", {"message|a|"}},
      {"Data: a\ndata : b\n data: c\nfoo: d\nfoo\ndata: e\n\n", {"message|e|"}},
      {"id: 7\n\ndata: a\n\ndata: b\n\nid:\ndata: c\n\n", {"message|a|7", "message|b|7", "message|c|"}},
      {"id: 7\nid: a\0b\ndata: a\n\n"sv, {"message|a|7"}},
      {"data: a:b: c\n\n", {"message|a:b: c|"}},
      // What has no end is no event.
      {"data: a\n", {}},
      {"data: a", {}},
      {"", {}},
  };
  return all;
}

TEST(event_parser_test, events_are_read_however_they_are_cut) {
  for (const sample& each : samples()) {
    SCOPED_TRACE(each.bytes);
    for (const std::size_t piece_bytes : {1UZ, 2UZ, 3UZ, 5UZ, 1000UZ}) {
      EXPECT_EQ(parse(each.bytes, piece_bytes), each.expected) << "in pieces of " << piece_bytes;
    }
    for (std::size_t cut = 1; cut < each.bytes.size(); ++cut) {
      event_parser parser;
      events got = parse(parser, each.bytes.substr(0, cut), 1000);
      for (std::string& more : parse(parser, each.bytes.substr(cut), 1000)) got.push_back(std::move(more));
      EXPECT_EQ(got, each.expected) << "cut at " << cut;
    }
  }
}

// A server that ends lines by CR must not wait for what may follow it.
TEST(event_parser_test, a_carriage_return_ends_an_event_at_once) {
  EXPECT_EQ(parse("data: a\r\r"), events{"message|a|"});
  EXPECT_EQ(parse("data: a\r\n\r"), events{"message|a|"});
}

TEST(event_parser_test, a_retry_is_digits_and_nothing_else) {
  const auto retry_of = [](std::string_view bytes) {
    event_parser parser;
    std::ignore = parse(parser, bytes, 1000);
    return parser.retry();
  };
  EXPECT_EQ(retry_of("retry: 1500\n"), 1500ms);
  EXPECT_EQ(retry_of("retry:0\n"), 0ms);
  EXPECT_EQ(retry_of("retry: 1500\nretry: 2x\n"), 1500ms);
  EXPECT_EQ(retry_of("retry: 99999999999999999999999\n"), std::chrono::milliseconds::max());
  for (const std::string_view bad : {"retry:\n", "retry: -1\n", "retry: +1\n", "retry: 1.5\n", "retry:  1\n",
                                     "retry: 1 \n", "retry: 0x1\n", "retry: 1"}) {
    EXPECT_EQ(retry_of(bad), std::nullopt) << bad;
  }
}

TEST(event_parser_test, another_stream_begins_with_the_last_id_and_without_what_was_half_done) {
  event_parser parser({}, "1");
  EXPECT_EQ(parse(parser, "data: a\n\nid: 2\ndata: b\n\nid: 3\nevent: x\ndata: half\r", 1000),
            (events{"message|a|1", "message|b|2"}));
  EXPECT_EQ(parser.last_event_id(), "2") << "the event of the other has not come in full";
  parser.restart();
  EXPECT_EQ(parse(parser,
                  "\xef\xbb\xbf"
                  "data: c\n\n",
                  1000),
            events{"message|c|2"});
  parser.restart();
  EXPECT_EQ(parse(parser, "\n\ndata: d\n\n", 1), events{"message|d|2"});
}

TEST(event_parser_test, an_id_without_data_counts) {
  event_parser parser;
  EXPECT_EQ(parse(parser, "id: 9\n\n", 1000), events{});
  EXPECT_EQ(parser.last_event_id(), "9");
}

TEST(event_parser_test, limits_hold_to_the_byte_and_stay) {
  const event_limits small{.max_line_bytes = 12, .max_data_bytes = 10};
  for (const std::size_t piece_bytes : {1UZ, 1000UZ}) {
    event_parser fits(small);
    EXPECT_EQ(parse(fits, "data: 123456\n\ndata: 12\ndata: 345\ndata:6\n\n: 34567890ab\n", piece_bytes),
              (events{"message|123456|", "message|12\n345\n6|"}));
    event_parser long_line(small);
    EXPECT_EQ(parse(long_line, ":123456789abc\n", piece_bytes), events{describe(event_fault::line_too_long)});
    event_parser much_data(small);
    EXPECT_EQ(parse(much_data, "data: 12345\ndata: 1234\n", piece_bytes),
              events{describe(event_fault::data_too_large)});
    EXPECT_EQ(parse(much_data, "data: a\n\n", piece_bytes), events{describe(event_fault::data_too_large)});
  }
}

}  // namespace
}  // namespace assay::http
