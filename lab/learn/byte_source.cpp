#include "lab/learn/byte_source.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "lab/model/sha256.hpp"

namespace assay::learn {
namespace {

constexpr std::size_t packed_bytes = std::size_t{128} * 1024;
constexpr int gzip_window = 15 + 16;  // zlib's sign for a gzip head
constexpr int largest_zstd_window = 27;

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
  bool is_regular() const {
    struct stat of{};
    return !is_stdin_ && ::fstat(fd_, &of) == 0 && S_ISREG(of.st_mode);
  }
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

enum class packing : std::uint8_t { unknown, none, gzip, zstandard };

packing packing_of(std::string_view begins) {
  if (begins.starts_with("\x1f\x8b")) return packing::gzip;
  return begins.starts_with("\x28\xb5\x2f\xfd") ? packing::zstandard : packing::none;
}

// How far a step of unpacking came.
struct unpacked {
  std::size_t taken = 0;  // of the packed bytes
  std::size_t made = 0;
};

class gzip_reader {
 public:
  gzip_reader() { is_sound_ = ::inflateInit2(&stream_, gzip_window) == Z_OK; }
  ~gzip_reader() { ::inflateEnd(&stream_); }
  gzip_reader(const gzip_reader&) = delete;
  gzip_reader& operator=(const gzip_reader&) = delete;

  std::expected<unpacked, std::string> step(std::string_view packed, std::span<char> to) {
    if (!is_sound_) return std::unexpected("no memory to unpack");
    // Behind a whole stream another one may begin; zeros behind the last are padding, as tar makes it.
    if (ended_ && packed.starts_with('\0')) return unpacked{.taken = 1, .made = 0};
    if (ended_ && ::inflateReset2(&stream_, gzip_window) != Z_OK) return std::unexpected("no memory to unpack");
    ended_ = false;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));  // zlib does not write there
    stream_.avail_in = static_cast<uInt>(packed.size());
    stream_.next_out = reinterpret_cast<Bytef*>(to.data());
    stream_.avail_out = static_cast<uInt>(to.size());
    const int done = ::inflate(&stream_, Z_NO_FLUSH);
    if (done != Z_OK && done != Z_STREAM_END && done != Z_BUF_ERROR) {
      return std::unexpected(fmt::format("is damaged gzip ({})", stream_.msg == nullptr ? "data" : stream_.msg));
    }
    ended_ = done == Z_STREAM_END;
    return unpacked{.taken = packed.size() - stream_.avail_in, .made = to.size() - stream_.avail_out};
  }
  bool is_between() const { return ended_; }

 private:
  z_stream stream_{};
  bool is_sound_ = false;
  bool ended_ = false;
};

class zstd_reader {
 public:
  zstd_reader() : stream_(::ZSTD_createDStream()) {
    is_sound_ = stream_ != nullptr &&
                ::ZSTD_isError(::ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, largest_zstd_window)) == 0U;
  }
  ~zstd_reader() { ::ZSTD_freeDStream(stream_); }
  zstd_reader(const zstd_reader&) = delete;
  zstd_reader& operator=(const zstd_reader&) = delete;

  std::expected<unpacked, std::string> step(std::string_view packed, std::span<char> to) {
    if (!is_sound_) return std::unexpected("no memory to unpack");
    ZSTD_inBuffer in{packed.data(), packed.size(), 0};
    ZSTD_outBuffer out{to.data(), to.size(), 0};
    const std::size_t left = ::ZSTD_decompressStream(stream_, &out, &in);
    if (::ZSTD_isError(left) != 0U) {
      return std::unexpected(fmt::format("is damaged Zstandard ({})", ::ZSTD_getErrorName(left)));
    }
    ended_ = left == 0;
    return unpacked{.taken = in.pos, .made = out.pos};
  }
  bool is_between() const { return ended_; }

 private:
  ZSTD_DStream* stream_;
  bool is_sound_ = false;
  bool ended_ = false;
};

}  // namespace

struct byte_source::state {
  explicit state(const std::string& path) : name(name_of(path)), file(path) {}

  std::string name;
  descriptor file;
  packing is = packing::unknown;
  std::vector<char> block;   // of packed bytes
  std::string_view waiting;  // in `block`, not unpacked yet
  bool file_ended = false;
  std::unique_ptr<gzip_reader> gzip;
  std::unique_ptr<zstd_reader> zstandard;
  model::sha256 digest;
  std::uint64_t bytes = 0;

  std::unexpected<std::string> refuse(std::string_view why) const {
    return std::unexpected(fmt::format("{}: {}", name, why));
  }

  // From the file, counted and digested.
  std::expected<std::size_t, std::string> read_file(std::span<char> to) {
    const ssize_t got = file.read(to.data(), to.size());
    if (got < 0) return refuse(fmt::format("cannot read: {}", std::strerror(errno)));
    const auto count = static_cast<std::size_t>(got);
    bytes += count;
    digest.add({to.data(), count});
    return count;
  }

  // The first bytes decide; a pipe may hand them out one by one.
  std::expected<void, std::string> look() {
    block.resize(packed_bytes);
    constexpr std::size_t magic_bytes = 4;
    std::size_t have = 0;
    while (have < magic_bytes) {
      const auto got = read_file(std::span(block).subspan(have));
      if (!got) return std::unexpected(got.error());
      if (*got == 0) break;
      have += *got;
    }
    waiting = std::string_view(block.data(), have);
    is = packing_of(waiting);
    if (is == packing::gzip) gzip = std::make_unique<gzip_reader>();
    if (is == packing::zstandard) zstandard = std::make_unique<zstd_reader>();
    return {};
  }

  std::expected<std::size_t, std::string> read_plain(std::span<char> to) {
    if (waiting.empty()) return read_file(to);
    const std::size_t count = std::min(to.size(), waiting.size());
    std::ranges::copy(waiting.substr(0, count), to.data());
    waiting.remove_prefix(count);
    return count;
  }

  std::expected<std::size_t, std::string> read_packed(std::span<char> to) {
    for (;;) {
      if (waiting.empty() && !file_ended) {
        const auto got = read_file(block);
        if (!got) return std::unexpected(got.error());
        file_ended = *got == 0;
        waiting = std::string_view(block.data(), *got);
      }
      // At the end of the file the unpacker may still hold bytes that found no room before.
      const bool is_last = waiting.empty();
      if (is_last && (gzip ? gzip->is_between() : zstandard->is_between())) return 0;
      const auto step = gzip ? gzip->step(waiting, to) : zstandard->step(waiting, to);
      if (!step) return refuse(step.error());
      if (is_last && step->made == 0) return refuse("ends in the middle of its packed data; was it still written?");
      if (step->taken == 0 && step->made == 0) return refuse("is damaged: its packed data leads nowhere");
      waiting.remove_prefix(step->taken);
      if (step->made > 0) return step->made;
    }
  }
};

byte_source::byte_source(std::unique_ptr<state> made) : state_(std::move(made)) {}
byte_source::~byte_source() = default;
byte_source::byte_source(byte_source&&) noexcept = default;
byte_source& byte_source::operator=(byte_source&&) noexcept = default;

std::expected<byte_source, std::string> byte_source::open(const std::string& path) {
  auto made = std::make_unique<state>(path);
  if (!made->file.is_open()) return made->refuse(fmt::format("cannot open: {}", std::strerror(errno)));
  return byte_source(std::move(made));
}

std::expected<std::size_t, std::string> byte_source::read(std::span<char> to) {
  if (state_->is == packing::unknown) {
    if (const auto looked = state_->look(); !looked) return std::unexpected(looked.error());
  }
  return state_->is == packing::none ? state_->read_plain(to) : state_->read_packed(to);
}

bool byte_source::is_regular() const { return state_->file.is_regular(); }

bytes_read byte_source::finish() { return {.bytes = state_->bytes, .sha256 = state_->digest.hex()}; }

std::string name_of(std::string_view path) { return path == "-" ? "standard input" : std::string(path); }

}  // namespace assay::learn
