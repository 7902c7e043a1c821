#include "lab/inside/watched_files.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>

#include "lab/inside/code_map.hpp"
#include "lab/inside/proc.hpp"

namespace assay::inside {
namespace {

constexpr std::string_view suffix = ".probe";

bool is_alive(std::uint32_t pid) {
  const auto stat = read_stat(pid);
  return stat && stat->state != 'Z' && stat->state != 'X';
}

// "1234.probe" → 1234; 0 for other names.
std::uint32_t pid_of(const std::string& name) {
  std::uint32_t pid = 0;
  if (!name.ends_with(suffix)) return 0;
  const char* end = name.data() + name.size() - suffix.size();
  const auto parsed = std::from_chars(name.data(), end, pid);
  return parsed.ec == std::errc{} && parsed.ptr == end ? pid : 0;
}

}  // namespace

std::vector<std::string> watched_files::refresh() {
  std::vector<std::string> problems;
  for (auto& one : files_) {
    any_stack_hook_ = any_stack_hook_ || one.reader.has_stack_hook();
    one.ended = !one.reader.same_file() || !is_alive(one.reader.pid());
  }
  std::error_code failed;
  std::filesystem::directory_iterator entry(directory_, failed);
  for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
    const auto pid = pid_of(entry->path().filename().string());
    struct stat status{};
    if (pid == 0 || ::lstat(entry->path().c_str(), &status) != 0) continue;
    if (seen_.size() >= most_seen || !seen_.insert({status.st_ino, pid}).second) continue;
    if (files_.size() >= most_) {
      problems.push_back(fmt::format("more than {} processes at once: the rest is not looked at", most_));
      continue;
    }
    auto reader = probe_reader::open(entry->path().string());
    if (!reader) {
      problems.push_back(reader.error());
      continue;
    }
    files_.push_back({std::move(*reader), {status.st_ino, pid}, ++opened_, !is_alive(pid)});
  }
  if (failed) problems.push_back(fmt::format("{}: {}", directory_, failed.message()));
  return problems;
}

void watched_files::close_ended() {
  for (auto one = files_.begin(); one != files_.end();) {
    if (one->ended) {
      any_stack_hook_ = any_stack_hook_ || one->reader.has_stack_hook();
      lost_ += one->reader.lost();
      // Without a name its number goes to another file, perhaps of the same process: that one is not seen yet.
      if (!one->reader.same_file() || one->reader.remove()) seen_.erase(one->identity);
      one = files_.erase(one);
    } else {
      ++one;
    }
  }
}

bool watched_files::has(std::uint32_t pid) const {
  return std::ranges::any_of(files_, [pid](const file& one) { return one.reader.pid() == pid; });
}

std::set<std::uint32_t> watched_files::living() const {
  std::set<std::uint32_t> pids;
  for (const auto& one : files_) {
    if (!one.ended) pids.insert(one.reader.pid());
  }
  return pids;
}

std::uint64_t watched_files::lost() const {
  std::uint64_t lost = lost_;
  for (const auto& one : files_) lost += one.reader.lost();
  return lost;
}

void watched_files::translate_frames(std::uint32_t pid, blocking_event& event) {
  if (!event.stack.empty() || event.frames.empty()) return;
  auto [stack, place] = code_map::of(pid).translate(event.frames);
  event.stack = std::move(stack);
  event.place = std::move(place);
}

}  // namespace assay::inside
