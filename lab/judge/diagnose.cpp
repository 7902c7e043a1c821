#include "lab/judge/diagnose.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

#include "lab/judge/blocking.hpp"
#include "lab/judge/database.hpp"
#include "lab/judge/drain.hpp"
#include "lab/judge/growth_findings.hpp"
#include "lab/judge/pool.hpp"
#include "lab/judge/sockets.hpp"
#include "lab/judge/suitability.hpp"
#include "lab/judge/unexplained.hpp"

namespace assay::judge {
namespace {

using model::cause;
using model::named_cause;

constexpr double stalled_share = 0.01;  // of the time, in stalls that no call explains
constexpr double start_up_s = 0.2;      // so long in all, code that runs for the first time may take to be compiled
constexpr double cpu_share_of_stalls = 0.5;  // less, and it was not computing that held the loop
constexpr double saturated_utilisation = 0.95;
constexpr double saturated_cpu_share = 0.6;  // of one core
constexpr double busy_utilisation = 0.8;
constexpr double wait_share = 0.1;     // of the time, of all threads
constexpr double felt_wait_s = 0.001;  // on average, each time
constexpr double wait_share_of_runnable = 0.2;
constexpr std::size_t most_sites = 5;
constexpr std::string_view collector = "garbage collection";

// The few sums that the rules are about. Seconds.
struct sums {
  double length = 0;
  double cpu = 0;
  double cpu_wait = 0;
  double switches = 0;
  double stalled = 0;
  double blocked = 0;
  double starved = 0;  // of stalled: ready, and without a CPU
  double held_up = 0;  // of stalled: in loops that calls held up
  bool loop_seen = false;
  bool calls_seen = false;
};

double switches_of(const model::process_second& look) {
  return static_cast<double>(look.voluntary_switches) + static_cast<double>(look.involuntary_switches);
}

sums sums_of(const symptoms& of) {
  sums made{.length = of.length_s};
  if (!of.processes.empty()) {
    made.cpu = of.processes.back().cpu_s - of.processes.front().cpu_s;
    made.cpu_wait = of.processes.back().cpu_wait_s - of.processes.front().cpu_wait_s;
    made.switches = switches_of(of.processes.back()) - switches_of(of.processes.front());
  }
  made.loop_seen = of.lag.quality != model::lag_quality::none;
  made.calls_seen = of.lag.quality == model::lag_quality::traced;
  if (const auto found = of.lag.stalled_s.find(stall_class_ms); found != of.lag.stalled_s.end()) {
    made.stalled = made.held_up = found->second;
  }
  if (!of.stalls.empty()) made.stalled = made.held_up = 0;
  for (const auto& each : of.stalls) {
    made.stalled += each.all_s();
    if (each.called_s > 0) made.held_up += each.all_s();
  }
  for (const auto& each : of.blocking) {
    if (is_call(each)) made.blocked += each.total_ms / 1e3;
    if (each.call == lack_of_cpu_call) made.starved += each.total_ms / 1e3;
  }
  return made;
}

std::string advice_on(const model::blocking_site& site) {
  if (site.call == "sleep") return "Await the runtime's own sleep instead: asyncio.sleep, a timer.";
  if (site.call == "lock")
    return "Hold no lock across slow work, or take it in a thread; on the loop use its own lock.";
  if (site.call == "getaddrinfo") return "Resolve names through the loop or in a thread, and keep the answers.";
  if (site.call == "fsync" || site.call == "fdatasync" || site.call == "flock" || site.peer.starts_with('/')) {
    return "Move the file work to a thread (run_in_executor, fs.promises), or out of the request.";
  }
  if (site.call == "waitpid")
    return "Wait for processes through the loop: asyncio.create_subprocess_exec, child events.";
  return "Use an asynchronous client for this peer, or move the call to a thread.";
}

named_cause finding_of(const model::blocking_site& site, const sums& of) {
  const bool pause = site.call == collector;
  named_cause made{.kind = pause ? cause::garbage_collection : cause::blocking_call,
                   .call = site.call,
                   .peer = site.peer,
                   .place = site.place};
  const bool of_several = site.total_ms / 1e3 > of.length;  // workers that have a loop each
  made.text = fmt::format("{}{}{}{} held {} for {:.2f} s of {:.1f} s{}: {} times, {:.0f} ms at the longest", site.call,
                          site.peer.empty() ? "" : ", ", site.peer, at_place(site.place),
                          of_several ? "several loops" : "the loop", site.total_ms / 1e3, of.length,
                          of_several ? " each" : "", site.count, site.longest_ms);
  made.numbers = {{"blocked_s", site.total_ms / 1e3},
                  {"blocked_share", site.total_ms / 1e3 / of.length},
                  {"count", static_cast<double>(site.count)},
                  {"longest_ms", site.longest_ms}};
  made.next = pause ? "Keep fewer objects alive or make fewer: reuse what comes and goes, freeze what stays (CPython's "
                      "gc.freeze), give the young more room (V8's --max-semi-space-size)."
                    : advice_on(site);
  return made;
}

// Without what computed. The collector strikes anywhere: its places together are one site, at the place that it struck
// for longest.
std::vector<model::blocking_site> with_one_collector(std::span<const model::blocking_site> from) {
  std::vector<model::blocking_site> sites;
  model::blocking_site pauses{.call = std::string(collector), .peer = {}};
  double longest_total_ms = 0;
  for (const auto& each : from) {
    if (!is_call(each)) continue;
    if (each.call != collector) {
      sites.push_back(each);
      continue;
    }
    if (each.total_ms > longest_total_ms) pauses.place = each.place;
    longest_total_ms = std::max(longest_total_ms, each.total_ms);
    pauses.count += each.count;
    pauses.total_ms += each.total_ms;
    pauses.longest_ms = std::max(pauses.longest_ms, each.longest_ms);
  }
  if (pauses.count > 0) sites.push_back(std::move(pauses));
  return sites;
}

void add_blocking(std::vector<named_cause>& to, const symptoms& of, const sums& in) {
  if (in.blocked < freeze_share_of_load * in.length) return;
  if (in.loop_seen && in.blocked < freeze_share_of_stalls * in.held_up) return;
  std::vector<model::blocking_site> sites = with_one_collector(of.blocking);
  std::ranges::sort(sites, std::ranges::greater{}, &model::blocking_site::total_ms);
  for (const auto& each : sites) {
    // Many small ones are a cause as well: the first is always named.
    if (!to.empty() && (to.size() >= most_sites || each.total_ms / 1e3 < site_share * in.blocked)) break;
    to.push_back(finding_of(each, in));
  }
}

void add_unexplained(std::vector<named_cause>& to, const symptoms& of, const sums& in) {
  const double least_s = std::max(stalled_share * in.length, start_up_s);
  const unexplained rest = of.stalls.empty() ? unexplained_at_large(in.stalled, in.blocked + in.starved, of.lag.max_ms)
                                             : unexplained_by_loop(of.stalls, least_s);
  const bool stalls = rest.all >= least_s && rest.stands_out;
  const bool saturated = of.lag.utilisation >= saturated_utilisation && in.cpu >= saturated_cpu_share * in.length &&
                         in.blocked < in.length / 2;
  if (!in.loop_seen || (!stalls && !saturated)) return;
  // What no stall's own cause tells goes by what is left of the CPU time of all processes.
  const double guessed = in.cpu - rest.computed >= cpu_share_of_stalls * rest.unknown ? rest.unknown : 0;
  const bool computing = rest.computed + guessed >= cpu_share_of_stalls * rest.all;
  const auto* const who = rest.loops > 1 ? "several loops together" : "the loop";
  named_cause made{.kind = computing ? cause::cpu_bound : cause::blocking_call};
  made.numbers = {{"stalled_s", in.stalled},         {"unexplained_s", rest.all},
                  {"cpu_cores", in.cpu / in.length}, {"utilisation", of.lag.utilisation},
                  {"longest_ms", rest.longest_ms},   {"lag_p99_ms", of.lag.p99_ms}};
  if (!computing) {
    made.text = fmt::format("{} {} away for {:.2f} s of {:.1f} s ({:.0f} ms at the longest) and used no CPU: {}", who,
                            rest.loops > 1 ? "were" : "was", rest.all, in.length, rest.longest_ms,
                            in.calls_seen ? "a lock, a page fault or a call that is not seen"
                                          : "a blocking call or a lock, which only the preload library names");
    made.next = in.calls_seen ? "Look at the stack of a stall: py-spy dump, gdb or perf trace while it hangs."
                              : "Start it under `assay watch -- COMMAND` to have the call and its place named.";
  } else if (stalls) {
    made.text = fmt::format(
        "{} computed for {:.2f} s of {:.1f} s in stretches of 50 ms or more ({:.0f} ms at "
        "the longest), and no blocking call explains them",
        who, rest.all, in.length, rest.longest_ms);
    name_place(made, of.blocking, rest.all);
    made.next = "Profile it (py-spy, node --cpu-prof, perf), then move the work to a process pool, or cut it up.";
  } else {
    made.text = fmt::format("the loop was busy for {:.0f} % of the time, in short stretches: it has no time left",
                            of.lag.utilisation * 100);
    made.next = "Give it more processes or less load: this is its capacity, not a stall.";
  }
  to.push_back(std::move(made));
}

void add_waiting(std::vector<named_cause>& to, const sums& in) {
  if (in.cpu_wait < wait_share * in.length || in.cpu_wait < wait_share_of_runnable * (in.cpu + in.cpu_wait)) return;
  // Short waits, many times: that is being woken often, and nobody feels it.
  if (in.cpu_wait < felt_wait_s * in.switches) return;
  named_cause made{.kind = cause::waiting_for_cpu};
  made.text =
      fmt::format("its threads were runnable and waited for a core for {:.2f} s of {:.1f} s; they ran for {:.2f} s",
                  in.cpu_wait, in.length, in.cpu);
  made.numbers = {{"cpu_wait_s", in.cpu_wait}, {"cpu_s", in.cpu}, {"wait_share", in.cpu_wait / in.length}};
  made.next = "Look at the host, not the code: other processes on its cores, a CPU limit, too many threads.";
  to.push_back(std::move(made));
}

std::string why_too_little(const symptoms& of, const sums& in) {
  if (in.length < diagnosis_least_s) {
    return fmt::format("it was watched for {:.1f} s, {:.0f} s are needed", in.length, diagnosis_least_s);
  }
  if (of.processes.size() < 2) return "its processes were not seen";
  if (in.cpu < idle_share * in.length && of.lag.utilisation < idle_share && in.stalled <= 0) {
    return "it was idle: give it load while it is watched";
  }
  return {};
}

void conclude(model::diagnosis& made, const std::string& too_little) {
  if (made.findings.empty()) {
    made.verdict = too_little.empty() ? cause::healthy : cause::not_enough_data;
    made.text = too_little.empty() ? "nothing that is looked for was found" : too_little;
    return;
  }
  const cause first = made.findings.front().kind;
  const bool alike = std::ranges::all_of(made.findings, [&](const named_cause& each) { return each.kind == first; });
  made.verdict = alike ? first : cause::mixed;
  made.text = made.findings.front().text;
}

// A loop that is held up serves no connection: that is no matter of their number, nor of who holds them.
bool has_time(const symptoms& of, const sums& in) {
  return in.blocked < freeze_share_of_load * in.length && of.lag.utilisation < busy_utilisation;
}

std::span<const model::connection_look> looks_during(std::span<const model::connection_look> looks,
                                                     std::span<const model::process_second> stretch) {
  if (stretch.empty()) return {};
  const auto first = std::ranges::lower_bound(looks, stretch.front().at_s, {}, &model::connection_look::at_s);
  const auto last = std::ranges::upper_bound(looks, stretch.back().at_s, {}, &model::connection_look::at_s);
  return first < last ? std::span(first, last) : std::span<const model::connection_look>{};
}

// The phase that a trial is judged by. A burst is there to saturate, a fault to make requests wait: neither is a
// defect.
const model::phase_measurement* longest_steady(const model::trial& of) {
  const model::phase_measurement* longest = nullptr;
  for (const auto& each : of.phases) {
    if (each.kind != model::phase_kind::steady) continue;
    if (longest == nullptr || each.length_s > longest->length_s) longest = &each;
  }
  return longest;
}

// All phases: a call that blocks the loop is wrong under any load.
symptoms whole_of(const model::trial& of, std::span<const model::blocking_site> blocking) {
  symptoms seen{.blocking = blocking};
  for (const auto& each : of.phases) seen.length_s += each.length_s;
  for (const auto& each : of.lag) {
    if (each.quality == model::lag_quality::none) continue;
    seen.lag.quality = each.quality;
    for (const auto& [bound, seconds] : each.stalled_s) seen.lag.stalled_s[bound] += seconds;
  }
  // As `freezes`: calls shorter than such a stall count too, and so must the stretches that they are compared with.
  if (!seen.lag.stalled_s.empty()) seen.lag.stalled_s[stall_class_ms] = seen.lag.stalled_s.begin()->second;
  return seen;
}

symptoms phase_of(const model::trial& of, const model::phase_measurement& phase) {
  symptoms seen{.start_s = phase.start_s, .length_s = phase.length_s, .databases = of.databases};
  const auto lag = std::ranges::find(of.lag, phase.name, &model::loop_lag::phase);
  if (lag != of.lag.end()) seen.lag = *lag;
  const auto first = std::ranges::lower_bound(of.processes, phase.start_s, {}, &model::process_second::at_s);
  const auto last =
      std::ranges::upper_bound(of.processes, phase.start_s + phase.length_s, {}, &model::process_second::at_s);
  if (first < last) seen.processes = std::span(first, last);
  return seen;
}

double stalled_at_all(const symptoms& of) { return of.lag.stalled_s.empty() ? 0 : of.lag.stalled_s.begin()->second; }

// Of the phase, out of the whole. The looks begin and end inside of it: their CPU time is brought to its length. When
// each call blocked is not kept, only where the loop stalled: the calls are taken to be spread as its stalls are.
sums sums_in(const symptoms& phase, const symptoms& whole) {
  sums made = sums_of(phase);
  const double looked_s = phase.processes.empty() ? 0 : phase.processes.back().at_s - phase.processes.front().at_s;
  if (looked_s > 0) {
    const double scale = phase.length_s / looked_s;
    made.cpu *= scale;
    made.cpu_wait *= scale;
    made.switches *= scale;
  }
  const double all = stalled_at_all(whole);
  const double share = all > 0 ? stalled_at_all(phase) / all : phase.length_s / std::max(1e-9, whole.length_s);
  made.blocked = share * sums_of(whole).blocked;
  made.starved = share * sums_of(whole).starved;
  return made;
}

// A call that blocked during one phase alone: only under that fault, or only in the burst.
void say_where(std::vector<named_cause>& of, const model::trial& in) {
  for (auto& each : of) {
    if (each.kind != cause::blocking_call) continue;
    std::set<std::string> phases;
    bool all_kept = true;
    for (const auto& site : in.blocking) {
      if (site.call != each.call || site.place != each.place || peer_without_port(site.peer) != each.peer) continue;
      all_kept &= site.at_s.size() == site.count;
      for (const double at_s : site.at_s) {
        const auto phase = std::ranges::find_if(in.phases, [&](const model::phase_measurement& one) {
          return at_s >= one.start_s && at_s < one.start_s + one.length_s;
        });
        if (phase != in.phases.end()) phases.insert(phase->name);
      }
    }
    if (all_kept && phases.size() == 1 && in.phases.size() > 1) {
      each.text += fmt::format(", all of it in {}", *phases.begin());
    }
  }
}

void say_what_was_not_seen(model::diagnosis& made, const symptoms& of) {
  if (of.lag.quality == model::lag_quality::none) {
    made.remarks.emplace_back("no event loop was seen: neither its stalls nor what blocks it are judged");
  } else if (of.lag.quality == model::lag_quality::sampled) {
    made.remarks.emplace_back("its loop was seen by samples: what blocks it would show as stalls, without a name");
  }
}

}  // namespace

model::diagnosis diagnose(const symptoms& of) {
  const sums in = sums_of(of);
  model::diagnosis made;
  const std::string too_little = why_too_little(of, in);
  if (too_little.empty()) {
    add_blocking(made.findings, of, in);
    add_unexplained(made.findings, of, in);
    add_waiting(made.findings, in);
    if (has_time(of, in)) {
      const auto others = made.findings.size();
      add_database_findings(made, of.databases, of.start_s, of.start_s + of.length_s);
      // Whoever holds its connections, or makes them wait, is what exhausts a pool.
      if (made.findings.size() == others) add_exhausted_pools(made.findings, of.connections);
    }
    add_full_accept_queue(made, of.connections);
    const auto loaded = loaded_stretch(of.processes);
    add_growth(made, {.processes = loaded, .runtime_looks = of.runtime_looks, .limits = of.limits});
    add_unclosed(made, looks_during(of.connections, loaded));
    // What is held up, or waits in line, has the shares of its defect.
    const bool well =
        std::ranges::all_of(made.findings, [](const named_cause& each) { return model::is_leak(each.kind); });
    if (const auto time = request_time_of(of.processes, of.connections); time && well) {
      made.remarks.push_back(describe(*time));
    }
  }
  conclude(made, too_little);
  return made;
}

model::diagnosis diagnose(const model::trial& of) {
  run alone;
  alone.blocking = of.blocking;
  const run* const only = &alone;
  const auto sites = merge_sites(std::span(&only, 1));  // of one peer, whatever its ports
  const symptoms whole = whole_of(of, sites);
  model::diagnosis made;
  add_blocking(made.findings, whole, sums_of(whole));  // however short: as `freezes`
  say_where(made.findings, of);
  const model::phase_measurement* const steady = longest_steady(of);
  if (steady == nullptr) {
    conclude(made, "it was under no steady load");
    return made;
  }
  made.phase = steady->name;
  const symptoms seen = phase_of(of, *steady);
  const sums in = sums_in(seen, whole);
  const std::string too_little = why_too_little(seen, in);
  if (too_little.empty()) {
    add_unexplained(made.findings, seen, in);
    add_waiting(made.findings, in);
    if (has_time(seen, in)) add_database_findings(made, seen.databases, seen.start_s, seen.start_s + seen.length_s);
    add_growth(made, {.processes = seen.processes, .limits = of.limits});
    apply_drain_test(made, of);
    say_what_was_not_seen(made, seen);
  }
  conclude(made, too_little);
  return made;
}

}  // namespace assay::judge
