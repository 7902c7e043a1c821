#include "lab/learn/line/record_head.hpp"

#include <algorithm>

#include "lab/learn/line/text.hpp"

namespace assay::learn {
namespace {

constexpr std::size_t longest_id = 64;

}  // namespace

std::optional<record_head> read_record_head(std::string_view line) {
  if (line.size() < 2 || line[0] < '1' || line[0] > '3' || line[1] != ' ') return std::nullopt;
  record_head head{.kind = line[0], .id = {}, .at = {}};
  line.remove_prefix(2);
  head.id = take_word(line);
  const bool is_id = !head.id.empty() && head.id.size() <= longest_id &&
                     std::ranges::all_of(head.id, [](char c) { return hex_digit(c) >= 0; });
  const std::string_view time = take_word(line);
  const auto at = epoch_instant(time);
  if (!is_id || !at || !(line.empty() || whole_number(line))) return std::nullopt;
  head.at = *at;
  return head;
}

}  // namespace assay::learn
