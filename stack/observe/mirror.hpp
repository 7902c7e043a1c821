// Numbers that are counted elsewhere, carried into a shard: those of policies, pools and servers, which count in plain
// integers of their own and know nothing of metrics.
//
//   observe::mirror numbers(metrics, metrics.add_shard());              // of one loop
//   numbers.counter({.name = "assay_shed_admitted_total", ...}, {}, &admission->counted().admitted);
//   numbers.gauge({.name = "assay_shed_in_flight", ...}, {}, [admission](instant) { return admission->in_flight(); });
//   numbers.run_on(on, [gate] { return gate->in_flight() > 0; });       // on the loop's thread
//   numbers.touch();                                                    // with each request
//
// What is shown is carried over `every` after something has begun, and for as long as there is something under way;
// then not any more, so that an idle loop sleeps: unless something is shown that other threads count, for which nothing
// has to be under way here. It costs nothing where things are counted, and a request one look whether a timer is armed.
// So a scrape may see what was so 100 ms ago, a stalled loop as it was before.
//
// Gauges of several loops, and of what has the same labels on one, are added up.
//
// Misuse: what is shown goes before close(), or before this. The mirror outlives its loop: close() it on the loop.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "stack/observe/metrics.hpp"
#include "stack/runtime/loop.hpp"

namespace assay::observe {

class mirror {
 public:
  static constexpr duration every = std::chrono::milliseconds(100);
  using labels = std::initializer_list<std::string_view>;

  mirror(registry& of, shard& mine) : registry_(of), mine_(mine), alarm_(this) {}
  ~mirror() { close(); }
  mirror(const mirror&) = delete;
  mirror& operator=(const mirror&) = delete;

  // `source` only ever rises.
  void counter(const metric_spec& spec, labels values, const std::uint64_t* source);
  // Of a time that is summed up.
  void counter(const metric_spec& spec, labels values, const duration* source);
  // Of what other threads count: asked on the loop's, and for as long as it runs.
  void counter(const metric_spec& spec, labels values, std::function<std::uint64_t()> source);
  void gauge(const metric_spec& spec, labels values, std::function<double(instant now)> source);

  // The first name that others have taken, as one line; empty when there is none. Such a number is not carried.
  const std::string& problem() const { return problem_; }

  // From now on by the timers of this loop; `busy` says whether to go on. On its thread, as all that follows.
  void run_on(loop& on, std::function<bool()> busy);
  void touch() {
    if (on_ != nullptr && !alarm_.armed()) arm();
  }
  void carry(instant now);
  // Carries once more, takes the gauges back, and forgets what it showed. Again: nothing.
  void close();

 private:
  struct counted {
    const std::uint64_t* source = nullptr;  // or
    const duration* span = nullptr;         // or
    std::function<std::uint64_t()> ask = {};
    observe::counter to;
    std::uint64_t carried = 0;

    std::uint64_t now() const;
  };
  struct measured {
    std::function<double(instant now)> source;
    observe::gauge to;
    double carried = 0;
  };
  struct alarm : timer_node {
    explicit alarm(mirror* of) : timer_node(&on_time), owner(of) {}
    static void on_time(timer_node& node) noexcept;
    mirror* owner;
  };

  template <class Family>
  bool take(const std::expected<Family, std::string>& family);
  void arm();

  registry& registry_;
  shard& mine_;
  std::vector<counted> counters_;
  std::vector<measured> gauges_;
  std::string problem_;
  loop* on_ = nullptr;
  std::function<bool()> busy_;
  bool always_ = false;  // something that is shown changes though nothing is under way on this loop
  alarm alarm_;
};

}  // namespace assay::observe
