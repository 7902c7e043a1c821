#include "stack/testing/fake_service.hpp"

#include <cassert>

#include "stack/runtime/delay.hpp"
#include "stack/runtime/scope.hpp"

namespace assay::testing {
namespace {

constexpr duration hanging = std::chrono::hours(24);  // in virtual time: nobody waits so long

// Half of what was promised.
task<result<void>> break_off(http::body_sink& to) {
  const result<void> begun = co_await to.write("{");
  if (!begun) co_return begun;
  co_return std::unexpected(error{.code = errc::reset, .what = "fake_service"});
}

// Takes what a request's body is produced into.
class nowhere final : public http::body_sink {
 public:
  task<result<void>> write(std::string_view) override { co_return result<void>{}; }
};

}  // namespace

task<http::response> fake_service::reply(fake_service* self, std::string target) {
  self->asked_.push_back(target);
  const auto found = self->known_.find(target);
  if (found == self->known_.end()) co_return http::response::refused(404, "not_found");
  const fake_answer given = found->second;
  const bool hangs = given.what == fake_answer::mishap::hangs;
  const result<void> taken = co_await delay_for(hangs ? hanging : given.takes);
  if (!taken) co_return http::response::from(taken.error());
  http::response said = http::response::text(given.body, given.status);
  if (given.what == fake_answer::mishap::fails) said.stream = break_off;
  said.headers = given.headers;
  co_return said;
}

http::handler fake_service::as_handler() {
  return [this] ASSAY_CORO_WRAPPER(http::request & asked) { return reply(this, std::string(asked.target())); };
}

task<result<http::client_response>> fake_service::exchanged(fake_service* self, http::client_request request) {
  const context& ctx = co_await this_context();
  if (request.stream) {
    nowhere sink;
    const result<void> produced = co_await request.stream(sink);
    if (!produced) co_return std::unexpected(produced.error());
  }
  http::response said = co_await reply(self, request.target);
  if (ctx.cancel->cancelled()) {
    co_return std::unexpected(error{.code = errc::cancelled, .reason = ctx.cancel->reason(), .what = "fake_service"});
  }
  if (ctx.on->turn_time() >= ctx.deadline) {
    co_return std::unexpected(
        error{.code = errc::timed_out, .reason = cancel_reason::deadline, .what = "fake_service"});
  }
  if (said.stream) co_return std::unexpected(error{.code = errc::reset, .what = "fake_service"});
  http::client_response given{.status = said.status, .headers = std::move(said.headers)};
  if (request.read_in_pieces) {
    given.source = std::make_shared<http::text_source>(std::move(said.body));
  } else {
    given.body = std::move(said.body);
  }
  co_return given;
}

guard::exchange fake_service::as_exchange() {
  return [this] ASSAY_CORO_WRAPPER(http::client_request request) { return exchanged(this, std::move(request)); };
}

task<result<void>> fake_service::run(http::server* served, net::listener from) {
  co_return co_await served->run(std::move(from));
}

task<void> fake_service::serve(io& network, socket_address at) {
  http::server served(as_handler(), {});
  result<net::listener> door = net::listener::open(network, at);
  assert(door && "the address is taken");
  scope serving(co_await this_context());
  serving.spawn(run(&served, std::move(*door)));
  std::ignore = co_await serving.join();  // cancelled: the test is over
}

}  // namespace assay::testing
