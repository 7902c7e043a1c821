#include "tests/soak/parts.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace assay::soak {
namespace {

using namespace std::chrono_literals;

constexpr duration backoff_min = 5ms;
constexpr duration backoff_max = 100ms;
constexpr duration cache_timeout = 1s;  // of an answer of Redis
constexpr std::size_t workers_in_line = 64;
constexpr std::size_t lookers_in_line = 4;
constexpr duration until_named = 20s;

}  // namespace

guard::chain::server_options guards_of(unsigned index, data::pool* rows) {
  guard::chain::server_options wanted;
  wanted.drain.delay = 10ms;
  wanted.readiness = [rows] ASSAY_CORO_WRAPPER() { return data::ping(*rows); };
  wanted.rate_limit = guard::rate_limit::options{.requests = 100'000, .burst = 100'000, .max_keys = 16};
  wanted.rate_key = guard::rate_limit::by_field("x-visitor");
  wanted.bulkheads = {{.path = "/stream", .wall = {.name = "streams", .max_in_flight = 8, .max_waiting = 8}}};
  wanted.idempotency = guard::idempotency::options{.ttl = 1min, .max_keys = 256};
  wanted.adaptive = guard::adaptive::options{.min_limit = 32, .initial_limit = 64, .seed = index};
  if (index == 1) wanted.cache = guard::cache::options{.ttl = 0s, .max_entries = 64};  // of who says so alone
  return wanted;
}

null_device::null_device() : fd_(::open("/dev/null", O_WRONLY | O_CLOEXEC)) {}
null_device::~null_device() { ::close(fd_); }

void named_stalls::note(const observe::stall_report& of) {
  if (of.backtrace.empty()) return;
  const std::lock_guard lock(mutex_);
  count_++;
  news_.notify_all();
}

bool named_stalls::wait_for_one() {
  std::unique_lock lock(mutex_);
  return news_.wait_for(lock, until_named, [this] { return count_ > 0; });
}

shared_parts::shared_parts(std::string postgres_url, std::string redis_url, const socket_address& own, planted fault)
    : postgres(std::move(postgres_url)),
      redis(std::move(redis_url)),
      at(own),
      leaks(fault == planted::leak_of_a_page),
      log(nowhere.fd()),
      dog({.capture_limit = 1s},
          {.log = &log, .metrics = &metrics, .on_stall = [this](const auto& each) { stalls.note(each); }}),
      guards(metrics, {.log = &log, .dog = &dog}),
      workers({.threads = 2, .max_queued = workers_in_line}),
      lookers({.threads = 1, .max_queued = lookers_in_line}) {}

parts::parts(shared_parts* of_all, unsigned index)
    : with(of_all),
      rows({.url = with->postgres,
            .max_connections = most_rows_connections,
            .backoff_min = backoff_min,
            .backoff_max = backoff_max}),
      cache({.url = with->redis,
             .max_connections = most_cache_connections,
             .connection = {.reply_timeout = cache_timeout},
             .backoff_min = backoff_min,
             .backoff_max = backoff_max}),
      orders({.url = with->postgres,
              .channels = {orders_channel},
              .backoff_min = backoff_min,
              .backoff_max = backoff_max}),
      news({.url = with->redis, .backoff_min = backoff_min, .backoff_max = backoff_max}),
      sockets({.connections = {.deflate = {.enabled = true, .context_takeover = true}}}),
      inner(with->at, index) {}

}  // namespace assay::soak
