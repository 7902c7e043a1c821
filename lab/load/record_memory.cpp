#include "lab/load/record_memory.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lab/load/recorder.hpp"
#include "lab/load/run_parts.hpp"

namespace assay::load {
namespace {

std::uint64_t bytes_of(const observe::histogram_options& layout) {
  return sizeof(std::uint64_t) * observe::histogram::bucket_count_for(layout).value();
}

}  // namespace

std::uint64_t record_bytes(const record_shape& of) {
  const std::uint64_t recorder_bytes = sizeof(recorder) + recorder::histograms * bytes_of({});
  const std::uint64_t parts_bytes =
      sizeof(run_parts) + run_parts::parts * (sizeof(observe::histogram) + bytes_of(run_parts::layout));
  const std::uint64_t kept = of.keep_parts ? (of.stages > 1 ? of.stages : of.routes) : 0;
  return of.threads * (of.routes * of.stages * recorder_bytes + kept * parts_bytes);
}

std::expected<void, std::string> check_record_memory(const record_shape& of) {
  constexpr double gib = 1024.0 * 1024 * 1024;
  const std::uint64_t needed = record_bytes(of);
  if (needed <= most_record_bytes) return {};
  return std::unexpected(fmt::format(
      "{} request(s) in {} stage(s) on {} thread(s) keep histograms of {:.1f} GiB, expected at most {:.0f}: "
      "use fewer threads, requests or stages",
      of.routes, of.stages, of.threads, static_cast<double>(needed) / gib,
      static_cast<double>(most_record_bytes) / gib));
}

}  // namespace assay::load
