#include "lab/inside/runtime_states.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace assay::inside {
namespace {

constexpr std::size_t most_name_bytes = 40;
constexpr std::size_t most_kind_bytes = 100;
constexpr double us_per_s = 1e6;

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_name(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !text.empty() && text.size() <= most_name_bytes && std::ranges::all_of(text, fits);
}

// "TCPSocketWrap", or of Python a coroutine and where it waits: "notify at app.py:12".
bool is_kind(std::string_view text) {
  return !text.empty() && text.size() <= most_kind_bytes &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

// "active TCPSocketWrap" or the name of a number. A name that this version does not know says nothing to it.
bool keep(model::runtime_look& in, std::string_view name, std::uint64_t value) {
  constexpr std::string_view active = "active ";
  if (name.starts_with(active)) {
    const auto kind = name.substr(active.size());
    return is_kind(kind) && in.active.emplace(kind, value).second;
  }
  if (name == "heap_used_bytes") in.heap_used_bytes = value;
  if (name == "heap_limit_bytes") in.heap_limit_bytes = value;
  if (name == "external_bytes") in.external_bytes = value;
  if (name == "live_bytes") in.live_bytes = value;
  if (name == "loop_active_us") in.loop_active_s = static_cast<double>(value) / us_per_s;
  if (name == "loop_idle_us") in.loop_idle_s = static_cast<double>(value) / us_per_s;
  return is_name(name);
}

void add(model::runtime_look& to, const model::runtime_look& of) {
  to.heap_used_bytes += of.heap_used_bytes;
  to.heap_limit_bytes += of.heap_limit_bytes;
  to.external_bytes += of.external_bytes;
  to.live_bytes += of.live_bytes;
  to.loop_active_s += of.loop_active_s;
  to.loop_idle_s += of.loop_idle_s;
  for (const auto& [kind, count] : of.active) {
    if (to.active.contains(kind) || to.active.size() < runtime_states::most_kinds) to.active[kind] += count;
  }
}

std::optional<model::runtime_look> read_state(const std::string& path) {
  // Not a FIFO that somebody has put there: nobody waits for its other end.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (fd < 0) return std::nullopt;
  struct stat about{};
  std::array<char, runtime_states::file_bytes> text{};
  ssize_t got = -1;
  if (::fstat(fd, &about) == 0 && S_ISREG(about.st_mode)) got = ::pread(fd, text.data(), text.size(), 0);
  ::close(fd);
  if (got <= 0) return std::nullopt;
  return parse_runtime_state({text.data(), static_cast<std::size_t>(got)});
}

}  // namespace

std::optional<model::runtime_look> parse_runtime_state(std::string_view text) {
  constexpr std::string_view end = "end";
  model::runtime_look made;
  std::optional<std::uint64_t> number;
  bool first = true;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const auto space = line.rfind(' ');
    if (space == std::string_view::npos) return std::nullopt;
    const auto name = line.substr(0, space);
    const auto value = number_of(line.substr(space + 1));
    if (!value) return std::nullopt;
    if (first) {
      if (name != "look") return std::nullopt;
      number = value;
      first = false;
    } else if (name == end) {
      // What follows only fills the file up to its size.
      return value == number && std::ranges::all_of(text, [](char c) { return c == '\n'; }) ? std::optional(made)
                                                                                            : std::nullopt;
    } else if (!keep(made, name, *value)) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

std::string runtime_states::path(std::uint32_t pid) const { return fmt::format("{}/{}.state", directory_, pid); }

std::optional<model::runtime_look> runtime_states::look(const std::set<std::uint32_t>& pids) {
  for (auto pid = seen_.begin(); pid != seen_.end();) {
    if (pids.contains(*pid)) {
      ++pid;
      continue;
    }
    ::unlink(path(*pid).c_str());
    pid = seen_.erase(pid);
  }
  std::optional<model::runtime_look> sum;
  for (const auto pid : pids) {
    const auto one = read_state(path(pid));
    if (!one) continue;
    seen_.insert(pid);
    if (!sum) sum.emplace();
    add(*sum, *one);
  }
  if (sum == last_) return std::nullopt;
  last_ = sum;
  return sum;
}

void runtime_states::remove(std::uint32_t pid) {
  seen_.erase(pid);
  ::unlink(path(pid).c_str());
}

}  // namespace assay::inside
