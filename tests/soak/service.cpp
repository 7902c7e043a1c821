#include "tests/soak/service.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <csignal>
#include <future>
#include <latch>
#include <ostream>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

#include "stack/http/server.hpp"
#include "stack/http/settings.hpp"
#include "stack/observe/offload_metrics.hpp"
#include "tests/soak/levels.hpp"
#include "tests/soak/parts.hpp"

namespace assay::soak {
namespace {

// A port that was free a moment ago: the service asks itself, and is told where before it listens.
socket_address free_address() {
  auto backend = make_io({.kind = io_kind::epoll});
  const auto held = net::listener::open(**backend, *net::parse_address("127.0.0.1", 0));
  return held->local_address();
}

// Whatever it is: see calls.hpp.
task<http::response> and_close(http::handler next, http::request& asked) {
  http::response reply = co_await next(asked);
  reply.close = true;
  co_return reply;
}

double number_of(std::uint64_t cell, observe::metric_kind kind) {
  return kind == observe::metric_kind::gauge ? std::bit_cast<double>(cell) : static_cast<double>(cell);
}

// Of a counter or a gauge, over all labels and loops.
std::size_t sum_of(const observe::registry& metrics, std::initializer_list<std::string_view> names) {
  double sum = 0;
  for (const observe::merged_family& each : metrics.scrape()) {
    if (std::ranges::find(names, each.spec->name) == names.end()) continue;
    for (const observe::merged_series& one : each.series) sum += number_of(one.cells.front(), each.kind);
  }
  return static_cast<std::size_t>(sum);
}

}  // namespace

std::size_t holdings::pooled() const {
  std::size_t all = 0;
  for (const loop_holdings& each : loops) all += each.pooled;
  return all;
}

holdings holdings::but_pools() const {
  holdings others = *this;
  for (loop_holdings& each : others.loops) each.pooled = 0;
  return others;
}

bool holdings::quiet() const {
  return places == 0 && std::ranges::all_of(loops, [](const loop_holdings& each) {
           return each.connections == 0 && each.rows_busy == 0 && each.cache_in_flight == 0 && each.calls == 0;
         });
}

std::ostream& operator<<(std::ostream& into, const holdings& of) {
  for (const loop_holdings& each : of.loops) {
    into << "a loop with " << each.connections << " connections, " << each.frames << " frames, " << each.tasks
         << " tasks, " << each.timers << " timers, " << each.rows_busy << " of PostgreSQL busy, "
         << each.cache_in_flight << " calls to Redis, " << each.calls << " of itself, " << each.pooled
         << " connections in pools; ";
  }
  return into << of.places << " places, " << of.descriptors << " descriptors";
}

struct service::state {
  struct at_loop {
    loop* on = nullptr;  // from on_start to the end of its thread
    const http::server* server = nullptr;
    parts* of = nullptr;  // its handler's
    loop_holdings left;
  };

  // All loops, while none of them goes on.
  struct moment {
    std::latch counted{service_loops};
    std::latch seen{1};
    std::array<loop_holdings, service_loops> loops;
  };

  state(std::string postgres, std::string redis, planted fault)
      : shared(std::move(postgres), std::move(redis), free_address(), fault) {}

  // On the loop's thread.
  loop_holdings count(unsigned index) {
    const at_loop& here = loops.at(index);
    const auto rows = here.of->rows.usage();
    const auto cache = here.of->cache.usage();
    std::size_t tasks = 0;
    here.on->tasks().for_each([&tasks](const task_record&) { tasks++; });
    return {.connections = here.server->live_connections(),
            .frames = detail::live_frames(),
            .tasks = tasks,
            .timers = here.on->timers().size(),
            .rows_busy = rows.open - rows.idle + rows.waiting,
            .cache_in_flight = cache.in_flight + cache.waiting + (here.of->checking ? 1U : 0U),
            .calls = here.of->inner.held(),
            .pooled = rows.open + cache.open};
  }

  // Of each loop: whether it hears both channels. The last one, or a failure, says how it is.
  void told(bool hears) {
    if (hears && ++listening < service_loops) return;
    if (!said.exchange(true)) ready.set_value(hears);
  }

  // Whether both channels are in effect.
  static task<bool> listen(parts* of) {
    const result<data::notified> first = co_await of->orders.receive();  // a gap, once it listens
    const auto subscribed = co_await of->news.subscribe(data::redis::channel_kind::plain, news_channel);
    co_return first&& subscribed;
  }

  static task<result<void>> run_beside(state* self, unsigned index) {
    parts* const of = self->loops.at(index).of;
    scope beside(co_await this_context());
    beside.spawn(check_cache(of));
    beside.spawn(of->inner.watch());
    beside.spawn(of->orders.run());
    beside.spawn(of->news.run());
    self->told(co_await listen(of));
    beside.spawn(hear_orders(of));
    beside.spawn(hear_news(of));
    co_return co_await beside.join();
  }

  // As stack/guard/serve.cpp has it: what the routes refer to goes last.
  http::handler make(unsigned index) {
    guard::chain::service_loop& here = shared.guards.add_loop();
    const auto of = std::make_shared<parts>(&shared, index);
    loops.at(index).of = of.get();
    add_routes(of.get());
    add_guarded_routes(of.get());
    show(here.numbers(), of->rows, "rows");
    show(here.numbers(), of->cache, "cache");
    of->inner.show_in(here.numbers());
    // Of each pool on one loop. Both have one then, and carry what they count though nobody comes.
    if (index == 0) show(here.numbers(), shared.workers, "workers");
    if (index == 1) show(here.numbers(), shared.lookers, "lookers");
    http::handler whole = http::or_refuse(
        here.around(of->routes.as_handler(), guard::access_log::by_router(of->routes), guards_of(index, &of->rows)));
    return [of, whole = std::move(whole)] ASSAY_CORO_WRAPPER(http::request & asked) {
      return asked.path() == inner_path ? and_close(whole, asked) : whole(asked);
    };
  }

  void serve() {
    http::serve_options options;
    options.host = "127.0.0.1";
    options.port = net::port_of(shared.at);
    options.loops = service_loops;
    options.on_start = [this](unsigned index, const http::server& of, loop& on) {
      loops.at(index).on = &on;
      loops.at(index).server = &of;
    };
    options.on_end = [this](unsigned index) { loops.at(index).left = count(index); };
    options.background = [this] ASSAY_CORO_WRAPPER(unsigned index) { return run_beside(this, index); };
    shared.guards.join(options);
    exit_code = http::serve([this](unsigned index) { return make(index); }, options);
    told(false);  // where it could not start nobody has said so
  }

  shared_parts shared;
  std::array<at_loop, service_loops> loops;
  std::atomic<unsigned> listening = 0;
  std::atomic<bool> said = false;
  std::promise<bool> ready;
  int exit_code = -1;
  std::thread thread;
};

service::service(std::string postgres, std::string redis, planted fault)
    : state_(std::make_unique<state>(std::move(postgres), std::move(redis), fault)) {
  std::future<bool> ready = state_->ready.get_future();
  state_->thread = std::thread([self = state_.get()] { self->serve(); });
  if (ready.get()) return;
  stop();  // or the thread would end the program before anybody reads why
  throw std::runtime_error("cannot serve, or cannot listen to the databases");
}

service::~service() { assert(!state_->thread.joinable() && "stop() it first"); }

const socket_address& service::address() const { return state_->shared.at; }

holdings service::held() {
  const auto now = std::make_shared<state::moment>();
  for (unsigned i = 0; i < service_loops; ++i) {
    state_->loops.at(i).on->post([self = state_.get(), now, i] {
      now->loops.at(i) = self->count(i);
      now->counted.count_down();
      now->seen.wait();
    });
  }
  now->counted.wait();
  holdings all{.loops = now->loops};
  all.descriptors = static_cast<std::int64_t>(open_descriptors()) - static_cast<std::int64_t>(all.pooled());
  now->seen.count_down();
  all.places = sum_of(
      state_->shared.metrics,
      {"assay_shed_in_flight", "assay_shed_waiting", "assay_bulkhead_in_flight", "assay_bulkhead_waiting",
       "assay_drain_in_flight", "assay_http_requests_in_flight", "assay_offload_queued", "assay_offload_running"});
  return all;
}

heard service::listened() {
  heard all;
  for (const auto& each : state_->loops) {
    std::promise<heard> told;
    each.on->post([&told, &each] { told.set_value(each.of->events); });
    const heard here = told.get_future().get();
    all.orders += here.orders;
    all.news += here.news;
    all.order_gaps += here.order_gaps;
    all.news_gaps += here.news_gaps;
  }
  return all;
}

bool service::stall() {
  std::promise<bool> named;
  state_->loops.front().on->post([this, &named] { named.set_value(state_->shared.stalls.wait_for_one()); });
  return named.get_future().get();
}

std::uint64_t service::stalls() const { return sum_of(state_->shared.metrics, {"assay_loop_stalls_total"}); }

// The signal goes to the thread that waits for it, and to no other: the process goes on.
ending service::stop() {
  ::pthread_kill(state_->thread.native_handle(), SIGTERM);
  state_->thread.join();
  ending all{.left = {}, .cut_nobody = state_->exit_code == 0};
  for (unsigned i = 0; i < service_loops; ++i) all.left.loops.at(i) = state_->loops.at(i).left;
  return all;
}

}  // namespace assay::soak
