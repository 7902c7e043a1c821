// The trials of a campaign in one SQLite file, campaign.db. A trial that was reported as added survives kill -9 and
// power loss; one that was not is not there at all.
//
// Rollback journal, not WAL: a trial is written about once a minute by one process and nobody reads meanwhile, so WAL's
// concurrent readers and cheaper commits gain nothing, while its second file would have to travel with the database for
// a copy to be whole. synchronous=FULL, each trial one transaction. The file is locked as long as it is open for
// writing; the kernel lets go of the lock when the process ends, however it ends.
//
// Misuse: two threads on one store; opening a campaign for reading while it is being written (refused as in use); and
// adding to a store that was opened for reading.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lab/model/trial.hpp"

namespace assay::store {

/// Of the file's layout. A file of a newer one is refused.
inline constexpr int schema_version = 1;

struct campaign_header {
  std::string plan_name;
  std::string plan_sha256;
  std::string plan_text;
  std::uint64_t seed = 0;
  std::string tool_version;
  std::string host_facts = "{}";  // JSON
  std::string created;            // UTC, ISO 8601
};

struct trial_key {
  std::string candidate;
  unsigned repeat = 0;
  friend auto operator<=>(const trial_key&, const trial_key&) = default;
};

class database;

class campaign_store {
 public:
  /// Creates the file with this header, or goes on with the one that is there when plan hash and seed are the same.
  [[nodiscard]] static std::expected<std::unique_ptr<campaign_store>, std::string> open_or_create(
      const std::string& path, const campaign_header& header);
  /// An existing campaign, for reading alone.
  [[nodiscard]] static std::expected<std::unique_ptr<campaign_store>, std::string> open_to_read(
      const std::string& path);

  campaign_store(const campaign_store&) = delete;
  campaign_store& operator=(const campaign_store&) = delete;
  ~campaign_store();

  /// As it was stored when the campaign was created.
  const campaign_header& header() const { return header_; }
  /// In the order in which they were run; trials of every state.
  [[nodiscard]] std::expected<std::vector<trial_key>, std::string> finished() const;
  /// Whole on return, or not there: on an error all earlier trials are intact, and adding may be tried again.
  [[nodiscard]] std::expected<void, std::string> add(const model::trial& measured);
  [[nodiscard]] std::expected<std::vector<model::trial>, std::string> load_all() const;
  /// One trial in memory at a time (a trial's histograms take some ten MiB), in the order in which they were run.
  [[nodiscard]] std::expected<void, std::string> for_each(const std::function<void(model::trial)>& visit) const;

 private:
  campaign_store(std::unique_ptr<database> file, campaign_header header);

  std::unique_ptr<database> file_;
  campaign_header header_;
};

}  // namespace assay::store
