#include "lab/report/load_seconds.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

namespace assay::report {
namespace {

using json = nlohmann::ordered_json;

// Whole nanoseconds, without what the way through binary milliseconds adds.
double us_of(double ms) { return std::round(ms * 1e6) / 1e3; }

json us_or_null(std::optional<double> ms) { return ms ? json(us_of(*ms)) : json(nullptr); }

}  // namespace

std::string second_line(const model::live_second& second, std::optional<double> cpu_share) {
  json line;
  line["at_s"] = second.at_s;
  line["length_s"] = second.length_s;
  line["offered_requests"] = second.offered;
  line["requests"] = second.answered;
  line["offered_rps"] = static_cast<double>(second.offered) / second.length_s;
  line["achieved_rps"] = static_cast<double>(second.answered) / second.length_s;
  line["errors"] = json::object();
  for (const auto& [kind, count] : second.errors) line["errors"][kind] = count;
  line["response_time_us"] = {{"p50", us_or_null(second.response_p50_ms)},
                              {"p99", us_or_null(second.response_p99_ms)},
                              {"max", us_or_null(second.response_max_ms)}};
  line["generator"] = {{"own_lag_max_us", us_of(second.own_lag_max_ms)},
                       {"cpu_share", cpu_share ? json(*cpu_share) : json(nullptr)}};
  return line.dump() + "\n";
}

}  // namespace assay::report
