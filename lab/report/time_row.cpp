#include "lab/report/time_row.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>

#include "stack/observe/quantile.hpp"

namespace assay::report {

std::string time_text(double ns) {
  struct scale {
    double unit_ns;
    std::string_view name;
  };
  constexpr std::array scales{scale{1e9, "s"}, scale{1e6, "ms"}, scale{1e3, "us"}};
  for (const scale& each : scales) {
    if (ns < 0.9995 * each.unit_ns && each.unit_ns > 1e3) continue;  // 999.7us is shown as 1.00ms
    const double value = ns / each.unit_ns;
    const int decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    return fmt::format("{:.{}f}{}", value, decimals, each.name);
  }
  return "0us";
}

std::string bytes_text(std::uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (value >= 1e9) return fmt::format("{:.2f}GB", value / 1e9);
  if (value >= 1e6) return fmt::format("{:.2f}MB", value / 1e6);
  if (value >= 1e3) return fmt::format("{:.2f}kB", value / 1e3);
  return fmt::format("{}B", bytes);
}

std::string quantile_text(const observe::histogram& of, double q) {
  const auto value = observe::estimated_quantile(of, q);
  return value ? time_text(static_cast<double>(*value)) : "-";
}

std::string known_text(const observe::histogram& of, double ns) { return of.count() == 0 ? "-" : time_text(ns); }

void append_row(std::string& to, std::string_view name, const observe::histogram& of) {
  to += fmt::format("  {:<14}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}\n", name, known_text(of, of.mean()), quantile_text(of, 0.5),
                    quantile_text(of, 0.9), quantile_text(of, 0.99), quantile_text(of, 0.999),
                    known_text(of, static_cast<double>(of.max())));
}

void append_row_heads(std::string& to) {
  to += fmt::format("  {:<14}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}\n", "", "mean", "p50", "p90", "p99", "p99.9", "max");
}

}  // namespace assay::report
