// Fuzzes reply_reader: cutting the input anywhere changes neither the replies nor the verdict, limits hold, and what
// was read reads the same when it is written again.
#include <bit>
#include <string>
#include <vector>

#include "stack/data/redis/reply_reader.hpp"
#include "tests/fuzz/fuzz_support.hpp"

namespace {

using namespace assay;
using data::redis::reply;
using data::redis::reply_fault;
using data::redis::reply_kind;
using data::redis::reply_limits;

bool same(const reply& a, const reply& b) {
  return a.kind == b.kind && a.text == b.text && a.integer == b.integer &&
         std::bit_cast<std::uint64_t>(a.real) == std::bit_cast<std::uint64_t>(b.real) &&
         std::ranges::equal(a.elements, b.elements, same);
}

struct outcome {
  std::vector<reply> replies;
  std::optional<reply_fault> fault;
  bool at_start = true;
};

bool feed_piece(data::redis::reply_reader& reader, std::string_view piece, outcome& into) {
  const fuzz::exact_copy bytes(piece);
  std::string_view left = bytes.view();
  while (!left.empty()) {
    const std::size_t before = left.size();
    auto next = reader.read(left);
    fuzz::check(fuzz::lies_inside(left, bytes.view()), "what is left lies in what was given");
    if (!next) {
      into.fault = next.error();
      return false;
    }
    fuzz::check(*next ? left.size() < before : left.empty(), "a reply takes bytes, and need for more takes all");
    if (*next) into.replies.push_back(std::move(**next));
  }
  return true;
}

outcome read_all(std::string_view input, const reply_limits& limits, bool in_pieces) {
  data::redis::reply_reader reader(limits);
  fuzz::cutter cuts(input);
  outcome seen;
  while (!input.empty()) {
    const std::size_t size = in_pieces ? cuts.next(input.size()) : input.size();
    if (!feed_piece(reader, input.substr(0, size), seen)) break;
    input.remove_prefix(size);
  }
  seen.at_start = reader.at_start();
  return seen;
}

std::size_t elements_of(const reply& of, std::size_t depth, const reply_limits& limits) {
  fuzz::check(depth <= limits.max_depth || of.elements.empty(), "no deeper than max_depth");
  std::size_t count = of.elements.size();
  for (const reply& each : of.elements) count += elements_of(each, depth + 1, limits);
  return count;
}

void write_text(char type, std::string_view text, std::string& to) {
  to.append(1, type).append(std::to_string(text.size())).append("\r\n").append(text).append("\r\n");
}

// All but reals, whose digits are not kept.
bool write(const reply& of, std::string& to) {
  const auto line = [&to](char type, const std::string& text) { to.append(1, type).append(text).append("\r\n"); };
  switch (of.kind) {
    case reply_kind::null:
      to.append("_\r\n");
      return true;
    case reply_kind::status:
      line('+', of.text);
      return true;
    case reply_kind::text:
      write_text('$', of.text, to);
      return true;
    case reply_kind::error:
      write_text('!', of.text, to);
      return true;
    case reply_kind::integer:
      line(':', std::to_string(of.integer));
      return true;
    case reply_kind::boolean:
      line('#', of.integer != 0 ? "t" : "f");
      return true;
    case reply_kind::big_number:
      line('(', of.text);
      return true;
    case reply_kind::real:
      return false;
    default:
      break;
  }
  const bool pairs = of.kind == reply_kind::map;
  const char type = pairs ? '%' : of.kind == reply_kind::set ? '~' : of.kind == reply_kind::push ? '>' : '*';
  line(type, std::to_string(of.elements.size() / (pairs ? 2 : 1)));
  return std::ranges::all_of(of.elements, [&to](const reply& each) { return write(each, to); });
}

void check_rewrites(const reply& of) {
  std::string text;
  if (!write(of, text)) return;
  const outcome again = read_all(text, {}, true);
  fuzz::check(!again.fault && again.at_start && again.replies.size() == 1, "what was read reads again");
  fuzz::check(same(again.replies.front(), of), "the same reply after writing and reading again");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const reply_limits tight{.max_reply_bytes = 48, .max_line_bytes = 12, .max_elements = 5, .max_depth = 2};
  for (const reply_limits& limits : {reply_limits{}, tight}) {
    const outcome whole = read_all(input, limits, false);
    const outcome pieces = read_all(input, limits, true);
    fuzz::check(std::ranges::equal(whole.replies, pieces.replies, same), "replies in pieces are as in one piece");
    // A line that is too long and has other faults may be seen as either, so that only the verdict has to agree.
    fuzz::check(whole.fault.has_value() == pieces.fault.has_value(), "the verdict in pieces is that in one piece");
    for (const reply& each : whole.replies) {
      fuzz::check(elements_of(each, 1, limits) <= limits.max_elements, "no more than max_elements");
      check_rewrites(each);
    }
  }
  return 0;
}
