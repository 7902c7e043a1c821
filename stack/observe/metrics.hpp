// Counters, gauges and distributions that cost a loop a load and a store: each loop writes to a shard of its own, and a
// scrape adds the shards up. No lock and no shared cache line on the way.
//
//   observe::registry metrics;                                      // of the process
//   const auto orders = metrics.counter({.name = "shop_orders_total", .help = "...", .labels = {"outcome"}});
//   observe::shard& mine = metrics.add_shard();                     // of one loop
//   const observe::counter paid = mine.at(*orders, {"paid"});       // once
//   paid.add();                                                     // often
//
// The number of label sets of a metric is bounded by metric_spec::max_series over all shards. What comes later goes to
// one series whose labels are all "other", and is counted in assay_metrics_overflow_total. Only a label set that is new
// to a shard takes a lock; once a metric is full not even that.
//
// Misuse: a shard written from two threads. Nothing stops it, and counts are lost. A gauge of the whole process set in
// every shard: shards are added up; set it in one.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <expected>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "stack/observe/metric_spec.hpp"

namespace assay::observe {

inline constexpr std::size_t max_metrics = 256;
inline constexpr std::size_t max_shards = 256;
// The registry's own: recordings under "other", by metric.
inline constexpr std::string_view overflow_metric_name = "assay_metrics_overflow_total";

namespace detail {

// Written by one thread, read by any. A cache line is not shared with another shard.
struct alignas(64) cell_line {
  std::array<std::atomic<std::uint64_t>, 8> cells{};
};

struct series {
  std::vector<std::string> values;  // of the labels
  std::vector<cell_line> lines;

  std::atomic<std::uint64_t>& cell(std::size_t index) { return lines[index / 8].cells[index % 8]; }
  std::uint64_t read(std::size_t index) const {
    return lines[index / 8].cells[index % 8].load(std::memory_order_relaxed);
  }
};

// A metric, and which label sets it has been given.
struct family {
  family(metric_spec given, metric_kind of_kind, std::size_t at) : spec(std::move(given)), kind(of_kind), index(at) {}

  // Whether the label set is one of the admitted ones; `full` says that there will be no others.
  bool admit(const std::string& key, bool* full);
  std::vector<std::string> admitted_keys() const;
  std::size_t cells() const { return kind == metric_kind::distribution ? spec.bounds.size() + 2 : 1; }

  const metric_spec spec;
  const metric_kind kind;
  const std::size_t index;

 private:
  mutable std::mutex mutex_;
  std::set<std::string> admitted_;
};

// A family's series in one shard. Appended by the shard's thread; a scrape reads up to `published`.
struct family_part {
  explicit family_part(std::size_t max_series) : slots(max_series) {}

  std::unordered_map<std::string, series*> index;
  bool complete = false;  // every admitted label set is in the index: what is not there is "other"
  std::vector<std::unique_ptr<series>> slots;
  std::atomic<std::size_t> published{0};
  std::unique_ptr<series> other_owned;
  std::atomic<series*> other{nullptr};
  std::atomic<std::uint64_t> overflowed{0};
};

inline void bump(std::atomic<std::uint64_t>& cell, std::uint64_t by) noexcept {
  cell.store(cell.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

// The values of a label set as one text that no other set has; longer values are cut.
void append_key(std::string& to, std::span<const std::string_view> values);

template <metric_kind Kind>
struct family_of {
  family* of = nullptr;
};

}  // namespace detail

using counter_family = detail::family_of<metric_kind::counter>;
using gauge_family = detail::family_of<metric_kind::gauge>;
using distribution_family = detail::family_of<metric_kind::distribution>;

class counter {
 public:
  explicit counter(detail::series& of) : cell_(&of.cell(0)) {}
  void add(std::uint64_t by = 1) const noexcept { detail::bump(*cell_, by); }

 private:
  std::atomic<std::uint64_t>* cell_;
};

class gauge {
 public:
  explicit gauge(detail::series& of) : cell_(&of.cell(0)) {}
  void set(double value) const noexcept {
    cell_->store(std::bit_cast<std::uint64_t>(value), std::memory_order_relaxed);
  }
  void add(double by) const noexcept { set(std::bit_cast<double>(cell_->load(std::memory_order_relaxed)) + by); }

 private:
  std::atomic<std::uint64_t>* cell_;
};

// The cells are one for each bound, one for what lies beyond, and the sum.
class distribution {
 public:
  distribution(detail::series& of, std::span<const std::uint64_t> bounds) : of_(&of), bounds_(bounds) {}
  void record(std::uint64_t value) const noexcept {
    std::size_t bucket = 0;
    while (bucket < bounds_.size() && value > bounds_[bucket]) bucket++;
    detail::bump(of_->cell(bucket), 1);
    detail::bump(of_->cell(bounds_.size() + 1), value);
  }

 private:
  detail::series* of_;
  std::span<const std::uint64_t> bounds_;
};

// What one loop has recorded. It lives as long as its registry: counters do not go back when a loop ends.
class shard {
 public:
  // `values` in the order of the spec's labels, or it aborts; valid as long as the registry.
  counter at(counter_family of, std::initializer_list<std::string_view> values = {}) {
    return counter(find(*of.of, values));
  }
  gauge at(gauge_family of, std::initializer_list<std::string_view> values = {}) { return gauge(find(*of.of, values)); }
  distribution at(distribution_family of, std::initializer_list<std::string_view> values = {}) {
    return {find(*of.of, values), of.of->spec.bounds};
  }

 private:
  friend class registry;
  detail::series& find(detail::family& of, std::span<const std::string_view> values);
  detail::series& find_new(detail::family& of, detail::family_part& part);
  static detail::series& add_series(const detail::family& of, detail::family_part& part, const std::string& key);
  static detail::series& other(const detail::family& of, detail::family_part& part);

  std::string key_;  // of the look-up under way; kept for its memory
  std::array<std::unique_ptr<detail::family_part>, max_metrics> owned_;
  std::array<std::atomic<detail::family_part*>, max_metrics> parts_{};
};

// One line for each label set, over all shards, as of a scrape.
struct merged_series {
  std::vector<std::string> values;
  std::vector<std::uint64_t> cells;  // a gauge's is a double's bits
};
struct merged_family {
  const metric_spec* spec = nullptr;
  metric_kind kind = metric_kind::counter;
  std::vector<merged_series> series;  // in the order of their labels' values
  std::uint64_t overflowed = 0;       // recordings that went to "other"
};

class registry {
 public:
  registry() = default;
  registry(const registry&) = delete;
  registry& operator=(const registry&) = delete;

  // The same spec again is the same metric, so that each loop may register what it uses. Fails with one line.
  std::expected<counter_family, std::string> counter(metric_spec spec);
  std::expected<gauge_family, std::string> gauge(metric_spec spec);
  std::expected<distribution_family, std::string> distribution(metric_spec spec);

  // From any thread; at most max_shards, or it aborts.
  shard& add_shard();

  // In the order of their names; from any thread.
  std::vector<merged_family> scrape() const;

 private:
  std::expected<detail::family*, std::string> add(metric_spec spec, metric_kind kind);
  merged_family merge(const detail::family& of) const;

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<detail::family>> families_;
  std::vector<std::unique_ptr<shard>> shards_;
};

}  // namespace assay::observe
