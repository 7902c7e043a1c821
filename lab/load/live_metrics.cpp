#include "lab/load/live_metrics.hpp"

#include <future>
#include <mutex>
#include <numeric>
#include <thread>
#include <tuple>
#include <utility>

#include "stack/http/server.hpp"
#include "stack/net/address.hpp"
#include "stack/net/stream.hpp"
#include "stack/observe/exposition.hpp"
#include "stack/runtime/loop.hpp"

namespace assay::load {
namespace {

constexpr int most_scrapers = 8;
constexpr duration drain_timeout = std::chrono::milliseconds(500);

http::server_limits limits() {
  http::server_limits few;
  few.max_connections = most_scrapers;
  few.drain_timeout = drain_timeout;
  return few;
}

// The registry's side of a run: what has been counted so far is brought up to what the run says.
class run_metrics {
 public:
  run_metrics()
      : offered_(counter("assay_load_offered_total", "Arrivals that a connection has taken.")),
        responses_(counter("assay_load_responses_total", "Responses of any status.")),
        errors_(counter("assay_load_errors_total", "Failures, and responses that were not expected.")),
        cpu_(counter("assay_load_generator_cpu_seconds_total", "CPU time of the generator's threads.",
                     observe::metric_unit::nanoseconds)),
        elapsed_(gauge("assay_load_elapsed_seconds", "Since the first arrival.", observe::metric_unit::nanoseconds)),
        p50_(of_second("p50")),
        p99_(of_second("p99")),
        max_(of_second("max")) {}

  void bring_up_to(const live_view& seen) {
    raise(offered_, offered_so_far_, seen.offered);
    raise(responses_, responses_so_far_, seen.answers);
    raise(errors_, errors_so_far_, seen.errors);
    const duration cpu = std::accumulate(seen.cpu.begin(), seen.cpu.end(), duration::zero());
    raise(cpu_, cpu_so_far_, static_cast<std::uint64_t>(cpu.count()));
    elapsed_.set(static_cast<double>(seen.elapsed.count()));
    if (!seen.last) return;
    constexpr double ns_a_ms = 1e6;
    p50_.set(seen.last->response_p50_ms * ns_a_ms);
    p99_.set(seen.last->response_p99_ms * ns_a_ms);
    max_.set(seen.last->response_max_ms * ns_a_ms);
  }
  const observe::registry& all() const { return registry_; }

 private:
  observe::counter counter(const char* name, const char* help, observe::metric_unit unit = observe::metric_unit::none) {
    return mine_.at(*registry_.counter({.name = name, .help = help, .unit = unit}));
  }
  observe::gauge gauge(const char* name, const char* help, observe::metric_unit unit) {
    return mine_.at(*registry_.gauge({.name = name, .help = help, .unit = unit}));
  }
  observe::gauge of_second(const std::string& what) {
    const std::string name = "assay_load_second_" + what + "_seconds";
    return gauge(name.c_str(), "Response time of the latest second whose requests have all ended.",
                 observe::metric_unit::nanoseconds);
  }
  // A thread's CPU clock ends with it, and a counter does not go back.
  static void raise(const observe::counter& cell, std::uint64_t& so_far, std::uint64_t now) {
    if (now <= so_far) return;
    cell.add(now - so_far);
    so_far = now;
  }

  observe::registry registry_;
  observe::shard& mine_ = registry_.add_shard();
  observe::counter offered_;
  observe::counter responses_;
  observe::counter errors_;
  observe::counter cpu_;
  observe::gauge elapsed_;
  observe::gauge p50_;
  observe::gauge p99_;
  observe::gauge max_;
  std::uint64_t offered_so_far_ = 0;
  std::uint64_t responses_so_far_ = 0;
  std::uint64_t errors_so_far_ = 0;
  std::uint64_t cpu_so_far_ = 0;
};

}  // namespace

struct live_metrics::state {
  explicit state(std::function<live_view()> given) : look(std::move(given)) {}
  ~state() {
    {
      const std::lock_guard lock(mutex);
      if (on != nullptr) on->post([this] { serves->drain(); });
    }
    if (thread.joinable()) thread.join();
  }

  task<http::response> answer(const http::request* asked);
  void run(std::uint16_t wanted, std::promise<result<std::uint16_t>>* started);

  std::function<live_view()> look;
  run_metrics metrics;  // of the thread
  std::mutex mutex;     // guards the following against the end of the thread
  loop* on = nullptr;
  http::server* serves = nullptr;
  std::uint16_t port = 0;
  std::thread thread;
};

task<http::response> live_metrics::state::answer(const http::request* asked) {
  if (asked->path() != "/metrics") co_return http::response::text("see /metrics\n", 404);
  if (asked->verb() != http::method::get && asked->verb() != http::method::head) {
    co_return http::response::text("GET only\n", 405);
  }
  metrics.bring_up_to(look());
  const auto format = observe::negotiated(asked->head().headers.find("accept").value_or(std::string_view()));
  http::response reply;
  reply.headers.emplace_back("content-type", observe::content_type(format));
  reply.body = observe::expose(metrics.all(), format);
  co_return reply;
}

void live_metrics::state::run(std::uint16_t wanted, std::promise<result<std::uint16_t>>* started) {
  result<std::unique_ptr<io>> backend = make_io({.kind = io_kind::epoll});
  if (!backend) return started->set_value(std::unexpected(backend.error()));
  http::server served([this] ASSAY_CORO_WRAPPER(http::request & asked) { return answer(&asked); }, limits());
  loop its_own(std::move(*backend));
  // Not shared: a port that somebody has is refused instead of taking turns.
  result<net::listener> door = net::listener::open(its_own.backend(), *net::parse_address("127.0.0.1", wanted),
                                                   {.backlog = most_scrapers, .reuse_port = false});
  if (!door) return started->set_value(std::unexpected(door.error()));
  {
    const std::lock_guard lock(mutex);
    on = &its_own;
    serves = &served;
  }
  started->set_value(net::port_of(door->local_address()));
  std::ignore = its_own.run(served.run(std::move(*door)));
  const std::lock_guard lock(mutex);
  on = nullptr;
}

live_metrics::live_metrics(std::unique_ptr<state> serving) : state_(std::move(serving)) {}
live_metrics::~live_metrics() = default;

std::expected<std::unique_ptr<live_metrics>, std::string> live_metrics::open(std::uint16_t port,
                                                                             std::function<live_view()> look) {
  auto serving = std::make_unique<state>(std::move(look));
  std::promise<result<std::uint16_t>> started;
  std::thread thread([of = serving.get(), port, &started] { of->run(port, &started); });
  const result<std::uint16_t> listening = started.get_future().get();
  if (!listening) {
    thread.join();
    return std::unexpected("cannot listen on 127.0.0.1 port " + std::to_string(port) + ": " +
                           describe(listening.error()));
  }
  serving->port = *listening;
  serving->thread = std::move(thread);
  return std::unique_ptr<live_metrics>(new live_metrics(std::move(serving)));
}

std::uint16_t live_metrics::port() const { return state_->port; }

}  // namespace assay::load
