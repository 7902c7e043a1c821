// A watch for a terminal and for programs: one line an interval, and in the end the verdict first.
//
// Misuse: parsing the text. Programs read the document; docs/watch-json.md has its keys, which stay.
#pragma once

#include <string>

#include "lab/model/watch.hpp"

namespace assay::report {

// "   3.0s  loop  34 %  lag p50 0.0 p99 51.2 ms  cpu 0.41  rss 34.2 MB  fds 12 (6 sockets)"
std::string watch_line(const model::watch_interval& seen);
std::string watch_text(const model::watch_result& result);
std::string watch_json(const model::watch_result& result);

}  // namespace assay::report
