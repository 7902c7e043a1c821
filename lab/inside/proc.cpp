#include "lab/inside/proc.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <ctime>
#include <map>

namespace assay::inside {
namespace {

constexpr std::size_t most_text = 64 * 1024;
constexpr std::size_t most_processes = 32'768;

std::uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

std::string_view next_word(std::string_view& text) {
  const auto begin = std::min(text.find_first_not_of(" \t\n"), text.size());
  text.remove_prefix(begin);
  const auto word = text.substr(0, text.find_first_of(" \t\n"));
  text.remove_prefix(word.size());
  return word;
}

template <typename Number>
bool parse(std::string_view word, Number& into) {
  const auto parsed = std::from_chars(word.data(), word.data() + word.size(), into);
  return parsed.ec == std::errc{} && parsed.ptr == word.data() + word.size();
}

}  // namespace

std::uint64_t monotonic_ns() { return clock_ns(CLOCK_MONOTONIC); }
std::uint64_t thread_cpu_ns() { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }

std::expected<std::string, int> read_text(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::unexpected(errno);
  std::string text;
  std::size_t used = 0;
  ssize_t got = 0;
  do {
    text.resize(used + 4096);
    got = ::read(fd, text.data() + used, 4096);
    if (got > 0) used += static_cast<std::size_t>(got);
  } while (got > 0 && used < most_text);
  const int error = errno;
  ::close(fd);
  if (got < 0) return std::unexpected(error);
  text.resize(used);
  return text;
}

bool is_refusal(int error) { return error == EACCES || error == EPERM; }

std::expected<std::vector<std::uint32_t>, int> list_numbers(const std::string& directory, std::size_t most) {
  std::vector<std::uint32_t> numbers;
  DIR* open = ::opendir(directory.c_str());
  if (open == nullptr) return std::unexpected(errno);
  while (const dirent* entry = numbers.size() < most ? ::readdir(open) : nullptr) {
    std::uint32_t number = 0;
    if (parse(std::string_view(entry->d_name), number)) numbers.push_back(number);
  }
  ::closedir(open);
  return numbers;
}

std::vector<std::uint32_t> numbers_in(const std::string& directory, std::size_t most) {
  return list_numbers(directory, most).value_or(std::vector<std::uint32_t>{});
}

std::optional<process_stat> parse_stat(std::string_view text) {
  process_stat stat;
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return std::nullopt;
  auto head = text.substr(0, open);
  if (!parse(next_word(head), stat.pid)) return std::nullopt;
  auto rest = text.substr(close + 1);
  const auto state = next_word(rest);
  if (state.size() != 1 || !parse(next_word(rest), stat.parent)) return std::nullopt;
  stat.state = state.front();
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  for (int field = 5; field <= 22; ++field) {  // numbered as in proc(5)
    const auto word = next_word(rest);
    const bool good = field == 14   ? parse(word, user)
                      : field == 15 ? parse(word, system)
                      : field == 20 ? parse(word, stat.threads)
                      : field == 22 ? parse(word, stat.start_ticks)
                                    : !word.empty();
    if (!good) return std::nullopt;
  }
  stat.cpu_ticks = user + system;
  return stat;
}

std::optional<process_stat> read_stat(std::uint32_t pid) {
  const auto text = read_text(fmt::format("/proc/{}/stat", pid));
  return text ? parse_stat(*text) : std::nullopt;
}

std::uint64_t status_value(std::string_view status, std::string_view key) {
  while (!status.empty()) {
    auto line = status.substr(0, status.find('\n'));
    status.remove_prefix(std::min(line.size() + 1, status.size()));
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ':') continue;
    line.remove_prefix(key.size() + 1);
    std::uint64_t value = 0;
    return parse(next_word(line), value) ? value : 0;
  }
  return 0;
}

std::set<std::uint32_t> process_tree(const std::vector<std::uint32_t>& roots) {
  std::multimap<std::uint32_t, std::uint32_t> children;
  std::set<std::uint32_t> zombies;
  for (const auto pid : numbers_in("/proc", most_processes)) {
    const auto stat = read_stat(pid);
    if (!stat) continue;
    children.emplace(stat->parent, pid);
    if (stat->state == 'Z' || stat->state == 'X') zombies.insert(pid);
  }
  std::set<std::uint32_t> tree;
  std::vector<std::uint32_t> open = roots;
  while (!open.empty()) {
    const auto pid = open.back();
    open.pop_back();
    if (!tree.insert(pid).second) continue;
    const auto [first, last] = children.equal_range(pid);
    for (auto child = first; child != last; ++child) open.push_back(child->second);
  }
  for (const auto pid : zombies) tree.erase(pid);
  return tree;
}

}  // namespace assay::inside
