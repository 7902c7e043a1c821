// GoReplay's recordings: messages of HTTP as they were on the wire, between head lines and separators.
//
//   1 a7590000000100000001c0a80001 1646861401524103000 0       kind (1 request, 2 response, 3 replayed), id, ns, [ns]
//   GET /items/17 HTTP/1.1
//   …
//   (a line with three monkeys)
//
// A request becomes a line when its response has come, or when max_open_requests later ones have not found theirs: a
// recording without responses has requests with status 0.
//
// Misuse: a recording whose bodies hold the separator line; GoReplay itself splits there.
#pragma once

#include "lab/learn/line/line_parser.hpp"

namespace assay::learn {

inline constexpr std::size_t max_open_requests = 1024;

parser_pointer make_recording_parser();

}  // namespace assay::learn
