#include "cli/replay_inputs.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/values.hpp"
#include "lab/learn/client_numbers.hpp"
#include "lab/learn/gor_traffic.hpp"
#include "lab/learn/line/clock.hpp"
#include "lab/learn/log_traffic.hpp"
#include "lab/learn/text_hash.hpp"
#include "lab/load/har.hpp"
#include "lab/model/number.hpp"

namespace assay::cli {
namespace {

using recording = std::expected<model::recorded_traffic, std::string>;

// "2x", "0.5x", or the number alone.
std::expected<double, std::string> parse_speed(std::string_view text) {
  std::string_view number = text;
  if (number.ends_with('x')) number.remove_suffix(1);
  const auto speed = model::parse_number(number);
  if (!speed) return std::unexpected(fmt::format("--speed \"{}\": expected a factor, as in 2x or 0.5x", text));
  return *speed;
}

// A connection of the file is a client; an entry that names none has one of its own.
recording read_har(const std::string& path) {
  const auto entries = load::read_har_entries(path);
  if (!entries) return std::unexpected(entries.error());
  model::recorded_traffic traffic;
  traffic.sources.push_back(path);
  learn::client_numbers clients;
  std::uint64_t dropped = 0;
  for (const load::har_entry& each : *entries) {
    const auto started = learn::iso_instant(each.started);
    if (!started) {
      return std::unexpected(
          fmt::format("{}: startedDateTime \"{}\": expected a time as in ISO 8601", path, each.started));
    }
    std::string fields;
    for (const auto& [name, value] : each.request.headers) dropped += !model::append_field(fields, name, value);
    const bool added = traffic.add(
        {.at = std::min(started->at.time_since_epoch(), model::last_recorded),
         .client = each.connection.empty() ? clients.fresh() : clients.of(learn::text_hash(each.connection)),
         .status = each.status,
         .method = each.request.method,
         .target = each.request.url,
         .fields = fields,
         .body = each.request.body});
    if (!added) ++traffic.rejected["too large, or too many of them"];
  }
  if (dropped > 0)
    traffic.notes.push_back(fmt::format("{} header fields are left out: they hold line breaks", dropped));
  traffic.order();
  return traffic;
}

recording read_har_of_one_host(const replay_arguments& typed, load::replay_rule_texts& into) {
  if (typed.sources.size() != 1) return std::unexpected("har: expected one file");
  recording read = read_har(typed.sources.front());
  if (read && read->size() > 0 && into.only_host.empty()) {
    into.only_host = (*read)[0].host;
    if (into.only_host.empty()) return std::unexpected("har: its first request names no host; see --only-host");
    read->notes.push_back(fmt::format("requests to other hosts than {} are refused; --only-host names another",
                                      one_line(into.only_host)));
  }
  return read;
}

}  // namespace

std::expected<load::replay_options, std::string> read_replay_options(const replay_arguments& typed) {
  load::replay_options options;
  options.url = typed.to;
  const auto speed = parse_speed(typed.speed);
  if (!speed) return std::unexpected(speed.error());
  options.speed = *speed;
  const auto timeout = parse_duration(typed.timeout);
  if (!timeout) return std::unexpected("--timeout " + timeout.error());
  options.timeout = *timeout;
  options.connections = typed.connections;
  options.spin = typed.spin;
  if (typed.io == "epoll") options.io.kind = io_kind::epoll;
  if (typed.io == "io_uring") options.io.kind = io_kind::io_uring;
  options.rules = {.unsafe = typed.unsafe,
                   .allow = typed.allow,
                   .refuse = typed.refuse,
                   .only_host = typed.only_host,
                   .host = typed.host,
                   .rewrite = typed.rewrite,
                   .set_headers = {},
                   .drop_headers = typed.drop_headers};
  for (const std::string& each : typed.headers) {
    auto header = parse_header(each);
    if (!header) return std::unexpected(header.error());
    options.rules.set_headers.push_back(std::move(*header));
  }
  return options;
}

std::expected<model::recorded_traffic, std::string> read_recording(const replay_arguments& typed,
                                                                   load::replay_rule_texts& into) {
  if (typed.kind != "log" && !typed.format.empty()) return std::unexpected("--format is of a log");
  if (typed.kind == "gor") return learn::read_gor_traffic(typed.sources);
  if (typed.kind == "har") return read_har_of_one_host(typed, into);
  return learn::read_log_traffic({.files = typed.sources, .format = typed.format, .seed = typed.seed});
}

}  // namespace assay::cli
