#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "lab/model/profile_json.hpp"

namespace assay::model {
namespace {

std::unexpected<std::string> refuse(const std::string& path, const std::string& why) {
  return std::unexpected(path + ": " + why);
}

bool write_whole(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

}  // namespace

std::expected<profile, std::string> read_profile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  std::array<char, std::size_t{64} * 1024> piece{};
  while ((file.read(piece.data(), piece.size()) || file.gcount() > 0) && text.size() <= max_profile_bytes) {
    text.append(piece.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (!file.is_open() || file.bad()) return refuse(path, "cannot read that file");
  auto value = profile_from_json(text);
  if (!value) return refuse(path, value.error());
  return value;
}

std::expected<void, std::string> write_profile(const std::string& path, const profile& value) {
  // Beside the file, so that the rename stays within its file system; the process id keeps two writers apart.
  const std::string temporary = path + ".tmp." + std::to_string(::getpid());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return refuse(path, std::string("cannot write: ") + std::strerror(errno));
  bool good = write_whole(fd, profile_json(value)) && ::fsync(fd) == 0;
  int why = good ? 0 : errno;
  const bool closed = ::close(fd) == 0;
  if (good && !closed) why = errno;
  good = good && closed;
  if (good && std::rename(temporary.c_str(), path.c_str()) == 0) return {};
  if (good) why = errno;
  ::unlink(temporary.c_str());
  return refuse(path, std::string("cannot write: ") + std::strerror(why));
}

}  // namespace assay::model
