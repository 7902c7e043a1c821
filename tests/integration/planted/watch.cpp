// Watches a process with the lab's observer, driven by its standard input, and prints what was seen as JSON:
//
//   inside_watch PID PROBE_DIRECTORY RUNTIME [PORT=NAME]...
//   inside_watch --environment PROBE_DIRECTORY RUNTIME     prints the variables to start a candidate with
//
// Each line of the input is the name of the phase that begins now; the end of the input ends the last.
#include <charconv>
#include <cstdint>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "lab/inside/environment.hpp"
#include "lab/inside/lag_estimate.hpp"
#include "lab/inside/observer.hpp"

namespace {

namespace inside = assay::inside;
namespace model = assay::model;
using nlohmann::json;

int failed(const std::string& why) {
  std::cerr << "inside_watch: " << why << '\n';
  return 2;
}

template <typename Number>
bool parse(std::string_view text, Number& into) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), into);
  return parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
}

json json_of(const inside::observation& seen) {
  json document{{"own_cpu_share", seen.own_cpu_share},
                {"notes", seen.notes},
                {"lag", json::object()},
                {"blocking", json::array()},
                {"events", json::array()},
                {"processes", json::array()},
                {"failures", json::array()}};
  for (const auto& one : seen.failures) {
    document["failures"].push_back({{"text", one.text}, {"count", one.count}});
  }
  for (std::size_t i = 0; i < seen.lag.size(); ++i) {
    const auto& one = seen.lag[i];
    json stalls = json::object();
    for (const auto& [bound, count] : one.stalls) stalls[std::to_string(bound)] = count;
    document["lag"][one.phase] = {{"quality", model::label(one.quality)},
                                  {"utilisation", one.utilisation},
                                  {"mean_ms", one.mean_ms},
                                  {"p50_ms", one.p50_ms},
                                  {"p90_ms", inside::lag_quantile(seen.segments.at(i), 0.9) / 1e6},
                                  {"p99_ms", one.p99_ms},
                                  {"max_ms", one.max_ms},
                                  {"stalls", stalls}};
  }
  for (const auto& one : seen.blocking) {
    document["blocking"].push_back({{"call", one.call},
                                    {"peer", one.peer},
                                    {"place", one.place},
                                    {"stack", one.stack},
                                    {"count", one.count},
                                    {"longest_ms", one.longest_ms},
                                    {"at_s", one.at_s}});
  }
  for (const auto& one : seen.events) {
    document["events"].push_back({{"at_s", one.at_s}, {"length_s", one.length_s}, {"text", one.text}});
  }
  for (const auto& one : seen.processes) {
    document["processes"].push_back({{"at_s", one.at_s},
                                     {"cpu_s", one.cpu_s},
                                     {"rss_bytes", one.rss_bytes},
                                     {"processes", one.processes},
                                     {"threads", one.threads},
                                     {"descriptors", one.descriptors},
                                     {"sockets", one.sockets}});
  }
  return document;
}

int print_environment(const std::string& directory, const std::string& runtime) {
  const auto probe = inside::find_probe();
  if (!probe) return failed(probe.error());
  std::cout << json(inside::environment(*probe, directory, runtime)) << '\n';
  return 0;
}

int watch(std::uint32_t pid, inside::observer_options options) {
  options.root_pids = [pid] { return std::vector{pid}; };
  inside::observer observer(std::move(options));
  if (const auto started = observer.start(inside::observer::now()); !started) return failed(started.error());
  std::vector<inside::phase_window> phases;
  for (std::string name; std::getline(std::cin, name);) {
    const auto now = inside::observer::now();
    if (!phases.empty()) phases.back().end = now;
    phases.push_back({name, now, now});
    std::cout << "begins\n" << std::flush;
  }
  if (!phases.empty()) phases.back().end = inside::observer::now();
  const auto seen = observer.finish(phases);
  if (!seen) return failed(seen.error());
  std::cout << json_of(*seen) << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 3 && arguments[0] == "--environment") return print_environment(arguments[1], arguments[2]);
  std::uint32_t pid = 0;
  if (arguments.size() < 3 || !parse(arguments[0], pid)) {
    return failed("expected PID PROBE_DIRECTORY RUNTIME [PORT=NAME]...");
  }
  inside::observer_options options;
  options.probe_directory = arguments[1];
  options.runtime = arguments[2];
  for (std::size_t i = 3; i < arguments.size(); ++i) {
    const std::string_view text = arguments[i];
    const auto equals = text.find('=');
    std::uint16_t port = 0;
    if (equals == std::string_view::npos || !parse(text.substr(0, equals), port)) return failed("expected PORT=NAME");
    options.port_names[port] = text.substr(equals + 1);
  }
  return watch(pid, std::move(options));
}
