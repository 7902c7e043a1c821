// Handlers that serve in turn inside one process, some hundred requests each: between two of them then lies neither
// another process nor another second, which between two runs make more than what is to be measured.
//
//   http::handler one = bench::in_turn({{"off", bare}, {"every", guarded}});   // GET /turns tells what each has taken
//
// A turn's are all of the thread's CPU time between two of its requests: what comes after a handler too, which finds
// the caches as it has left them. The first requests of a turn do not count. The order is a random one each time round:
// a clock's tick, which comes every so many requests, falls on each alike.
//
// Misuse: more than one thread, or a load under which turns mix: requests of several that are under way at once.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "stack/http/handler.hpp"

namespace assay::bench {

http::handler in_turn(std::vector<std::pair<std::string, http::handler>> contenders);

}  // namespace assay::bench
