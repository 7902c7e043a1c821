#include "lab/inside/process_sampler.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "lab/inside/control_group.hpp"
#include "lab/inside/proc.hpp"
#include "lab/inside/words.hpp"

namespace assay::inside {
namespace {

constexpr std::uint64_t kib = 1024;

// Its first line is "Name:\tpython3".
bool is_shims(std::string_view status) {
  auto name = cut(status, '\n');
  cut(name, '\t');
  return name == shim_thread_name;
}

// `schedstat` is "run_ns wait_ns slices"; empty: the kernel keeps none.
thread_use use_of(std::string_view status, std::string_view schedstat) {
  const std::uint64_t run_ns = whole_number(cut(schedstat, ' ')).value_or(0);
  return {.wait_ns = whole_number(cut(schedstat, ' ')).value_or(0),
          .voluntary = status_value(status, "voluntary_ctxt_switches"),
          .involuntary = status_value(status, "nonvoluntary_ctxt_switches"),
          .shim_ns = is_shims(status) ? run_ns : 0};
}

std::map<std::uint32_t, thread_use> threads_of(std::uint32_t pid) {
  std::map<std::uint32_t, thread_use> living;
  for (const auto tid : numbers_in(fmt::format("/proc/{}/task", pid), process_sampler::most_threads)) {
    const std::string task = fmt::format("/proc/{}/task/{}/", pid, tid);
    const auto schedstat = read_text(task + "schedstat");
    const auto status = read_text(task + "status");
    if (!status) continue;  // it has ended meanwhile
    living[tid] = use_of(*status, schedstat ? std::string_view(*schedstat) : std::string_view{});
  }
  return living;
}

}  // namespace

std::optional<std::uint64_t> soft_limit(std::string_view limits, std::string_view name) {
  while (!limits.empty()) {
    auto line = cut(limits, '\n');
    if (!line.starts_with(name) || !line.substr(name.size()).starts_with(' ')) continue;
    line.remove_prefix(std::min(line.find_first_not_of(' ', name.size()), line.size()));
    return whole_number(cut(line, ' '));
  }
  return std::nullopt;
}

double process_sampler::shim_cpu_s() const {
  thread_use all = ended_;
  for (const auto& [pid, use] : alive_) all += use.threads.sum();
  return static_cast<double>(all.shim_ns) * 1e-9;
}

unsigned process_sampler::count_descriptors(std::uint32_t pid, model::process_second& into) {
  constexpr std::string_view socket_name = "socket:[";
  const std::string directory = fmt::format("/proc/{}/fd", pid);
  const auto open = list_numbers(directory, most_descriptors);
  if (!open) {
    if (is_refusal(open.error())) refused_[pid] = open.error();
    return 0;
  }
  for (const auto descriptor : *open) {
    char target[40];
    const auto length = ::readlink(fmt::format("{}/{}", directory, descriptor).c_str(), target, sizeof target);
    const std::string_view name(target, static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
    if (name.starts_with(socket_name)) {
      ++into.sockets;
      auto inode = name.substr(socket_name.size());
      if (const auto number = whole_number(cut(inode, ']'))) socket_inodes_.insert(*number);
    } else if (name.starts_with('/')) {
      ++into.files;
    } else if (name.starts_with("pipe:[")) {
      ++into.pipes;
    } else if (name == "anon_inode:[eventfd]") {
      ++into.eventfds;
    } else {
      ++into.other_descriptors;
    }
  }
  const auto counted = static_cast<unsigned>(open->size());
  into.descriptors += counted;
  return counted;
}

void process_sampler::add_io(std::uint32_t pid, model::process_second& into) {
  const auto text = read_text(fmt::format("/proc/{}/io", pid));
  if (!text) return;
  into.read_bytes += status_value(*text, "rchar");
  into.written_bytes += status_value(*text, "wchar");
  into.read_calls += status_value(*text, "syscr");
  into.write_calls += status_value(*text, "syscw");
  into.storage_read_bytes += status_value(*text, "read_bytes");
  into.storage_written_bytes += status_value(*text, "write_bytes");
}

void process_sampler::look_thoroughly(std::uint32_t pid, std::string_view status, unsigned descriptors) {
  const std::string path = fmt::format("/proc/{}/smaps_rollup", pid);
  if (const auto rollup = read_text(path)) {
    held_.pss_bytes += status_value(*rollup, "Pss") * kib;
  } else if (const auto stat = read_stat(pid);
             unreadable_.empty() && stat && stat->state != 'Z' && stat->state != 'X') {
    unreadable_ = ::access(path.c_str(), F_OK) == 0
                      ? fmt::format("process {}: its PSS and I/O are not shown to this user, and not in the sums", pid)
                      : "the kernel does not tell the PSS of processes (smaps_rollup)";
  }
  const auto text = read_text(fmt::format("/proc/{}/limits", pid));
  if (!text) return;
  if (const auto limit = soft_limit(*text, "Max open files")) {
    const model::resource_limit one{.of = "the limit of open files", .limit = *limit, .used = descriptors};
    auto& nearest = limits_.descriptors;
    if (nearest.limit == 0 || one.room() < nearest.room()) nearest = one;
  }
  // Root may start as many as it likes.
  const auto limit = status_value(status, "Uid") == 0 ? std::nullopt : soft_limit(*text, "Max processes");
  if (limit) user_limit_ = std::min(*limit, user_limit_.value_or(*limit));
}

void process_sampler::look_at_group_of(std::uint32_t pid, unsigned threads) {
  const auto text = read_text(fmt::format("/proc/{}/cgroup", pid));
  const group_look seen = text ? look_at_group(*text) : group_look{};
  constexpr double us_per_s = 1e6;
  held_.group_memory_bytes = seen.memory_bytes;
  held_.group_cpu_stalled_s = static_cast<double>(seen.cpu_pressure_us) / us_per_s;
  held_.group_memory_stalled_s = static_cast<double>(seen.memory_pressure_us) / us_per_s;
  held_.group_io_stalled_s = static_cast<double>(seen.io_pressure_us) / us_per_s;
  limits_.memory = seen.memory;
  limits_.threads = seen.threads;
  if (!user_limit_) return;
  // What else the user runs is not counted: there is that much room at most.
  const model::resource_limit of_user{.of = "its user's limit of processes", .limit = *user_limit_, .used = threads};
  if (limits_.threads.limit == 0 || of_user.room() < limits_.threads.room()) limits_.threads = of_user;
}

void process_sampler::look_at(std::uint32_t pid, bool thorough, model::process_second& into) {
  const auto stat = read_stat(pid);
  const auto status = read_text(fmt::format("/proc/{}/status", pid));
  if (!stat || !status) return;
  auto& kept = alive_[pid];
  if (kept.start_ticks != stat->start_ticks) kept = {.start_ticks = stat->start_ticks};
  kept.cpu_s = static_cast<double>(stat->cpu_ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  if (auto threads = threads_of(pid); !threads.empty()) kept.threads.look(std::move(threads));
  into.rss_bytes += status_value(*status, "VmRSS") * kib;
  into.anonymous_bytes += status_value(*status, "RssAnon") * kib;
  into.processes += 1;
  into.threads += stat->threads;
  const unsigned descriptors = count_descriptors(pid, into);
  add_io(pid, into);
  if (thorough) look_thoroughly(pid, *status, descriptors);
}

void process_sampler::let_go_of_ended(const std::set<std::uint32_t>& pids) {
  for (auto one = alive_.begin(); one != alive_.end();) {
    const auto stat = pids.contains(one->first) ? read_stat(one->first) : std::nullopt;
    if (stat && stat->start_ticks == one->second.start_ticks) {
      ++one;
      continue;
    }
    ended_cpu_s_ += one->second.cpu_s;
    ended_ += one->second.threads.sum();
    one = alive_.erase(one);
  }
}

// A child that has ended is in the account of the parent that waited for it. One that nobody waited for would take its
// own away.
void process_sampler::keep_io(model::process_second& of) {
  for (const auto field : {&model::process_second::read_bytes, &model::process_second::written_bytes,
                           &model::process_second::read_calls, &model::process_second::write_calls,
                           &model::process_second::storage_read_bytes, &model::process_second::storage_written_bytes}) {
    io_.*field = std::max(io_.*field, of.*field);
    of.*field = io_.*field;
  }
}

model::process_second process_sampler::sample(const std::set<std::uint32_t>& pids, double at_s) {
  let_go_of_ended(pids);
  model::process_second second{.at_s = at_s};
  socket_inodes_.clear();
  refused_.clear();
  const bool thorough = at_s >= next_thorough_s_ && !pids.empty();
  if (thorough) {
    next_thorough_s_ = at_s + thorough_every_s;
    held_ = {};
    limits_ = {};
    user_limit_.reset();
  }
  for (const auto pid : pids) look_at(pid, thorough, second);
  if (thorough) look_at_group_of(*pids.begin(), second.threads);
  thread_use used = ended_;
  second.cpu_s = ended_cpu_s_;
  for (const auto& [pid, each] : alive_) {
    second.cpu_s += each.cpu_s;
    used += each.threads.sum();
  }
  second.cpu_wait_s = static_cast<double>(used.wait_ns) / 1e9;
  second.voluntary_switches = used.voluntary;
  second.involuntary_switches = used.involuntary;
  keep_io(second);
  second.pss_bytes = held_.pss_bytes;
  second.group_memory_bytes = held_.group_memory_bytes;
  second.group_cpu_stalled_s = held_.group_cpu_stalled_s;
  second.group_memory_stalled_s = held_.group_memory_stalled_s;
  second.group_io_stalled_s = held_.group_io_stalled_s;
  return second;
}

}  // namespace assay::inside
