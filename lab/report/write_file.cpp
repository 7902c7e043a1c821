#include "lab/report/write_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace assay::report {
namespace {

bool write_all(int file, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t wrote = ::write(file, text.data() + at, text.size() - at);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return false;
    at += static_cast<std::size_t>(wrote);
  }
  return true;
}

}  // namespace

std::expected<void, std::string> write_file(const std::string& path, const std::string& text) {
  const std::string draft = path + ".new";
  const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  bool kept = file >= 0 && write_all(file, text) && ::fsync(file) == 0;
  int reason = errno;
  if (file >= 0) ::close(file);
  if (kept && ::rename(draft.c_str(), path.c_str()) != 0) {
    kept = false;
    reason = errno;
  }
  if (kept) return {};
  ::unlink(draft.c_str());
  return std::unexpected("cannot write " + path + ": " + std::strerror(reason));
}

}  // namespace assay::report
