#include "tests/soak/service.hpp"

#include <cassert>
#include <future>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <thread>
#include <utility>

#include "stack/guard/chain/server.hpp"
#include "stack/http/server.hpp"
#include "tests/soak/levels.hpp"
#include "tests/soak/parts.hpp"

namespace assay::soak {

std::ostream& operator<<(std::ostream& into, const holdings& of) {
  return into << of.connections << " connections, " << of.frames << " frames, " << of.tasks << " tasks, " << of.timers
              << " timers, " << of.places << " places, " << of.rows_busy << " of PostgreSQL busy, "
              << of.cache_in_flight << " calls to Redis, " << of.pooled << " connections in pools, " << of.descriptors
              << " descriptors";
}

struct service::state {
  // The loop's thread's alone, but for post().
  std::optional<loop> on;
  std::unique_ptr<parts> of;
  std::optional<guard::chain::server> guards;
  std::unique_ptr<http::server> server;
  socket_address at{};
  holdings left{};
  std::promise<bool> listening;
  std::thread thread;

  holdings count() {
    const auto rows = of->rows.usage();
    const auto cache = of->cache.usage();
    std::size_t tasks = 0;
    on->tasks().for_each([&tasks](const task_record&) { tasks++; });
    return {.connections = server->live_connections(),
            .frames = detail::live_frames(),
            .tasks = tasks,
            .timers = on->timers().size(),
            .places = guards->admission->in_flight() + guards->admission->waiting(),
            .rows_busy = rows.open - rows.idle + rows.waiting,
            .cache_in_flight = cache.in_flight + cache.waiting + (of->checking ? 1U : 0U),
            .pooled = rows.open + cache.open};
  }

  holdings count_with_descriptors() {
    holdings all = count();
    all.descriptors = static_cast<std::int64_t>(open_descriptors()) - static_cast<std::int64_t>(all.pooled);
    return all;
  }

  // Whether both channels are in effect.
  task<bool> listen(scope* beside) {
    beside->spawn(of->orders.run());
    beside->spawn(of->news.run());
    const result<data::notified> first = co_await of->orders.receive();  // a gap, once it listens
    const auto subscribed = co_await of->news.subscribe(data::redis::channel_kind::plain, news_channel);
    beside->spawn(hear_orders(of.get()));
    beside->spawn(hear_news(of.get()));
    co_return first&& subscribed;
  }

  task<void> serve() {
    auto door = net::listener::open(on->backend(), *net::parse_address("127.0.0.1", 0));
    if (!door) throw std::runtime_error("cannot listen");
    at = door->local_address();
    scope beside(co_await this_context());
    scope checks(co_await this_context());
    checks.spawn(check_cache(of.get()));
    listening.set_value(co_await listen(&beside));
    std::ignore = co_await server->run(std::move(*door));
    of->ending = true;
    std::ignore = co_await checks.join();
    beside.cancel(cancel_reason::shutdown);
    std::ignore = co_await beside.join();
    left = count();
  }

  void run(const std::string& postgres, const std::string& redis, planted fault) {
    on.emplace(std::move(*make_io()));
    of = std::make_unique<parts>(postgres, redis, fault);
    add_routes(of.get());
    guards.emplace(*guard::chain::server::make({}));
    server = std::make_unique<http::server>(guards->around(of->routes.as_handler()), http::server_limits{});
    on->run(serve());
    server.reset();
    guards.reset();
    of.reset();
    on.reset();
  }
};

service::service(std::string postgres, std::string redis, planted fault) : state_(std::make_unique<state>()) {
  state* const self = state_.get();
  std::future<bool> ready = self->listening.get_future();
  self->thread = std::thread(
      [self, postgres = std::move(postgres), redis = std::move(redis), fault] { self->run(postgres, redis, fault); });
  if (ready.get()) return;
  stop();  // or the thread would end the program before anybody reads why
  throw std::runtime_error("cannot listen to the databases");
}

service::~service() { assert(!state_->thread.joinable() && "stop() it first"); }

const socket_address& service::address() const { return state_->at; }

holdings service::held() {
  std::promise<holdings> told;
  state_->on->post([this, &told] { told.set_value(state_->count_with_descriptors()); });
  return told.get_future().get();
}

heard service::listened() {
  std::promise<heard> told;
  state_->on->post([this, &told] { told.set_value(state_->of->events); });
  return told.get_future().get();
}

holdings service::stop() {
  state_->on->post([this] { state_->server->drain(); });
  state_->thread.join();
  return state_->left;
}

}  // namespace assay::soak
