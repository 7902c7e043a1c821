// Which of several hosts is asked next, and which are left out for a while.
//
//   guard::balance::policy among({}, {"a.internal:80", "b.internal:80"});
//   result<guard::balance::lease> turn = among.choose(key, now);   // errc::limit: no host is usable
//   ... ask host number turn->host() ...
//   turn->succeed(now);   // or fail(now); neither, when the outcome says nothing about the host
//
// Methods. two_choices: of two drawn at random the one with fewer of our requests in flight, which is near to the best
// and does not flock (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", IEEE TPDS 12(10), 2001).
// least_in_flight: the fewest of all. round_robin: in turn, whatever they do. sticky: the host that a key belongs to,
// by rendezvous hashing; the next best while that one is left out.
//
// Left out is who failed failures_to_eject times in a row, for base_ejection, then twice that, three times that, up to
// max_ejection; a time of quiet makes it shorter again (the rules of Envoy's outlier detection). Never more than
// max_ejected_percent of the hosts, and never the last: many failing at once is seldom the hosts' own fault. And who
// failed checks_to_leave health checks in a row, until it has passed checks_to_return.
//
// Panic: with fewer than panic_percent of the hosts usable, the rest would not carry the load, and more likely it is
// the checks that are wrong. Then all are asked. With panic_percent = 0 never: with no host left there is errc::limit.
//
// Ejection is what a circuit breaker is for one host. Misuse: both. A breaker around all gives up the healthy ones; one
// around each refuses what was balanced to it, and the others are not asked.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stack/guard/options.hpp"
#include "stack/runtime/error.hpp"

namespace assay::observe {
class mirror;
}

namespace assay::guard::balance {

inline constexpr std::size_t max_hosts = 1000;

enum class method : std::uint8_t { two_choices, least_in_flight, round_robin, sticky };

struct options {
  method by = method::two_choices;
  unsigned failures_to_eject = 5;  // in a row
  duration base_ejection = std::chrono::seconds(30);
  duration max_ejection = std::chrono::minutes(5);
  unsigned max_ejected_percent = 50;
  unsigned checks_to_leave = 3;   // failed in a row
  unsigned checks_to_return = 2;  // passed in a row
  unsigned panic_percent = 30;
  bool count_5xx = true;
  duration fair_wait = std::chrono::milliseconds(100);  // a timeout of an exchange that had less is not counted
  std::optional<std::uint64_t> seed = {};               // of every draw; none: a different one for each policy
};

checked check(const options& given);

struct counters {
  std::uint64_t chosen = 0;
  std::uint64_t panicked = 0;  // of those: from all hosts, for want of usable ones
  std::uint64_t refused = 0;   // no host was usable
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  std::uint64_t not_counted = 0;  // told nothing about the host, or came when it had been left out meanwhile
  std::uint64_t ejected = 0;
  std::uint64_t not_ejected = 0;  // failed as often, but too many were ejected already
  std::uint64_t left = 0;         // by health checks
  std::uint64_t returned = 0;
};

class policy;

// One request to one host, in flight until this goes.
class [[nodiscard]] lease {
 public:
  lease(lease&& other) noexcept
      : from_(std::exchange(other.from_, nullptr)), host_(other.host_), period_(other.period_), told_(other.told_) {}
  lease& operator=(lease&&) = delete;
  ~lease();

  std::size_t host() const { return host_; }
  void succeed(instant now) { tell(now, false); }
  void fail(instant now) { tell(now, true); }

 private:
  friend class policy;
  lease(policy* from, std::size_t host, std::uint64_t period) : from_(from), host_(host), period_(period) {}
  void tell(instant now, bool failed);
  policy* from_;
  std::size_t host_;
  std::uint64_t period_;
  bool told_ = false;
};

class policy {
 public:
  // The names tell hosts apart, in this process and in others: where a key belongs depends on them.
  policy(const options& given, std::vector<std::string> names);
  policy(const policy&) = delete;  // leases point to it
  policy& operator=(const policy&) = delete;

  // `key` is for sticky; an empty one belongs to nobody, and two choices are made. `asked` are the hosts that had this
  // request before, in order: none of them has it again while there is another usable one, and the last of them only
  // when there is no other at all.
  result<lease> choose(std::string_view key, instant now, std::span<const std::size_t> asked = {});
  // The outcome of a health check of that host.
  void on_check(std::size_t host, bool passed);

  std::size_t hosts() const { return hosts_.size(); }
  const std::string& name_of(std::size_t host) const { return hosts_[host].name; }
  std::size_t in_flight(std::size_t host) const { return hosts_[host].in_flight; }
  bool usable(std::size_t host, instant now) const { return hosts_[host].well && now >= hosts_[host].ejected_until; }
  std::size_t usable(instant now) const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < hosts_.size(); ++i) count += usable(i, now) ? 1U : 0U;
    return count;
  }
  const options& settings() const { return options_; }
  const counters& counted() const { return counters_; }

 private:
  friend class lease;
  struct host_state {
    std::string name;
    std::uint64_t hash = 0;
    std::size_t in_flight = 0;
    unsigned failures = 0;  // in a row
    instant ejected_until{};
    std::int64_t ejections = 0;  // that count for how long the next one is
    std::uint64_t period = 0;    // between ejections; what began in an earlier one no longer decides
    bool well = true;            // by the checks
    unsigned checks = 0;         // in a row, that speak against `well`
  };
  void collect(instant now);
  void leave_out(std::span<const std::size_t> asked);
  std::size_t pick(std::string_view key);
  std::size_t in_turn();
  std::size_t least_busy();
  std::size_t better_of_two();
  std::size_t owner_of(std::string_view key) const;
  std::size_t draw(std::size_t count);
  void on_end(std::size_t host, std::uint64_t period, bool failed, instant now);
  void eject(host_state& from, instant now);
  bool may_eject(instant now) const;

  options options_;
  std::mt19937_64 random_;
  std::vector<host_state> hosts_;
  std::vector<std::size_t> candidates_;  // of the choice being made
  std::size_t turn_ = 0;                 // of round robin
  counters counters_;
};

// Its numbers as metrics, for as long as it is there: docs/watching-itself.md.
void show(observe::mirror& in, const policy& of, std::string_view client);

}  // namespace assay::guard::balance
