#include "lab/learn/learn.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lab/learn/arrival_counts.hpp"
#include "lab/learn/log_reader.hpp"
#include "lab/learn/path_tree.hpp"
#include "lab/learn/session_counts.hpp"

namespace assay::learn {
namespace {

constexpr std::chrono::seconds most_disorder{60};
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
    sizes_.record(line.bytes);
    // nginx stamps the end of a request; where the log says how long it took, its start is known.
    const auto took = std::chrono::seconds(static_cast<std::int64_t>(std::min(line.request_time_s.value_or(0), 1e6)));
    const std::chrono::sys_seconds at = line.stamp - took;
    arrivals_.add(at, line.zone);
    // Behind a proxy the address is the proxy's, on every line.
    sessions_.add(line.forwarded_for.empty() ? line.address : line.forwarded_for, line.agent, at);
    add_failure(line.status >= first_failure);
    if (line.method.empty()) {
      ++other_[std::string(no_request_line)];
      return;
    }
    const bool escaped = line.target.find('\\') != std::string_view::npos;
    const auto target = escaped ? split(unescape(line.target)) : split(line.target);
    if (!target) {
      ++other_[std::string(no_path)];
      return;
    }
    routes_.add({.method = line.method, .target = &*target, .status = line.status, .bytes = line.bytes});
  }

  void describe(model::profile& profile) {
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
    add_notes(profile);
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

  path_tree routes_;
  arrival_counts arrivals_;
  session_counts sessions_;
  size_counts sizes_;
  std::map<int, std::uint64_t> statuses_;
  std::map<std::string, std::uint64_t> other_;
  model::error_bursts failures_;
  std::uint64_t run_ = 0;
  std::uint64_t requests_ = 0;
};

// One file: what its lines are, which are refused, and whether its clock is to be trusted.
class file_observer {
 public:
  explicit file_observer(observer& all) : all_(all) {}

  void add(const raw_line& raw) {
    ++source_.lines;
    const auto line = raw.too_long ? std::unexpected(line_fault::too_long) : parse_access_line(raw.text);
    if (!line) return reject(raw, line.error());
    // A line without an end that lacks the fields of the others was cut, perhaps in the middle of a number.
    if (!raw.ended && !line->combined && combined_ > plain_) return reject(raw, line_fault::cut_short);
    ++source_.kept;
    ++(line->combined ? combined_ : plain_);
    if (!line->vhost.empty()) ++with_vhost_;
    if (line->stamp + most_disorder < latest_) ++source_.clock_anomalies;
    latest_ = std::max(latest_, line->stamp);
    all_.add(*line);
  }

  model::log_source finish(const std::string& path, bytes_read read) {
    source_.path = path;
    source_.bytes = read.bytes;
    source_.sha256 = std::move(read.sha256);
    source_.format = combined_ >= plain_ ? "combined" : "common";
    if (2 * with_vhost_ > source_.kept) source_.format += " with virtual host";
    return std::move(source_);
  }

 private:
  void reject(const raw_line& raw, line_fault fault) {
    const std::string reason(label(fault));
    if (++source_.rejected[reason] == 1) {
      source_.rejected_sample[reason] = fmt::format("line {}: {}", raw.number, printable(raw.text));
    }
  }

  observer& all_;
  model::log_source source_;
  std::chrono::sys_seconds latest_{};
  std::uint64_t combined_ = 0;
  std::uint64_t plain_ = 0;
  std::uint64_t with_vhost_ = 0;
};

std::string name_of(const model::log_source& source) { return source.path == "-" ? "standard input" : source.path; }

// A file of which most is refused is not what the user meant.
std::expected<void, std::string> accept(const model::log_source& source) {
  const std::uint64_t refused = source.lines - source.kept;
  if (static_cast<double>(refused) <= most_rejected * static_cast<double>(source.lines)) return {};
  const auto usual = std::ranges::max_element(source.rejected, {}, [](const auto& each) { return each.second; });
  return std::unexpected(fmt::format(
      "{}: expected an access log in the common or combined format; {} of {} lines are not, mostly: {} ({})",
      name_of(source), refused, source.lines, usual->first, source.rejected_sample.at(usual->first)));
}

std::expected<std::vector<route_pattern>, std::string> patterns_of(const std::vector<std::string>& typed) {
  std::vector<route_pattern> patterns;
  for (const std::string& each : typed) {
    auto pattern = parse_route_pattern(each);
    if (!pattern) return std::unexpected(pattern.error());
    patterns.push_back(std::move(*pattern));
  }
  return patterns;
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
  return {};
}

std::expected<model::profile, std::string> learn(const learn_options& options) {
  if (const auto sound = check(options); !sound) return std::unexpected(sound.error());
  observer all(*patterns_of(options.routes));
  model::profile profile;
  profile.tool_version = ASSAY_VERSION;
  profile.resolution = "1 s";
  for (const std::string& path : options.files) {
    file_observer file(all);
    auto read = read_lines(path, [&](const raw_line& line) { file.add(line); });
    if (!read) return std::unexpected(read.error());
    model::log_source source = file.finish(path, std::move(*read));
    if (const auto accepted = accept(source); !accepted) return std::unexpected(accepted.error());
    profile.sources.push_back(std::move(source));
  }
  // A log that has just been rotated is empty; that all are is a mistake.
  const auto empty = [](const model::log_source& source) { return source.lines == 0; };
  if (std::ranges::all_of(profile.sources, empty)) {
    return std::unexpected(name_of(profile.sources.front()) + ": is empty; expected an access log");
  }
  all.describe(profile);
  for (const model::log_source& each : profile.sources) {
    if (empty(each)) profile.notes.push_back(name_of(each) + " is empty");
  }
  return profile;
}

}  // namespace assay::learn
