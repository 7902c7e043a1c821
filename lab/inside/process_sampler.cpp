#include "lab/inside/process_sampler.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "lab/inside/proc.hpp"

namespace assay::inside {
namespace {

// "run_ns wait_ns slices"
std::uint64_t wait_ns_of(std::string_view schedstat) {
  const auto space = schedstat.find(' ');
  std::uint64_t wait_ns = 0;
  if (space == std::string_view::npos) return 0;
  const auto rest = schedstat.substr(space + 1);
  return std::from_chars(rest.data(), rest.data() + rest.size(), wait_ns).ec == std::errc{} ? wait_ns : 0;
}

}  // namespace

void process_sampler::count_descriptors(std::uint32_t pid, model::process_second& into) {
  constexpr std::string_view socket_name = "socket:[";
  const std::string directory = fmt::format("/proc/{}/fd", pid);
  const auto descriptors = list_numbers(directory, most_descriptors);
  if (!descriptors) {
    if (is_refusal(descriptors.error())) refused_[pid] = descriptors.error();
    return;
  }
  for (const auto descriptor : *descriptors) {
    char target[40];
    const auto length = ::readlink(fmt::format("{}/{}", directory, descriptor).c_str(), target, sizeof target);
    ++into.descriptors;
    const std::string_view name(target, static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
    if (!name.starts_with(socket_name)) continue;
    ++into.sockets;
    std::uint64_t inode = 0;
    const auto parsed = std::from_chars(target + socket_name.size(), target + name.size(), inode);
    if (parsed.ec == std::errc{}) socket_inodes_.insert(inode);
  }
}

void process_sampler::look_at(std::uint32_t pid, model::process_second& into) {
  const auto stat = read_stat(pid);
  const auto status = read_text(fmt::format("/proc/{}/status", pid));
  if (!stat || !status) return;
  usage now{.start_ticks = stat->start_ticks};
  now.cpu_s = static_cast<double>(stat->cpu_ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  for (const auto tid : numbers_in(fmt::format("/proc/{}/task", pid), most_threads)) {
    const std::string task = fmt::format("/proc/{}/task/{}/", pid, tid);
    const auto schedstat = read_text(task + "schedstat");
    const auto thread_status = read_text(task + "status");
    if (schedstat) now.cpu_wait_s += static_cast<double>(wait_ns_of(*schedstat)) / 1e9;
    if (!thread_status) continue;
    now.voluntary += status_value(*thread_status, "voluntary_ctxt_switches");
    now.involuntary += status_value(*thread_status, "nonvoluntary_ctxt_switches");
  }
  auto& kept = alive_[pid];
  if (kept.start_ticks == now.start_ticks) {  // threads that ended took their counts along
    now.cpu_wait_s = std::max(now.cpu_wait_s, kept.cpu_wait_s);
    now.voluntary = std::max(now.voluntary, kept.voluntary);
    now.involuntary = std::max(now.involuntary, kept.involuntary);
  }
  kept = now;
  into.rss_bytes += status_value(*status, "VmRSS") * 1024;
  into.anonymous_bytes += status_value(*status, "RssAnon") * 1024;
  into.processes += 1;
  into.threads += stat->threads;
  count_descriptors(pid, into);
}

model::process_second process_sampler::sample(const std::set<std::uint32_t>& pids, double at_s) {
  for (auto one = alive_.begin(); one != alive_.end();) {
    const auto stat = pids.contains(one->first) ? read_stat(one->first) : std::nullopt;
    if (stat && stat->start_ticks == one->second.start_ticks) {
      ++one;
      continue;
    }
    ended_.cpu_s += one->second.cpu_s;
    ended_.cpu_wait_s += one->second.cpu_wait_s;
    ended_.voluntary += one->second.voluntary;
    ended_.involuntary += one->second.involuntary;
    one = alive_.erase(one);
  }
  model::process_second second{.at_s = at_s};
  socket_inodes_.clear();
  refused_.clear();
  for (const auto pid : pids) look_at(pid, second);
  second.cpu_s = ended_.cpu_s;
  second.cpu_wait_s = ended_.cpu_wait_s;
  second.voluntary_switches = ended_.voluntary;
  second.involuntary_switches = ended_.involuntary;
  for (const auto& [pid, used] : alive_) {
    second.cpu_s += used.cpu_s;
    second.cpu_wait_s += used.cpu_wait_s;
    second.voluntary_switches += used.voluntary;
    second.involuntary_switches += used.involuntary;
  }
  return second;
}

}  // namespace assay::inside
