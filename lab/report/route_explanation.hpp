// What was folded into one route of a profile, and why: `assay learn --explain`.
//
// Misuse: keeping the text where a profile is kept. With samples it quotes paths of the log, for who asked.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "lab/model/log_samples.hpp"
#include "lab/model/profile.hpp"

namespace assay::report {

inline constexpr std::size_t paths_shown = 5;

// The route of the profile that is meant, whatever its placeholders are called. The error, which continues "--explain",
// names the nearest routes there are.
std::expected<const model::route*, std::string> find_route(const model::profile& profile, std::string_view route);

// `seen`: requests of the log; empty when only a profile is at hand.
std::string route_explanation(const model::profile& profile, const model::route& route,
                              const model::log_samples& seen = {});

}  // namespace assay::report
