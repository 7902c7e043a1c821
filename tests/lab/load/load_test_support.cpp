#include "tests/lab/load/load_test_support.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <numeric>

#include "stack/runtime/frame_pool.hpp"
#include "tests/lab/load/frozen_io.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

std::uint64_t failures_among(const recorder& of) {
  std::uint64_t sum = 0;
  for (std::size_t kind = 0; kind < failure_kinds; ++kind) {
    if (!is_of_answers(label(static_cast<failure_kind>(kind)))) sum += of.errors[kind];
  }
  return sum;
}

void expect_accounts(const outcome& seen, bool open_model) {
  const recorder& measured = seen.measured;
  if (open_model) EXPECT_EQ(measured.answers + seen.failed(), seen.due) << "every arrival ends as exactly one thing";
  EXPECT_NEAR(measured.in_flight_ns, measured.service_sum_ns, 1e-9 * measured.in_flight_ns) << "Little's law";
  EXPECT_LE(seen.service().count(), seen.response().count());
  const std::uint64_t unsent = seen.failed(failure_kind::unsent);
  EXPECT_GE(seen.response().count(), measured.answers + seen.failed(failure_kind::timed_out) + unsent);
}

}  // namespace

// --- server ---

task<void> responder::serve_all(io& network, socket_address at) {
  result<net::listener> door = net::listener::open(network, at);
  scope peers(co_await this_context());
  while (true) {
    result<net::stream> peer = co_await door->accept();
    if (!peer) break;
    peers.spawn(serve(network, std::move(*peer), accepted++));
  }
  std::ignore = co_await peers.join();
}

// Trusts the generator to frame its requests with Content-Length.
task<bool> responder::next_request(net::stream& stream, std::string& unread, std::string& request) {
  while (true) {
    const std::size_t head_bytes = unread.find("\r\n\r\n");
    if (head_bytes != std::string::npos) {
      const std::size_t length_at = unread.find("Content-Length: ");
      std::size_t body_bytes = 0;
      if (length_at < head_bytes) {
        std::from_chars(unread.data() + length_at + 16, unread.data() + head_bytes, body_bytes);
      }
      const std::size_t total_bytes = head_bytes + 4 + body_bytes;
      if (unread.size() >= total_bytes) {
        request = unread.substr(0, total_bytes);
        unread.erase(0, total_bytes);
        co_return true;
      }
    }
    const result<net::chunk> some = co_await stream.recv();
    if (!some || some->empty()) co_return false;
    unread.append(some->bytes());
  }
}

task<bool> responder::answer(io& network, net::stream& stream, const reply& how) {
  if (one_at_a_time) {
    busy_until_ = std::max(busy_until_, network.now()) + how.after;
    if (!co_await delay_until(busy_until_)) co_return false;
  } else if (how.after > duration::zero()) {
    if (!co_await delay_until(network.now() + how.after)) co_return false;
  }
  if (how.drip == duration::zero()) co_return (co_await stream.send_all(how.bytes)).has_value();
  for (const char& byte : how.bytes) {
    if (!co_await stream.send_all({&byte, 1}) || !co_await delay_for(how.drip)) co_return false;
  }
  co_return true;
}

task<void> responder::serve(io& network, net::stream stream, std::size_t number) {
  std::string unread;
  std::string bytes;
  for (std::size_t request = 0;; ++request) {
    if (!co_await next_request(stream, unread, bytes)) break;
    requests++;
    const reply how = decide_on ? decide_on(bytes) : decide(number, request);
    if (!how.bytes.empty() && !co_await answer(network, stream, how)) break;
    if (how.next == reply::then::closes) break;
    if (how.next == reply::then::reads_no_more) {
      std::ignore = co_await delay_for(how.after);
      break;  // with a request unread: a reset
    }
  }
}

// --- world ---

world::world(const sim_options& simulated) {
  auto network = std::make_unique<sim_io>(simulated);
  network_ = network.get();
  auto outer = std::make_unique<frozen_io>(std::move(network));
  outer_ = outer.get();
  on_.emplace(std::move(outer));
  options.url = "http://127.0.0.1:" + std::to_string(port) + "/";
}

task<void> world::later(duration offset, const std::function<void()>* event) {
  if (co_await delay_until(start_ + offset)) (*event)();
}

task<void> world::staged(const workload* work, outcome* into, std::vector<thread_outcome>* moved) {
  const socket_address at = *net::parse_address(work->host, work->port);
  scope servers(co_await this_context());
  scope script(co_await this_context());
  servers_ = &servers;
  if (listening) servers.spawn(server.serve_all(*network_, at));
  {
    generator load(*on_, *work,
                   {.thread = 0,
                    .address = at,
                    .series = series_ ? &*series_ : nullptr,
                    .windows = windows_ ? &*windows_ : nullptr},
                   live_);
    load_ = &load;
    into->connected = co_await load.connect();
    start_ = network_->now() + 10ms;
    for (const auto& [from, to] : frozen_) outer_->freeze(start_ + from, start_ + to);
    for (const auto& [offset, event] : script_) script.spawn(later(offset, &event));
    if (stop_first_) load.stop();
    if (into->connected) co_await load.run(start_);
    into->took = network_->now() - start_;
    into->measured.merge(load.measured().total());
    into->due = load.due();
    into->sent_for = load.ended() - start_;
    if (moved != nullptr) {
      moved->push_back({.thread = 0,
                        .measured = load.take_measured(),
                        .sending = {.wall = into->took},
                        .due = load.due(),
                        .ended = load.ended(),
                        .backend = "sim"});
    }
    load_ = nullptr;
  }
  script.cancel(cancel_reason::shutdown);
  std::ignore = co_await script.join();
  servers.cancel(cancel_reason::shutdown);
  std::ignore = co_await servers.join();
  servers_ = nullptr;
}

void world::expect_all_ended(const outcome& seen, bool open_model) {
  EXPECT_EQ(network_->open_sockets(), 0U);
  EXPECT_EQ(network_->lent_buffers(), 0U);
  EXPECT_EQ(assay::detail::live_frames(), 0U);
  EXPECT_EQ(live_.answers, seen.measured.answers) << "the live view ends where the result is";
  EXPECT_EQ(live_.errors + seen.failed(failure_kind::unsent),
            std::accumulate(seen.measured.errors.begin(), seen.measured.errors.end(), std::uint64_t{0}));
  expect_accounts(seen, open_model);
}

outcome world::run() {
  outcome seen;
  const std::expected<load_plan, std::string> plan = normalize(options);
  if (!plan) {
    ADD_FAILURE() << plan.error();
    return seen;
  }
  const workload work = workload_of(*plan);
  if (work.keep_seconds) series_.emplace(work.length(), 1U);
  windows_.emplace(work);
  std::vector<thread_outcome> threads;
  on_->run(staged(&work, &seen, &threads));
  expect_all_ended(seen, work.model == model::load_model::open);
  seen.judged = merge_load({.plan = *plan,
                            .work = work,
                            .series = series_ ? &*series_ : nullptr,
                            .start = start_,
                            .interrupted = seen.sent_for < work.length(),
                            .windows = &*windows_},
                           threads);
  return seen;
}

workload_result world::run(workload_options several) {
  several.address = "127.0.0.1:" + std::to_string(port);
  const std::expected<workload, std::string> work = bind_workload(several);
  if (!work) {
    ADD_FAILURE() << work.error();
    return {};
  }
  series_.emplace(work->length(), 1U);
  outcome seen;
  std::vector<thread_outcome> threads;
  on_->run(staged(&*work, &seen, &threads));
  expect_all_ended(seen, true);
  EXPECT_EQ(seen.measured.offered, seen.due);
  return merge_threads({.work = *work,
                        .phases = several.phases,
                        .series = *series_,
                        .start = start_,
                        .interrupted = seen.sent_for < work->length()},
                       threads);
}

std::uint64_t outcome::failed() const { return failures_among(measured); }

// --- what must come out ---

expected_times queue_model(const std::vector<duration>& arrivals, unsigned connections,
                           const std::function<duration(duration)>& answered_at) {
  expected_times expected;
  std::vector<duration> free_at(connections, duration::min());
  for (const duration intended : arrivals) {
    const auto next = std::ranges::min_element(free_at);
    const duration sent = std::max(intended, *next);
    *next = answered_at(sent);
    expected.response.push_back(*next - intended);
    expected.service.push_back(*next - sent);
    expected.lag.push_back(sent - intended);
  }
  return expected;
}

void expect_same(const observe::histogram& measured, std::vector<duration> expected) {
  ASSERT_EQ(measured.count(), expected.size());
  std::ranges::sort(expected);
  EXPECT_EQ(measured.min(), ns(expected.front()));
  EXPECT_EQ(measured.max(), ns(expected.back()));
  const auto sum = std::accumulate(expected.begin(), expected.end(), duration::zero());
  EXPECT_NEAR(measured.mean() * static_cast<double>(expected.size()), static_cast<double>(sum.count()), 1.0);
  for (const double q : {0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::max(1.0, std::ceil(q * static_cast<double>(expected.size()))));
    const auto exact = static_cast<double>(expected[rank - 1].count());
    const auto shown = static_cast<double>(measured.value_at_quantile(q));
    EXPECT_GE(shown, exact) << "quantile " << q;
    EXPECT_LE(shown, exact * 1.001 + 1) << "quantile " << q;
  }
}

void expect_sums_agree(const workload_result& seen) {
  std::uint64_t offered = 0, answered = 0, errors = 0;
  for (const model::phase_measurement& each : seen.phases) {
    model::route_measurement sum;
    for (const model::route_measurement& route : each.routes) {
      sum.offered += route.offered;
      sum.answered += route.answered;
      sum.answered_well += route.answered_well;
      for (const auto& [what, count] : route.errors) sum.errors[what] += count;
      for (const auto& [status, count] : route.statuses) sum.statuses[status] += count;
    }
    EXPECT_EQ(sum.offered, each.all.offered);
    EXPECT_EQ(sum.answered, each.all.answered);
    EXPECT_EQ(sum.answered_well, each.all.answered_well);
    EXPECT_EQ(sum.errors, each.all.errors);
    EXPECT_EQ(sum.statuses, each.all.statuses);
    offered += each.all.offered;
    answered += each.all.answered;
    for (const auto& [what, count] : each.all.errors) errors += count;
  }
  for (const model::load_second& each : seen.seconds) {
    offered -= each.offered;
    answered -= each.answered;
    errors -= each.errors;
  }
  EXPECT_EQ(offered, 0U) << "seconds and phases";
  EXPECT_EQ(answered, 0U);
  EXPECT_EQ(errors, 0U);
}

}  // namespace assay::load
