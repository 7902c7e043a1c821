#include "tests/lab/load/streams_test_support.hpp"

#include "lab/load/event_generator.hpp"
#include "lab/load/message_generator.hpp"
#include "lab/load/stream_verdict.hpp"
#include "stack/net/address.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/frame_pool.hpp"
#include "tests/lab/load/frozen_io.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<stream_load> make_load(loop& on, const stream_plan& plan, message_target target,
                                       stream_counters& live) {
  target.to = *net::parse_address(plan.host, plan.port);
  if (plan.kind == model::stream_kind::events) return std::make_unique<event_generator>(on, plan, target.to, live);
  return std::make_unique<message_generator>(on, plan, target, live);
}

}  // namespace

stream_stage::stream_stage(stream_options options, duration latency) : options_(std::move(options)) {
  auto network = std::make_unique<sim_io>(sim_options{.latency = latency});
  network_ = network.get();
  auto outer = std::make_unique<frozen_io>(std::move(network));
  outer_ = outer.get();
  on_ = std::make_unique<loop>(std::move(outer));
}

stream_stage::~stream_stage() = default;

task<void> stream_stage::serve(http::server* server) {
  result<net::listener> door = net::listener::open(*network_, *net::parse_address("127.0.0.1", stream_port));
  std::ignore = co_await server->run(std::move(*door));
}

task<http::response> stream_stage::answer(const websocket::endpoint* at, http::request& asked) {
  co_return at->accept(asked, talk);
}

task<void> stream_stage::serve_one(net::stream stream) { co_await serve_raw(stream); }

task<void> stream_stage::serve_each() {
  result<net::listener> door = net::listener::open(*network_, *net::parse_address("127.0.0.1", stream_port));
  scope peers(co_await this_context());
  while (true) {
    result<net::stream> peer = co_await door->accept();
    if (!peer) break;
    peers.spawn(serve_one(std::move(*peer)));
  }
  std::ignore = co_await peers.join();
}

task<void> stream_stage::later(duration offset, const std::function<void()>* event) {
  if (co_await delay_until(start_ + offset)) (*event)();
}

task<void> stream_stage::staged(const stream_plan* plan, model::stream_result* into) {
  const websocket::endpoint door{{}};
  http::server server([this, &door] ASSAY_CORO_WRAPPER(http::request & asked) { return answer(&door, asked); }, {});
  scope serving(co_await this_context());
  scope script(co_await this_context());
  if (talk) {
    serving.spawn(serve(&server));
  } else {
    serving.spawn(serve_each());
  }
  {
    const message_target target{
        .to = {}, .run = 42, .series = series_ ? &*series_ : nullptr, .windows = windows_ ? &*windows_ : nullptr};
    const std::unique_ptr<stream_load> load = make_load(*on_, *plan, target, live_);
    load_ = load.get();
    if (stops_after_) network_->at(network_->now() + *stops_after_, [this] { load_->stop(); });
    connected_ = co_await load->connect();
    start_ = network_->now() + 10ms;
    for (const auto& [from, to] : frozen_) outer_->freeze(start_ + from, start_ + to);
    for (const auto& [offset, event] : script_) script.spawn(later(offset, &event));
    if (connected_) {
      co_await load->run(start_);
      load->write_to(*into);
    }
    load_ = nullptr;
  }
  script.cancel(cancel_reason::shutdown);
  std::ignore = co_await script.join();
  server.drain();
  serving.cancel(cancel_reason::shutdown);
  std::ignore = co_await serving.join();
}

// The live view ends where the result is.
void stream_stage::expect_live_counts(const model::stream_result& seen) {
  EXPECT_EQ(live_.answers, seen.received + seen.events);
  EXPECT_EQ(live_.sent, seen.sent);
  const std::uint64_t copies = seen.kind == model::stream_kind::broadcast ? seen.connections : 1;
  EXPECT_EQ(live_.offered, seen.due * copies);
  EXPECT_EQ(live_.errors, model::total_of(seen.errors));
}

model::stream_result stream_stage::run() {
  model::stream_result seen;
  const std::expected<stream_plan, std::string> plan = normalize(options_);
  if (!plan) {
    ADD_FAILURE() << plan.error();
    return seen;
  }
  seen.kind = plan->kind;
  seen.offered_rate = plan->options.rate_per_s;
  seen.connections = options_.connections;
  seen.arrivals = options_.arrivals;
  if (plan->options.keep_seconds) series_.emplace(plan->options.length, 1);
  if (!options_.windowed.empty()) windows_.emplace(plan->options.length, 1U, options_.windowed);
  on_->run(staged(&*plan, &seen));
  judge_validity(seen);
  EXPECT_EQ(network_->open_sockets(), 0U);
  EXPECT_EQ(network_->lent_buffers(), 0U);
  EXPECT_EQ(assay::detail::live_frames(), 0U);
  EXPECT_EQ(live_.open, 0U);
  expect_live_counts(seen);
  EXPECT_LT(seen.generator.little_residual, 1e-9);
  return seen;
}

}  // namespace assay::load
