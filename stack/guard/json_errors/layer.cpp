#include "stack/guard/json_errors/layer.hpp"

#include <utility>

namespace assay::guard::json_errors {
namespace {

task<http::response> serve(http::handler next, http::request& asked) {
  http::response reply = co_await next(asked);
  if (reply.reason.empty() || reply.stream || !reply.content_type.text().starts_with("text/plain")) co_return reply;
  reply.content_type = "application/json";
  reply.body.assign(R"({"error":")").append(reply.reason).append(R"("})");
  co_return reply;
}

}  // namespace

handler_layer layer() {
  return [](http::handler next) -> http::handler {
    return [next = std::move(next)] ASSAY_CORO_WRAPPER(http::request & asked) { return serve(next, asked); };
  };
}

}  // namespace assay::guard::json_errors
