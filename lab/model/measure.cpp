#include "lab/model/measure.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace assay::model {
namespace {

using enum measure_kind;

constexpr std::array labels{
    std::pair{rate, std::string_view("rate")},
    std::pair{route, std::string_view("route")},
    std::pair{status, std::string_view("status")},
    std::pair{bytes, std::string_view("bytes")},
    std::pair{gaps, std::string_view("gaps")},
    std::pair{dispersion, std::string_view("dispersion")},
    std::pair{peak, std::string_view("peak")},
    std::pair{session_length, std::string_view("session_length")},
    std::pair{short_sessions, std::string_view("short_sessions")},
};

}  // namespace

std::string_view label(measure_kind kind) {
  const auto found = std::ranges::find(labels, kind, &std::pair<measure_kind, std::string_view>::first);
  return found == labels.end() ? "unknown" : found->second;
}

std::optional<measure_kind> measure_kind_of(std::string_view label) {
  const auto found = std::ranges::find(labels, label, &std::pair<measure_kind, std::string_view>::second);
  if (found == labels.end()) return std::nullopt;
  return found->first;
}

bool is_share(measure_kind kind) { return kind == route || kind == status || kind == gaps || kind == short_sessions; }

}  // namespace assay::model
