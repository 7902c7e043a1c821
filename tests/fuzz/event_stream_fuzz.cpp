// Fuzzes event_parser: cutting the input anywhere changes neither the events nor the verdict; no event exceeds the
// limits; and what was read reads the same when append_event() has written it.
#include <string>
#include <vector>

#include "stack/http/event_parser.hpp"
#include "stack/http/sse.hpp"
#include "tests/fuzz/fuzz_support.hpp"

namespace {

using namespace assay;

struct outcome {
  std::vector<http::received_event> events{};
  std::optional<http::event_fault> fault{};
  std::optional<std::chrono::milliseconds> retry{};
};

bool same(const http::received_event& a, const http::received_event& b) {
  return a.type == b.type && a.data == b.data && a.last_event_id == b.last_event_id;
}

bool feed_piece(http::event_parser& parser, std::string_view piece, outcome& into) {
  const fuzz::exact_copy bytes(piece);
  std::string_view left = bytes.view();
  while (!left.empty()) {
    const std::size_t before = left.size();
    auto next = parser.next(left);
    fuzz::check(fuzz::lies_inside(left, bytes.view()), "what is left lies in what was given");
    if (!next) {
      into.fault = next.error();
      return false;
    }
    fuzz::check(*next ? left.size() < before : left.empty(), "an event takes bytes, and need for more takes all");
    if (*next) into.events.push_back(std::move(**next));
  }
  return true;
}

outcome read_all(std::string_view input, const http::event_limits& limits, bool in_pieces) {
  http::event_parser parser(limits);
  fuzz::cutter cuts(input);
  outcome seen;
  while (!input.empty()) {
    const std::size_t size = in_pieces ? cuts.next(input.size()) : input.size();
    if (!feed_piece(parser, input.substr(0, size), seen)) break;
    input.remove_prefix(size);
  }
  seen.retry = parser.retry();
  return seen;
}

void check_event(const http::received_event& event, const http::event_limits& limits) {
  fuzz::check(event.data.size() < limits.max_data_bytes, "no more data than allowed");
  fuzz::check(!event.type.empty(), "each event has a type");
  fuzz::check(event.data.find('\r') == std::string::npos, "lines are joined by LF");
  fuzz::check(event.last_event_id.find('\0') == std::string::npos, "no id has a NUL");
}

void check_rewrites(const http::received_event& event) {
  std::string text;
  const result<void> written =
      http::append_event(text, {.data = event.data, .type = event.type, .id = event.last_event_id});
  fuzz::check(written.has_value(), "what was read can be sent");
  const outcome again = read_all(text, {.max_line_bytes = 1 << 20, .max_data_bytes = 1 << 20}, true);
  fuzz::check(!again.fault && again.events.size() == 1, "what was read reads again");
  fuzz::check(same(again.events.front(), event), "the same event after writing and reading again");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const http::event_limits tight{.max_line_bytes = 16, .max_data_bytes = 12};
  for (const http::event_limits& limits : {http::event_limits{}, tight}) {
    const outcome whole = read_all(input, limits, false);
    const outcome pieces = read_all(input, limits, true);
    fuzz::check(std::ranges::equal(whole.events, pieces.events, same), "events in pieces are as in one piece");
    fuzz::check(whole.fault == pieces.fault, "the verdict in pieces is that in one piece");
    fuzz::check(whole.retry == pieces.retry, "and so is the retry");
    for (const http::received_event& each : whole.events) {
      check_event(each, limits);
      check_rewrites(each);
    }
  }
  return 0;
}
