// Acknowledged writes against stored rows.
//
// Each write carries a key. Acknowledged ones must be stored exactly once; one without an answer may be stored once or
// not at all; a refused one, and one that was never sent, must not be there.
//
// Misuse: reading the stored keys while the candidate still runs: it may be about to store one more.
#pragma once

#include <string>
#include <vector>

#include "lab/model/trial.hpp"

namespace assay::subject {

struct write_keys {
  std::vector<std::string> acknowledged = {};
  std::vector<std::string> unanswered = {};
  std::vector<std::string> refused = {};
  std::vector<std::string> stored = {};  // one for each row
};

inline constexpr std::size_t max_listed_keys = 100;

// A key in several of the lists of what was sent (an idempotent repetition) counts as the first of them.
model::reconciliation reconcile(const write_keys& keys);

// What does not agree, with the first keys of each kind: "2 acknowledged and not stored (k1, k2)". Empty when all does.
std::string disagreement(const model::reconciliation& writes);

}  // namespace assay::subject
