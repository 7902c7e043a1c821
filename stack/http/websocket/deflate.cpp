#include "stack/http/websocket/deflate.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <new>

namespace assay::websocket {
namespace {

using std::string_view_literals::operator""sv;

// The end of a flushed block, which RFC 7692 section 7.2.1 leaves out.
constexpr std::string_view flush_tail = "\x00\x00\xff\xff"sv;

// A sender may end a stream and begin another one within a message (RFC 7692 section 7.2.3.4). Each costs a copy of the
// window, so that many of them are an attack.
constexpr int max_final_blocks = 16;

constexpr std::size_t least_piece_bytes = 256;
constexpr std::size_t most_piece_bytes = 16 * 1024;

Bytef* input_of(std::string_view bytes) {  // zlib does not write there
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
}

}  // namespace

inflater::inflater(int window_bits) : stream_(std::make_unique<z_stream_s>()) {
  assert(window_bits >= 8 && window_bits <= 15);
  if (::inflateInit2(stream_.get(), -window_bits) != Z_OK) throw std::bad_alloc();  // the arguments are right
}

inflater::~inflater() { ::inflateEnd(stream_.get()); }

// After a final block: the next one refers to the same window. False when that was one too many.
bool inflater::begin_again() {
  if (++final_blocks_ > max_final_blocks) return false;
  std::array<Bytef, 32 * 1024> window;
  uInt size = 0;
  if (::inflateGetDictionary(stream_.get(), window.data(), &size) != Z_OK) return false;
  return ::inflateReset(stream_.get()) == Z_OK &&
         (size == 0 || ::inflateSetDictionary(stream_.get(), window.data(), size) == Z_OK);
}

std::expected<void, violation> inflater::add(std::string_view compressed, std::string& out, std::size_t max_bytes) {
  assert(out.size() <= max_bytes && compressed.size() <= UINT32_MAX);
  stream_->next_in = input_of(compressed);
  stream_->avail_in = static_cast<uInt>(compressed.size());
  const std::size_t piece = std::clamp(compressed.size() * 4, least_piece_bytes, most_piece_bytes);
  while (true) {
    const std::size_t before = out.size();
    const std::size_t room = std::min(piece, max_bytes - before + 1);
    out.resize(before + room);
    stream_->next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream_->avail_out = static_cast<uInt>(room);
    const int status = ::inflate(stream_.get(), Z_SYNC_FLUSH);
    const bool full = stream_->avail_out == 0;
    out.resize(before + room - stream_->avail_out);
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
    if (out.size() > max_bytes) return std::unexpected(violation::message_too_large);
    if (status == Z_STREAM_END) {
      if (!begin_again()) return std::unexpected(violation::bad_deflate);
      if (stream_->avail_in == 0) return {};
      continue;
    }
    // Z_BUF_ERROR: there was nothing to do.
    if (status != Z_OK && status != Z_BUF_ERROR) return std::unexpected(violation::bad_deflate);
    if (!full) return {};
  }
}

std::expected<void, violation> inflater::end_message(std::string& out, std::size_t max_bytes) {
  const auto ended = add(flush_tail, out, max_bytes);
  final_blocks_ = 0;
  // zlib.h: set when inflate() has stopped between two blocks. Elsewhere, the message lacks its end.
  constexpr int between_blocks = 128;
  if (ended && (stream_->data_type & between_blocks) == 0) return std::unexpected(violation::bad_deflate);
  return ended;
}

deflater::deflater(int window_bits, int level) : stream_(std::make_unique<z_stream_s>()) {
  assert(window_bits >= least_deflate_window_bits && window_bits <= 15);
  // zlib's default goes with a window of 2^15, 8; smaller windows need no larger tables than these.
  const int memory_level = std::clamp(window_bits - 7, 1, 8);
  if (::deflateInit2(stream_.get(), level, Z_DEFLATED, -window_bits, memory_level, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();  // the arguments are right
  }
}

deflater::~deflater() { ::deflateEnd(stream_.get()); }

void deflater::add(std::string_view message, std::string& out) {
  assert(!message.empty() && message.size() <= UINT32_MAX);
  stream_->next_in = input_of(message);
  stream_->avail_in = static_cast<uInt>(message.size());
  // More than zlib needs to keep a flush in one piece (deflate()'s documentation), and usually enough for all.
  const std::size_t piece = message.size() / 2 + 64;
  do {
    const std::size_t before = out.size();
    out.resize(before + piece);
    stream_->next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream_->avail_out = static_cast<uInt>(piece);
    [[maybe_unused]] const int status = ::deflate(stream_.get(), Z_SYNC_FLUSH);
    assert(status == Z_OK || status == Z_BUF_ERROR);
    out.resize(before + piece - stream_->avail_out);
  } while (stream_->avail_out == 0);
  assert(out.ends_with(flush_tail));
  out.resize(out.size() - flush_tail.size());
}

}  // namespace assay::websocket
