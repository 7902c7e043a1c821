// The floor of pacing: a loop that does nothing but watch the clock, and how late it sees each instant of a
// schedule. What it reports is the machine's doing (interrupts, other processes, the hypervisor); no
// generator on the same core can be expected to be less late. usage: spinner --rate R --seconds S
#include <fmt/format.h>

#include <cstdint>
#include <vector>

#include "bench/floor/common.hpp"

int main(int argc, char** argv) {
  using namespace assay::bench;
  const arguments arguments(argc, argv, {"rate", "seconds"});
  const double interval_ns = 1e9 / arguments.number("rate");
  const auto count = static_cast<std::size_t>(arguments.number("rate") * arguments.number("seconds", 5));

  // Filled, not reserved: a page fault in the loop would be reported as lateness.
  std::vector<std::int64_t> lateness_ns(count, 1);
  const std::int64_t start_ns = now_ns() + 1'000'000;
  const std::int64_t cpu_started_ns = process_cpu_ns();
  for (std::size_t k = 0; k < count; ++k) {
    // A function of k alone, so that no error adds up.
    const std::int64_t intended_ns = start_ns + static_cast<std::int64_t>(static_cast<double>(k) * interval_ns);
    std::int64_t now = now_ns();
    while (now < intended_ns) now = now_ns();
    lateness_ns[k] = now - intended_ns;
  }
  const auto cpu_ns = static_cast<double>(process_cpu_ns() - cpu_started_ns);
  fmt::print(R"({{"requests":{},"cpu_ns_per_request":{:.1f},"send_lag_us":{}}})"
             "\n",
             count, count == 0 ? 0 : cpu_ns / static_cast<double>(count), summary_json(lateness_ns));
}
