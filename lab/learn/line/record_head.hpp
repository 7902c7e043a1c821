// What stands before and behind each message of GoReplay's recordings, for both readers of them: recording.hpp, which
// makes lines of a log of them, and gor_record.hpp, which keeps the messages.
//
// Misuse: none.
#pragma once

#include <optional>
#include <string_view>

#include "lab/learn/line/clock.hpp"

namespace assay::learn {

// A line of its own behind each record: three monkeys.
inline constexpr std::string_view record_separator = "\xF0\x9F\x90\xB5\xF0\x9F\x99\x88\xF0\x9F\x99\x89";

struct record_head {
  char kind = '1';      // 1 request, 2 response, 3 replayed response
  std::string_view id;  // hexadecimal; the same for a request and its responses
  instant at;
};

// "1 a7590000000100000001c0a80001 1646861401524103000 0"; old writers leave the latency out.
std::optional<record_head> read_record_head(std::string_view line);

}  // namespace assay::learn
