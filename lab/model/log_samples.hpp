// Requests that a log itself shows, a bounded sample for each route: enough to send the like of them again. They are
// no part of a profile, which keeps counts and no values.
//
// Misuse: keeping them where a profile is kept. Paths and queries of production may hold what is nobody's business.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace assay::model {

struct sampled_request {
  std::vector<std::string> values = {};  // what stood in the route's placeholders, in their order in the path
  std::string query = {};                // with its '?'; empty when there was none
  int status = 0;
};

struct route_samples {
  std::uint64_t answered = 0;                  // requests with a status below 400 that could be sent again
  std::vector<sampled_request> requests = {};  // of these, every one as likely as the others: popular values repeat
};

using log_samples = std::map<std::string, route_samples>;  // by route::name()

}  // namespace assay::model
