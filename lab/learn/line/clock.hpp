// Time stamps as the writers of logs print them.
//
// Misuse: taking a stamp for the start of a request; that depends on the format (access_line::stamped).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace assay::learn {

using log_time = std::chrono::sys_time<std::chrono::microseconds>;

struct instant {
  log_time at{};
  std::chrono::minutes zone{0};  // east of UTC
  std::uint8_t digits = 0;       // behind the decimal point of the second; those beyond six are read and dropped
};

// All of them take the whole text and accept the years 1971 to 9999. The 60th second of a leap second counts as the
// first of the next minute.

// "17/May/2015:10:05:03 +0000", with a fraction or without. Without a zone it is UTC, where that is allowed.
std::optional<instant> clf_instant(std::string_view text, bool zone_needed);

// "2016-04-15T20:17:00.310Z", with a space for the T, "+02:00" or "+0200" for the Z; without a zone it is UTC.
std::optional<instant> iso_instant(std::string_view text);

// "1646861401.524": since the epoch, in seconds, or by its size in milli-, micro- or nanoseconds.
std::optional<instant> epoch_instant(std::string_view text);

// Whichever of the three it looks like.
std::optional<instant> any_instant(std::string_view text);

// "2002-05-24" and "20:18:01", as in two columns.
std::optional<instant> date_and_time(std::string_view date, std::string_view time);

}  // namespace assay::learn
