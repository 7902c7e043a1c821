#include "lab/model/measure.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace assay::model {
namespace {

constexpr std::array labels{
    std::pair{measure_kind::rate, std::string_view("rate")},
    std::pair{measure_kind::route, std::string_view("route")},
    std::pair{measure_kind::status, std::string_view("status")},
    std::pair{measure_kind::bytes, std::string_view("bytes")},
    std::pair{measure_kind::gaps, std::string_view("gaps")},
    std::pair{measure_kind::dispersion, std::string_view("dispersion")},
    std::pair{measure_kind::peak, std::string_view("peak")},
    std::pair{measure_kind::session_length, std::string_view("session_length")},
    std::pair{measure_kind::short_sessions, std::string_view("short_sessions")},
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

bool is_share(measure_kind kind) {
  using enum measure_kind;
  return kind == route || kind == status || kind == gaps || kind == short_sessions;
}

}  // namespace assay::model
