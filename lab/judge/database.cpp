#include "lab/judge/database.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace assay::judge {
namespace {

using model::cause;

// Averages over the looks of one stretch.
struct usual {
  std::size_t looks = 0;
  double connections = 0;
  double working = 0;
  double held = 0;
  double lock_waits = 0;
  unsigned most_of_server = 0;
  double longest_idle_s = 0;
  double longest_wait_s = 0;
};

usual usual_of(const model::database_view& of, double from_s, double until_s) {
  usual made;
  for (const model::database_look& each : of.looks) {
    if (each.at_s < from_s || each.at_s > until_s) continue;
    made.most_of_server = std::max(made.most_of_server, each.of_server);
    if (each.connections == 0) continue;
    ++made.looks;
    made.connections += each.connections;
    made.working += each.active + each.in_transaction;
    made.held += each.held;
    made.lock_waits += each.lock_waits;
    made.longest_idle_s = std::max(made.longest_idle_s, each.longest_idle_s);
    made.longest_wait_s = std::max(made.longest_wait_s, each.longest_wait_s);
  }
  const double n = std::max<double>(1, static_cast<double>(made.looks));
  for (double* each : {&made.connections, &made.working, &made.held, &made.lock_waits}) *each /= n;
  return made;
}

bool is_held(const usual& of) {
  return (of.held >= least_held && of.held >= held_share * of.connections) || of.longest_idle_s >= forgotten_s;
}

bool waits_for_locks(const usual& of) {
  return of.lock_waits >= least_lock_waits && of.lock_waits >= lock_wait_share * of.working;
}

model::named_cause held_finding(const model::database_view& of, const usual& seen) {
  model::named_cause made{.kind = cause::idle_in_transaction, .peer = of.name};
  made.text = fmt::format(
      "of {:.1f} connections to {} {:.1f} on average were held by a transaction that was idle for {:.0f} ms or longer "
      "({:.1f} s at the longest){}{}: the pool is held while something else is awaited",
      seen.connections, of.name, seen.held, 1e3 * model::database_held_s, seen.longest_idle_s,
      of.holds.empty() ? "" : ", mostly after: ", of.holds.empty() ? "" : of.holds.front().statement);
  made.numbers = {
      {"held_connections", seen.held}, {"connections", seen.connections}, {"longest_idle_s", seen.longest_idle_s}};
  made.next = "Await nothing else between BEGIN and COMMIT: call other services before the transaction or after it.";
  return made;
}

std::string describe(const model::database_wait& of) {
  const std::string holder = of.holder.empty() ? "by another session"
                             : of.holder_idle  ? "by a transaction that was idle after: " + of.holder
                                               : "by: " + of.holder;
  return fmt::format("; mostly {}, for a lock held {}", of.statement, holder);
}

model::named_cause lock_finding(const model::database_view& of, const usual& seen) {
  model::named_cause made{.kind = cause::lock_wait, .peer = of.name};
  made.text = fmt::format(
      "of {:.1f} connections to {} that worked {:.1f} on average waited for a lock ({:.1f} s at the "
      "longest){}",
      seen.working, of.name, seen.lock_waits, seen.longest_wait_s, of.locks.empty() ? "" : describe(of.locks.front()));
  made.numbers = {
      {"lock_waits", seen.lock_waits}, {"working_connections", seen.working}, {"longest_wait_s", seen.longest_wait_s}};
  made.next =
      "Make the transaction that holds the lock shorter and take it last in it, take locks in one order, or spread "
      "what "
      "is hot over more rows.";
  return made;
}

}  // namespace

void add_database_findings(model::diagnosis& to, std::span<const model::database_view> databases, double from_s,
                           double until_s) {
  for (const model::database_view& each : databases) {
    const usual seen = usual_of(each, from_s, until_s);
    if (each.max_connections > 0 && seen.most_of_server >= full_server_share * each.max_connections) {
      to.remarks.push_back(fmt::format("{}: {} of the {} connections that the server allows were open", each.name,
                                       seen.most_of_server, each.max_connections));
    }
    if (seen.looks < database_least_looks) continue;
    const bool locks = waits_for_locks(seen);
    const bool holder_idles = !each.locks.empty() && each.locks.front().holder_idle;
    if (is_held(seen)) {
      model::named_cause held = held_finding(each, seen);
      if (locks && holder_idles) {
        held.text += fmt::format("; {:.1f} connections on average waited for locks that it held", seen.lock_waits);
        held.numbers.push_back({"lock_waits", seen.lock_waits});
      }
      to.findings.push_back(std::move(held));
      if (holder_idles) continue;
    }
    if (locks) to.findings.push_back(lock_finding(each, seen));
  }
}

}  // namespace assay::judge
