// A PostgreSQL seen from inside while a service used it: who works, who waits for a lock that who holds, and who has a
// transaction open without doing anything in it.
//
// Statements are shown without their values: text that is the same but for those is one.
//
// Misuse: taking a look a second for a trace. What lasts less than that is known by its share of the looks alone, and a
// longest time is the longest that was met.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace assay::model {

// A transaction that has been idle for so long holds its connection, and its locks, while its client does something
// else: the next statement of one that goes on is there sooner.
inline constexpr double database_held_s = 0.1;

// Connections of clients to the database, the observer's own left out.
struct database_look {
  double at_s = 0;
  unsigned connections = 0;
  unsigned active = 0;          // a statement runs, or waits
  unsigned in_transaction = 0;  // idle, with a transaction open
  unsigned held = 0;            // of them, for database_held_s or longer
  unsigned lock_waits = 0;      // of the active: wait for a lock
  unsigned of_server = 0;       // to all of its databases: what max_connections counts
  double longest_idle_s = 0;    // of those in a transaction
  double longest_wait_s = 0;    // a statement has waited for a lock, since it began or was last seen to run
};

// Waits for locks that are alike, over all looks.
struct database_wait {
  std::string statement = {};
  std::string lock = {};  // "transactionid", "tuple", "relation"
  std::string holder =
      {};  // the holder's statement, the last one when it is idle; empty: not a client of this database
  bool holder_idle = false;  // in a transaction: it waits for its client
  std::uint64_t seen = 0;    // waiters, summed over the looks
  double longest_s = 0;
};

// Transactions that were held open, by the last statement in them, over all looks.
struct database_hold {
  std::string statement = {};
  std::uint64_t seen = 0;
  double longest_s = 0;
};

// By pg_stat_statements, while it was watched.
struct database_statement {
  std::string text = {};
  std::uint64_t calls = 0;
  double total_ms = 0;
  std::uint64_t rows = 0;
};

struct database_view {
  std::string name = {};  // the plan's, "postgres"
  std::string version = {};
  unsigned max_connections = 0;
  std::vector<database_look> looks = {};
  std::map<std::string, std::uint64_t> waits = {};  // "Lock: tuple", "IO: WALSync": active ones, summed over the looks
  std::vector<database_wait> locks = {};            // the most often seen first, as the following
  std::vector<database_hold> holds = {};
  std::vector<database_statement> statements = {};  // by total time
  std::vector<std::string> notes = {};              // what could not be seen, and why
};

}  // namespace assay::model
