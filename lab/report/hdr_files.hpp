// A load result as the files that HdrHistogram's tools read. Times are in milliseconds.
//
//   .hgrm   the percentile distribution of the response time (closed model: of the service time), byte for byte as the
//           Java reference prints it (AbstractHistogram.outputPercentileDistribution, five ticks a half distance): for
//           the plotter at hdrhistogram.github.io
//   .hlog   the interval log (HistogramLogWriter, format 1.3): a line each for response time, service time (tag
//           service_time) and send lag (tag send_lag), of every stage, with the whole histogram in V2
//
// Over WebSocket these are of messages, in a broadcast of deliveries. Of events the .hgrm has the gaps, and the .hlog a
// line for them and one with the tag first_event.
//
// Misuse: reading a percentile of the far tail that so few samples do not tell; the format prints it all the same. The
// text and the JSON say "-" and null.
#pragma once

#include <string>

#include "lab/model/load_result.hpp"
#include "lab/model/stream_result.hpp"

namespace assay::report {

std::string percentile_distribution(const observe::histogram& of);
std::string hgrm_file(const model::load_result& result);
std::string hlog_file(const model::load_result& result);
std::string hgrm_file(const model::stream_result& result);
std::string hlog_file(const model::stream_result& result);

}  // namespace assay::report
