// What the reader of logs makes of its input, line by line and without a profile: for the tests, to be counted again by
// other means, and for the benchmark, as the reader's own cost.
//
//   log_lines [--print] [--format FORMAT] FILE...
//
// Prints a JSON object with what was read and how long it took; with --print one line for each request before: method,
// status, bytes, hour of the day in the log's zone, target, separated by spaces.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "lab/learn/input_paths.hpp"
#include "lab/learn/log_merge.hpp"

namespace {

using namespace assay::learn;

struct arguments {
  bool print = false;
  std::string format;
  std::vector<std::string> files;
};

arguments parse(int argc, char** argv) {
  arguments typed;
  for (int i = 1; i < argc; ++i) {
    const std::string each = argv[i];
    if (each == "--print") {
      typed.print = true;
    } else if (each == "--format" && i + 1 < argc) {
      typed.format = argv[++i];
    } else {
      typed.files.push_back(each);
    }
  }
  return typed;
}

void print(std::string& to, const access_line& line) {
  const auto local = line.stamp + line.zone;
  const auto hour = std::chrono::hh_mm_ss(local - std::chrono::floor<std::chrono::days>(local)).hours().count();
  fmt::format_to(std::back_inserter(to), "{} {} {} {:02} {}\n", line.method, line.status, line.bytes, hour,
                 line.target);
  constexpr std::size_t enough = 1 << 16;
  if (to.size() < enough) return;
  std::fwrite(to.data(), 1, to.size(), stdout);
  to.clear();
}

int fail(const std::string& why) {
  fmt::print(stderr, "{}\n", why);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const arguments typed = parse(argc, argv);
  const auto formats = format_choice::parse(typed.format);
  if (!formats) return fail(formats.error());
  const auto paths = input_paths(typed.files);
  if (!paths) return fail(paths.error());
  const auto begins = std::chrono::steady_clock::now();
  log_merge inputs(*paths, *formats);
  if (const auto started = inputs.start(); !started) return fail(started.error());
  std::uint64_t requests = 0;
  std::uint64_t bytes = 0;
  std::string text;
  for (;;) {
    const auto line = inputs.next();
    if (!line) return fail(line.error());
    if (*line == nullptr) break;
    ++requests;
    bytes += (*line)->bytes;
    if (typed.print) print(text, **line);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begins;
  const double cpu_s = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  std::uint64_t lines = 0;
  for (const auto& each : inputs.sources()) lines += each.lines;
  fmt::print("{}{{\"requests\": {}, \"lines\": {}, \"body_bytes\": {}, \"took_s\": {:.6f}, \"cpu_s\": {:.6f}}}\n", text,
             requests, lines, bytes, took.count(), cpu_s);
  return 0;
}
