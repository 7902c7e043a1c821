#include "lab/load/null_server.hpp"

#include <fmt/format.h>

#include <future>
#include <tuple>
#include <utility>

#include "stack/http/server.hpp"
#include "stack/net/address.hpp"
#include "stack/net/stream.hpp"
#include "stack/runtime/loop.hpp"

namespace assay::load {
namespace {

// When it is asked to go its clients have gone.
constexpr duration null_drain = std::chrono::milliseconds(100);

task<http::response> nothing(http::request&) { co_return http::response::text("ok"); }

http::server_limits room_for(unsigned connections) {
  http::server_limits limits;
  limits.max_connections = std::size_t{connections} + 1;
  limits.drain_timeout = null_drain;
  return limits;
}

}  // namespace

struct null_server::state {
  void run(const io_options& how, unsigned connections, std::promise<result<std::uint16_t>>* started);

  loop* on = nullptr;  // both from the start to the end of the thread
  http::server* serves = nullptr;
  std::uint16_t port = 0;
  std::thread thread;
};

void null_server::state::run(const io_options& how, unsigned connections,
                             std::promise<result<std::uint16_t>>* started) {
  result<std::unique_ptr<io>> backend = make_io(how);
  if (!backend) return started->set_value(std::unexpected(backend.error()));
  loop its_own(std::move(*backend));
  http::server served(&nothing, room_for(connections));
  result<net::listener> door = net::listener::open(its_own.backend(), *net::parse_address("127.0.0.1", 0));
  if (!door) return started->set_value(std::unexpected(door.error()));
  on = &its_own;
  serves = &served;
  started->set_value(net::port_of(door->local_address()));
  std::ignore = its_own.run(served.run(std::move(*door)));
}

null_server::null_server(std::unique_ptr<state> serving) : state_(std::move(serving)) {}

null_server::~null_server() {
  state_->on->post([of = state_.get()] { of->serves->drain(); });
  state_->thread.join();
}

std::expected<std::unique_ptr<null_server>, std::string> null_server::start(const io_options& how,
                                                                            unsigned connections) {
  auto serving = std::make_unique<state>();
  std::promise<result<std::uint16_t>> started;
  std::thread thread([of = serving.get(), how, connections, &started] { of->run(how, connections, &started); });
  const result<std::uint16_t> listening = started.get_future().get();
  if (!listening) {
    thread.join();
    return std::unexpected("the null server: " + describe(listening.error()));
  }
  serving->port = *listening;
  serving->thread = std::move(thread);
  return std::unique_ptr<null_server>(new null_server(std::move(serving)));
}

std::string null_server::url() const { return fmt::format("http://127.0.0.1:{}/", state_->port); }

}  // namespace assay::load
