#include "lab/judge/native_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>

namespace assay::judge {
namespace {

constexpr std::size_t least_of_each = 6;  // looks
constexpr std::size_t third = 3;          // the first is compared with the last
constexpr double million = 1e6;

// The least of each: a heap rises until its collector comes.
template <typename Look, typename Value>
double gained_mb(std::span<const Look> looks, Value value) {
  const std::size_t length = looks.size() / third;
  const auto least = [&](std::span<const Look> part) {
    double found = std::invoke(value, part.front());
    for (const Look& each : part) found = std::min<double>(found, std::invoke(value, each));
    return found;
  };
  return (least(looks.last(length)) - least(looks.first(length))) / million;
}

std::string unexplained_text(double gained, double held, std::span<const model::runtime_look> looks) {
  if (looks.size() < least_of_each || looks.back().heap_limit_bytes == 0) return {};
  const double explained = gained_mb(looks, [](const model::runtime_look& each) {
    return static_cast<double>(each.heap_used_bytes + each.external_bytes);
  });
  if (explained >= explained_share * gained) return {};
  // What it holds is no hole.
  return fmt::format("; of {:.1f} MB the runtime accounts for {:.1f}: the rest is native memory{}", gained,
                     std::max(0.0, explained),
                     held >= explained_share * gained ? "" : ", or holes that the allocator cannot use");
}

std::string holes_text(double gained, double held) {
  return fmt::format(
      "; of {:.1f} MB it holds {:.1f} (malloc less free): the rest is kept by the allocator, in holes or for later",
      gained, std::max(0.0, held));
}

// The runtime's heap is none of malloc's.
double heap_gained_mb(std::span<const model::runtime_look> looks) {
  if (looks.size() < least_of_each) return 0;
  return std::max(
      0.0, gained_mb(looks, [](const model::runtime_look& each) { return static_cast<double>(each.heap_used_bytes); }));
}

}  // namespace

void tell_native_memory(model::diagnosis& of, std::span<const model::process_second> processes,
                        std::span<const model::runtime_look> looks) {
  const auto leak = std::ranges::find(of.findings, model::cause::memory_leak, &model::named_cause::kind);
  if (leak == of.findings.end() || processes.size() < least_of_each) return;
  const double gained =
      gained_mb(processes, [](const model::process_second& each) { return static_cast<double>(each.anonymous_bytes); });
  if (gained <= 0) return;
  const bool counted = processes[processes.size() / third].live_bytes > 0;
  const double held =
      gained_mb(processes, [](const model::process_second& each) { return static_cast<double>(each.live_bytes); });
  const bool is_verdict = of.text == of.findings.front().text && leak == of.findings.begin();
  if (counted && held + heap_gained_mb(looks) < explained_share * gained) {
    leak->text += holes_text(gained, held);
  } else {
    leak->text += unexplained_text(gained, counted ? held : 0, looks);
  }
  if (is_verdict) of.text = leak->text;
}

}  // namespace assay::judge
