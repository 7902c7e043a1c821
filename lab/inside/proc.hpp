// Strict readers of /proc: a file as text, a process's stat line, the tree of processes below some roots.
//
// Misuse: keeping a process id over time without its start time: ids are used again.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace assay::inside {

std::uint64_t monotonic_ns();
std::uint64_t thread_cpu_ns();

// At most 64 KiB of it; else the errno. Processes end at any moment (ENOENT, ESRCH), and many files of /proc are for
// whoever may trace the process (is_refusal).
std::expected<std::string, int> read_text(const std::string& path);
bool is_refusal(int error);  // EACCES or EPERM: it is there, and not for us

// The names of a folder that are decimal numbers; else the errno.
std::expected<std::vector<std::uint32_t>, int> list_numbers(const std::string& directory, std::size_t most);
// The same where it does not matter why there are none.
std::vector<std::uint32_t> numbers_in(const std::string& directory, std::size_t most);

struct process_stat {
  std::uint32_t pid = 0;
  std::uint32_t parent = 0;
  char state = '?';
  std::uint64_t cpu_ticks = 0;  // user and system
  std::uint64_t start_ticks = 0;
  unsigned threads = 0;
};
// The name in it is the program's choice, parentheses and spaces included.
std::optional<process_stat> parse_stat(std::string_view text);
std::optional<process_stat> read_stat(std::uint32_t pid);

// "VmRSS:     1234 kB" → 1234; 0 when the key is not there.
std::uint64_t status_value(std::string_view status, std::string_view key);

// The roots and all that descends from them, zombies left out. One scan of /proc.
std::set<std::uint32_t> process_tree(const std::vector<std::uint32_t>& roots);

}  // namespace assay::inside
