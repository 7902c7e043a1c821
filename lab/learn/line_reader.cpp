#include "lab/learn/line_reader.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace assay::learn {
namespace {

constexpr std::size_t piece_bytes = 256 * 1024;

}  // namespace

line_reader::line_reader(int file, std::string path) : file_(file), path_(std::move(path)) {}

line_reader::line_reader(line_reader&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      path_(std::move(other.path_)),
      buffer_(std::move(other.buffer_)),
      at_(other.at_),
      at_end_(other.at_end_),
      hash_(std::move(other.hash_)) {}

line_reader::~line_reader() {
  if (file_ > STDERR_FILENO) ::close(file_);
}

std::expected<line_reader, std::string> line_reader::open(const std::string& path) {
  if (path == "-") return line_reader(STDIN_FILENO, "stdin");
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::unexpected("cannot open " + path + ": " + std::strerror(errno));
  return line_reader(file, path);
}

// False at the end of the file.
std::expected<bool, std::string> line_reader::fill() {
  if (at_end_) return false;
  buffer_.erase(0, std::exchange(at_, 0));
  std::array<char, piece_bytes> piece;
  ssize_t got = 0;
  do {
    got = ::read(file_, piece.data(), piece.size());
  } while (got < 0 && errno == EINTR);
  if (got < 0) return std::unexpected("cannot read " + path_ + ": " + std::strerror(errno));
  const std::string_view bytes(piece.data(), static_cast<std::size_t>(got));
  hash_.add(bytes);
  buffer_.append(bytes);
  at_end_ = got == 0;
  return !at_end_;
}

std::expected<bool, std::string> line_reader::next(line& into, std::size_t max_bytes) {
  bool skipping = false;  // the rest of a line that is too long
  std::size_t searched = 0;
  while (true) {
    const auto end = buffer_.find('\n', at_ + searched);
    if (end != std::string::npos) {
      into.text = std::string_view(buffer_).substr(at_, end - at_);
      into.too_long = skipping || into.text.size() > max_bytes;
      into.ended = true;
      at_ = end + 1;
      if (into.text.ends_with('\r')) into.text.remove_suffix(1);
      return true;
    }
    if (buffer_.size() - at_ > max_bytes) {
      skipping = true;
      at_ = buffer_.size();
    }
    searched = buffer_.size() - at_;
    const std::expected<bool, std::string> more = fill();
    if (!more) return std::unexpected(more.error());
    if (*more) continue;
    if (buffer_.size() == at_ && !skipping) return false;
    into.text = std::string_view(buffer_).substr(at_);
    into.too_long = skipping;
    into.ended = false;
    at_ = buffer_.size();
    return true;
  }
}

}  // namespace assay::learn
