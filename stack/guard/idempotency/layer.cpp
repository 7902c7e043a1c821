#include "stack/guard/idempotency/layer.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "stack/runtime/combine.hpp"

namespace assay::guard::idempotency {
namespace {

constexpr std::string_view key_field = "idempotency-key";

// The request again, with a body that has been read.
class buffered_request final : public http::request {
 public:
  buffered_request(const http::request_head& head, std::string body) : body_(std::move(body)) { head_ = head; }
  task<result<std::string_view>> read() override {
    co_return std::exchange(read_, true) ? std::string_view() : std::string_view(body_);
  }

 private:
  std::string body_;
  bool read_ = false;
};

// All that lasts as long as the request is in progress; a stream's request as well. The reservation goes first, and
// when nobody has said how it ended, its key is unknown from then on.
struct in_progress {
  in_progress(std::shared_ptr<policy> of, const http::request_head& head, std::string body)
      : store(std::move(of)), request(head, std::move(body)) {}

  std::shared_ptr<policy> store;
  buffered_request request;
  std::optional<reservation> reserved;
};

bool is_guarded(const http::request& asked) {
  return (asked.verb() == http::method::post || asked.verb() == http::method::patch) &&
         asked.head().headers.count(key_field) > 0;
}

http::response refused(refusal why) {
  switch (why) {
    case refusal::in_progress:
      return http::response::refused(409, "idempotency_key_in_progress",
                                     "a request with this idempotency key is in progress");
    case refusal::unknown:
      return http::response::refused(409, "idempotency_outcome_unknown",
                                     "a request with this idempotency key was begun, and its answer is not known");
    case refusal::mismatch:
      return http::response::refused(422, "idempotency_key_reused",
                                     "this idempotency key was used for another request");
    case refusal::full:
      break;
  }
  http::response reply = http::response::unavailable("idempotency_keys_full");
  reply.body = "too many requests with idempotency keys are in progress\n";
  return reply;
}

http::response replay(const answer& kept) {
  http::response reply;
  reply.status = kept.status;
  reply.headers = kept.headers;
  reply.headers.emplace_back("idempotent-replayed", "true");
  reply.content_type = kept.content_type;
  reply.body = kept.body;
  return reply;
}

// How long the work may take: nobody can stop it earlier, or whoever repeats it would be told what never came to be.
duration patience(const context& ctx, duration work_limit) {
  if (ctx.deadline == never) return work_limit;
  return std::max(work_limit, ctx.deadline - ctx.on->now());
}

task<http::response> carry_out(std::shared_ptr<in_progress> work, http::handler next) {
  const context& ctx = co_await this_context();
  const duration limit = patience(ctx, work->store->settings().work_limit);
  http::response reply = co_await shield(limit, next(work->request));
  switch (ending_of(reply.status, reply.reason)) {
    case ending::final:
      if (reply.stream) break;  // it cannot be given again
      work->reserved->keep(
          {.status = reply.status, .headers = reply.headers, .content_type = reply.content_type, .body = reply.body},
          ctx.on->turn_time());
      break;
    case ending::undone:
      work->reserved->release();
      break;
    case ending::unknown:
      break;
  }
  if (reply.stream) {
    reply.stream = [work, produce = std::move(reply.stream)] ASSAY_CORO_WRAPPER(http::body_sink & to) {
      return produce(to);
    };
  }
  co_return reply;
}

task<http::response> serve(std::shared_ptr<policy> store, scope_function scope_of, http::handler next,
                           http::request& asked) {
  const context& ctx = co_await this_context();
  const std::string_view key = asked.head().headers.find(key_field).value_or(std::string_view());
  if (key.empty() || key.size() > max_key_bytes || asked.head().headers.count(key_field) > 1) {
    co_return http::response::refused(400, "bad_idempotency_key", "one Idempotency-Key of 1 to 255 bytes");
  }
  result<std::string> body = co_await asked.read_all();
  if (!body) co_return http::response::for_body(body.error());
  const fingerprint print = fingerprint_of(asked.head().method_text, asked.target(), *body);
  // No field's value holds a line feed.
  const std::string scoped = std::string(scope_of(asked)).append("\n").append(key);
  decision decided = store->begin(scoped, print, ctx.on->turn_time());
  if (const auto* why = std::get_if<refusal>(&decided)) co_return refused(*why);
  if (const auto* kept = std::get_if<std::shared_ptr<const answer>>(&decided)) co_return replay(**kept);
  const auto work = std::make_shared<in_progress>(store, asked.head(), std::move(*body));
  work->reserved.emplace(std::move(std::get<reservation>(decided)));
  co_return co_await carry_out(work, next);
}

}  // namespace

std::string_view authorization_of(const http::request& asked) {
  return asked.head().headers.find("authorization").value_or(std::string_view());
}

step::step(std::shared_ptr<policy> store, scope_function scope_of)
    : store_(std::move(store)), scope_of_(std::move(scope_of)) {}

entry step::enter(passage& way, held&) const { return store_ && is_guarded(way.asked) ? entry::wraps : entry::passes; }

ASSAY_CORO_WRAPPER task<http::response> step::wrap(http::request& asked, http::handler rest) const {
  return serve(store_, scope_of_, std::move(rest), asked);
}

handler_layer layer(std::shared_ptr<policy> store, scope_function scope_of) {
  return steps(step(std::move(store), std::move(scope_of)));
}

}  // namespace assay::guard::idempotency
