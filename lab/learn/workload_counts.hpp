// Everything that the requests of all files together tell: a request at a time in, the profile's numbers out.
//
//   workload_counts counts(patterns);
//   for (…) counts.add(line);
//   counts.describe(profile, facts);
//
// Requests may come in the order in which they ended; what depends on their order is put in that of their begin.
//
// Misuse: adding to what has been described.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lab/learn/arrival_counts.hpp"
#include "lab/learn/line/access_line.hpp"
#include "lab/learn/log_merge.hpp"
#include "lab/learn/path_tree.hpp"
#include "lab/learn/request_measures.hpp"
#include "lab/learn/route_steps.hpp"
#include "lab/learn/service_counts.hpp"
#include "lab/learn/session_counts.hpp"
#include "lab/learn/start_order.hpp"
#include "lab/model/profile.hpp"

namespace assay::learn {

class workload_counts {
 public:
  explicit workload_counts(std::vector<route_pattern> patterns) : routes_(std::move(patterns)) {}

  void add(const access_line& line);

  // All but the sources, and the tool's version.
  void describe(model::profile& profile, const merge_facts& facts);

 private:
  // What depends on the order.
  struct ordered {
    log_time starts{};
    std::uint64_t session = 0;  // 0: no client is named
    std::uint32_t place = 0;    // of its route, if the client is followed
    std::uint8_t halvings = 0;  // of the clients that are
    bool failed = false;
  };
  bool add_to_route(const access_line& line, const answer& given);
  void add_in_order(const ordered& request);
  void add_due(const ordered& request);
  void add_failure(bool failed);
  void add_measures(model::profile& profile, const std::map<std::string, block_counts>& blocks,
                    const request_measures::whole_log& whole) const;
  void add_notes(model::profile& profile) const;
  void add_description_note(model::profile& profile) const;
  void add_input_notes(model::profile& profile, const merge_facts& facts) const;

  path_tree routes_;
  block_place place_;
  block_place ordered_place_;
  start_order<ordered> order_;
  // What is in order waits a moment: the table of sessions is larger than the CPU's caches.
  static constexpr std::size_t expected_ahead = 16;
  std::array<ordered, expected_ahead> expected_{};
  std::uint64_t came_in_order_ = 0;
  request_measures measures_;
  arrival_counts arrivals_;
  session_counts sessions_;
  client_sample followed_;
  route_steps steps_;
  service_counts service_;
  size_table sizes_;
  std::map<std::string, std::uint64_t> other_;
  model::error_bursts failures_;
  std::uint64_t run_ = 0;
  std::uint64_t without_client_ = 0;
};

}  // namespace assay::learn
