// Fuzzes the reader of access log lines and targets: what is accepted consists of parts of the line, in range; every
// refusal has a name; a target's segments are bounded, and in a spelling that is read again as the same.
#include <cstdint>
#include <string>
#include <string_view>

#include "lab/learn/line/access_line.hpp"
#include "lab/learn/line/shape.hpp"
#include "lab/learn/line/target.hpp"
#include "tests/fuzz/fuzz_support.hpp"

namespace {

using namespace assay;

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != '{' && c != '}' && c != '"'; });
}

void check_target(std::string_view target) {
  const auto parts = learn::split(target);
  if (!parts) return;
  fuzz::check(parts->segments.size() <= learn::max_segments, "segments are bounded");
  fuzz::check(parts->query_keys.size() <= learn::max_query_keys, "query keys are bounded");
  std::string again;
  for (const std::string_view segment : parts->segments) {
    // A byte more may have been written as three.
    fuzz::check(segment.size() <= learn::max_segment_bytes + 2, "a segment is bounded");
    fuzz::check(is_plain(segment), "a segment is plain");
    fuzz::check(!learn::label(learn::classify(segment)).empty(), "a segment has a shape");
    fuzz::check(segment.ends_with(learn::file_extension(segment)), "an extension is an ending");
    again.append("/").append(segment);
  }
  for (const std::string_view key : parts->query_keys) fuzz::check(is_plain(key), "a key is plain");
  if (again.empty() || again == "/" || again.size() > learn::max_segment_bytes) return;
  const auto second = learn::split(again);
  fuzz::check(second && second->segments == parts->segments, "the spelling stays");
}

void check_line(std::string_view text) {
  const auto line = learn::parse_access_line(text);
  fuzz::check(line == learn::parse_any_access_line(text), "the short way leads to the same");
  if (!line) {
    fuzz::check(learn::label(line.error()) != "unknown", "a refusal has a name");
    return;
  }
  for (const std::string_view part : {line->vhost, line->address, line->user, line->method, line->target,
                                      line->protocol, line->referer, line->agent}) {
    fuzz::check(fuzz::lies_inside(part, text), "a part lies inside the line");
  }
  fuzz::check(!line->address.empty(), "there is an address");
  fuzz::check(line->status >= 100 && line->status <= 599, "the status is in range");
  fuzz::check(line->stamp.time_since_epoch().count() > 0, "the stamp is after the epoch");
  fuzz::check(line->method.empty() == line->target.empty(), "a method has a target");
  fuzz::check(line->request_time_s.value_or(0) >= 0, "no request takes negative time");
  const std::string target = learn::unescape(line->target);
  fuzz::check(target.size() <= line->target.size(), "escapes only shrink");
  check_target(target);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::exact_copy input({reinterpret_cast<const char*>(data), size});
  std::string_view rest = input.view();
  check_target(rest);
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    check_line(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  const std::string shown = learn::outline(input.view());
  fuzz::check(shown.size() <= learn::max_sample_bytes, "a sample is bounded");
  fuzz::check(std::ranges::all_of(shown, [](char c) { return c >= ' ' && c < 0x7f; }), "a sample is printable");
  fuzz::check(shown.find_first_of("bcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ123456789") == shown.npos,
              "a sample says nothing");
  return 0;
}
