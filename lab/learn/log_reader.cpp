#include "lab/learn/log_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "lab/model/sha256.hpp"

namespace assay::learn {
namespace {

constexpr std::size_t block_bytes = std::size_t{256} * 1024;
static_assert(block_bytes > max_line_bytes + 2);

class descriptor {
 public:
  explicit descriptor(const std::string& path)
      : is_stdin_(path == "-"), fd_(is_stdin_ ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~descriptor() {
    if (!is_stdin_ && fd_ >= 0) ::close(fd_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;

  bool is_open() const { return fd_ >= 0; }
  ssize_t read(char* to, std::size_t most) const {
    for (;;) {
      const ssize_t got = ::read(fd_, to, most);
      if (got >= 0 || errno != EINTR) return got;
    }
  }

 private:
  bool is_stdin_;
  int fd_;
};

// Cuts blocks into lines. Holds at most one line of max_line_bytes beside the block.
class line_cutter {
 public:
  explicit line_cutter(const std::function<void(const raw_line&)>& use) : use_(use) {}

  void add(std::string_view block) {
    while (!block.empty()) {
      const std::size_t end = block.find('\n');
      const std::string_view piece = block.substr(0, end);
      if (end != std::string_view::npos && pending_.empty() && piece.size() <= max_line_bytes) {
        emit(piece, true);
      } else {
        keep(piece);
        if (end != std::string_view::npos) flush(true);
      }
      block.remove_prefix(end == std::string_view::npos ? block.size() : end + 1);
    }
  }
  void finish() {
    if (!pending_.empty()) flush(false);
  }

 private:
  void keep(std::string_view piece) {
    const std::size_t room = max_line_bytes + 1 - std::min(pending_.size(), max_line_bytes + 1);
    pending_.append(piece.substr(0, room));  // one byte too many tells that it is too long
  }
  void flush(bool ended) {
    emit(pending_, ended);
    pending_.clear();
  }
  void emit(std::string_view text, bool ended) {
    const bool too_long = text.size() > max_line_bytes;
    if (too_long) text = text.substr(0, max_sample_bytes);
    if (number_ == 0 && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark
    if (text.ends_with('\r')) text.remove_suffix(1);
    use_({.number = ++number_, .text = text, .too_long = too_long, .ended = ended});
  }

  const std::function<void(const raw_line&)>& use_;
  std::string pending_;
  std::uint64_t number_ = 0;
};

}  // namespace

std::expected<bytes_read, std::string> read_lines(const std::string& path,
                                                  const std::function<void(const raw_line&)>& use) {
  const auto refuse = [&](std::string_view why) {
    return std::unexpected(fmt::format("{}: {}", path == "-" ? "standard input" : path, why));
  };
  const descriptor file(path);
  if (!file.is_open()) return refuse(fmt::format("cannot open: {}", std::strerror(errno)));
  std::vector<char> block(block_bytes);
  model::sha256 digest;
  line_cutter lines(use);
  bytes_read read;
  for (;;) {
    const ssize_t got = file.read(block.data(), block.size());
    if (got < 0) return refuse(fmt::format("cannot read: {}", std::strerror(errno)));
    if (got == 0) break;
    const std::string_view bytes(block.data(), static_cast<std::size_t>(got));
    if (read.bytes == 0 && bytes.starts_with("\x1f\x8b")) {
      return refuse("is compressed with gzip; use: zcat FILE | assay learn -");
    }
    read.bytes += bytes.size();
    digest.add({bytes.data(), bytes.size()});
    lines.add(bytes);
  }
  lines.finish();
  read.sha256 = digest.hex();
  if (read.sha256.empty()) return refuse("the cryptographic library has no SHA-256");
  return read;
}

}  // namespace assay::learn
