// A body in pieces, with backpressure: what is read from a peer, and what is sent to one. Server and client share both.
//
//   while (true) {
//     const result<std::string_view> piece = co_await from.read();
//     if (!piece || piece->empty()) break;              // a failure, or the end
//     ... use *piece before the next read ...
//   }
//   co_return co_await http::copy_body(from, to);       // from one peer to another
//
// Misuse: keeping a piece beyond the next read(); waiting long for something else with a piece in hand, since its
// memory is lent by the loop: copy what is needed and let_go().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "stack/runtime/task.hpp"

namespace assay::http {

// Where a streamed body goes, piece by piece.
class body_sink {
 public:
  virtual ~body_sink() = default;
  // Waits while the peer is slow. A failure means that the peer is gone or too slow, or wants no more: return. Of a
  // server: the response's head leaves with the first piece, and an empty piece sends it alone; a stream that fails
  // before has a status to say it.
  virtual task<result<void>> write(std::string_view piece) = 0;
};

// Where a body comes from.
class body_source {
 public:
  virtual ~body_source() = default;
  // The next piece, empty at the end; valid until the next read(). After a failure it fails again.
  virtual task<result<std::string_view>> read() = 0;
  // The last piece is not needed any more: its memory goes back.
  virtual void let_go() {}
};

// A body that is here already.
class text_source final : public body_source {
 public:
  explicit text_source(std::string text) : text_(std::move(text)) {}
  task<result<std::string_view>> read() override {
    co_return std::exchange(read_, true) ? std::string_view() : std::string_view(text_);
  }

 private:
  std::string text_;
  bool read_ = false;
};

// All of it, or errc::limit when it has more than `most` bytes: before any is read where that many were `told`.
task<result<std::string>> read_all(body_source& from, std::uint64_t most, std::uint64_t told = 0);

// All of `from` goes to `to`, and no more of it is here at any time than one piece and what `to` allows. The failure is
// that of whichever side failed; `unread` is given it when that was `from`, and nobody had told it to stop.
task<result<void>> copy_body(body_source& from, body_sink& to, std::optional<error>* unread = nullptr);

}  // namespace assay::http
