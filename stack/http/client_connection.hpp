// One connection of an http::client: an exchange at a time. Internal to the client.
//
// Misuse: destroying it while an exchange runs, or one has failed, without stop(): a send may be in flight.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "stack/http/client.hpp"
#include "stack/http/reader.hpp"
#include "stack/net/writer.hpp"
#include "stack/runtime/scope.hpp"

namespace assay::http {

// From this status on nobody reads the rest of a request that is still being sent.
inline constexpr int first_refusal = 400;

class client::connection {
 public:
  connection(loop& on, net::stream opened, const client_limits& limits)
      : stream_(std::move(opened)),
        reader_(stream_, head_kind::response, limits.parse),
        writer_(on, stream_, [this] { on_send_failure(); }),
        limits_(limits),
        opened_(on.turn_time()) {}

  // One request and its response; of a response that is to come in pieces, the head, and nothing is being sent then.
  // What fails leaves the connection unusable.
  task<result<client_response>> exchange(const client_request& request, std::string_view host);

  // Of a response that comes in pieces: the next one, empty at the end; and that its memory may go.
  task<result<std::string_view>> next_piece();
  void let_go() { reader_.let_go(); }
  // Nobody reads the rest. What is here of it is dropped; false: that was not all, and it cannot be used again.
  bool end_early();

  // After exchange(), and the last piece: it can carry another one.
  bool reusable() const { return reusable_; }
  // The server had closed it before a byte of the response: the request may be sent again.
  bool was_stale() const { return served_ > 0 && reader_.received_bytes() == received_before_; }
  // For an idle one: false when something has arrived on it, be it the end. Then it cannot be used.
  task<result<bool>> quiet();
  // Stops the sending side; before it is destroyed.
  task<void> stop() { co_await writer_.stop(); }

  bool old_at(instant now) const { return now - opened_ >= limits_.max_age; }
  bool idle_for_long_at(instant now) const { return now - last_used_ >= limits_.idle_timeout; }
  void used_at(instant now) { last_used_ = now; }
  unsigned served() const { return served_; }

 private:
  class outgoing;
  struct talk;

  task<result<client_response>> receive(const client_request& request);
  task<result<void>> read_head(method verb, instant limit);
  task<result<std::string>> read_body();
  task<result<void>> talk_both_ways(const client_request& request);
  task<result<void>> send_body(const client_request& request);
  task<result<void>> send_rest();
  task<result<void>> produce(const client_request& request, talk* with);
  task<result<void>> listen(method verb, talk* with);
  void flush(const context& ctx);
  void on_send_failure();
  void on_body_end();

  net::stream stream_;
  message_reader reader_;
  net::writer writer_;
  const client_limits& limits_;
  response_head head_;
  instant opened_;
  instant last_used_;
  cancel_scope* receiving_ = nullptr;  // while an exchange waits for its response
  std::uint64_t received_before_ = 0;  // this exchange
  unsigned served_ = 0;
  bool sent_whole_ = false;   // this exchange's request
  bool send_failed_ = false;  // by itself; not given up here
  bool reusable_ = false;
};

// What is left of a response that comes in pieces, and the connection that it comes on.
class client::incoming final : public body_source {
 public:
  incoming(client& from, std::unique_ptr<connection> on, permit slot, const loop& here);
  ~incoming() override;
  incoming(const incoming&) = delete;
  incoming& operator=(const incoming&) = delete;

  task<result<std::string_view>> read() override;
  void let_go() override;

 private:
  void end(bool read_to_its_end);

  client& from_;
  const loop& here_;
  permit slot_;
  std::unique_ptr<connection> on_;  // none once the body has ended, or failed
  std::optional<error> failure_;
};

}  // namespace assay::http
