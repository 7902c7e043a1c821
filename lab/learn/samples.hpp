// A second pass over a log, for the requests themselves: a uniform sample of those of each route of its profile.
//
// A pass of its own, so that learning keeps no values: only who wants to send requests again has to read them. The
// sample is of requests, not of distinct values, so that what was asked for often stands in it often.
//
// Misuse: standard input; it is gone after the first pass.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "lab/model/log_samples.hpp"
#include "lab/model/profile.hpp"

namespace assay::learn {

inline constexpr std::size_t max_samples_a_route = 200;
inline constexpr std::size_t max_sampled_routes = 100;  // those with the most requests
inline constexpr std::size_t max_sampled_bytes = 1024;  // of a target; longer ones are not sampled

// Of answers below 400 alone: what the service did not know is not worth asking again. Targets that could not be sent
// as they stand (escapes of the log's writer, bytes that no URL holds) are left out. The same for the same log.
// Files and format as learn_options has them.
std::expected<model::log_samples, std::string> sample_requests(const std::vector<std::string>& files,
                                                               const model::profile& profile,
                                                               const std::string& format = {});

}  // namespace assay::learn
