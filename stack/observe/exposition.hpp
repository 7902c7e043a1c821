// The metrics of a registry as the text that Prometheus scrapes: its own format 0.0.4, or OpenMetrics 1.0.
//
//   reply.body = observe::expose(metrics, observe::exposition::prometheus);
//
// Numbers are exact: counts are printed as integers and nanoseconds as decimal seconds, without a binary fraction
// in between.
//
// Misuse: scraping more often than the numbers are looked at. A scrape walks every series of every shard.
#pragma once

#include <string>
#include <string_view>

#include "stack/observe/metrics.hpp"

namespace assay::observe {

enum class exposition : std::uint8_t { prometheus, openmetrics };

// What an Accept field asks for; Prometheus' own format where it does not name the other.
exposition negotiated(std::string_view accept);
std::string_view content_type(exposition format);

std::string expose(const registry& of, exposition format);

}  // namespace assay::observe
