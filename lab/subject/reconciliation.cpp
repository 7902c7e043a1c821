#include "lab/subject/reconciliation.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <unordered_map>

namespace assay::subject {
namespace {

enum class outcome : std::uint8_t { acknowledged, unanswered, refused, never_sent };

struct write {
  outcome known = outcome::never_sent;
  std::uint64_t stored = 0;
};

void note(std::vector<std::string>& list, std::uint64_t& total, std::string_view key) {
  total++;
  if (list.size() < max_listed_keys) list.emplace_back(key);
}

// Enough to look for in a log; the others are in the trial.
constexpr std::size_t shown_keys = 3;

void tell(std::string& text, std::uint64_t total, std::string_view what, const std::vector<std::string>& keys) {
  if (total == 0) return;
  const std::span first = std::span(keys).first(std::min(keys.size(), shown_keys));
  text += fmt::format("{}{} {} ({}{})", text.empty() ? "" : "; ", total, what, fmt::join(first, ", "),
                      total > first.size() ? ", …" : "");
}

}  // namespace

model::reconciliation reconcile(const write_keys& keys) {
  std::unordered_map<std::string_view, write> writes;
  std::vector<std::string_view> order;  // that of the lists, so that the first hundred are the first
  const auto add = [&](const std::vector<std::string>& list, outcome known) {
    for (const std::string& key : list) {
      const auto [at, fresh] = writes.try_emplace(key, write{.known = known});
      if (fresh) order.push_back(key);
      if (known == outcome::never_sent) at->second.stored++;
    }
  };
  add(keys.acknowledged, outcome::acknowledged);
  add(keys.unanswered, outcome::unanswered);
  add(keys.refused, outcome::refused);
  add(keys.stored, outcome::never_sent);

  model::reconciliation result;
  result.done = true;
  result.stored = keys.stored.size();
  for (const std::string_view key : order) {
    const write& each = writes.at(key);
    if (each.known == outcome::acknowledged) result.acknowledged++;
    if (each.known == outcome::unanswered) result.unanswered++;
    if (each.known == outcome::acknowledged && each.stored == 0) note(result.lost, result.lost_total, key);
    if (each.stored > 1) note(result.doubled, result.doubled_total, key);
    if (each.known >= outcome::refused && each.stored > 0) note(result.unknown, result.unknown_total, key);
  }
  return result;
}

std::string disagreement(const model::reconciliation& writes) {
  std::string text;
  tell(text, writes.lost_total, "acknowledged and not stored", writes.lost);
  tell(text, writes.doubled_total, "stored more than once", writes.doubled);
  tell(text, writes.unknown_total, "stored though refused or never sent", writes.unknown);
  return text;
}

}  // namespace assay::subject
