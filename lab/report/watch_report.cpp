#include "lab/report/watch_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ranges>
#include <utility>

#include "lab/report/database_report.hpp"

namespace assay::report {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t shown_sites = 8;
constexpr std::size_t shown_failures = 8;
constexpr std::size_t shown_notes = 8;
constexpr std::size_t shown_kinds = 3;  // of tasks
constexpr double megabyte = 1e6;

double mb(std::uint64_t bytes) { return static_cast<double>(bytes) / megabyte; }

std::string subject_text(const model::watch_result& result) {
  if (result.command.empty()) return fmt::format("process {}", result.pid);
  std::string text;
  for (const std::string& each : result.command) text += (text.empty() ? "" : " ") + each;
  std::ranges::replace_if(text, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, '?');  // it is one line
  return text;
}

std::string site_text(const model::blocking_site& site) {
  return fmt::format("{}{}{}{}{}", site.call, site.peer.empty() ? "" : ", ", site.peer,
                     site.place.empty() ? "" : " at ", site.place);
}

void append_lag(std::string& to, const model::loop_lag& lag) {
  if (lag.quality == model::lag_quality::none) {
    to += fmt::format("  loop       none was seen\n");
    return;
  }
  to += fmt::format(
      "  loop       {:.0f} % busy ({}); lag mean {:.1f} ms, p50 {:.1f} ms, p99 {:.1f} ms; longest busy {:.0f} ms\n",
      100 * lag.utilisation, label(lag.quality), lag.mean_ms, lag.p50_ms, lag.p99_ms, lag.max_ms);
  to += fmt::format("  stalls    ");
  for (const auto& [bound, count] : lag.stalls) {
    const auto seconds = lag.stalled_s.find(bound);
    to += fmt::format(" {} of {} ms or more ({:.1f} s){}", count, bound,
                      seconds == lag.stalled_s.end() ? 0.0 : seconds->second,
                      bound == lag.stalls.rbegin()->first ? "" : ",");
  }
  to += '\n';
}

double per_second(const std::vector<model::process_second>& looks, std::uint64_t model::process_second::* what) {
  const double length_s = std::max(1e-9, looks.back().at_s - looks.front().at_s);
  return (static_cast<double>(looks.back().*what) - static_cast<double>(looks.front().*what)) / length_s;
}

void append_io(std::string& to, const std::vector<model::process_second>& looks) {
  using model::process_second;
  const auto rate = [&](auto what) { return per_second(looks, what); };
  to += fmt::format(
      "  I/O        {:.2f} MB a second read in {:.0f} calls, {:.2f} MB written in {:.0f}; of disks {:.2f}, {:.2f} MB\n",
      rate(&process_second::read_bytes) / megabyte, rate(&process_second::read_calls),
      rate(&process_second::written_bytes) / megabyte, rate(&process_second::write_calls),
      rate(&process_second::storage_read_bytes) / megabyte, rate(&process_second::storage_written_bytes) / megabyte);
}

void append_processes(std::string& to, const std::vector<model::process_second>& looks) {
  if (looks.size() < 2) return;
  const auto& first = looks.front();
  const auto& last = looks.back();
  const double length_s = std::max(1e-9, last.at_s - first.at_s);
  to += fmt::format(
      "  CPU        {:.2f} cores used, {:.2f} waited for; its threads waited {:.0f} times a second, {:.0f} times "
      "another took the core\n",
      (last.cpu_s - first.cpu_s) / length_s, (last.cpu_wait_s - first.cpu_wait_s) / length_s,
      per_second(looks, &model::process_second::voluntary_switches),
      per_second(looks, &model::process_second::involuntary_switches));
  to += fmt::format("  memory     {:.1f} MB resident, {:.1f} MB at the first look; anonymous {:.1f} MB, {:.1f} MB",
                    mb(last.rss_bytes), mb(first.rss_bytes), mb(last.anonymous_bytes), mb(first.anonymous_bytes));
  if (last.pss_bytes > 0) to += fmt::format("; PSS {:.1f} MB", mb(last.pss_bytes));
  to += '\n';
  const auto counted = std::ranges::find_if(looks, [](const auto& each) { return each.allocations > 0; });
  if (counted != looks.end() && last.at_s > counted->at_s) {
    const double counted_s = last.at_s - counted->at_s;
    to += fmt::format("  allocated  {:.0f} times a second, {:.1f} MB; {:.1f} MB held, {:.1f} MB at the first look\n",
                      static_cast<double>(last.allocations - counted->allocations) / counted_s,
                      mb(last.allocated_bytes - counted->allocated_bytes) / counted_s, mb(last.live_bytes),
                      mb(counted->live_bytes));
  }
  to += fmt::format("  open       {} descriptors ({} sockets), {} ({}) at the first look; {} processes, {} threads\n",
                    last.descriptors, last.sockets, first.descriptors, first.sockets, last.processes, last.threads);
  to += fmt::format("             beside the sockets {} files, {} pipes, {} eventfds, {} others\n", last.files,
                    last.pipes, last.eventfds, last.other_descriptors);
  append_io(to, looks);
}

// What its control group holds, and for how long some task of it waited meanwhile.
void append_group(std::string& to, const model::watch_result& result) {
  if (result.processes.size() < 2 || result.processes.back().group_memory_bytes == 0) return;
  const auto& first = result.processes.front();
  const auto& last = result.processes.back();
  to += fmt::format("  group      {:.1f} MB", mb(last.group_memory_bytes));
  if (const auto& limit = result.limits.memory; limit.limit > 0) to += fmt::format(" of {:.1f}", mb(limit.limit));
  if (last.group_cpu_stalled_s > 0) {
    to += fmt::format("; some of it waited {:.1f} s for a core, {:.1f} s for memory, {:.1f} s for I/O",
                      last.group_cpu_stalled_s - first.group_cpu_stalled_s,
                      last.group_memory_stalled_s - first.group_memory_stalled_s,
                      last.group_io_stalled_s - first.group_io_stalled_s);
  }
  to += '\n';
}

// Of a runtime that tells no more than its tasks: those that there are most of.
void append_tasks(std::string& to, const model::runtime_look& first, const model::runtime_look& last) {
  using count_of = std::pair<std::uint64_t, std::string>;
  std::vector<count_of> most;
  for (const auto& [kind, count] : last.active) most.emplace_back(count, kind);
  std::ranges::sort(most, [](const count_of& a, const count_of& b) { return a.first > b.first; });
  if (most.size() > shown_kinds) most.resize(shown_kinds);
  for (const auto& [count, kind] : most) {
    const auto before = first.active.find(kind);
    to += fmt::format("  tasks      {:>5} {}; {} at first\n", count, kind,
                      before == first.active.end() ? 0 : before->second);
  }
}

void append_runtime(std::string& to, const std::vector<model::runtime_look>& looks) {
  if (looks.size() < 2) return;
  const auto& first = looks.front();
  const auto& last = looks.back();
  if (last.heap_limit_bytes == 0) return append_tasks(to, first, last);
  const double active_s = last.loop_active_s - first.loop_active_s;
  const double length_s = active_s + last.loop_idle_s - first.loop_idle_s;
  to +=
      fmt::format("  runtime    heap {:.1f} MB of {:.1f}, buffers outside of it {:.1f} MB; {:.1f}, {:.1f} MB at first",
                  mb(last.heap_used_bytes), mb(last.heap_limit_bytes), mb(last.external_bytes),
                  mb(first.heap_used_bytes), mb(first.external_bytes));
  if (length_s > 0) to += fmt::format("; loop {:.0f} % busy by its own count", 100 * active_s / length_s);
  to += '\n';
}

// They happened, whatever the verdict: no list of what was not seen may hide them.
void append_failures(std::string& to, const std::vector<model::unhandled_error>& failures) {
  if (!failures.empty()) to += "  errors that nobody handled\n";
  for (const auto& each : failures | std::views::take(shown_failures)) {
    to += fmt::format("    {:>5} times  {}\n", each.count, each.text);
  }
  if (failures.size() > shown_failures) to += fmt::format("    and {} more\n", failures.size() - shown_failures);
}

void append_notes(std::string& to, const std::vector<std::string>& notes) {
  for (const auto& each : notes | std::views::take(shown_notes)) to += fmt::format("  note: {}\n", each);
  if (notes.size() > shown_notes) to += fmt::format("  and {} more notes, in --json\n", notes.size() - shown_notes);
}

std::string probe_text(const model::probe_share& probe) {
  return fmt::format(
      "  the probe added at least {:.2f} % [{:.2f}, {:.2f}] to the service's CPU time, {} waits and {} calls; looking "
      "where it computes {:.2f} %\n",
      100 * probe.of_cpu.value, 100 * probe.of_cpu.low, 100 * probe.of_cpu.high, probe.waits, probe.calls,
      100 * probe.stacks_of_cpu);
}

json probe_json(const std::optional<model::probe_share>& probe) {
  if (!probe) return nullptr;
  return {{"cpu_share", probe->of_cpu.value},
          {"cpu_share_low", probe->of_cpu.low},
          {"cpu_share_high", probe->of_cpu.high},
          {"pairs", probe->of_cpu.n},
          {"waits", probe->waits},
          {"calls", probe->calls},
          {"stacks_cpu_share", probe->stacks_of_cpu}};
}

json lag_json(const model::loop_lag& lag) {
  json stalls = json::array();
  for (const auto& [bound, count] : lag.stalls) {
    const auto seconds = lag.stalled_s.find(bound);
    stalls.push_back(
        {{"least_ms", bound}, {"count", count}, {"total_s", seconds == lag.stalled_s.end() ? 0.0 : seconds->second}});
  }
  return {{"quality", std::string(label(lag.quality))},
          {"utilisation", lag.utilisation},
          {"mean_ms", lag.mean_ms},
          {"p50_ms", lag.p50_ms},
          {"p99_ms", lag.p99_ms},
          {"max_ms", lag.max_ms},
          {"stalls", stalls}};
}

json findings_json(const std::vector<model::named_cause>& findings) {
  json list = json::array();
  for (const model::named_cause& each : findings) {
    json numbers = json::object();
    for (const auto& [name, value] : each.numbers) numbers[name] = value;
    list.push_back({{"kind", std::string(label(each.kind))},
                    {"call", each.call},
                    {"peer", each.peer},
                    {"place", each.place},
                    {"text", each.text},
                    {"numbers", numbers},
                    {"next", each.next}});
  }
  return list;
}

json blocking_json(const std::vector<model::blocking_site>& sites) {
  json list = json::array();
  for (const model::blocking_site& each : sites) {
    list.push_back({{"call", each.call},
                    {"peer", each.peer},
                    {"place", each.place},
                    {"stack", each.stack},
                    {"count", each.count},
                    {"total_ms", each.total_ms},
                    {"longest_ms", each.longest_ms},
                    {"at_s", each.at_s}});
  }
  return list;
}

json look_json(const model::process_second& look) {
  return {{"at_s", look.at_s},
          {"cpu_s", look.cpu_s},
          {"cpu_wait_s", look.cpu_wait_s},
          {"rss_bytes", look.rss_bytes},
          {"anonymous_bytes", look.anonymous_bytes},
          {"processes", look.processes},
          {"threads", look.threads},
          {"descriptors", look.descriptors},
          {"sockets", look.sockets},
          {"allocations", look.allocations},
          {"allocated_bytes", look.allocated_bytes},
          {"live_bytes", look.live_bytes},
          {"voluntary_switches", look.voluntary_switches},
          {"involuntary_switches", look.involuntary_switches},
          {"files", look.files},
          {"pipes", look.pipes},
          {"eventfds", look.eventfds},
          {"other_descriptors", look.other_descriptors},
          {"read_bytes", look.read_bytes},
          {"written_bytes", look.written_bytes},
          {"read_calls", look.read_calls},
          {"write_calls", look.write_calls},
          {"storage_read_bytes", look.storage_read_bytes},
          {"storage_written_bytes", look.storage_written_bytes},
          {"pss_bytes", look.pss_bytes},
          {"group_memory_bytes", look.group_memory_bytes},
          {"group_cpu_stalled_s", look.group_cpu_stalled_s},
          {"group_memory_stalled_s", look.group_memory_stalled_s},
          {"group_io_stalled_s", look.group_io_stalled_s}};
}

json limits_json(const model::resource_limits& limits) {
  json made = json::object();
  for (const auto& [name, one] : {std::pair{"memory", &limits.memory}, std::pair{"descriptors", &limits.descriptors},
                                  std::pair{"threads", &limits.threads}}) {
    made[name] = one->limit == 0 ? json(nullptr) : json{{"of", one->of}, {"limit", one->limit}, {"used", one->used}};
  }
  return made;
}

json connections_json(const model::connection_look& look) {
  json made = {{"at_s", look.at_s},
               {"in_flight", look.in_flight},
               {"states", look.states},
               {"unread_bytes", look.unread_bytes},
               {"unacked_bytes", look.unacked_bytes},
               {"accept_queue", look.accept_queue},
               {"accept_limit", look.accept_limit},
               {"outgoing", json::array()}};
  for (const auto& each : look.outgoing) {
    made["outgoing"].push_back(
        {{"peer", each.peer}, {"open", each.open}, {"waiting", each.waiting}, {"close_wait", each.close_wait}});
  }
  return made;
}

// Of the last look, whose states say most, and the fullest that the queue of clients was.
void append_connections(std::string& to, const std::vector<model::connection_look>& looks) {
  if (looks.empty()) return;
  std::string states;
  for (const auto& [state, count] : looks.back().states) {
    if (state != "LISTEN") states += fmt::format("{}{} {}", states.empty() ? "" : ", ", count, state);
  }
  const auto fullest = std::ranges::max_element(looks, {}, &model::connection_look::accept_queue);
  if (states.empty() && fullest->accept_limit == 0) return;
  to += fmt::format("  sockets    {} at the last look", states.empty() ? "none connected" : states);
  if (fullest->accept_limit > 0) {
    to += fmt::format("; {} of {} waited to be accepted at most", fullest->accept_queue, fullest->accept_limit);
  }
  to += '\n';
}

json runtime_json(const model::runtime_look& look) {
  return {{"at_s", look.at_s},
          {"heap_used_bytes", look.heap_used_bytes},
          {"heap_limit_bytes", look.heap_limit_bytes},
          {"external_bytes", look.external_bytes},
          {"live_bytes", look.live_bytes},
          {"loop_active_s", look.loop_active_s},
          {"loop_idle_s", look.loop_idle_s},
          {"active", look.active}};
}

}  // namespace

std::string watch_line(const model::watch_interval& seen) {
  const auto& now = seen.now;
  std::string loop = "  no loop yet                             ";
  if (seen.lag.quality != model::lag_quality::none) {
    loop = fmt::format("  loop {:>3.0f} %  lag p50 {:>5.1f} p99 {:>6.1f} ms", 100 * seen.lag.utilisation,
                       seen.lag.p50_ms, seen.lag.p99_ms);
  }
  return fmt::format("{:>7.1f}s{}  cpu {:.2f}  rss {:.1f} MB  fds {} ({} sockets)  blocking calls {}\n", now.at_s, loop,
                     seen.cpu_cores, mb(now.rss_bytes), now.descriptors, now.sockets, seen.blocking_calls);
}

std::string watch_text(const model::watch_result& result) {
  std::string text = fmt::format("{}: {}\n", label(result.verdict.verdict), result.verdict.text);
  for (const model::named_cause& each : result.verdict.findings) {
    if (result.verdict.findings.size() > 1) text += fmt::format("  {}: {}\n", label(each.kind), each.text);
    text += fmt::format("  next: {}\n", each.next);
  }
  text += fmt::format("{}: {:.1f}s{}{}, {}\n", subject_text(result), result.length_s,
                      result.runtime.empty() ? "" : ", ", result.runtime, result.ended);
  append_lag(text, result.lag);
  append_processes(text, result.processes);
  append_group(text, result);
  append_connections(text, result.connections);
  append_runtime(text, result.runtime_looks);
  for (const auto& each : result.databases) text += database_text(each);
  if (!result.blocking.empty()) text += "  what held a loop up\n";
  for (const auto& each : result.blocking | std::views::take(shown_sites)) {
    text += fmt::format("    {:>5} times {:>8.2f} s, longest {:>5.0f} ms  {}\n", each.count, each.total_ms / 1e3,
                        each.longest_ms, site_text(each));
  }
  if (result.blocking.size() > shown_sites)
    text += fmt::format("    and {} more\n", result.blocking.size() - shown_sites);
  for (const std::string& each : result.verdict.remarks) text += fmt::format("  remark: {}\n", each);
  append_failures(text, result.failures);
  append_notes(text, result.notes);
  for (const auto& database : result.databases) {
    for (const auto& each : database.notes) text += fmt::format("  note: {}\n", each);
  }
  text += fmt::format("  the observer itself used {:.1f} % of a core\n", 100 * result.own_cpu_share);
  if (result.probe) text += probe_text(*result.probe);
  return text;
}

std::string watch_json(const model::watch_result& result) {
  json document;
  document["format"] = "assay.watch/1";
  document["tool_version"] = ASSAY_VERSION;
  document["verdict"] = std::string(label(result.verdict.verdict));
  document["text"] = result.verdict.text;
  document["findings"] = findings_json(result.verdict.findings);
  document["remarks"] = result.verdict.remarks;
  document["command"] = result.command;
  document["pid"] = result.pid;
  document["runtime"] = result.runtime.empty() ? json(nullptr) : json(result.runtime);
  document["duration_s"] = result.length_s;
  document["ended"] = result.ended;
  document["lag"] = lag_json(result.lag);
  document["blocking"] = blocking_json(result.blocking);
  document["stalls"] = json::array();
  for (const auto& each : result.events) {
    document["stalls"].push_back({{"at_s", each.at_s}, {"length_s", each.length_s}, {"text", each.text}});
  }
  document["processes"] = json::array();
  for (const auto& each : result.processes) document["processes"].push_back(look_json(each));
  document["limits"] = limits_json(result.limits);
  document["connections"] = json::array();
  for (const auto& each : result.connections) document["connections"].push_back(connections_json(each));
  document["databases"] = json::array();
  for (const auto& each : result.databases) document["databases"].push_back(database_json(each));
  document["runtime_looks"] = json::array();
  for (const auto& each : result.runtime_looks) document["runtime_looks"].push_back(runtime_json(each));
  document["failures"] = json::array();
  for (const auto& each : result.failures) {
    document["failures"].push_back({{"text", each.text}, {"count", each.count}});
  }
  document["notes"] = result.notes;
  document["observer_cpu_share"] = result.own_cpu_share;
  document["probe"] = probe_json(result.probe);
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace assay::report
