// What a candidate needs around it: the plan's dependencies, each started fresh for the campaign, and the fault proxy
// in front of them all.
//
// Misuse: measuring on a bed whose data have not been reset: the trial before has bought the stock.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lab/fault/proxy.hpp"
#include "lab/inside/database_sampler.hpp"
#include "lab/model/plan.hpp"

namespace assay::campaign {

class test_bed {
 public:
  // What the dependencies need is installed; asked before anything is built or made. The error is one line.
  static std::expected<void, std::string> check_installed(const model::plan& plan);
  // `directory` takes logs. `cpus` is where the dependencies run. The error is one line.
  static std::expected<std::unique_ptr<test_bed>, std::string> start(const model::plan& plan,
                                                                     const std::string& directory,
                                                                     const std::vector<unsigned>& cpus);
  ~test_bed();
  test_bed(const test_bed&) = delete;
  test_bed& operator=(const test_bed&) = delete;

  // By dependency, as a candidate sees it: through the proxy.
  const std::map<std::string, std::string>& urls() const;
  // By port, for naming peers: "third-party".
  const std::map<std::uint16_t, std::string>& port_names() const;
  fault::proxy& faults();
  // Each PostgreSQL, as one looks into it from inside: past the proxy, and with every right.
  const std::vector<inside::watched_database>& databases() const;
  // "postgres …" settings and versions, for the fairness record.
  const std::map<std::string, std::string>& facts() const;

  // The data as they were at the start. The error is one line, and the bed is of no use any more.
  std::expected<void, std::string> reset_data();
  // The key of each write that is stored, once for each row.
  std::expected<std::vector<std::string>, std::string> stored_keys();
  // A dependency has died: which, and how. Cheap, and from any thread.
  std::expected<void, std::string> check_alive() const;
  // The same of one that hangs, too; blocks for up to 10 s.
  std::expected<void, std::string> check_answers() const;

 private:
  struct state;
  explicit test_bed(std::unique_ptr<state> made);
  std::unique_ptr<state> state_;
};

}  // namespace assay::campaign
