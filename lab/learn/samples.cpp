#include "lab/learn/samples.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <random>
#include <string_view>
#include <utility>

#include "lab/learn/format_choice.hpp"
#include "lab/learn/input_paths.hpp"
#include "lab/learn/line/target.hpp"
#include "lab/learn/log_input.hpp"

namespace assay::learn {
namespace {

constexpr int first_error = 400;
constexpr std::uint64_t seed = 1;  // of the sample; fixed, so that a log always gives the same plan

// A segment of a template: a literal, or a placeholder and what stands around it ("{name}.css").
struct segment_pattern {
  std::string before;
  std::string after;
  bool is_value = false;

  std::optional<std::string_view> match(std::string_view text) const {
    // A profile has segments in one spelling, a log in any.
    const bool same = text == before || (text.find('%') != text.npos && one_spelling(text) == before);
    if (!is_value) return same ? std::optional(text) : std::nullopt;
    const bool fits = text.size() > before.size() + after.size() && text.starts_with(before) && text.ends_with(after);
    if (!fits) return std::nullopt;
    return text.substr(before.size(), text.size() - before.size() - after.size());
  }
};

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  while (true) {
    const std::size_t slash = path.find('/', 1);
    segments.push_back(path.substr(1, slash == path.npos ? slash : slash - 1));
    if (slash == path.npos) return segments;
    path.remove_prefix(slash);
  }
}

segment_pattern pattern_of(std::string_view segment) {
  const std::size_t open = segment.find('{');
  const std::size_t close = segment.find('}', std::min(open, segment.size()));
  if (close == segment.npos) return {.before = std::string(segment), .after = {}};
  return {.before = std::string(segment.substr(0, open)),
          .after = std::string(segment.substr(close + 1)),
          .is_value = true};
}

struct route_pattern_of_profile {
  std::string method;
  std::vector<segment_pattern> segments;
  std::size_t placeholders = 0;
  std::size_t rank = 0;  // by requests
  model::route_samples* samples = nullptr;

  bool match(std::string_view wanted, const std::vector<std::string_view>& path,
             std::vector<std::string>& values) const {
    if (method != wanted || segments.size() != path.size()) return false;
    values.clear();
    for (std::size_t i = 0; i < path.size(); ++i) {
      const auto value = segments[i].match(path[i]);
      if (!value) return false;
      if (segments[i].is_value) values.emplace_back(*value);
    }
    return true;
  }
};

// "http://host/path" as a proxy is asked, without what only a browser uses.
std::string_view path_and_query(std::string_view target) {
  if (const std::size_t scheme = target.find("://"); scheme == 4 || scheme == 5) {
    const std::size_t path = target.find('/', scheme + 3);
    target = path == target.npos ? "/" : target.substr(path);
  }
  return target.substr(0, target.find('#'));
}

bool can_be_sent(std::string_view target) {
  return target.starts_with('/') && target.size() <= max_sampled_bytes &&
         std::ranges::all_of(target, [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; });
}

class sampler {
 public:
  explicit sampler(const model::profile& profile) {
    for (const model::route& each : profile.routes) {
      if (routes_.size() == max_sampled_routes) break;
      if (!each.path.starts_with('/')) continue;
      route_pattern_of_profile made{
          .method = each.method, .segments = {}, .rank = routes_.size(), .samples = &found_[each.name()]};
      for (const std::string_view segment : segments_of(each.path)) {
        made.segments.push_back(pattern_of(segment));
        made.placeholders += made.segments.back().is_value;
      }
      routes_.push_back(std::move(made));
    }
    // /items/me before /items/{id}.
    std::ranges::sort(routes_, {},
                      [](const route_pattern_of_profile& each) { return std::pair(each.placeholders, each.rank); });
  }

  void add(std::string_view method, std::string_view logged_target, int status) {
    const std::string_view target = path_and_query(logged_target);
    if (status >= first_error || !can_be_sent(target)) return;
    const std::size_t question = std::min(target.find('?'), target.size());
    const std::vector<std::string_view> path = segments_of(target.substr(0, question));
    for (const route_pattern_of_profile& each : routes_) {
      if (!each.match(method, path, values_)) continue;
      return keep(*each.samples, {.values = values_, .query = std::string(target.substr(question)), .status = status});
    }
  }

  model::log_samples take() { return std::move(found_); }

 private:
  // Vitter's algorithm R.
  void keep(model::route_samples& of, model::sampled_request request) {
    const std::uint64_t seen = of.answered++;
    if (of.requests.size() < max_samples_a_route) return of.requests.push_back(std::move(request));
    const std::uint64_t place = draw_() % (seen + 1);
    if (place < max_samples_a_route) of.requests[place] = std::move(request);
  }

  model::log_samples found_;
  std::vector<route_pattern_of_profile> routes_;
  std::vector<std::string> values_;
  std::mt19937_64 draw_{seed};
};

}  // namespace

std::expected<model::log_samples, std::string> sample_requests(const std::vector<std::string>& files,
                                                               const model::profile& profile,
                                                               const std::string& format) {
  const auto paths = input_paths(files);
  if (!paths) return std::unexpected(paths.error());
  const auto formats = format_choice::parse(format);
  if (!formats) return std::unexpected(formats.error());
  sampler all(profile);
  for (const std::string& path : *paths) {
    log_input input(path, *formats);
    if (const auto opened = input.open(); !opened) return std::unexpected(opened.error());
    while (const access_line* line = input.head()) {
      all.add(line->method, line->target, line->status);
      if (const auto advanced = input.advance(); !advanced) return std::unexpected(advanced.error());
    }
  }
  return all.take();
}

}  // namespace assay::learn
