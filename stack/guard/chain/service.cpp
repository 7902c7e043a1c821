#include "stack/guard/chain/service.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace assay::guard::chain {
namespace {

// A loop's handler, which wakes its numbers and closes them when it goes: they are of what it owns.
struct shown_handler {
  shown_handler(http::handler given, observe::mirror& of) : next(std::move(given)), numbers(of) {}
  ~shown_handler() { numbers.close(); }
  shown_handler(const shown_handler&) = delete;
  shown_handler& operator=(const shown_handler&) = delete;

  http::handler next;
  observe::mirror& numbers;
};

handler_layer observing(std::shared_ptr<trace::policy> ids, std::shared_ptr<access_log::policy> lines,
                        handler_layer inner) {
  return [ids = std::move(ids), lines = std::move(lines), inner = std::move(inner)](http::handler next) {
    if (inner) next = inner(std::move(next));
    next = access_log::layer(lines)(std::move(next));
    return ids ? trace::layer(ids)(std::move(next)) : next;
  };
}

task<result<void>> ready_unless_stalled(const observe::watchdog* dog, drain::readiness_check own) {
  if (!dog->ready()) co_return std::unexpected(error{.code = errc::timed_out, .what = "a loop is stalled"});
  if (own) co_return co_await own();
  co_return result<void>{};
}

}  // namespace

service_loop::service_loop(unsigned index, observe::registry& metrics, const service_options& options,
                           std::shared_ptr<idempotency::store>& idempotency_keys)
    : index_(index),
      metrics_(metrics),
      options_(options),
      idempotency_keys_(idempotency_keys),
      mine_(metrics.add_shard()),
      numbers_(metrics, mine_) {}

std::expected<http::handler, std::string> service_loop::around(http::handler innermost,
                                                               access_log::route_function route_of,
                                                               server_options wanted) {
  assert(gate_ == nullptr && "a loop has one handler");
  auto lines = access_log::policy::create(options_.log, metrics_, mine_, std::move(route_of), options_.requests);
  if (!lines) return std::unexpected(lines.error());
  const auto ids = options_.ids ? std::make_shared<trace::policy>(*options_.ids) : nullptr;
  wanted.observe = observing(ids, *lines, std::move(wanted.observe));
  if (options_.dog != nullptr) {
    wanted.readiness = [dog = options_.dog, own = std::move(wanted.readiness)] ASSAY_CORO_WRAPPER() {
      return ready_unless_stalled(dog, own);
    };
  }
  if (wanted.idempotency && idempotency::check(*wanted.idempotency)) {
    if (!idempotency_keys_) idempotency_keys_ = std::make_shared<idempotency::store>(*wanted.idempotency);
    if (!wanted.idempotency_keys) wanted.idempotency_keys = idempotency_keys_;
  }
  const auto guards = server::make(std::move(wanted));
  if (!guards) return std::unexpected(guards.error());
  auto held = std::make_shared<shown_handler>(guards->around(std::move(innermost)), numbers_);
  show(numbers_, *guards);
  if (ids) show(numbers_, *ids);
  if (!numbers_.problem().empty()) return std::unexpected(numbers_.problem());
  gate_ = guards->gate;
  lines_ = *lines;
  return [held = std::move(held)] ASSAY_CORO_WRAPPER(http::request & asked) {
    held->numbers.touch();
    return held->next(asked);
  };
}

service_loop& service::add_loop() {
  const auto index = static_cast<unsigned>(loops_.size());
  return *loops_.emplace_back(std::make_unique<service_loop>(index, metrics_, options_, idempotency_keys_));
}

void service::join(http::serve_options& options) {
  options.on_start = [this, also = std::move(options.on_start)](unsigned index, const http::server& of,
                                                                assay::loop& on) {
    service_loop& here = *loops_.at(index);
    show(here.numbers_, of);
    here.numbers_.run_on(on, [gate = here.gate_] { return gate->in_flight() > 0; });
    if (also) also(index, of, on);
  };
  options.on_stop = [this, also = std::move(options.on_stop)](unsigned index, instant now) {
    const duration ours = loops_.at(index)->gate_->drain(now);
    return also ? std::max(ours, also(index, now)) : ours;
  };
  options.on_end = [this, also = std::move(options.on_end)](unsigned index) {
    loops_.at(index)->gate_->stop();
    if (also) also(index);
  };
  options.on_refused = [this, also = std::move(options.on_refused)](unsigned index, const http::refusal& of) {
    if (const auto lines = loops_.at(index)->lines_.lock()) lines->on_refused(of);
    if (also) also(index, of);
  };
}

}  // namespace assay::guard::chain
