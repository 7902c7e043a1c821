#include "lab/load/exchange.hpp"

#include "stack/http/client.hpp"

namespace assay::load {
namespace {

error protocol(const char* what) { return {.code = errc::protocol, .what = what}; }

}  // namespace

result<read_head> exchange_connection::take_head(std::string_view bytes, http::method verb) {
  if (known_ == nullptr || watched_) return parse_head(bytes, verb);
  if (const read_head* const again = known_->find(bytes, verb)) return *again;
  const result<read_head> parsed = parse_head(bytes, verb);
  // Where a redirect leads is read anew each time.
  if (parsed && (parsed->status / 100 != 3 || location_ == nullptr)) known_->keep(bytes, verb, *parsed);
  return parsed;
}

result<read_head> exchange_connection::parse_head(std::string_view bytes, http::method verb) {
  http::response_head head;
  if (const auto parsed = http::parse_response_head(bytes, verb, {}, head); !parsed) {
    return std::unexpected(http::protocol_error(parsed.error()));
  }
  if (head.status == 101) return std::unexpected(protocol("upgrade not asked for"));
  if (watched_) watched_->fields_hold = watched_->checks.fields_hold(head.headers);
  if (watched_ && watched_->tap != nullptr && head.status >= 200) watched_->tap->on_head(head);
  if (head.status / 100 == 3 && location_ != nullptr) *location_ = head.headers.find("location").value_or("");
  return read_head{.status = head.status, .keep_alive = head.keep_alive, .body = head.body};
}

// When the bytes that were read last were here: no clock is asked.
instant exchange_connection::here_at(const loop& on) const {
  const instant stamped = reader_.received_at();
  return stamped == lent_buffer::unknown ? on.turn_time() : stamped;
}

answer exchange_connection::judged(int status) const {
  answer got{.status = status};
  if (!watched_) return got;
  if (!watched_->body.values_hold()) got.failed_check = failure_kind::check_json;
  if (!watched_->body.holds()) got.failed_check = failure_kind::check_body;
  if (!watched_->fields_hold) got.failed_check = failure_kind::check_header;
  return got;
}

task<result<answer>> exchange_connection::exchange(std::string_view request, http::method verb, instant limit) {
  reusable_ = false;
  received_before_ = reader_.received_bytes();
  writer_.append(request);
  writer_.kick(limit);
  read_head head;
  for (int interim = 0;; ++interim) {
    if (interim > http::max_interim_responses) co_return std::unexpected(protocol("too many interim responses"));
    const result<std::string_view> bytes = co_await reader_.read_head(limit, duration::max());
    if (!bytes) co_return std::unexpected(bytes.error());
    const result<read_head> taken = take_head(*bytes, verb);
    if (!taken) co_return std::unexpected(taken.error());
    head = *taken;
    reader_.begin_body(head.body);
    if (head.status >= 200) break;
    reader_.next_message();
  }
  if (watched_) watched_->body.begin();
  const loop& on = *(co_await this_context()).on;
  const instant head_at = here_at(on);
  while (!reader_.body_ended()) {
    const result<std::string_view> piece = co_await reader_.read_body(limit);
    if (!piece) co_return std::unexpected(piece.error());
    if (watched_) {
      watched_->body.take(*piece);
      if (watched_->tap != nullptr) watched_->tap->on_body(*piece);
    }
    // A wait ends at the limit, but a server that sends without end leaves nothing to wait for.
    if (here_at(on) > limit) co_return std::unexpected(error{.code = errc::timed_out, .what = "receive body"});
  }
  // A thread that ran late has read what came too late, before it heard of the limit.
  const bool too_late = reader_.received_at() != lent_buffer::unknown && reader_.received_at() > limit;
  if (too_late) co_return std::unexpected(error{.code = errc::timed_out, .what = "receive"});
  reader_.next_message();
  // They answer nothing that was asked, and nobody can say which bytes are the answer to the next request.
  if (!reader_.at_message_start()) co_return std::unexpected(protocol("bytes beyond the response"));
  served_++;
  reusable_ = head.keep_alive && !writer_.in_flight() && served_ < most_;
  answer got = judged(head.status);
  got.head_at = head_at;
  got.received_at = reader_.received_at();
  co_return got;
}

}  // namespace assay::load
