#include "lab/report/gates_text.hpp"

#include <fmt/format.h>

#include "lab/report/time_row.hpp"

namespace assay::report {

void append_gates(std::string& to, const std::vector<model::gate_outcome>& gates) {
  for (const model::gate_outcome& each : gates) {
    to += fmt::format("  {} {}: {}", each.met ? "met" : "NOT MET", each.gate, each.measured);
    if (each.within) {
      to += fmt::format(" (95 %: {} to {})", time_text(each.within->low_ns), time_text(each.within->high_ns));
    }
    if (each.proven && !*each.proven) to += each.met ? ": holds, but not proven" : ": fails, but not proven";
    to += '\n';
  }
}

}  // namespace assay::report
