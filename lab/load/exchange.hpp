// One connection of the generator: sends the prepared request, reads one response, and skips its body.
//
// Misuse: a second exchange() after one has failed. Open it anew.
#pragma once

#include <optional>
#include <string_view>

#include "lab/load/answer_checks.hpp"
#include "stack/http/reader.hpp"
#include "stack/net/writer.hpp"

namespace assay::load {

class exchange_connection {
 public:
  // `checks` outlives it.
  exchange_connection(loop& on, net::stream opened, const answer_checks& checks)
      : stream_(std::move(opened)), reader_(stream_, http::head_kind::response, {}), writer_(on, stream_, nullptr) {
    if (checks.any()) watched_.emplace(checks);
  }

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
    bool fields_hold = true;  // of this answer
  };
  answer judged() const;

  net::stream stream_;
  http::message_reader reader_;
  net::writer writer_;
  http::response_head head_;
  std::optional<watched> watched_;
  std::uint64_t served_ = 0;
  std::uint64_t received_before_ = 0;  // this exchange
  bool reusable_ = true;
};

}  // namespace assay::load
