#include "lab/campaign/probe_cost.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>

#include "lab/judge/statistics.hpp"
#include "lab/subject/environment.hpp"
#include "lab/subject/process.hpp"

namespace assay::campaign {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds longest_run{20'000};
constexpr std::size_t most_pairs = 10'000;
constexpr double confidence = 0.95;
constexpr double finest_ns = 1;  // of the clock, over a batch

std::optional<double> number(std::string_view& text, char end) {
  const auto at = text.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view written = text.substr(0, at);
  double value = 0;
  const auto [stop, wrong] = std::from_chars(written.begin(), written.end(), value);
  if (wrong != std::errc{} || stop != written.end() || !std::isfinite(value) || value <= 0) return std::nullopt;
  text.remove_prefix(at + 1);
  return value;
}

}  // namespace

std::expected<probe_cost, std::string> cost_of_pairs(std::string_view text) {
  std::vector<double> more;
  double off_sum = 0;
  while (!text.empty() && more.size() < most_pairs) {
    const auto off = number(text, ' ');
    const auto on = off ? number(text, '\n') : std::nullopt;
    if (!on) return std::unexpected(fmt::format("pair {} is not two times", more.size() + 1));
    more.push_back(*on - *off);
    off_sum += *off;
  }
  if (more.size() < least_cost_pairs) {
    return std::unexpected(fmt::format("{} pairs were measured, {} are needed", more.size(), least_cost_pairs));
  }
  return probe_cost{.more_ns = judge::mean_interval(more, confidence, finest_ns),
                    .off_ns = off_sum / static_cast<double>(more.size())};
}

std::expected<probe_cost, std::string> measure_probe_cost(const inside::probe_files& probe,
                                                          const std::string& directory,
                                                          const std::vector<unsigned>& cpus) {
  const std::string program = (fs::path(probe.library).parent_path() / "assay-probe-cost").string();
  std::error_code failed;
  fs::remove_all(directory, failed);
  fs::create_directories(directory, failed);
  if (failed) return std::unexpected(fmt::format("cannot make {}: {}", directory, failed.message()));
  auto variables = subject::base_environment();
  for (auto& [name, value] : inside::environment(probe, directory, "cpp", variables)) variables[name] = value;
  const std::string output = directory + "/pairs.txt";
  auto started = subject::process::spawn({.command = {program},
                                          .environment = std::move(variables),
                                          .cpus = cpus,
                                          .output = output,
                                          .errors = directory + "/errors.txt"});
  if (!started) return std::unexpected(started.error());
  const auto ended = started->wait_exit(longest_run);
  if (!ended) return std::unexpected(fmt::format("{} did not end within {} s", program, longest_run.count() / 1000));
  if (!ended->clean()) {
    return std::unexpected(
        fmt::format("{} {}: {}", program, subject::describe(*ended), subject::last_lines(directory + "/errors.txt")));
  }
  std::ifstream in(output, std::ios::binary);
  return cost_of_pairs(std::string(std::istreambuf_iterator<char>(in), {}));
}

std::string describe(const probe_cost& of) {
  return fmt::format(
      "{:.2f} us [{:.2f}, {:.2f}] of CPU time more a turn of an event loop of one wait and four socket calls, which "
      "takes {:.2f} us without: {} pairs of off and on inside one process",
      of.more_ns.value / 1e3, of.more_ns.low / 1e3, of.more_ns.high / 1e3, of.off_ns / 1e3, of.more_ns.n);
}

std::string describe(const probe_cost& of, std::uint64_t turns, double cpu_s) {
  if (turns == 0) return "no loop of it waits through libc: a test for each call";
  const auto percent = [&](double ns) { return 100 * ns * 1e-9 * static_cast<double>(turns) / cpu_s; };
  return fmt::format("{:.2f} % [{:.2f}, {:.2f}] of its CPU time, for {} turns of its loops", percent(of.more_ns.value),
                     percent(of.more_ns.low), percent(of.more_ns.high), turns);
}

}  // namespace assay::campaign
