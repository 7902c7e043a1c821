#include "lab/learn/service_counts.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

namespace assay::learn {
namespace {

// What a client wrote where the protocol stands is shown only if it is one.
bool is_protocol(std::string_view name) {
  constexpr std::string_view begins = "HTTP/";
  if (!name.starts_with(begins) || name.size() == begins.size()) return false;
  return name.find_first_not_of("0123456789.", begins.size()) == std::string_view::npos;
}

}  // namespace

std::uint64_t microseconds(double seconds) {
  constexpr double longest = 1e6;  // eleven days
  return static_cast<std::uint64_t>(std::llround(std::clamp(seconds, 0.0, longest) * 1e6));
}

service_counts::protocol_word service_counts::short_word(std::string_view name) {
  protocol_word word = 0;
  if (!name.empty() && name.size() < sizeof word) std::memcpy(&word, name.data(), name.size());
  return word;
}

model::service service_counts::describe(const model::arrivals& arrivals) const {
  model::service made;
  made.latency = durations_of(times_.counted());
  made.upstream = durations_of(upstream_times_.counted());
  if (made.latency) {
    made.in_flight_mean = arrivals.mean_per_s * made.latency->mean_s;
    made.in_flight_busiest_hour = arrivals.busiest_hour_per_s * made.latency->mean_s;
  }
  const size_counts sizes = request_sizes_.counted();
  for (const counted_amounts& each : sizes.amounts()) made.sized_requests += each.times;
  made.request_bytes_p50 = sizes.quantile(0.5);
  made.request_bytes_p99 = sizes.quantile(0.99);
  std::uint64_t others = other_protocols_;
  for (const protocol& each : protocols_) {
    if (each.times == 0 || each.name == 0) continue;
    std::array<char, sizeof each.name> text{};
    std::memcpy(text.data(), &each.name, text.size());
    const std::string_view name(text.data(), static_cast<std::size_t>(std::ranges::find(text, '\0') - text.begin()));
    if (is_protocol(name)) {
      made.protocols[std::string(name)] = each.times;
    } else {
      others += each.times;
    }
  }
  if (others > 0) made.protocols["other"] = others;
  if (connections_ > 0) {
    made.requests_per_connection = static_cast<double>(on_connections_) / static_cast<double>(connections_);
  }
  return made;
}

}  // namespace assay::learn
