// Fuzzes every format of log that has a name, format strings, configurations, and the cutter of HAR files: what is
// accepted consists of text of the line or of its size, in range; every refusal has a name; nothing depends on what a
// parser saw before but where the format says so.
//
// The input is lines. A first line that begins with '%' or '$' is a format string for the others.
#include <string>
#include <string_view>
#include <vector>

#include "lab/learn/line/archive_cutter.hpp"
#include "lab/learn/line/detector.hpp"
#include "lab/learn/line/format_string.hpp"
#include "lab/learn/line/json_line.hpp"
#include "lab/learn/line/server_config.hpp"
#include "tests/fuzz/fuzz_support.hpp"

namespace {

using namespace assay;

constexpr std::size_t most_lines = 64;

// A decoded character never takes more bytes than its escape; a joined target has a '?' more.
void check_line(const learn::access_line& line, std::size_t most) {
  for (const std::string_view part :
       {line.vhost, line.user, line.method, line.target, line.protocol, line.referer, line.agent, line.forwarded_for}) {
    fuzz::check(part.size() <= most + 1, "a part is no longer than what was read");
  }
  fuzz::check(line.status == 0 || (line.status >= 100 && line.status <= 599), "the status is in range");
  fuzz::check(line.stamp.time_since_epoch().count() > 0, "the stamp is after the epoch");
  fuzz::check(line.method.empty() == line.target.empty(), "a method has a target");
  fuzz::check(line.request_time_s.value_or(0) >= 0, "no request takes negative time");
  fuzz::check(learn::start_of(line) <= line.stamp, "a request begins before its end");
}

void check_parser(learn::line_parser& parser, const std::vector<std::string_view>& lines, std::size_t most) {
  for (const std::string_view text : lines) {
    const auto line = parser.parse(text);
    if (line) {
      check_line(*line, most);
    } else {
      fuzz::check(learn::label(line.error()) != "unknown", "a refusal has a name");
    }
  }
  std::size_t rest = 0;
  while (const auto line = parser.rest()) {
    check_line(*line, most);
    fuzz::check(++rest <= most, "what is held back comes to an end");
  }
}

void check_archive(std::string_view input) {
  learn::archive_cutter whole;
  learn::archive_cutter pieces;
  fuzz::cutter cuts(input);
  std::vector<std::string> entries;
  for (std::string_view rest = input; whole.feed(rest);) entries.emplace_back(whole.entry());
  std::size_t found = 0;
  for (std::string_view left = input; !left.empty();) {
    std::string_view piece = left.substr(0, cuts.next(left.size()));
    left.remove_prefix(piece.size());
    while (pieces.feed(piece)) {
      fuzz::check(found < entries.size() && entries[found] == pieces.entry(), "cuts do not matter");
      ++found;
    }
  }
  fuzz::check(found == entries.size(), "every entry is found");
  const learn::parser_pointer parser = learn::make_har_parser();
  for (const std::string& each : entries) check_parser(*parser, {each}, input.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::exact_copy input({reinterpret_cast<const char*>(data), size});
  std::vector<std::string_view> lines;
  for (std::string_view rest = input.view(); !rest.empty() && lines.size() < most_lines;) {
    const std::size_t end = rest.find('\n');
    lines.push_back(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  check_archive(input.view());
  for (const std::string_view name : learn::format_names()) {
    check_parser(*learn::make_parser(name), lines, size);
  }
  std::vector<learn::parser_pointer> parsers;
  for (const std::string_view name : learn::format_names()) parsers.push_back(learn::make_parser(name));
  learn::format_detector detector(std::move(parsers));
  const learn::detected_format found = detector.choose(lines);
  fuzz::check(found.understood <= found.tried, "no more is understood than was tried");
  for (const std::string_view text : lines) {
    if (const auto line = detector.parse(text)) check_line(*line, size);
  }
  for (const learn::named_format& each : learn::formats_in(input.view())) {
    if (auto pattern = learn::compile_format(each.text)) {
      check_parser(*learn::make_pattern_parser("fuzz", std::move(*pattern)), lines, size);
    }
  }
  if (lines.empty()) return 0;
  if (auto pattern = learn::compile_format(lines[0])) {
    check_parser(*learn::make_pattern_parser("fuzz", std::move(*pattern)), lines, size);
  }
  if (auto mapping = learn::parse_mapping(lines[0])) {
    check_parser(*learn::make_json_parser(std::move(*mapping)), lines, size);
  }
  return 0;
}
