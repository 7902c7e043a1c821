#include "stack/data/notifications.hpp"

#include <algorithm>
#include <utility>

#include "stack/runtime/delay.hpp"

namespace assay::data {
namespace {

constexpr std::size_t max_channel_bytes = 63;  // NAMEDATALEN

bool is_channel(std::string_view name) {
  return !name.empty() && name.size() <= max_channel_bytes && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace

notifications::notifications(notification_options options)
    : options_(std::move(options)),
      queue_(std::max<std::size_t>(options_.max_queued, 2)),  // a gap, and what made it
      random_(options_.seed ? *options_.seed : std::random_device{}()) {}

void notifications::push(notified event) {
  if (queue_.try_send(event)) return;
  counters_.overruns++;
  while (queue_.try_receive()) {
  }
  notified gap{.gap = true};
  std::ignore = queue_.try_send(gap);
  std::ignore = queue_.try_send(event);
}

// One connection's life. Its end is always a failure.
task<sql_result<void>> notifications::listen(const connection_target& to) {
  const context& ctx = co_await this_context();
  const instant limit = saturating_add(ctx.on->turn_time(), options_.connect_timeout);
  auto opened = co_await with_deadline(limit, connection::open(to, options_.resolver));
  if (!opened) co_return std::unexpected(std::move(opened.error()));
  for (const std::string& each : options_.channels) {
    const std::string statement = "LISTEN \"" + each + "\"";
    const auto listening = co_await with_deadline(limit, (*opened)->command(statement.c_str()));
    if (!listening) co_return std::unexpected(listening.error());
  }
  counters_.opened++;
  backoff_ = duration::zero();
  push({.gap = true});
  co_return co_await forward(**opened);
}

task<sql_result<void>> notifications::forward(connection& from) {
  const context& ctx = co_await this_context();
  while (true) {
    auto heard = co_await from.notified(saturating_add(ctx.on->turn_time(), options_.ping_interval));
    if (!heard) co_return std::unexpected(std::move(heard.error()));
    if (*heard) {
      counters_.received++;
      push({.channel = std::move((*heard)->channel), .payload = std::move((*heard)->payload)});
      continue;
    }
    const instant limit = saturating_add(ctx.on->turn_time(), options_.ping_timeout);
    const auto alive = co_await with_deadline(limit, from.command("SELECT 1"));
    if (!alive) co_return std::unexpected(alive.error());
  }
}

task<result<void>> notifications::run() {
  const context& ctx = co_await this_context();
  const auto target = connection_target::parse(options_.url, duration::zero());
  if (!target) {
    queue_.close();
    co_return std::unexpected<error>(target.error());
  }
  if (options_.channels.empty() || !std::ranges::all_of(options_.channels, is_channel)) {
    queue_.close();
    co_return std::unexpected(error{.code = errc::invalid_argument, .what = "a channel to listen to"});
  }
  while (!ctx.cancel->cancelled() && ctx.on->turn_time() < ctx.deadline) {
    sql_result<void> ended = co_await listen(*target);
    if (ctx.cancel->cancelled()) break;  // no loss
    counters_.failures++;
    if (!ended) last_failure_ = std::move(ended.error());
    backoff_ = std::clamp(backoff_ * 2, options_.backoff_min, options_.backoff_max);
    const double part = std::uniform_real_distribution<>(0.5, 1)(random_);
    const auto pause = duration(static_cast<duration::rep>(static_cast<double>(backoff_.count()) * part));
    const result<void> waited = co_await delay_for(pause);
    if (!waited) break;
  }
  queue_.close();
  co_return result<void>{};
}

}  // namespace assay::data
