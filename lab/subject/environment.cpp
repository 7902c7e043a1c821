#include "lab/subject/environment.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

namespace assay::subject {
namespace {

using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;

// Below Linux' default of net.ipv4.ip_local_port_range (32768), above what services usually have.
constexpr unsigned first_port = 20'000;
constexpr unsigned port_count = 12'000;
constexpr unsigned port_attempts = 500;

// How soon Ctrl-C is seen while a build runs.
constexpr milliseconds interrupt_interval{100};
constexpr std::size_t tail_bytes = 4096;

// As model::parse_template() has it, by which plans are checked.
bool is_name(std::string_view text) {
  const auto begins = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !text.empty() && begins(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return begins(c) || (c >= '0' && c <= '9') || c == '-'; });
}

// Waits for its end; the report, or that it had to be stopped.
std::expected<exit_report, std::string> run_to_end(const spawn_request& request, milliseconds limit,
                                                   const std::stop_token& interrupted) {
  auto child = process::spawn(request);
  if (!child) return std::unexpected(child.error());
  const auto until = child->started() + limit;
  while (!interrupted.stop_requested()) {
    if (const auto report = child->wait_exit(interrupt_interval)) return *report;
    if (steady::now() >= until) {
      return std::unexpected(fmt::format("did not end within {} s", std::chrono::duration<double>(limit).count()));
    }
  }
  return std::unexpected("interrupted");
}

spawn_request command_of(const model::candidate& from, const std::vector<std::string>& command,
                         const std::string& output) {
  return {.command = command, .environment = base_environment(), .directory = from.directory, .output = output};
}

std::string failure(const model::candidate& from, std::string_view what, const std::vector<std::string>& command,
                    const std::string& why, const std::string& log) {
  const std::string tail = last_lines(log);
  return fmt::format("candidate {}: {} `{}` {}{}", from.name, what, fmt::join(command, " "), why,
                     tail.empty() ? "; it printed nothing" : "; it printed last:\n" + tail);
}

}  // namespace

std::map<std::string, std::string> base_environment() {
  std::map<std::string, std::string> base = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}};
  for (const char* name : {"PATH", "HOME", "LANG", "TZ"}) {
    if (const char* value = std::getenv(name)) base[name] = value;
  }
  return base;
}

bool port_is_free(std::uint16_t port) {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return false;
  // Connections in TIME_WAIT do not keep a server from listening.
  const int on = 1;
  ::setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool bound = ::bind(probe, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  const bool free = bound && ::listen(probe, 1) == 0;
  ::close(probe);
  return free;
}

std::expected<std::uint16_t, std::string> free_port() {
  // Campaigns that start together begin at different places.
  static std::atomic<unsigned> next = std::random_device()() % port_count;
  for (unsigned attempt = 0; attempt < port_attempts; attempt++) {
    const auto port = static_cast<std::uint16_t>(first_port + next++ % port_count);
    if (port_is_free(port)) return port;
  }
  return std::unexpected(fmt::format("no free port of 127.0.0.1 found between {} and {}; {} tried", first_port,
                                     first_port + port_count - 1, port_attempts));
}

std::expected<std::string, std::string> fill_placeholders(const std::string& text,
                                                          const std::map<std::string, std::string>& values) {
  std::string filled;
  for (std::size_t at = 0; at < text.size(); at++) {
    const char c = text[at];
    if ((c == '{' || c == '}') && text.substr(at + 1, 1) == std::string_view(&c, 1)) {
      filled += c;
      at++;
      continue;
    }
    const std::size_t end = c == '{' ? text.find('}', at) : std::string::npos;
    const std::string name = end == std::string::npos ? std::string() : text.substr(at + 1, end - at - 1);
    if (!is_name(name)) {
      filled += c;
      continue;
    }
    const auto value = values.find(name);
    if (value == values.end()) {
      std::vector<std::string_view> known;
      known.reserve(values.size());
      for (const auto& each : values) known.push_back(each.first);
      return std::unexpected(
          fmt::format("unknown placeholder {{{}}} in \"{}\"; there are: {}", name, text, fmt::join(known, ", ")));
    }
    filled += value->second;
    at = end;
  }
  return filled;
}

std::expected<spawn_request, std::string> candidate_request(const model::candidate& from, std::uint16_t port,
                                                            const std::map<std::string, std::string>& dependencies,
                                                            const std::map<std::string, std::string>& extra) {
  std::map<std::string, std::string> values = dependencies;
  values["port"] = fmt::format_int(port).str();
  spawn_request request = command_of(from, {}, {});
  const auto wrong = [&from](const std::string& why) {
    return std::unexpected(fmt::format("{}: candidate {}: {}", from.descriptor, from.name, why));
  };
  for (const std::string& word : from.command) {
    auto filled = fill_placeholders(word, values);
    if (!filled) return wrong(filled.error());
    request.command.push_back(std::move(*filled));
  }
  for (const auto& [name, text] : from.environment) {
    const auto filled = fill_placeholders(text, values);
    if (!filled) return wrong(filled.error());
    request.environment[name] = *filled;
  }
  for (const auto& [name, value] : extra) request.environment[name] = value;
  return request;
}

std::expected<void, std::string> build_candidate(const model::candidate& from, const std::string& log,
                                                 milliseconds limit, std::stop_token interrupted) {
  if (from.build.empty()) return {};
  const auto report = run_to_end(command_of(from, from.build, log), limit, interrupted);
  const std::string why = !report ? report.error() : report->clean() ? "" : describe(*report);
  if (!why.empty()) return std::unexpected(failure(from, "build", from.build, why, log));
  return {};
}

std::expected<std::string, std::string> capture_versions(const model::candidate& from, milliseconds limit) {
  if (from.versions.empty()) return std::string();
  std::string path = (std::filesystem::temp_directory_path() / "assay-versions-XXXXXX").string();
  const int file = ::mkstemp(path.data());
  if (file < 0) return std::unexpected(fmt::format("cannot write a file in {}", path));
  ::close(file);
  const auto report = run_to_end(command_of(from, from.versions, path), limit, {});
  std::string captured(max_captured_bytes, '\0');
  std::ifstream from_file(path, std::ios::binary);
  from_file.read(captured.data(), static_cast<std::streamsize>(captured.size()));
  captured.resize(static_cast<std::size_t>(from_file.gcount()));
  const std::string why = !report ? report.error() : report->clean() ? "" : describe(*report);
  const std::string failed = why.empty() ? "" : failure(from, "versions", from.versions, why, path);
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  if (!failed.empty()) return std::unexpected(failed);
  return captured;
}

std::string last_lines(const std::string& path, std::size_t lines) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(0, std::ios::end);
  const std::streamoff size = file.tellg();
  if (!file || size <= 0) return {};
  const auto wanted = std::min<std::streamoff>(size, tail_bytes);
  file.seekg(size - wanted);
  std::string text(static_cast<std::size_t>(wanted), '\0');
  file.read(text.data(), wanted);
  text.resize(static_cast<std::size_t>(file.gcount()));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::size_t begin = text.size();
  for (std::size_t left = lines; left > 0 && begin != std::string::npos && begin > 0; left--) {
    begin = text.rfind('\n', begin - 1);
  }
  if (begin != std::string::npos) text.erase(0, begin + (begin < text.size() && text[begin] == '\n' ? 1 : 0));
  for (char& c : text) {
    if ((c >= 0 && c < ' ' && c != '\n' && c != '\t') || c == '\x7f') c = '?';
  }
  return text;
}

}  // namespace assay::subject
