#include "tests/lab/load/replay_test_support.hpp"

#include "stack/runtime/frame_pool.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

}  // namespace

std::string path_in(std::string_view request) {
  const std::size_t begin = request.find(' ') + 1;
  return std::string(request.substr(begin, request.find(' ', begin) - begin));
}

std::uint64_t accounted(const model::replay_result& seen) {
  std::uint64_t sum = seen.answered + seen.not_reached;
  for (const auto& [kind, count] : seen.failed) sum += count;
  for (const auto& [rule, count] : seen.refused) sum += count;
  return sum;
}

replay_world::replay_world(duration latency) {
  auto network = std::make_unique<sim_io>(sim_options{.latency = latency});
  network_ = network.get();
  on_.emplace(std::move(network));
  options.url = "http://127.0.0.1:" + std::to_string(port);
}

task<void> replay_world::stop_later(replayer* load) {
  if (co_await delay_until(start_ + *stops_at)) load->stop();
}

task<void> replay_world::staged(model::replay_result* into) {
  const socket_address at = *net::parse_address(plan_->host, plan_->port);
  scope servers(co_await this_context());
  scope script(co_await this_context());
  if (listening) servers.spawn(server.serve_all(*network_, at));
  {
    replayer load(*on_, *plan_, at, live_);
    if (stops_before_it_connects) load.stop();
    connected = co_await load.connect();
    start_ = network_->now() + 10ms;
    if (stops_at) script.spawn(stop_later(&load));
    if (busy) network_->at(start_ + busy->first, [this] { network_->pass(busy->second); });
    if (connected) co_await load.run(start_);
    sending = load.cost();
    *into = replay_result_of(*plan_, load.measured(),
                             {.start = start_,
                              .ended = load.ended(),
                              .sending = load.cost(),
                              .interrupted = stops_at.has_value(),
                              .backend = "simulated"});
    script.cancel(cancel_reason::shutdown);
    std::ignore = co_await script.join();
  }
  servers.cancel(cancel_reason::shutdown);
  std::ignore = co_await servers.join();
}

model::replay_result replay_world::run() {
  traffic.order();
  auto planned = plan_replay(std::move(traffic), options);
  if (!planned) {
    ADD_FAILURE() << planned.error();
    return {};
  }
  plan_.emplace(std::move(*planned));
  const auto decide = server.decide_on;
  server.decide_on = [this, decide](std::string_view bytes) {
    arrivals.emplace_back(network_->now() - start_, path_in(bytes));
    return decide ? decide(bytes) : reply{};
  };
  model::replay_result seen;
  on_->run(staged(&seen));
  EXPECT_EQ(network_->open_sockets(), 0U);
  EXPECT_EQ(network_->lent_buffers(), 0U);
  EXPECT_EQ(assay::detail::live_frames(), 0U);
  if (connected) EXPECT_EQ(accounted(seen), seen.requests) << "every request ends as exactly one thing";
  EXPECT_GE(seen.own_lag.count(), seen.sent) << "and of those that never had a connection";
  EXPECT_EQ(live_.answers, seen.answered) << "the live view ends where the result is";
  return seen;
}

}  // namespace assay::load
