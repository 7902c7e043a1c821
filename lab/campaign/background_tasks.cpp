#include "lab/campaign/background_tasks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "lab/subject/environment.hpp"
#include "stack/http/client.hpp"
#include "stack/net/address.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/scope.hpp"

namespace assay::campaign {
namespace {

using std::chrono::nanoseconds;

// How soon it is seen that a task has ended, or is to end.
constexpr std::chrono::milliseconds interval{20};
// Of a command that is cut short.
constexpr std::chrono::milliseconds task_grace{500};

// The loops' clock is CLOCK_MONOTONIC, and so is steady_clock.
instant now() { return instant(std::chrono::steady_clock::now().time_since_epoch()); }
double seconds_of(nanoseconds length) { return std::chrono::duration<double>(length).count(); }

struct request_under_way {
  const model::background_task& task;
  http::origin to;
  const std::function<bool()> stopping;
  std::optional<result<http::client_response>> got = {};
};

task<result<http::client_response>> send_request(request_under_way& of) {
  http::client_limits limits;
  limits.max_connections = 1;
  // The task's own limit alone, which is the deadline of get_answer().
  limits.connect_timeout = limits.write_timeout = limits.response_timeout = of.task.timeout;
  limits.head_timeout = limits.body_timeout = of.task.timeout;
  http::client client(of.to, limits);
  co_return co_await client.send(
      {.verb = of.task.method, .target = of.task.target, .headers = of.task.headers, .body = of.task.body});
}

task<result<void>> get_answer(request_under_way& of, scope& both) {
  const context& ctx = co_await this_context();
  context inner = ctx.narrowed(saturating_add(ctx.on->now(), of.task.timeout));
  of.got = co_await with_context(inner, send_request(of));
  both.cancel(cancel_reason::user);
  co_return result<void>{};
}

task<result<void>> watch_for_the_end(request_under_way& of, scope& both) {
  while (!of.stopping()) {
    if (!co_await delay_for(interval)) co_return result<void>{};
  }
  both.cancel(cancel_reason::user);
  co_return result<void>{};
}

task<void> run_request(request_under_way& of) {
  context& ctx = co_await this_context();
  scope both(ctx);
  both.spawn(get_answer(of, both));
  both.spawn(watch_for_the_end(of, both));
  std::ignore = co_await both.join();  // both end when one of them has
}

std::string name_of_call(const model::background_task& task) {
  return task.command.empty() ? fmt::format("{} {}", task.method, task.target) : task.command.front();
}

}  // namespace

background_tasks::background_tasks(background_place place, std::vector<model::phase> phases, instant start)
    : place_(std::move(place)), phases_(std::move(phases)), start_(start), told_(place_.tasks.size()) {
  for (std::size_t i = 0; i < place_.tasks.size(); ++i) threads_.emplace_back([this, i] { run(i); });
}

background_tasks::~background_tasks() { end(); }

void background_tasks::end() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  wait();
}

void background_tasks::wait() {
  for (std::thread& each : threads_) each.join();
  threads_.clear();
}

bool background_tasks::stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

// False when it is time to stop instead.
bool background_tasks::wait_until(instant at) {
  const std::chrono::steady_clock::time_point until(at.time_since_epoch());
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, until, [this] { return stopping_; });
  return !stopping_;
}

void background_tasks::run(std::size_t i) {
  const model::background_task& task = place_.tasks[i];
  told& to = told_[i];
  nanoseconds begin{};
  nanoseconds free{};  // it does not run from here on
  for (const model::phase& phase : phases_) {
    const nanoseconds end = begin + phase.length;
    for (nanoseconds at = task.first_from(begin); task.runs_in(phase.name) && at < end; at += task.every) {
      if (at < free) {
        ++to.left_out;
        continue;
      }
      if (!wait_until(start_ + at)) return;
      const nanoseconds from = now() - start_;
      const outcome came = carry_out(task);
      free = now() - start_;
      ++to.runs;
      to.failed += !came.well;
      if (to.events.size() >= most_task_events) continue;
      to.events.push_back({.at_s = seconds_of(from),
                           .length_s = seconds_of(free - from),
                           .kind = "task",
                           .text = fmt::format("{}: {} {}", task.name, name_of_call(task), came.text)});
    }
    begin = end;
  }
}

background_tasks::outcome background_tasks::carry_out(const model::background_task& task) {
  return task.command.empty() ? ask(task) : execute(task);
}

background_tasks::outcome background_tasks::ask(const model::background_task& task) {
  const result<socket_address> address = net::parse_address(place_.host, place_.port);
  if (!address) return {.well = false, .text = fmt::format("was not sent: {} is no numeric address", place_.host)};
  result<std::unique_ptr<io>> backend = make_io();
  if (!backend) return {.well = false, .text = "was not sent: " + describe(backend.error())};
  loop on(std::move(*backend));
  request_under_way of{.task = task,
                       .to = {.host = net::format_address(*address), .address = *address},
                       .stopping = [this] { return stopping(); }};
  on.run(run_request(of));
  if (of.got && *of.got) {
    const int status = (*of.got)->status;
    return {.well = status < 400, .text = fmt::format("was answered with {}", status)};
  }
  if (stopping()) return {.well = true, .text = "was under way when the load was over"};
  return {.well = false, .text = "failed: " + (of.got ? describe(of.got->error()) : std::string("it was not sent"))};
}

background_tasks::outcome background_tasks::execute(const model::background_task& task) {
  std::map<std::string, std::string> values = place_.urls;
  values["url"] = fmt::format("http://{}:{}", place_.host, place_.port);
  subject::spawn_request request{.environment = subject::base_environment(),
                                 .directory = task.directory,
                                 .cpus = place_.cpus,
                                 .output = place_.log};
  for (const std::string& word : task.command) {
    auto filled = subject::fill_placeholders(word, values);
    if (!filled) return {.well = false, .text = "was not started: " + filled.error()};
    request.command.push_back(std::move(*filled));
  }
  auto started = subject::process::spawn(request);
  if (!started) return {.well = false, .text = "was not started: " + started.error()};
  const instant until = now() + task.timeout;
  while (!stopping() && now() < until) {
    const std::optional<subject::exit_report> ended = started->wait_exit(interval);
    if (ended) return {.well = ended->clean(), .text = subject::describe(*ended)};
  }
  std::ignore = started->stop(task_grace);
  if (stopping()) return {.well = true, .text = "was under way when the load was over"};
  return {.well = false, .text = fmt::format("was ended: it ran for more than {:g} s", seconds_of(task.timeout))};
}

std::vector<model::trial_event> background_tasks::finish() {
  end();
  std::vector<model::trial_event> all;
  for (const told& each : told_) all.insert(all.end(), each.events.begin(), each.events.end());
  std::ranges::sort(all, {}, &model::trial_event::at_s);
  return all;
}

std::string background_tasks::summary() const {
  std::string text;
  for (std::size_t i = 0; i < told_.size(); ++i) {
    const told& each = told_[i];
    text += fmt::format("{}{} {} time{}", text.empty() ? "" : "; ", place_.tasks[i].name, each.runs,
                        each.runs == 1 ? "" : "s");
    if (each.failed > 0) text += fmt::format(", {} of them failed", each.failed);
    if (each.left_out > 0) text += fmt::format(", {} left out because it still ran", each.left_out);
  }
  return text;
}

}  // namespace assay::campaign
