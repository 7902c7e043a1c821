#include "lab/learn/learn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "lab/learn/access_line.hpp"
#include "lab/learn/arrival_counts.hpp"
#include "lab/learn/fold.hpp"
#include "lab/learn/line_reader.hpp"
#include "lab/learn/popularity.hpp"
#include "lab/learn/session_counter.hpp"
#include "stack/observe/histogram.hpp"

namespace assay::learn {
namespace {

constexpr std::size_t sample_bytes = 120;
constexpr std::uint64_t progress_lines = 100'000;
constexpr std::size_t max_query_keys = 64;  // of one route

// Fit for a terminal and a report.
std::string sample_of(std::uint64_t number, std::string_view text) {
  std::string sample = fmt::format("line {}: ", number);
  for (const char c : text.substr(0, sample_bytes)) {
    sample += static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) >= 0x7f ? '?' : c;
  }
  if (text.size() > sample_bytes) sample += "…";
  return sample;
}

// What is counted of each place that the folder gives out; merged with its siblings at the end.
struct place_counts {
  std::map<int, std::uint64_t> statuses;
  std::map<std::string, std::uint64_t> query_keys;
  observe::histogram bytes = observe::histogram::with_defaults();
};

class builder {
 public:
  explicit builder(const learn_options& options) : options_(options) { made_.tool_version = options.tool_version; }

  std::expected<void, std::string> add_patterns();
  std::expected<void, std::string> read(const std::string& path);
  std::expected<model::profile, std::string> finish();

 private:
  void count(const access_line& line);
  void refuse(model::log_source& source, refusal why, std::uint64_t number, std::string_view text);
  std::expected<void, std::string> check(const model::log_source& source) const;
  model::route route_of(folded_route& folded);

  const learn_options& options_;
  model::profile made_;
  route_folder folder_;
  std::vector<place_counts> places_;
  arrival_counts arrivals_;
  session_counter sessions_;
  std::uint64_t failing_ = 0;  // in a row
  std::uint64_t beyond_templates_ = 0;
};

std::expected<void, std::string> builder::add_patterns() {
  for (const std::string& each : options_.patterns) {
    if (const auto added = folder_.add_pattern(each); !added) return added;
  }
  return {};
}

void builder::refuse(model::log_source& source, refusal why, std::uint64_t number, std::string_view text) {
  const std::string reason(label(why));
  if (source.rejected[reason]++ == 0) source.rejected_sample[reason] = sample_of(number, text);
}

std::expected<void, std::string> builder::read(const std::string& path) {
  auto reader = line_reader::open(path);
  if (!reader) return std::unexpected(reader.error());
  model::log_source source{.path = path == "-" ? "stdin" : path};
  std::uint64_t combined = 0;
  line_reader::line line;
  while (true) {
    const auto more = reader->next(line, max_line_bytes);
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    if (line.text.empty() && !line.too_long) continue;
    source.lines++;
    if (options_.on_progress && source.lines % progress_lines == 0) options_.on_progress(source.lines);
    if (line.too_long) {
      refuse(source, refusal::too_long, source.lines, line.text);
      continue;
    }
    const auto parsed = parse_access_line(line.text);
    if (!parsed) {
      refuse(source, parsed.error(), source.lines, line.text);
      continue;
    }
    if (!arrivals_.add(parsed->at)) {
      refuse(source, refusal::bad_timestamp, source.lines, line.text);
      continue;
    }
    source.kept++;
    combined += parsed->combined;
    count(*parsed);
  }
  source.sha256 = reader->sha256();
  source.format = 2 * combined >= source.kept ? "combined" : "common";
  if (const auto good = check(source); !good) return good;
  made_.sources.push_back(std::move(source));
  return {};
}

std::expected<void, std::string> builder::check(const model::log_source& source) const {
  if (source.lines == 0) return std::unexpected(source.path + ": is empty");
  if (static_cast<double>(source.lines - source.kept) <= rejected_error * static_cast<double>(source.lines)) return {};
  const auto worst = std::ranges::max_element(source.rejected, {}, [](const auto& each) { return each.second; });
  return std::unexpected(fmt::format(
      "{}: {} of {} lines are no access log in common or combined format, most for \"{}\" ({})", source.path,
      source.lines - source.kept, source.lines, worst->first, source.rejected_sample.at(worst->first)));
}

void builder::count(const access_line& line) {
  std::string_view target = line.target;
  if (const auto scheme = target.find("://"); scheme != std::string_view::npos && scheme < 6) {
    target.remove_prefix(scheme + 3);
    target.remove_prefix(std::min(target.find('/'), target.size()));
  }
  const auto mark = target.find('?');
  sessions_.add(line.host, line.agent, line.at);
  const bool failed = line.status >= 500;
  made_.errors.errors += failed;
  made_.errors.bursts += failed && failing_ == 0;
  failing_ = failed ? failing_ + 1 : 0;
  made_.errors.longest = std::max(made_.errors.longest, failing_);

  const std::size_t place = folder_.add(line.method, target.substr(0, mark));
  if (place == route_folder::other) {
    beyond_templates_++;
    return;
  }
  if (place >= places_.size()) places_.resize(place + 1);
  place_counts& counts = places_[place];
  counts.statuses[line.status]++;
  counts.bytes.record(line.bytes);
  std::string_view query = mark == std::string_view::npos ? "" : target.substr(mark + 1);
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const std::string key(pair.substr(0, std::min(pair.find('='), std::size_t{64})));
    if (counts.query_keys.size() < max_query_keys || counts.query_keys.contains(key)) counts.query_keys[key]++;
  }
}

model::placeholder placeholder_of(const folded_value& value) {
  model::placeholder made{.name = value.name, .shape = value.shape, .distinct = value.counts.size()};
  std::vector<std::uint64_t> counts;
  for (const auto& [text, count] : value.counts) {
    counts.push_back(count);
    std::int64_t number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (value.shape != "integer" || failed != std::errc()) continue;
    made.least = std::min(made.least.value_or(number), number);
    made.greatest = std::max(made.greatest.value_or(number), number);
  }
  made.zipf_exponent = zipf_exponent(counts);
  made.top_tenth_share = top_tenth_share(std::move(counts));
  return made;
}

model::route builder::route_of(folded_route& folded) {
  model::route made{.method = folded.method, .path = folded.path(), .requests = folded.requests};
  observe::histogram bytes = observe::histogram::with_defaults();
  for (const std::size_t member : folded.members) {
    for (const auto& [status, count] : places_[member].statuses) made.statuses[status] += count;
    for (const auto& [key, count] : places_[member].query_keys) made.query_keys[key] += count;
    std::ignore = bytes.merge(places_[member].bytes);
  }
  made.response_bytes_p50 = static_cast<double>(bytes.value_at_quantile(0.5));
  made.response_bytes_p99 = static_cast<double>(bytes.value_at_quantile(0.99));
  for (const folded_value& value : folded.values) made.placeholders.push_back(placeholder_of(value));
  return made;
}

std::expected<model::profile, std::string> builder::finish() {
  made_.resolution = "1 s";
  made_.arrival = arrivals_.summary();
  made_.session = sessions_.summary();
  for (folded_route& each : folder_.finish()) made_.routes.push_back(route_of(each));
  if (beyond_templates_ > 0) {
    made_.routes.push_back({.method = "*", .path = "(other)", .requests = beyond_templates_});
  }
  return std::move(made_);
}

}  // namespace

std::expected<model::profile, std::string> learn(const learn_options& options) {
  builder made(options);
  if (const auto added = made.add_patterns(); !added) return std::unexpected(added.error());
  for (const std::string& path : options.paths) {
    if (const auto read = made.read(path); !read) return std::unexpected(read.error());
  }
  return made.finish();
}

}  // namespace assay::learn
