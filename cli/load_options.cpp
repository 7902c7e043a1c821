#include "cli/load_options.hpp"

#include <optional>
#include <utility>

#include "cli/values.hpp"
#include "lab/load/stage_text.hpp"
#include "lab/model/number.hpp"

namespace assay::cli {

std::expected<double, std::string> parse_rate(std::string_view flag, const std::string& text) {
  const std::optional<double> rate = model::parse_number(text);
  if (!rate) return std::unexpected(std::string(flag) + " \"" + text + "\": expected a number of requests per second");
  return *rate;
}

std::expected<load::load_options, std::string> read_load_options(const load_arguments& typed) {
  load::load_options options;
  options.url = typed.url.value_or(std::string());
  options.connections = typed.connections;
  options.threads = typed.threads;
  options.seed = typed.seed;
  options.spin = typed.spin;
  options.arrivals = typed.arrivals == "poisson" ? model::arrival_law::poisson : model::arrival_law::constant;
  options.io.kind = typed.io == "epoll"      ? io_kind::epoll
                    : typed.io == "io_uring" ? io_kind::io_uring
                                             : io_kind::automatic;
  if (typed.rate) {
    const auto rate = parse_rate("rate -R", *typed.rate);
    if (!rate) return std::unexpected(rate.error());
    options.rate_per_s = *rate;
  }
  if (!typed.tick.empty()) {
    const auto tick = parse_duration(typed.tick);
    if (!tick) return std::unexpected("--tick " + tick.error());
    options.tick = *tick;
  }
  for (const std::string& each : typed.stages) {
    const auto stages = load::parse_stages(each);
    if (!stages) return std::unexpected("--stage " + stages.error());
    options.stages.insert(options.stages.end(), stages->begin(), stages->end());
  }
  const auto length = parse_duration(typed.length);
  if (!length) return std::unexpected("duration -d " + length.error());
  options.length = *length;
  const auto timeout = parse_duration(typed.timeout);
  if (!timeout) return std::unexpected("--timeout " + timeout.error());
  options.timeout = *timeout;
  options.follow = typed.follow;
  if (typed.per_connection) options.per_connection = *typed.per_connection;
  for (const std::string& each : typed.headers) {
    auto header = parse_header(each);
    if (!header) return std::unexpected(header.error());
    options.headers.push_back(std::move(*header));
  }
  auto body = read_body(typed.body);
  if (!body) return std::unexpected(body.error());
  options.body = std::move(*body);
  options.method = !typed.method.empty() ? typed.method : options.body.empty() ? "GET" : "POST";
  return options;
}

}  // namespace assay::cli
