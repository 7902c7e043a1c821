#include "lab/fault/proxy.hpp"

#include <functional>
#include <future>
#include <thread>

#include "stack/net/address.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/loop.hpp"

namespace assay::fault {
namespace {

// The epoll backend: the proxy moves few bytes, and a second ring would be charged to the process's locked memory,
// which the load generator needs.
constexpr io_options modest_io{.kind = io_kind::epoll, .buffer_count = 256};

task<result<void>> serve_all(std::vector<relay*> relays, std::vector<net::listener>* listeners) {
  scope serving(co_await this_context());
  for (std::size_t i = 0; i < relays.size(); ++i) serving.spawn(relays[i]->run(std::move((*listeners)[i])));
  co_return co_await serving.join();
}

}  // namespace

struct proxy::state {
  struct entry {
    std::string name;
    std::uint16_t port = 0;
    std::unique_ptr<relay> serves;
  };

  std::expected<void, std::string> open(const std::vector<proxied>& dependencies, std::uint64_t seed);
  void run(std::promise<std::string>* started, const std::vector<proxied>* dependencies, std::uint64_t seed);
  // Runs `work` on the loop's thread and waits for it.
  void on_loop(std::move_only_function<void()> work);
  entry* find(const std::string& name);

  std::unique_ptr<loop> on;
  std::vector<net::listener> listeners;
  std::vector<entry> entries;
  std::thread thread;
};

std::expected<void, std::string> proxy::state::open(const std::vector<proxied>& dependencies, std::uint64_t seed) {
  result<std::unique_ptr<io>> backend = make_io(modest_io);
  if (!backend) return std::unexpected("fault proxy: " + describe(backend.error()));
  on = std::make_unique<loop>(std::move(*backend));
  for (const proxied& each : dependencies) {
    result<net::listener> opened = net::listener::open(on->backend(), *net::parse_address("127.0.0.1", 0));
    if (!opened) return std::unexpected("fault proxy of " + each.name + ": " + describe(opened.error()));
    const std::uint16_t port = net::port_of(opened->local_address());
    listeners.push_back(std::move(*opened));
    // Each relay has its own stream of random numbers.
    auto serves = std::make_unique<relay>(relay_options{.upstream = each.upstream, .seed = seed + entries.size()});
    entries.push_back({.name = each.name, .port = port, .serves = std::move(serves)});
  }
  return {};
}

void proxy::state::run(std::promise<std::string>* started, const std::vector<proxied>* dependencies,
                       std::uint64_t seed) {
  // A backend belongs to the thread that made it.
  const std::expected<void, std::string> opened = open(*dependencies, seed);
  std::vector<relay*> relays;
  for (const entry& each : entries) relays.push_back(each.serves.get());
  started->set_value(opened ? "" : opened.error());
  if (opened) std::ignore = on->run(serve_all(std::move(relays), &listeners));
  listeners.clear();
}

void proxy::state::on_loop(std::move_only_function<void()> work) {
  if (entries.empty()) return;  // a plan without dependencies: nothing is served, and the loop has ended
  std::promise<void> done;
  on->post([&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

proxy::state::entry* proxy::state::find(const std::string& name) {
  const auto found = std::ranges::find(entries, name, &entry::name);
  return found == entries.end() ? nullptr : &*found;
}

proxy::proxy(std::unique_ptr<state> made) : state_(std::move(made)) {}

std::expected<std::unique_ptr<proxy>, std::string> proxy::start(const std::vector<proxied>& dependencies,
                                                                std::uint64_t seed) {
  auto made = std::make_unique<state>();
  std::promise<std::string> started;
  made->thread =
      std::thread([state = made.get(), &started, &dependencies, seed] { state->run(&started, &dependencies, seed); });
  const std::string failure = started.get_future().get();
  if (!failure.empty()) {
    made->thread.join();
    return std::unexpected(failure);
  }
  return std::unique_ptr<proxy>(new proxy(std::move(made)));
}

proxy::~proxy() {
  state_->on->post([this] {
    for (const state::entry& each : state_->entries) each.serves->stop();
  });
  state_->thread.join();
}

std::uint16_t proxy::port(const std::string& name) const {
  const state::entry* const found = state_->find(name);
  return found == nullptr ? 0 : found->port;
}

std::expected<void, std::string> proxy::apply(const std::vector<model::fault>& faults) {
  for (const model::fault& each : faults) {
    if (state_->find(each.dependency) == nullptr) {
      return std::unexpected("fault on \"" + each.dependency + "\": no such dependency behind the proxy");
    }
  }
  state_->on_loop([&] {
    for (const state::entry& each : state_->entries) each.serves->clear();
    for (const model::fault& each : faults) {
      relay& on = *state_->find(each.dependency)->serves;
      switch (each.kind) {
        case model::fault_kind::latency:
          on.set_latency({.median = each.latency_median, .sigma = each.latency_sigma});
          break;
        case model::fault_kind::outage:
          on.set_outage(true);
          break;
        case model::fault_kind::reset:
          on.reset_connections();
          break;
      }
    }
  });
  return {};
}

void proxy::clear() { std::ignore = apply({}); }

void proxy::reset_connections() {
  state_->on_loop([&] {
    for (const state::entry& each : state_->entries) each.serves->reset_connections();
  });
}

std::map<std::string, relay_counters> proxy::counters() const {
  std::map<std::string, relay_counters> counted;
  state_->on_loop([&] {
    for (const state::entry& each : state_->entries) counted[each.name] = each.serves->counters();
  });
  return counted;
}

}  // namespace assay::fault
