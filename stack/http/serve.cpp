// serve(): servers on threads of their own until a signal asks them to stop.
#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <list>
#include <mutex>
#include <source_location>
#include <thread>
#include <vector>

#include "stack/http/server.hpp"
#include "stack/net/address.hpp"
#include "stack/runtime/scope.hpp"
#include "stack/runtime/signals.hpp"
#include "stack/runtime/unobserved.hpp"

namespace assay::http {
namespace {

// One server on its own thread and loop.
class worker {
 public:
  worker(handler serve, const serve_options& options, unsigned index, std::uint16_t port, stop_signals& stopped)
      : on_stop_(options.on_stop),
        index_(index),
        thread_([this, serve = std::move(serve), options, port, &stopped]() mutable {
          run(std::move(serve), options, port);
          stopped.notify();
        }) {}

  // The port it listens on, or why it could not start. Blocks until known.
  result<std::uint16_t> wait_until_listening() { return started_.get_future().get(); }

  // Any thread. Again: cuts what still runs.
  void stop() {
    const std::lock_guard lock(mutex_);
    if (loop_ == nullptr) return;
    loop_->post([this, again = asked_] {
      if (again) {
        loop_->root().cancel->cancel(cancel_reason::shutdown);
        return server_->drain();
      }
      server_->drain_after(on_stop_ ? on_stop_(index_, loop_->now()) : duration::zero());
    });
    asked_ = true;
  }

  // True when nothing was cut and nothing failed. Blocks until it has ended.
  bool join() {
    thread_.join();
    return clean_;
  }

 private:
  void run(handler serve, const serve_options& options, std::uint16_t port);
  const std::function<duration(unsigned index, instant now)> on_stop_;
  const unsigned index_;
  std::promise<result<std::uint16_t>> started_;
  std::mutex mutex_;  // guards loop_ and server_ against stop()
  loop* loop_ = nullptr;
  server* server_ = nullptr;
  bool asked_ = false;
  bool clean_ = false;
  std::thread thread_;  // last: it uses the members above
};

// The server may go on for months after what ran beside it has failed: that is told at once, not with its end.
task<result<void>> told_at_once(task<result<void>> background) {
  const result<void> ended = co_await std::move(background);
  if (!ended && ended.error().code != errc::cancelled) {
    report_unobserved({.where = std::source_location::current(),
                       .failure = ended.error(),
                       .thrown = nullptr,
                       .during = "what runs beside the server"});
  }
  co_return ended;
}

// The server, and what runs beside it for as long.
task<result<void>> run_beside(server* served, net::listener from, task<result<void>> background) {
  scope beside(co_await this_context());
  beside.spawn(told_at_once(std::move(background)));
  const result<void> ended = co_await served->run(std::move(from));
  beside.cancel(cancel_reason::shutdown);
  const result<void> joined = co_await beside.join();
  co_return ended && !joined && joined.error().code != errc::cancelled ? joined : ended;
}

void worker::run(handler serve, const serve_options& options, std::uint16_t port) {
  const result<socket_address> at = net::parse_address(options.host, port);
  if (!at) return started_.set_value(std::unexpected(at.error()));
  result<std::unique_ptr<io>> backend = make_io(options.io);
  if (!backend) return started_.set_value(std::unexpected(backend.error()));
  // The server outlives what stop() has posted to the loop; the handler goes before it, with the sockets of its
  // clients.
  const handler* serving = nullptr;
  refusal_listener refused;
  if (options.on_refused) refused = [this, &options](const refusal& of) { options.on_refused(index_, of); };
  std::function<void()> drains;
  if (options.on_drain) drains = [this, &options] { options.on_drain(index_); };
  server served([&serving] ASSAY_CORO_WRAPPER(request & asked) { return (*serving)(asked); }, options.limits,
                std::move(refused), std::move(drains));
  loop on(std::move(*backend));
  const handler owned = std::move(serve);
  serving = &owned;
  result<net::listener> from =
      net::listener::open(on.backend(), *at, {.backlog = 4096, .reuse_port = options.loops > 1});
  if (!from) return started_.set_value(std::unexpected(from.error()));
  {
    const std::lock_guard lock(mutex_);
    loop_ = &on;
    server_ = &served;
  }
  if (options.on_start) options.on_start(index_, served, on);
  started_.set_value(net::port_of(from->local_address()));
  const result<void> ended =
      on.run(options.background ? run_beside(&served, std::move(*from), options.background(index_))
                                : served.run(std::move(*from)));
  if (!ended) std::fprintf(stderr, "assay: the server stopped: %s\n", describe(ended.error()).c_str());
  clean_ = ended && served.counters().cut == 0;
  if (options.on_end) options.on_end(index_);
  const std::lock_guard lock(mutex_);
  loop_ = nullptr;
}

std::uint16_t port_from_environment() {
  constexpr std::uint16_t usual = 8080;
  const char* const text = std::getenv("PORT");
  if (text == nullptr) return usual;
  const std::string_view digits(text);
  std::uint16_t port = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (failed == std::errc() && end == digits.data() + digits.size()) return port;
  std::fprintf(stderr, "assay: PORT is \"%s\", not a port; using %u\n", text, unsigned{usual});
  return usual;
}

// For whoever started us, perhaps with port 0, and waits to connect.
void announce(const std::string& host, std::uint16_t port) {
  const result<socket_address> at = net::parse_address(host, port);
  const std::string line = "listening on http://" + (at ? net::format_address(*at) : host) + "\n";
  std::fputs(line.c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace

int serve(const handler& handle, const serve_options& options) {
  return serve([&handle](unsigned) { return handle; }, options);
}

int serve(const handler_maker& make, const serve_options& options) {
  stop_signals stopped;  // first: the maker may start threads
  std::vector<handler> handlers;
  for (unsigned i = 0; i < std::max(options.loops, 1U); ++i) handlers.push_back(make(i));
  std::list<worker> workers;
  std::uint16_t port = options.port.value_or(port_from_environment());
  bool started = true;
  for (std::size_t i = 0; i < handlers.size() && started; ++i) {
    worker& added = workers.emplace_back(std::move(handlers[i]), options, static_cast<unsigned>(i), port, stopped);
    const result<std::uint16_t> listening = added.wait_until_listening();
    started = listening.has_value();
    if (!started) {
      std::fprintf(stderr, "assay: cannot listen on %s port %u: %s\n", options.host.c_str(), unsigned{port},
                   describe(listening.error()).c_str());
    } else {
      port = *listening;
    }
  }
  if (started) {
    announce(options.host, port);
    // The first signal drains; the second cuts; a worker that ended by itself ends the rest.
    if (stopped.wait().value_or(0) != 0) std::fputs("draining\n", stderr);
  }
  for (worker& each : workers) each.stop();
  std::atomic<bool> all_ended = false;
  std::thread impatience([&] {
    while (!all_ended) {  // a worker's end wakes it as well
      if (stopped.wait().value_or(0) == 0) continue;
      for (worker& each : workers) each.stop();
    }
  });
  bool clean = true;
  for (worker& each : workers) clean = each.join() && clean;
  all_ended = true;
  stopped.notify();
  impatience.join();
  if (!started) return 4;
  return clean ? 0 : 1;
}

}  // namespace assay::http
