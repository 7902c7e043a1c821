// Looks at the connections of a PostgreSQL, put together: how many do what, which statements wait for whose lock, which
// transactions are held open, and for how long each time.
//
// Misuse: looks out of order; what is open in one and not in the next has ended between them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "lab/model/database.hpp"
#include "lab/model/trial.hpp"

namespace assay::inside {

// A row of pg_stat_activity. Times are the server's, seconds since 1970.
struct backend_row {
  std::int64_t pid = 0;
  std::string state = {};       // "active", "idle in transaction", ...; empty: we may not see it
  std::string wait_type = {};   // "Lock", "IO", ...; empty: it does not wait
  std::string wait_event = {};  // "tuple", "WALSync", ...
  std::string statement = {};   // that runs, or ran last; with its values
  double since = 0;             // when it came into this state
  std::vector<std::int64_t> blocked_by = {};
};

struct database_answer {
  double now = 0;          // the server's
  unsigned of_server = 0;  // connections to all databases
  std::vector<backend_row> backends = {};
};

class database_history {
 public:
  static constexpr std::size_t most_looks = 100'000;
  static constexpr std::size_t most_kinds = 200;   // of locks, holds and waits each, told apart
  static constexpr std::size_t most_listed = 20;   // of them, in the result
  static constexpr std::size_t most_events = 100;  // the longest
  static constexpr double told_s = 1;              // shorter waits and holds are no event

  void add(double at_s, const database_answer& seen);
  // Into looks, waits, locks, holds and notes.
  void report(model::database_view& into) const;
  // Waits and holds one by one, in the order of time; texts begin with `name`.
  std::vector<model::trial_event> events(const std::string& name) const;

 private:
  // The same state since the same moment of the same connection is one occurrence.
  using occurrence = std::pair<std::int64_t, double>;
  struct lasting {
    double at_s = 0;
    double length_s = 0;
    bool waits = false;  // for a lock; else it holds a transaction open
    std::string statement = {};
    std::string holder = {};
  };

  void add_wait(double at_s, double length_s, const backend_row& waiter, const database_answer& in);
  void add_hold(double at_s, double length_s, const backend_row& holder);
  void keep_event(const occurrence& of, lasting seen);

  std::vector<model::database_look> looks_;
  std::map<std::string, std::uint64_t> waits_;
  std::map<std::tuple<std::string, std::string, std::string, bool>, model::database_wait> locks_;
  std::map<std::string, model::database_hold> holds_;
  std::map<occurrence, lasting> events_;
  std::map<occurrence, double> ran_;  // statements, and when they were last seen without waiting for a lock
  std::uint64_t hidden_ = 0;          // connections whose state we may not see
  std::uint64_t dropped_ = 0;
};

}  // namespace assay::inside
