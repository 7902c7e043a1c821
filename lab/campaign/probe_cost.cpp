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

struct pairs {
  std::vector<double> more = {};
  double off_sum = 0;

  // False: there are no two times with this end.
  bool take(std::string_view& text, char end) {
    const auto off = number(text, ' ');
    const auto on = off ? number(text, end) : std::nullopt;
    if (!on) return false;
    more.push_back(*on - *off);
    off_sum += *off;
    return true;
  }

  added_time added() const {
    return {.more_ns = judge::mean_interval(more, confidence, finest_ns),
            .off_ns = off_sum / static_cast<double>(more.size())};
  }
};

std::string text_of(const added_time& of) {
  return fmt::format("{:.2f} us [{:.2f}, {:.2f}]", of.more_ns.value / 1e3, of.more_ns.low / 1e3, of.more_ns.high / 1e3);
}

}  // namespace

std::expected<probe_cost, std::string> cost_of_pairs(std::string_view text) {
  pairs waits;
  pairs calls;
  while (!text.empty() && waits.more.size() < most_pairs) {
    if (!waits.take(text, ' ') || !calls.take(text, '\n')) {
      return std::unexpected(fmt::format("pair {} is not four times", calls.more.size() + 1));
    }
  }
  if (waits.more.size() < least_cost_pairs) {
    return std::unexpected(fmt::format("{} pairs were measured, {} are needed", waits.more.size(), least_cost_pairs));
  }
  return probe_cost{.wait = waits.added(), .call = calls.added()};
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

model::estimate cpu_share(const probe_cost& of, const inside::loop_work& work, double cpu_s) {
  const double waits = static_cast<double>(work.turns) * 1e-9 / cpu_s;
  const double calls = static_cast<double>(work.calls) * 1e-9 / cpu_s;
  const auto half = [](const model::estimate& each) { return (each.high - each.low) / 2; };
  const double value = waits * of.wait.more_ns.value + calls * of.call.more_ns.value;
  const double either_side = std::hypot(waits * half(of.wait.more_ns), calls * half(of.call.more_ns));
  return {.value = value, .low = value - either_side, .high = value + either_side, .n = of.wait.more_ns.n};
}

std::string describe(const probe_cost& of) {
  return fmt::format(
      "{} of CPU time more a wait of an event loop, which takes {:.2f} us without, and {} more a call on a socket, "
      "which "
      "takes {:.2f} us: {} pairs of off and on inside one process",
      text_of(of.wait), of.wait.off_ns / 1e3, text_of(of.call), of.call.off_ns / 1e3, of.wait.more_ns.n);
}

std::string describe(const probe_cost& of, const inside::loop_work& work, double cpu_s) {
  if (work.turns == 0) return "no loop of it waits through libc: a test for each call";
  const model::estimate share = cpu_share(of, work, cpu_s);
  return fmt::format("at least {:.2f} % [{:.2f}, {:.2f}] of its CPU time, for {} waits of its loops and {} calls",
                     100 * share.value, 100 * share.low, 100 * share.high, work.turns, work.calls);
}

}  // namespace assay::campaign
