// Folding, scored: requests to public APIs, and the routes that their documentation says they are of.
#include "tests/lab/learn/public_routes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "lab/learn/path_tree.hpp"

namespace assay::learn {
namespace {

using namespace test;

// "/users/{}/repos": what a placeholder is called is no matter of folding.
std::string without_names(std::string_view route) {
  std::string made;
  bool inside = false;
  for (const char c : route) {
    inside = inside && c != '}';
    if (!inside) made += c;
    inside = inside || c == '{';
  }
  return made;
}

// Of the routes that were found, the one that a request was counted in: a word goes before a placeholder.
class found_routes {
 public:
  explicit found_routes(const std::vector<model::route>& routes) {
    for (const model::route& each : routes) {
      std::vector<std::string> segments = segments_of(without_names(each.path));
      std::string form = without_names(each.path);
      by_depth_[{each.method, segments.size()}].push_back({std::move(segments), std::move(form)});
    }
  }
  std::string of(const std::string& method, const std::string& path) const {
    const std::vector<std::string> segments = segments_of(path);
    const auto candidates = by_depth_.find({method, segments.size()});
    if (candidates == by_depth_.end()) return {};
    const route* best = nullptr;
    std::vector<std::size_t> best_fit;
    for (const route& each : candidates->second) {
      std::vector<std::size_t> fit = fit_of(each, segments);
      if (!fit.empty() && fit > best_fit) {
        best = &each;
        best_fit = std::move(fit);
      }
    }
    return best == nullptr ? "" : best->form;
  }

 private:
  struct route {
    std::vector<std::string> segments;
    std::string form;
  };

  // How exactly each segment is named, from the left; empty when one does not fit.
  static std::vector<std::size_t> fit_of(const route& in, const std::vector<std::string>& segments) {
    constexpr std::size_t exactly = 1000;
    std::vector<std::size_t> fit;
    for (std::size_t i = 0; i < segments.size(); ++i) {
      const std::string& wanted = in.segments[i];
      if (wanted == segments[i]) {
        fit.push_back(exactly);
        continue;
      }
      if (!wanted.starts_with("{}") || !segments[i].ends_with(std::string_view(wanted).substr(2))) return {};
      fit.push_back(wanted.size());
    }
    return fit;
  }

  std::map<std::pair<std::string, std::size_t>, std::vector<route>> by_depth_;
};

struct score {
  std::size_t paths = 0;
  std::size_t right = 0;
  std::vector<std::string> wrong;
  std::vector<std::string> merged;
};

score score_of(const public_api& api, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const std::vector<labelled_request> traffic = traffic_of(api, random);
  path_tree tree({});
  for (const labelled_request& each : traffic) {
    EXPECT_TRUE(tree.add(each.route->method, each.path, {.status = 200, .bytes = 100})) << each.path;
  }
  const routes_found found = tree.finish();
  EXPECT_TRUE(found.other.empty()) << api.name;
  const found_routes places(found.routes);
  score made;
  for (const documented_route& route : api.routes) {
    for (const std::string& path : route.requests) {
      const std::string place = places.of(route.method, path);
      ++made.paths;
      if (place == without_names(route.path)) {
        ++made.right;
      } else {
        made.wrong.push_back(fmt::format("{} {} is in {}, expected {}", route.method, path, place, route.path));
      }
    }
  }
  // Of all requests, not only of those that are scored.
  std::map<std::string, std::set<std::string>> meant;
  std::map<std::string, std::uint64_t> counted;
  for (const labelled_request& each : traffic) {
    const std::string place = each.route->method + " " + places.of(each.route->method, each.path);
    meant[place].insert(each.route->path);
    ++counted[place];
  }
  for (const auto& [place, routes] : meant) {
    if (routes.size() > 1 && !place.ends_with(' '))
      made.merged.push_back(fmt::format("{}: {}", place, fmt::join(routes, ", ")));
  }
  // A word that was folded to make room, and came again, may have been counted in two routes.
  for (const model::route& each : found.routes) {
    const auto wanted = static_cast<double>(counted[each.method + " " + without_names(each.path)]);
    EXPECT_NEAR(static_cast<double>(each.requests), wanted, std::max(2.0, 0.01 * wanted)) << each.path;
  }
  return made;
}

TEST(public_routes, are_found_as_they_are_documented) {
  const std::vector<public_api> apis = read_public_apis(ASSAY_PUBLIC_ROUTES);
  constexpr std::uint64_t seeds = 2;
  ASSERT_GE(apis.size(), 5U);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    score all;
    for (const public_api& api : apis) {
      ASSERT_FALSE(api.source.empty()) << api.name;
      const score each = score_of(api, seed);
      fmt::print("{:<12}{:>4} of {:>3} paths as documented\n", api.name, each.right, each.paths);
      for (const std::string& why : each.wrong) fmt::print("    {}\n", why);
      EXPECT_TRUE(each.merged.empty()) << api.name << fmt::format(": {}", fmt::join(each.merged, "; "));
      all.paths += each.paths;
      all.right += each.right;
    }
    const double share = static_cast<double>(all.right) / static_cast<double>(all.paths);
    fmt::print("seed {}: {} of {} paths, {:.2f} %\n", seed, all.right, all.paths, 100 * share);
    EXPECT_GE(all.paths, 300U);
    EXPECT_GE(share, 0.98);
  }
}

}  // namespace
}  // namespace assay::learn
