// Looks into a PostgreSQL once a second, over one connection of its own that the server knows as "assay", on a thread
// of its own: a server that hangs holds nobody else up.
//
//   database_sampler looks({.name = "postgres", .url = …});
//   looks.start(t0); … const auto seen = looks.finish();
//
// Whatever goes wrong is a note, one line, and what could not be seen is left out: no right, no server, an old version,
// no pg_stat_statements.
//
// Misuse: a URL that goes through a proxy of faults: what it looks at must not hold it up.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lab/model/database.hpp"
#include "lab/model/trial.hpp"
#include "stack/runtime/time.hpp"

namespace assay::inside {

struct watched_database {
  std::string name;           // for the reader
  std::string url;            // libpq's: where to look from
  std::string database = {};  // that is looked at; empty: the URL's own
  duration interval = std::chrono::seconds(1);
  duration patience = std::chrono::seconds(2);  // for a connection, or one look
};

struct database_observation {
  model::database_view seen;
  std::vector<model::trial_event> events;
};

class database_sampler {
 public:
  explicit database_sampler(watched_database what);
  database_sampler(const database_sampler&) = delete;
  database_sampler& operator=(const database_sampler&) = delete;
  ~database_sampler();

  // t0: what at_s counts from; may lie ahead. Returns at once, and may be called once.
  void start(instant t0);
  // Asks for the statements' counts, ends the thread, and gives what was seen: one look at least, where there is
  // anything to see. Within a few times `patience`.
  database_observation finish();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace assay::inside
