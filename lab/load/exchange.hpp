// One connection of the generator: sends the prepared request, reads one response, and skips its body.
//
// Misuse: a second exchange() after one has failed. Open it anew.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lab/load/answer_checks.hpp"
#include "stack/http/reader.hpp"
#include "stack/net/writer.hpp"

namespace assay::load {

// Sees an answer as it comes, beside the checks.
class answer_tap {
 public:
  // Of the answer itself, not of interim ones. Its views do not outlive the call.
  virtual void on_head(const http::response_head& head) = 0;
  virtual void on_body(std::string_view piece) = 0;

 protected:
  ~answer_tap() = default;
};

// What is needed of a response's head once the next bytes are received. The head itself, of 2 KiB, is nobody's memory:
// with ten thousand connections it would be most of the generator's.
struct read_head {
  int status = 0;
  bool keep_alive = false;
  http::body_framing body = {};
};

// The head that was read last on any connection of a thread. Most services send the very same bytes again until their
// Date changes, and need not be parsed again for it.
class last_head {
 public:
  const read_head* find(std::string_view bytes, http::method verb) const {
    return bytes == bytes_ && verb == verb_ ? &head_ : nullptr;
  }
  void keep(std::string_view bytes, http::method verb, const read_head& head) {
    if (bytes.size() > most_bytes) return;
    bytes_ = bytes;
    verb_ = verb;
    head_ = head;
  }

 private:
  static constexpr std::size_t most_bytes = 1024;
  std::string bytes_;
  http::method verb_{};
  read_head head_;
};

class exchange_connection {
 public:
  // `checks` outlives it, and `known`, which may be null.
  exchange_connection(loop& on, net::stream opened, const answer_checks& checks, last_head* known = nullptr)
      : stream_(std::move(opened)),
        reader_(stream_, http::head_kind::response, {}),
        writer_(on, stream_, nullptr),
        known_(known) {
    if (checks.any()) watched_.emplace(checks);
  }

  // For the exchanges from now on, in place of the checks that it was made with; both outlive them.
  void watch(const answer_checks& checks, answer_tap* tap) { watched_.emplace(checks).tap = tap; }
  // From now on it is known where redirects lead.
  void keep_location() { location_ = std::make_unique<std::string>(); }
  // The Location of the latest answer, which was a redirect; empty where it had none. Until the next exchange.
  std::string_view location() const { return location_ ? std::string_view(*location_) : std::string_view(); }
  // So many requests and no more: after them it is not reusable.
  void limit_requests(std::uint64_t most) { most_ = most; }
  // Before the first exchange: answers know by the kernel's word when they came, however late they are read. False:
  // they do not, here.
  bool stamp_answers() { return stream_.stamp_received(); }
  // The status of the response, its body read, checked and dropped. errc::protocol for what is not HTTP.
  task<result<answer>> exchange(std::string_view request, http::method verb, instant limit);

  bool reusable() const { return reusable_; }
  // The server has closed it, or has sent what nobody asked for, which would pass for the answer to the next request.
  bool spoiled() const { return stream_.has_received(); }
  // It failed before a byte of a response, having served before: the server had closed an idle connection.
  bool was_stale() const { return served_ > 0 && reader_.received_bytes() == received_before_; }
  std::uint64_t received_bytes() const { return reader_.received_bytes(); }
  task<void> stop() { co_await writer_.stop(); }

 private:
  struct watched {
    explicit watched(const answer_checks& of) : checks(of), body(of) {}
    const answer_checks& checks;
    body_watch body;
    answer_tap* tap = nullptr;
    bool fields_hold = true;  // of this answer
  };
  result<read_head> parse_head(std::string_view bytes, http::method verb);
  result<read_head> take_head(std::string_view bytes, http::method verb);
  instant here_at(const loop& on) const;
  answer judged(int status) const;

  net::stream stream_;
  http::message_reader reader_;
  net::writer writer_;
  last_head* known_;
  std::optional<watched> watched_;
  std::unique_ptr<std::string> location_;  // null: nobody asks
  std::uint64_t served_ = 0;
  std::uint64_t most_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t received_before_ = 0;  // this exchange
  bool reusable_ = true;
};

// The server had closed it while nobody asked: what was to go there may be sent once more. False without a connection.
inline bool was_left(const exchange_connection* on, const error& why) {
  return on != nullptr && on->was_stale() && (why.code == errc::closed || why.code == errc::reset);
}

}  // namespace assay::load
