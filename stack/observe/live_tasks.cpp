#include "stack/observe/live_tasks.hpp"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "stack/observe/trace_context.hpp"

namespace assay::observe {
namespace {

using child_map = std::unordered_map<const task_record*, std::vector<const task_record*>>;

live_task describe(const task_record& of, std::size_t depth, instant now) {
  return {.depth = depth,
          .file = of.where.file_name(),
          .line = of.where.line(),
          .spawned_by = of.where.function_name(),
          .awaiting = of.awaiting != nullptr ? of.awaiting : "",
          .age = now - of.since,
          .waits = of.awaiting != nullptr ? now - of.awaiting_since : duration::zero(),
          .request_id = of.request_id};
}

// What the threads share while they are asked; whoever comes last frees it.
struct gathering {
  std::mutex mutex;
  std::condition_variable all_here;
  std::size_t missing = 0;
  std::vector<loop_tasks> found;
};

void answer(gathering& to, std::size_t index, loop& on) {
  std::vector<live_task> tasks = live_tasks(on);
  std::size_t live = 0;
  on.tasks().for_each([&live](const task_record&) { live++; });
  const std::lock_guard lock(to.mutex);
  to.found[index].answered = true;
  to.found[index].live = live;
  to.found[index].tasks = std::move(tasks);
  if (--to.missing == 0) to.all_here.notify_one();
}

// In tenths of the largest unit that leaves a whole number: "1.2 s", "250.0 ms".
std::string to_text(duration span) {
  using namespace std::chrono_literals;
  const bool in_seconds = span >= 1s;
  const auto tenths = span / (in_seconds ? duration(100ms) : duration(100us));
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + (in_seconds ? " s" : " ms");
}

void append_line(std::string& to, const live_task& of) {
  to.append(2 * of.depth + 2, ' ').append(of.file).append(":").append(std::to_string(of.line));
  to.append(" by ").append(of.spawned_by).append(": ");
  if (*of.awaiting != '\0') {
    to.append("awaiting ").append(of.awaiting).append(" for ").append(to_text(of.waits));
  } else {
    to.append("runs or is ready");
  }
  to.append(", lives for ").append(to_text(of.age));
  if (of.request_id != 0) to.append(", request ").append(to_hex(of.request_id));
  to += '\n';
}

// A dump is asked for, and has to be whole: no rate, and as loud as what a log of failures alone still takes.
log_site task_site(level::warn, "live task", {.per_second = 0, .burst = 0});
log_site no_answer_site(level::warn, "a loop did not answer: its tasks are not known", {.per_second = 0, .burst = 0});

}  // namespace

std::vector<live_task> live_tasks(loop& on) {
  child_map children;
  on.tasks().for_each([&children](const task_record& each) { children[each.parent].push_back(&each); });
  struct entry {
    const task_record* of;
    std::size_t depth;
  };
  std::vector<entry> open;
  const auto open_children_of = [&](const task_record* parent, std::size_t depth) {
    const auto found = children.find(parent);
    if (found == children.end()) return;
    for (auto each = found->second.rbegin(); each != found->second.rend(); ++each) open.push_back({*each, depth});
  };
  std::vector<live_task> listed;
  const instant now = on.now();
  open_children_of(nullptr, 0);
  while (!open.empty() && listed.size() < max_listed_tasks) {
    const entry next = open.back();
    open.pop_back();
    listed.push_back(describe(*next.of, next.depth, now));
    open_children_of(next.of, next.depth + 1);
  }
  return listed;
}

std::vector<loop_tasks> collect_live_tasks(duration limit) {
  const auto shared = std::make_shared<gathering>();
  {
    const std::lock_guard lock(shared->mutex);
    for_each_running_loop([&shared](loop& on, loop_pulse& of) {
      const std::size_t index = shared->found.size();
      shared->found.push_back({.loop = of.number, .answered = false, .live = 0, .tasks = {}});
      shared->missing++;
      on.post([shared, index, &on] { answer(*shared, index, on); });
    });
  }
  std::unique_lock lock(shared->mutex);
  shared->all_here.wait_for(lock, limit, [&shared] { return shared->missing == 0; });
  std::vector<loop_tasks> found = shared->found;
  lock.unlock();
  std::ranges::sort(found, {}, &loop_tasks::loop);
  return found;
}

std::string to_text(const std::vector<loop_tasks>& all) {
  std::string text;
  for (const loop_tasks& each : all) {
    text.append("loop ").append(std::to_string(each.loop)).append(": ");
    if (!each.answered) {
      text.append("no answer, it is stalled\n");
      continue;
    }
    text.append(std::to_string(each.live)).append(each.live == 1 ? " task" : " tasks");
    if (each.live > each.tasks.size()) text.append(", listed: ").append(std::to_string(each.tasks.size()));
    text += '\n';
    for (const live_task& task : each.tasks) append_line(text, task);
  }
  return text;
}

void log_live_tasks(json_log& to, const std::vector<loop_tasks>& all) {
  for (const loop_tasks& each : all) {
    if (!each.answered) to.write(no_answer_site, {{"loop", each.loop}});
    for (const live_task& task : each.tasks) {
      to.write(task_site, {{"loop", each.loop},
                           {"depth", task.depth},
                           {"spawned_file", task.file},
                           {"spawned_line", task.line},
                           {"spawned_by", task.spawned_by},
                           {"awaiting", task.awaiting},
                           {"waits_us", task.waits / std::chrono::microseconds(1)},
                           {"age_us", task.age / std::chrono::microseconds(1)},
                           {"request_id", task.request_id != 0 ? to_hex(task.request_id) : std::string()}});
    }
  }
}

}  // namespace assay::observe
