// A campaign with a planted blocking candidate, judged by the real judge.
//
// Misuse: expecting figures of a real host from it.
#pragma once

#include <vector>

#include "lab/judge/compare.hpp"

namespace assay::decide {

model::plan shop_plan();
/// flask, the reference; fastapi, alike; blocking, ten times as slow and blocked; stack (ours), three times as fast.
std::vector<judge::run> shop_runs();
model::comparison shop_comparison();

}  // namespace assay::decide
