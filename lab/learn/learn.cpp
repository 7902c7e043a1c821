#include "lab/learn/learn.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lab/learn/arrival_counts.hpp"
#include "lab/learn/log_merge.hpp"
#include "lab/learn/path_tree.hpp"
#include "lab/learn/session_counts.hpp"
#include "lab/learn/start_order.hpp"

namespace assay::learn {
namespace {

constexpr int first_failure = 500;

constexpr std::string_view no_request_line = "no request line (such as \"-\" or a TLS handshake)";
constexpr std::string_view no_path = "no path, or one deeper than 16 segments";
static_assert(max_segments == 16, "the text above says so");

// Everything that all files together tell.
class observer {
 public:
  explicit observer(std::vector<route_pattern> patterns) : routes_(std::move(patterns)) {}

  void add(const access_line& line) {
    ++requests_;
    ++statuses_[line.status];
    sizes_.record(line.bytes, size_room_);
    const auto at = std::chrono::floor<std::chrono::seconds>(start_of(line));
    arrivals_.add(at, line.zone);
    // Behind a proxy the address is the proxy's, on every line.
    const std::string_view client = line.forwarded_for.empty() ? line.address : line.forwarded_for;
    if (client.empty()) {
      ++without_client_;
    } else {
      sessions_.add(client, line.agent, at);
    }
    add_failure(line.status >= first_failure);
    if (line.method.empty()) {
      ++other_[std::string(no_request_line)];
      return;
    }
    const bool escaped = line.target.find('\\') != std::string_view::npos;
    if (!split(escaped ? unescape(line.target) : line.target, target_)) {
      ++other_[std::string(no_path)];
      return;
    }
    routes_.add({.method = line.method, .target = &target_, .status = line.status, .bytes = line.bytes});
  }

  void describe(model::profile& profile, const merge_facts& facts) {
    routes_found found = routes_.finish();
    for (const auto& [reason, count] : other_) found.other[reason] += count;
    profile.requests = requests_;
    profile.routes = std::move(found.routes);
    profile.other = std::move(found.other);
    profile.statuses = statuses_;
    profile.response_bytes_p50 = sizes_.quantile(0.5);
    profile.response_bytes_p99 = sizes_.quantile(0.99);
    profile.arrival = arrivals_.describe();
    profile.session = sessions_.describe();
    profile.errors = failures_;
    if (run_ >= 2) ++profile.errors.bursts;
    profile.resolution = facts.fewest_digits == 0 ? "1 s" : facts.fewest_digits <= 3 ? "1 ms" : "1 us";
    add_notes(profile);
    add_input_notes(profile, facts);
  }

 private:
  void add_failure(bool failed) {
    if (failed) {
      ++failures_.errors;
      failures_.longest = std::max(failures_.longest, ++run_);
      return;
    }
    if (run_ >= 2) ++failures_.bursts;
    run_ = 0;
  }

  void add_notes(model::profile& profile) const {
    for (const std::string& each : routes_.unmatched()) {
      profile.notes.push_back(fmt::format("--route '{}' matches no request", each));
    }
    if (requests_ > profile.arrival.requests) {
      profile.notes.push_back(fmt::format(
          "rates are those of the busiest stretch of the first {} days with requests: {} requests lie outside",
          max_days, requests_ - profile.arrival.requests));
    }
    if (sessions_.untracked() > 0) {
      profile.notes.push_back(fmt::format("sessions: more than {} at a time; {} requests are in none",
                                          max_open_sessions, sessions_.untracked()));
    }
  }

  void add_input_notes(model::profile& profile, const merge_facts& facts) const {
    for (const std::string& each : facts.doubts) profile.notes.push_back(each);
    if (facts.set_aside > 0) {
      profile.notes.push_back(
          fmt::format("{} lines are no requests: headers, comments or entries of another kind", facts.set_aside));
    }
    if (const auto none = statuses_.find(0); none != statuses_.end()) {
      profile.notes.push_back(
          fmt::format("{} requests have no status: none was sent, or the log does not say", none->second));
    }
    if (without_client_ > 0) {
      profile.notes.push_back(fmt::format("sessions: {} requests name no client and are in none", without_client_));
    }
    if (const auto bound = arrivals_.below_a_second(); facts.fewest_digits == 0 && bound) {
      profile.notes.push_back(fmt::format(
          "stamps of 1 s do not say how requests lie inside a second; dispersion at 0.1 s is {:.3g} if they are spread "
          "at random, and {:.3g} if all of a second come at once; the busiest 0.1 s has {} or {}",
          bound->dispersion_spread, bound->dispersion_clumped, bound->busiest_spread, bound->busiest_clumped));
    }
  }

  path_tree routes_;
  split_target target_;
  arrival_counts arrivals_;
  session_counts sessions_;
  size_counts sizes_;
  std::size_t size_room_ = max_size_buckets;
  std::map<int, std::uint64_t> statuses_;
  std::map<std::string, std::uint64_t> other_;
  model::error_bursts failures_;
  std::uint64_t run_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t without_client_ = 0;
};

std::expected<std::vector<route_pattern>, std::string> patterns_of(const std::vector<std::string>& typed) {
  std::vector<route_pattern> patterns;
  for (const std::string& each : typed) {
    auto pattern = parse_route_pattern(each);
    if (!pattern) return std::unexpected(pattern.error());
    patterns.push_back(std::move(*pattern));
  }
  return patterns;
}

// A log that has just been rotated is empty; that all are is a mistake.
std::expected<void, std::string> check_any(const std::vector<model::log_source>& sources, const merge_facts& facts) {
  if (std::ranges::any_of(sources, [](const model::log_source& each) { return each.lines > 0; })) return {};
  const std::string name = name_of(sources.front().path);
  if (facts.set_aside == 0) return std::unexpected(name + ": is empty; expected an access log");
  return std::unexpected(
      fmt::format("{}: expected an access log; all {} lines are headers, comments or entries of another kind", name,
                  facts.set_aside));
}

}  // namespace

std::expected<void, std::string> check(const learn_options& options) {
  if (options.files.empty() || options.files.size() > max_files) {
    return std::unexpected(fmt::format("FILE: expected 1 to {} files", max_files));
  }
  if (std::ranges::count(options.files, "-") > 1) return std::unexpected("FILE -: expected standard input once");
  if (options.routes.size() > max_routes)
    return std::unexpected(fmt::format("--route: expected at most {}", max_routes));
  const auto patterns = patterns_of(options.routes);
  if (!patterns) return std::unexpected(patterns.error());
  if (const auto formats = format_choice::parse(options.format); !formats) return std::unexpected(formats.error());
  return {};
}

std::expected<model::profile, std::string> learn(const learn_options& options) {
  if (const auto sound = check(options); !sound) return std::unexpected(sound.error());
  auto paths = input_paths(options.files);
  if (!paths) return std::unexpected(paths.error());
  const format_choice formats = *format_choice::parse(options.format);
  log_merge inputs(std::move(*paths), formats);
  if (const auto started = inputs.start(); !started) return std::unexpected(started.error());
  observer all(*patterns_of(options.routes));
  start_order order;
  const auto use = [&](const access_line& line) { all.add(line); };
  for (;;) {
    const auto line = inputs.next();
    if (!line) return std::unexpected(line.error());
    if (*line == nullptr) break;
    order.add(**line, use);
  }
  order.finish(use);
  model::profile profile;
  profile.tool_version = ASSAY_VERSION;
  profile.sources = inputs.sources();
  if (const auto any = check_any(profile.sources, inputs.facts()); !any) return std::unexpected(any.error());
  all.describe(profile, inputs.facts());
  if (inputs.crowded()) {
    profile.notes.push_back(
        fmt::format("more than {} files overlap in time; they were not all read in its order", max_open_inputs));
  }
  for (const model::log_source& each : profile.sources) {
    if (each.lines == 0) profile.notes.push_back(name_of(each.path) + " is empty");
  }
  return profile;
}

}  // namespace assay::learn
