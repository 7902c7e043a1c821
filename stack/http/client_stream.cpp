// Bodies in pieces: a request's that is produced while the response is waited for, and a response's that is read when
// its reader likes.
#include <array>
#include <exception>
#include <utility>

#include "stack/http/chunked.hpp"
#include "stack/http/client_connection.hpp"
#include "stack/runtime/delay.hpp"

namespace assay::http {
namespace {

error broken_promise(const char* what) { return {.code = errc::invalid_argument, .what = what}; }

}  // namespace

// --- out -------------------------------------------------------------------------------------------------------------

// Waiting for a server to take what was sent ends when the producer is to stop, and nothing can be sent any more then.
class client::connection::outgoing final : public body_sink, cancel_node {
 public:
  outgoing(connection& on, std::optional<std::uint64_t> length, const context& ctx)
      : cancel_node(&on_cancel), on_(on), ctx_(ctx), chunked_(!length), left_(length.value_or(0)) {
    if (!ctx.cancel->add(*this)) on_.writer_.give_up(ctx.cancel->reason());
  }

  task<result<void>> write(std::string_view piece) override {
    // A producer that waits for nothing else hears here that it is to stop.
    if (on_.writer_.failed()) co_return std::unexpected(*on_.writer_.failure());
    if (piece.empty()) co_return result<void>{};  // as a chunk it would be the end
    if (!chunked_ && piece.size() > left_) co_return std::unexpected(broken_promise("more than the length told"));
    append(piece);
    on_.flush(ctx_);
    if (on_.writer_.pending_bytes() <= on_.limits_.max_unsent_bytes) co_return result<void>{};
    co_return co_await on_.writer_.flushed();
  }

  task<result<void>> finish() {
    if (on_.writer_.failed()) co_return std::unexpected(*on_.writer_.failure());
    if (left_ > 0) co_return std::unexpected(broken_promise("less than the length told"));
    if (chunked_) on_.writer_.append(last_chunk);
    on_.flush(ctx_);
    co_return co_await on_.writer_.flushed();
  }

 private:
  static void on_cancel(cancel_node& node, cancel_reason why) noexcept {
    static_cast<outgoing&>(node).on_.writer_.give_up(why);
  }
  void append(std::string_view piece) {
    if (chunked_) {
      std::array<char, max_chunk_header_bytes> size_line;
      on_.writer_.append({size_line.data(), encode_chunk_header(piece.size(), size_line)});
    } else {
      left_ -= piece.size();
    }
    on_.writer_.append(piece);
    if (chunked_) on_.writer_.append(chunk_data_end);
  }

  connection& on_;
  const context& ctx_;
  bool chunked_;
  std::uint64_t left_;  // of the length that was told
};

struct client::connection::talk {
  scope* children;
  bool sent = false;      // the whole request
  bool answered = false;  // the head of the response is here
  bool refused = false;   // and says that the rest of the request is not wanted
};

task<result<void>> client::connection::send_body(const client_request& request) {
  outgoing to(*this, request.length, co_await this_context());
  const result<void> produced = co_await request.stream(to);
  if (!produced) co_return produced;
  co_return co_await to.finish();
}

// Of a request that was here as a whole: what its server had not taken when it answered.
task<result<void>> client::connection::send_rest() {
  const outgoing until_given_up(*this, 0, co_await this_context());
  co_return co_await writer_.flushed();
}

// The wait for a response has a limit only from here on: while a body is produced there need be none.
task<result<void>> client::connection::produce(const client_request& request, talk* with) {
  const result<void> sent = co_await send_body(request);
  sent_whole_ = sent.has_value();
  // What could not be sent is told by whoever listens, and perhaps with a response.
  if (with->refused || writer_.failed()) co_return result<void>{};
  if (!sent || with->answered) co_return sent;
  with->sent = true;
  const result<void> in_vain = co_await delay_for(limits_.response_timeout);
  if (!in_vain) co_return result<void>{};
  co_return std::unexpected(error{.code = errc::timed_out, .reason = cancel_reason::deadline, .what = "receive head"});
}

task<result<void>> client::connection::listen(method verb, talk* with) {
  const result<void> head = co_await read_head(verb, never);
  if (!head) co_return head;
  with->answered = true;
  if (!with->sent) reader_.keep_buffered();  // it is not read before the rest has been sent
  with->refused = !with->sent && head_.status >= first_refusal;
  if (with->sent || with->refused) with->children->cancel(cancel_reason::user);
  co_return result<void>{};
}

task<result<void>> client::connection::talk_both_ways(const client_request& request) {
  scope children(co_await this_context());
  talk with{.children = &children};
  children.spawn(produce(request, &with));
  children.spawn(listen(method_from(request.verb), &with));
  result<void> ended;
  std::exception_ptr thrown;
  try {
    ended = co_await children.join();
  } catch (...) {  // a bug of the producer's
    thrown = std::current_exception();
  }
  if (thrown) {
    co_await writer_.stop();
    std::rethrow_exception(thrown);
  }
  if (ended && !with.answered) ended = std::unexpected(error{.code = errc::cancelled, .what = "receive head"});
  co_return ended;
}

// --- in --------------------------------------------------------------------------------------------------------------

task<result<std::string_view>> client::connection::next_piece() {
  const instant limit = saturating_add((co_await this_context()).on->turn_time(), limits_.body_timeout);
  const result<std::string_view> piece = co_await reader_.read_body(limit);
  if (!piece) reusable_ = false;
  if (piece && piece->empty()) on_body_end();
  co_return piece;
}

bool client::connection::end_early() {
  while (const std::optional<result<std::string_view>> piece = reader_.buffered_body()) {
    if (!*piece || (*piece)->empty()) break;
  }
  reusable_ = reusable_ && reader_.body_ended();
  if (reader_.body_ended()) on_body_end();
  return reader_.body_ended();
}

client::incoming::incoming(client& from, std::unique_ptr<connection> on, permit slot, const loop& here)
    : from_(from), here_(here), slot_(std::move(slot)), on_(std::move(on)) {}

client::incoming::~incoming() {
  if (on_ == nullptr) return;
  end(on_->end_early());
}

void client::incoming::end(bool read_to_its_end) {
  if (on_->reusable()) {
    from_.keep(std::move(on_), here_.turn_time());
  } else {
    (read_to_its_end ? from_.counters_.closed_ended : from_.counters_.closed_broken)++;
    on_.reset();
  }
  slot_.release();
}

task<result<std::string_view>> client::incoming::read() {
  if (failure_) co_return std::unexpected(*failure_);
  if (on_ == nullptr) co_return std::string_view();
  const result<std::string_view> piece = co_await on_->next_piece();
  if (!piece) failure_ = piece.error();
  if (!piece || piece->empty()) end(piece.has_value());
  co_return piece;
}

void client::incoming::let_go() {
  if (on_ != nullptr) on_->let_go();
}

}  // namespace assay::http
