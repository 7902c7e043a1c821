#include "lab/inside/shim_notes.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "lab/inside/probe_reader.hpp"

namespace assay::inside {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.empty()) lines.emplace_back(line);
  }
  return lines;
}

std::optional<shim_note> note_of(const assay_probe_note& raw) {
  if (raw.kind < assay_note_call || raw.kind > assay_note_failure || raw.end_ns < raw.start_ns) return std::nullopt;
  shim_note note{.kind = static_cast<assay_probe_note_kind>(raw.kind),
                 .start_ns = raw.start_ns,
                 .end_ns = raw.end_ns,
                 .what = printable(raw.what, sizeof raw.what),
                 .stack = {},
                 .place = {}};
  const auto text = printable(raw.stack, sizeof raw.stack);
  if (note.kind == assay_note_failure) {
    note.stack = lines_of(text);
  } else {
    std::tie(note.stack, note.place) = stack_of(text);
  }
  return note;
}

}  // namespace

std::string shim_notes::path(std::uint32_t pid) const { return fmt::format("{}/{}.notes", directory_, pid); }

std::vector<shim_note> shim_notes::take(std::uint32_t pid) {
  std::vector<shim_note> found;
  const auto known = taken_.find(pid);
  if (known == taken_.end() && taken_.size() >= most_processes) return found;
  // Not a FIFO that somebody has put there: nobody waits for its other end.
  const int fd = ::open(path(pid).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (fd < 0) return found;
  struct stat about{};
  const bool usable = ::fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
  ever_ = ever_ || usable;
  std::uint64_t at = known == taken_.end() ? 0 : known->second;
  const auto raw = std::make_unique<assay_probe_note>();
  while (usable && found.size() < most_at_once &&
         ::pread(fd, raw.get(), sizeof *raw, static_cast<off_t>(at)) == static_cast<ssize_t>(sizeof *raw)) {
    at += sizeof *raw;
    if (auto note = note_of(*raw)) found.push_back(std::move(*note));
  }
  ::close(fd);
  full_ = full_ || at >= most_of_one * sizeof *raw;
  if (at > 0) taken_[pid] = at;
  return found;
}

void shim_notes::remove(std::uint32_t pid) {
  taken_.erase(pid);
  ::unlink(path(pid).c_str());
}

}  // namespace assay::inside
