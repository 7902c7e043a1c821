// Fuzzes the readers of W3C Trace Context, each line of an input as a traceparent, a tracestate and a request id: what
// is accepted is written as the same again, has ids, and is bounded; every refusal has a name. And the text escapes,
// which see whatever a client sends: their output is UTF-8 on one line.
#include <cstdint>
#include <string>
#include <string_view>

#include "stack/observe/text_escape.hpp"
#include "stack/observe/trace_context.hpp"
#include "tests/fuzz/fuzz_support.hpp"

namespace {

using namespace assay;

void check_traceparent(std::string_view value) {
  const auto parent = observe::parse_traceparent(value);
  if (!parent) {
    fuzz::check(!observe::label(parent.error()).empty(), "a refusal has a name");
    return;
  }
  fuzz::check(value.size() >= 55, "no shorter than version 00");
  const std::string again = observe::format_traceparent(*parent);
  fuzz::check(again.size() == 55, "sent on as version 00");
  fuzz::check(again.substr(3, 49) == value.substr(3, 49), "the ids stay");
  const auto second = observe::parse_traceparent(again);
  fuzz::check(second && second->trace_id == parent->trace_id && second->span_id == parent->span_id &&
                  second->flags == parent->flags,
              "what is written is read as the same");
  fuzz::check(parent->flags <= 3, "unknown flags are dropped");
}

void check_tracestate(std::string_view value) {
  if (!observe::valid_tracestate(value)) return;
  fuzz::check(!value.empty() && value.size() <= observe::max_tracestate_bytes, "a state is bounded");
  fuzz::check(std::ranges::all_of(value, [](char c) { return c == '\t' || (c >= ' ' && c <= '~'); }),
              "a state can be sent in a header");
  fuzz::check(value.contains('='), "a state has a member");
}

void check_escapes(std::string_view bytes) {
  std::string text;
  observe::append_json_string(text, bytes);
  fuzz::check(text.size() >= 2 && text.front() == '"' && text.back() == '"', "a string has quotes");
  observe::append_label_value(text, bytes);
  observe::append_help(text, bytes);
  fuzz::check(!text.contains('\n'), "escaped text is one line");
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t character = observe::utf8_character_bytes(rest);
    fuzz::check(character != 0, "escaped text is UTF-8");
    rest.remove_prefix(character);
  }
  for (std::size_t limit = 0; limit <= bytes.size() && limit < 32; ++limit) {
    fuzz::check(observe::cut_to(bytes, limit).size() <= limit, "a cut is no longer than its limit");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::exact_copy input({reinterpret_cast<const char*>(data), size});
  check_escapes(input.view());
  for (std::string_view rest = input.view(); !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    check_traceparent(line);
    check_tracestate(line);
    const auto id = observe::parse_request_id(line);
    fuzz::check(!id || (*id != 0 && observe::to_hex(*id) == line), "a request id is written as the same");
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return 0;
}
