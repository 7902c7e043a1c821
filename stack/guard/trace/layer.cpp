#include "stack/guard/trace/layer.hpp"

#include <utility>

#include "stack/observe/trace_context.hpp"

namespace assay::guard::trace {
namespace {

// The task of the connection works for this request now: live tasks and stalls show it.
class working_for {
 public:
  working_for(task_record& worker, std::uint64_t request_id)
      : worker_(worker), before_(std::exchange(worker.request_id, request_id)) {}
  ~working_for() { worker_.request_id = before_; }
  working_for(const working_for&) = delete;
  working_for& operator=(const working_for&) = delete;

 private:
  task_record& worker_;
  std::uint64_t before_;
};

context under(const context& outer, const identity& mine) {
  context inner = outer;
  inner.request_id = mine.request_id;
  inner.trace = mine.trace;
  inner.trace.state = mine.state;
  return inner;
}

struct traced_stream {
  identity mine;
  task_function<task<result<void>>(http::body_sink&)> produce;
};

task<result<void>> produce_traced(std::shared_ptr<traced_stream> held, http::body_sink& to) {
  const context& outer = co_await this_context();
  const working_for here(*outer.task, held->mine.request_id);
  context inner = under(outer, held->mine);
  co_return co_await with_context(inner, held->produce(to));
}

task<http::response> serve(std::shared_ptr<policy> ids, http::handler next, http::request& asked) {
  const context& outer = co_await this_context();
  identity mine = ids->identify(asked.head().headers);
  const working_for here(*outer.task, mine.request_id);
  context inner = under(outer, mine);
  http::response reply = co_await with_context(inner, next(asked));
  reply.headers.emplace_back(request_id_field, observe::to_hex(mine.request_id));
  if (reply.stream) {
    auto held = std::make_shared<traced_stream>(std::move(mine), std::move(reply.stream));
    reply.stream = [held = std::move(held)] ASSAY_CORO_WRAPPER(http::body_sink & to) {
      return produce_traced(held, to);
    };
  }
  co_return reply;
}

task<result<http::client_response>> send_on(exchange next, http::client_request request) {
  const context& ctx = co_await this_context();
  if (ctx.trace.trace_id != trace_identity{}.trace_id) {
    std::erase_if(request.headers, [](const auto& field) {
      return http::equals_ignoring_case(field.first, parent_field) ||
             http::equals_ignoring_case(field.first, state_field) ||
             http::equals_ignoring_case(field.first, request_id_field);
    });
    request.headers.emplace_back(parent_field, observe::format_traceparent(ctx.trace));
    if (!ctx.trace.state.empty()) request.headers.emplace_back(state_field, ctx.trace.state);
    if (ctx.request_id != 0) request.headers.emplace_back(request_id_field, observe::to_hex(ctx.request_id));
  }
  co_return co_await next(std::move(request));
}

}  // namespace

handler_layer layer(std::shared_ptr<policy> ids) {
  return [ids = std::move(ids)](http::handler next) -> http::handler {
    return [ids, next = std::move(next)] ASSAY_CORO_WRAPPER(http::request & asked) { return serve(ids, next, asked); };
  };
}

exchange_layer sending_layer() {
  return [](exchange next) -> exchange {
    return [next = std::move(next)] ASSAY_CORO_WRAPPER(http::client_request request) {
      return send_on(next, std::move(request));
    };
  };
}

}  // namespace assay::guard::trace
