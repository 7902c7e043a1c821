#include "lab/learn/log_traffic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <utility>

#include "lab/learn/client_numbers.hpp"
#include "lab/learn/input_paths.hpp"
#include "lab/learn/log_merge.hpp"
#include "lab/learn/session_counts.hpp"

namespace assay::learn {
namespace {

constexpr std::uint8_t finest_spread = 2;  // digits of a stamp; a millisecond is as good as the replay's own clock
constexpr std::string_view no_request_line = "no request line (such as \"-\" or a TLS handshake)";

// What a stamp is, beside what it says.
struct stamped_request {
  log_time stamp;
  log_time starts;
  std::uint8_t digits;
};

class traffic_reader {
 public:
  std::expected<void, std::string> add(const access_line& line) {
    if (line.method.empty()) {
      ++traffic_.rejected[std::string(no_request_line)];
      return {};
    }
    const std::string_view address = line.forwarded_for.empty() ? line.address : line.forwarded_for;
    const bool added =
        traffic_.add({.client = address.empty() ? clients_.fresh() : clients_.of(session_key(address, line.agent)),
                      .status = line.status,
                      .method = line.method,
                      .target = as_sent(line.target, target_),
                      .host = line.vhost,
                      .fields = fields_of(line)});
    if (!added) {
      return std::unexpected(fmt::format("more than {} requests, or {} MiB of them: name fewer files",
                                         model::max_recorded_requests, model::max_recorded_bytes >> 20));
    }
    without_client_ += address.empty();
    times_.push_back({.stamp = line.stamp, .starts = start_of(line), .digits = line.fraction_digits});
    return {};
  }

  model::recorded_traffic finish(std::uint64_t seed) {
    spread(seed);
    traffic_.order();
    if (without_client_ > 0) {
      traffic_.notes.push_back(
          fmt::format("{} requests name no client: each has a connection of its own", without_client_));
    }
    traffic_.notes.emplace_back("a log holds no bodies: a request of a method that has one is sent with an empty one");
    return std::move(traffic_);
  }

 private:
  static std::string_view as_sent(std::string_view logged, std::string& keep) {
    if (logged.find('\\') == std::string_view::npos) return logged;
    keep = unescape(logged);
    return keep;
  }

  std::string_view fields_of(const access_line& line) {
    fields_.clear();
    std::string kept;
    for (const auto& [name, value] : {std::pair(std::string_view("User-Agent"), line.agent),
                                      std::pair(std::string_view("Referer"), line.referer)}) {
      if (!value.empty() && value != "-") model::append_field(fields_, name, as_sent(value, kept));
    }
    return fields_;
  }

  // Gives each request its place inside of its stamp.
  void spread(std::uint64_t seed) {
    std::vector<std::size_t> by_stamp(times_.size());
    std::iota(by_stamp.begin(), by_stamp.end(), std::size_t{0});
    std::ranges::sort(by_stamp, {}, [this](std::size_t i) { return std::pair(times_[i].stamp, i); });
    std::mt19937_64 draw(seed);
    std::vector<double> places;
    std::size_t moved = 0;
    for (std::size_t begin = 0, end = 0; begin < by_stamp.size(); begin = end) {
      const log_time stamp = times_[by_stamp[begin]].stamp;
      while (end < by_stamp.size() && times_[by_stamp[end]].stamp == stamp) ++end;
      places.clear();
      for (std::size_t i = begin; i < end; ++i) places.push_back(static_cast<double>(draw() >> 11) * 0x1.0p-53);
      std::ranges::sort(places);
      for (std::size_t i = begin; i < end; ++i) {
        const stamped_request& of = times_[by_stamp[i]];
        const bool is_coarse = of.digits <= finest_spread;
        moved += is_coarse;
        const double width_ns = of.digits == 0 ? 1e9 : of.digits == 1 ? 1e8 : 1e7;
        const auto inside = std::chrono::nanoseconds(is_coarse ? static_cast<std::int64_t>(places[i - begin] * width_ns)
                                                               : std::int64_t{0});
        traffic_.set_at(by_stamp[i], std::min(of.starts.time_since_epoch(), model::last_recorded) + inside);
      }
    }
    if (moved == 0) return;
    traffic_.notes.push_back(
        fmt::format("{} stamps are of a whole second (or a tenth, a hundredth): spread uniformly inside of it, seed {}",
                    moved, seed));
  }

  model::recorded_traffic traffic_;
  std::vector<stamped_request> times_;
  client_numbers clients_;
  std::uint64_t without_client_ = 0;
  std::string target_;
  std::string fields_;
};

// Those have readers of their own, which keep the bodies.
std::expected<void, std::string> check_kind(const model::log_source& source) {
  for (const auto& [format, kind] : {std::pair("goreplay", "gor"), std::pair("har", "har")}) {
    if (source.format != format) continue;
    return std::unexpected(
        fmt::format("{}: holds whole requests; assay replay {} sends them with their bodies", source.path, kind));
  }
  return {};
}

}  // namespace

std::expected<model::recorded_traffic, std::string> read_log_traffic(const log_traffic_options& options) {
  auto paths = input_paths(options.files);
  if (!paths) return std::unexpected(paths.error());
  const auto formats = format_choice::parse(options.format);
  if (!formats) return std::unexpected(formats.error());
  log_merge inputs(std::move(*paths), *formats);
  if (const auto started = inputs.start(); !started) return std::unexpected(started.error());
  traffic_reader reader;
  for (;;) {
    const auto line = inputs.next();
    if (!line) return std::unexpected(line.error());
    if (*line == nullptr) break;
    if (const auto added = reader.add(**line); !added) return std::unexpected(added.error());
  }
  model::recorded_traffic traffic = reader.finish(options.seed);
  for (const model::log_source& each : inputs.sources()) {
    if (const auto is_log = check_kind(each); !is_log) return std::unexpected(is_log.error());
    traffic.sources.push_back(each.path);
    for (const auto& [reason, count] : each.rejected) traffic.rejected[reason] += count;
  }
  for (const std::string& each : inputs.facts().doubts) traffic.notes.push_back(each);
  return traffic;
}

}  // namespace assay::learn
