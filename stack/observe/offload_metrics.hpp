// The numbers of an offload_pool as metrics.
//
//   if (here.index() == 0) show(here.numbers(), workers, "workers");
//
// Its threads work for whichever loop asks, so the one that shows it looks every 100 ms though it is idle itself.
//
// Misuse: on every loop that uses the pool. It is one pool, and what each of them shows is added up.
#pragma once

#include <string_view>

#include "stack/observe/mirror.hpp"
#include "stack/runtime/offload.hpp"

namespace assay::observe {

// For as long as the pool is there; `name` is the label that tells it from others.
void show(mirror& in, const offload_pool& of, std::string_view name);

}  // namespace assay::observe
