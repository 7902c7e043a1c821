#include "lab/model/write_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string_view>

namespace assay::model {
namespace {

bool write_whole(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

// A pipe or a device is written to; a file in its place would take /dev/null away from the whole machine.
std::expected<void, std::string> write_through(const std::string& path, std::string_view text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return std::unexpected(std::strerror(errno));
  const int why = write_whole(fd, text) ? 0 : errno;
  if (::close(fd) != 0 || why != 0) return std::unexpected(std::strerror(why != 0 ? why : errno));
  return {};
}

}  // namespace

std::expected<void, std::string> write_file(const std::string& named, const std::string& text) {
  std::error_code none;
  const std::filesystem::file_status there = std::filesystem::status(named, none);
  if (std::filesystem::is_other(there)) return write_through(named, text);
  // What a symbolic link leads to is written anew, not the link.
  const bool leads_on = std::filesystem::exists(there) && std::filesystem::is_symlink(named, none);
  const std::string path = leads_on ? std::filesystem::canonical(named, none).string() : named;
  // Beside the file, so that the rename stays within its file system. Always of the same name: what a killed process
  // has left is written over by the next.
  const std::string temporary = path + ".unfinished";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return std::unexpected(std::strerror(errno));
  bool good = write_whole(fd, text) && ::fsync(fd) == 0;
  int why = good ? 0 : errno;
  const bool closed = ::close(fd) == 0;
  if (good && !closed) why = errno;
  good = good && closed;
  if (good && std::rename(temporary.c_str(), path.c_str()) == 0) return {};
  if (good) why = errno;
  ::unlink(temporary.c_str());
  return std::unexpected(std::strerror(why));
}

}  // namespace assay::model
