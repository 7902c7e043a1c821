#include "tests/soak/levels.hpp"

#include <dirent.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "tests/effort.hpp"

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#include <sanitizer/allocator_interface.h>
#endif

namespace assay::soak {
namespace {

constexpr double least_z = 3;
constexpr double mebi = 1024.0 * 1024.0;

// What stays of a load by the kind of build although nothing is lost: memory that is resident and that nobody uses any
// more; and memory in use, where the frames that a loop's thread keeps for reuse are counted, and malloc's own caches,
// a MiB together. Connections that the pools of both loops keep are in it with some 100 KiB, and half a MiB is what the
// guards remember: answers by their keys, a series of the metrics for each route and status.
#if __has_feature(address_sanitizer)
constexpr double kept_by_allocator = 384 * mebi;  // a quarantine of 256 MiB unless told otherwise, redzones, shadow
constexpr double kept_in_use = mebi;              // no frame is kept, and no cache counted
#elif __has_feature(thread_sanitizer)
constexpr double kept_by_allocator = 256 * mebi;  // each byte ever touched has shadow, which is never given back
constexpr double kept_in_use = 3 * mebi;
#else
constexpr double kept_by_allocator = 32 * mebi;  // malloc gives back the top of each arena alone
constexpr double kept_in_use = 3 * mebi;
#endif

// How much each may rise by a trend, between the first round that counts and the last: a leak knows no such bound. And
// how much of it may be left of a load.
struct watched {
  const char* name;
  double level::* value;
  double may_rise;
  double may_stay;
};
constexpr watched all_watched[] = {
    {.name = "bytes of the heap in use", .value = &level::heap_bytes, .may_rise = mebi / 4, .may_stay = kept_in_use},
    {.name = "resident bytes",
     .value = &level::resident_bytes,
     .may_rise = sanitized ? 512 * mebi : 8 * mebi,
     .may_stay = kept_by_allocator},
    {.name = "descriptors", .value = &level::descriptors, .may_rise = 2, .may_stay = 0},
    {.name = "timers", .value = &level::timers, .may_rise = 8, .may_stay = 0},
    {.name = "coroutine frames", .value = &level::frames, .may_rise = 8, .may_stay = 0},
};

double heap_in_use() {
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return static_cast<double>(__sanitizer_get_current_allocated_bytes());
#else
  const struct mallinfo2 now = ::mallinfo2();
  return static_cast<double>(now.uordblks + now.hblkhd);
#endif
}

double resident() {
  std::ifstream statm("/proc/self/statm");
  double pages_in_all = 0;
  double pages = 0;
  statm >> pages_in_all >> pages;
  return pages * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* all = ::opendir("/proc/self/fd");
  while (::readdir(all) != nullptr) count++;
  ::closedir(all);
  return count;
}

level level_of(const holdings& idle) {
  level now{
      .heap_bytes = heap_in_use(), .resident_bytes = resident(), .descriptors = static_cast<double>(idle.descriptors)};
  for (const loop_holdings& each : idle.loops) {
    now.timers += static_cast<double>(each.timers);
    now.frames += static_cast<double>(each.frames);
  }
  return now;
}

std::optional<double> rise_of(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  double concordant = 0;
  std::vector<double> slopes;
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = i + 1; j < values.size(); ++j) {
      const double step = values[j] - values[i];
      concordant += static_cast<double>(step > 0) - static_cast<double>(step < 0);
      slopes.push_back(step / static_cast<double>(j - i));
    }
  }
  if (slopes.empty()) return std::nullopt;
  const double deviation = std::sqrt(n * (n - 1) * (2 * n + 5) / 18);
  if ((concordant - 1) / deviation < least_z) return std::nullopt;
  const auto middle = slopes.begin() + static_cast<std::ptrdiff_t>(slopes.size() / 2);
  std::ranges::nth_element(slopes, middle);
  return *middle * (n - 1);
}

std::vector<std::string> what_grows(const std::vector<level>& after_each_round) {
  std::vector<std::string> lines;
  if (after_each_round.size() < min_rounds) return lines;
  const auto first = after_each_round.begin() + static_cast<std::ptrdiff_t>(after_each_round.size() / 3);
  for (const watched& each : all_watched) {
    std::vector<double> values;
    for (auto at = first; at != after_each_round.end(); ++at) values.push_back((*at).*each.value);
    const std::optional<double> rise = rise_of(values);
    if (!rise || *rise <= each.may_rise) continue;
    lines.push_back(std::string(each.name) + " rise by " + std::to_string(std::llround(*rise)) + " in " +
                    std::to_string(values.size()) + " rounds, from " + std::to_string(std::llround(values.front())) +
                    " to " + std::to_string(std::llround(values.back())));
  }
  return lines;
}

std::vector<std::string> what_stays(const level& before, const level& after) {
  std::vector<std::string> lines;
  for (const watched& each : all_watched) {
    const double stays = after.*each.value - before.*each.value;
    if (stays <= each.may_stay) continue;
    lines.push_back(std::string(each.name) + ": " + std::to_string(std::llround(after.*each.value)) + " after " +
                    std::to_string(std::llround(before.*each.value)) + " before");
  }
  return lines;
}

}  // namespace assay::soak
