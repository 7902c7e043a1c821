// What a metric is declared as, checked when it is registered and not when somebody's Prometheus refuses the scrape.
//
//   const metric_spec orders{.name = "shop_orders_total", .help = "Orders by outcome.", .labels = {"outcome"}};
//
// The rules are those of Prometheus' data model and of OpenMetrics 1.0: names of [a-zA-Z_][a-zA-Z0-9_]* (':' is for the
// rules of whoever scrapes), counters end in _total, units stand in the name (_seconds), nothing ends in what a
// histogram adds (_bucket, _sum, _count) and no label begins with "__" or is "le".
//
// Misuse: a label for what has no bound, such as a path, a user or an error's text. max_series cuts it off, and what
// lies beyond is counted under "other"; a label that is always "other" tells nothing.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

namespace assay::observe {

enum class metric_kind : std::uint8_t { counter, gauge, distribution };

// What is recorded is exposed in the base unit: nanoseconds as seconds.
enum class metric_unit : std::uint8_t { none, nanoseconds };

inline constexpr std::size_t max_metric_name_bytes = 128;
inline constexpr std::size_t max_metric_labels = 8;
inline constexpr std::size_t max_label_value_bytes = 128;  // longer values are cut
inline constexpr std::size_t most_series = 10'000;
inline constexpr std::size_t max_bounds = 64;

struct metric_spec {
  std::string name;
  std::string help;
  std::vector<std::string> labels = {};
  metric_unit unit = metric_unit::none;
  std::size_t max_series = 500;            // label sets; beyond it all goes to one whose labels are "other"
  std::vector<std::uint64_t> bounds = {};  // of a distribution's buckets, inclusive and ascending, as recorded

  friend bool operator==(const metric_spec&, const metric_spec&) = default;
};

// Nothing, or one line that names the metric and what is wrong with it.
std::expected<void, std::string> check(const metric_spec& spec, metric_kind kind);

// 0.5 ms to 10 s, three to a decade: what requests take.
std::vector<std::uint64_t> latency_bounds_ns();

}  // namespace assay::observe
