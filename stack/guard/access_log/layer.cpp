#include "stack/guard/access_log/layer.hpp"

#include <exception>
#include <utility>

#include "stack/http/status.hpp"
#include "stack/runtime/loop.hpp"

namespace assay::guard::access_log {
namespace {

constexpr std::string_view threw = "exception";

// Tells when it goes, with the last holder of a stream, whether that was produced or not.
struct told_stream {
  told_stream(std::shared_ptr<policy> log, told_request request, instant start, loop& loop_of,
              task_function<task<result<void>>(http::body_sink&)> stream)
      : to(std::move(log)),
        about(*request.about),
        route(request.route),
        told(std::move(request)),
        began(start),
        on(loop_of),
        produce(std::move(stream)) {
    about.trace.state = {};  // not ours to keep
    told.about = &about;
    told.route = route;
  }
  ~told_stream() {
    told.took = on.now() - began;
    to->on_end(told);
  }
  told_stream(const told_stream&) = delete;
  told_stream& operator=(const told_stream&) = delete;

  std::shared_ptr<policy> to;
  context about;
  std::string route;
  told_request told;
  instant began;
  loop& on;
  task_function<task<result<void>>(http::body_sink&)> produce;
};

class counting_sink final : public http::body_sink {
 public:
  explicit counting_sink(http::body_sink& to) : to_(to) {}

  task<result<void>> write(std::string_view piece) override {
    begun_ = true;
    const result<void> written = co_await to_.write(piece);
    if (written) bytes_ += piece.size();
    co_return written;
  }

  bool begun() const { return begun_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  http::body_sink& to_;
  bool begun_ = false;
  std::uint64_t bytes_ = 0;
};

// The server answers a stream that fails before its first piece as any failure.
void tell_failure(told_request& of, const counting_sink& body, const error& failure) {
  of.reason = label(failure.code);
  if (!body.begun()) of.status = http_status(failure);
}

// To be called while the exception is caught.
void tell_exception(told_request& of) {
  of.reason = threw;
  try {
    throw;
  } catch (const std::exception& bug) {
    of.problem = bug.what();
  } catch (...) {
    of.problem = "of an unknown type";
  }
}

task<result<void>> produce_counted(std::shared_ptr<told_stream> held, http::body_sink& to) {
  counting_sink counted(to);
  result<void> ended;
  try {
    ended = co_await held->produce(counted);
    if (!ended) tell_failure(held->told, counted, ended.error());
  } catch (...) {
    tell_exception(held->told);
    if (!counted.begun()) held->told.status = 500;
    held->told.bytes = counted.bytes();
    throw;
  }
  held->told.bytes = counted.bytes();
  co_return ended;
}

void tell_answer(told_request& of, const http::response& reply) {
  of.status = reply.status;
  const bool sends_body = of.verb != http::method::head && !http::status_forbids_body(reply.status);
  of.bytes = sends_body && !reply.stream ? reply.body.size() : 0;
  of.reason = reply.reason;
}

task<http::response> serve(std::shared_ptr<policy> to, http::handler next, http::request& asked) {
  const context& ctx = co_await this_context();
  loop& on = *ctx.on;
  const instant began = on.now();
  told_request told{.about = &ctx, .verb = asked.verb(), .route = to->route_of(asked)};
  to->on_begin();
  http::response reply;
  try {
    reply = co_await next(asked);
  } catch (...) {
    tell_exception(told);
    told.status = 500;
    told.took = on.now() - began;
    to->on_end(told);
    throw;
  }
  tell_answer(told, reply);
  if (!reply.stream) {
    told.took = on.now() - began;
    to->on_end(told);
    co_return reply;
  }
  auto held = std::make_shared<told_stream>(std::move(to), std::move(told), began, on, std::move(reply.stream));
  reply.stream = [held = std::move(held)] ASSAY_CORO_WRAPPER(http::body_sink & sink) {
    return produce_counted(held, sink);
  };
  co_return reply;
}

}  // namespace

handler_layer layer(std::shared_ptr<policy> to) {
  return [to = std::move(to)](http::handler next) -> http::handler {
    return [to, next = std::move(next)] ASSAY_CORO_WRAPPER(http::request & asked) { return serve(to, next, asked); };
  };
}

}  // namespace assay::guard::access_log
