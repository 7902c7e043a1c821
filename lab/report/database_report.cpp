#include "lab/report/database_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ranges>

namespace assay::report {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t shown_database_lines = 3;  // of locks, transactions and statements each

std::string holder_text(const model::database_wait& of) {
  if (of.holder.empty()) return "another session";
  return of.holder_idle ? "a transaction that was idle after " + of.holder : of.holder;
}

}  // namespace

database_usual usual_of(const std::vector<model::database_look>& looks) {
  database_usual made;
  for (const model::database_look& each : looks) {
    made.most_of_server = std::max(made.most_of_server, each.of_server);
    if (each.connections == 0) continue;
    ++made.looks;
    made.connections += each.connections;
    made.active += each.active;
    made.held += each.held;
    made.lock_waits += each.lock_waits;
    made.most_connections = std::max(made.most_connections, each.connections);
    made.longest_idle_s = std::max(made.longest_idle_s, each.longest_idle_s);
    made.longest_wait_s = std::max(made.longest_wait_s, each.longest_wait_s);
  }
  const double n = std::max<double>(1, static_cast<double>(made.looks));
  for (double* each : {&made.connections, &made.active, &made.held, &made.lock_waits}) *each /= n;
  return made;
}

std::string database_text(const model::database_view& of) {
  const database_usual usual = usual_of(of.looks);
  if (usual.looks == 0) return fmt::format("  {}   no connection to it was seen\n", of.name);
  std::string text = fmt::format(
      "  {}   version {}; on average {:.1f} connections ({} at most, {} of {} of its server), {:.1f} active, {:.1f} "
      "held "
      "by an idle transaction, {:.1f} waiting for a lock\n",
      of.name, of.version, usual.connections, usual.most_connections, usual.most_of_server, of.max_connections,
      usual.active, usual.held, usual.lock_waits);
  for (const auto& each : of.locks | std::views::take(shown_database_lines)) {
    text += fmt::format("    {:>5} times, longest {:>5.1f} s  waited for a lock: {}; held by {}\n", each.seen,
                        each.longest_s, each.statement, holder_text(each));
  }
  for (const auto& each : of.holds | std::views::take(shown_database_lines)) {
    text += fmt::format("    {:>5} times, longest {:>5.1f} s  idle in a transaction after: {}\n", each.seen,
                        each.longest_s, each.statement);
  }
  for (const auto& each : of.statements | std::views::take(shown_database_lines)) {
    text += fmt::format("    {:>5} calls, {:>9.2f} ms each  {}\n", each.calls,
                        each.total_ms / std::max<double>(1, static_cast<double>(each.calls)), each.text);
  }
  return text;
}

nlohmann::ordered_json database_json(const model::database_view& of) {
  json made = {{"name", of.name}, {"version", of.version}, {"max_connections", of.max_connections}};
  for (const char* list : {"looks", "locks", "holds", "statements"}) made[list] = json::array();
  for (const auto& each : of.looks) {
    made["looks"].push_back({{"at_s", each.at_s},
                             {"connections", each.connections},
                             {"active", each.active},
                             {"in_transaction", each.in_transaction},
                             {"held", each.held},
                             {"lock_waits", each.lock_waits},
                             {"of_server", each.of_server},
                             {"longest_idle_s", each.longest_idle_s},
                             {"longest_wait_s", each.longest_wait_s}});
  }
  made["waits"] = of.waits;
  for (const auto& each : of.locks) {
    made["locks"].push_back({{"statement", each.statement},
                             {"lock", each.lock},
                             {"holder", each.holder},
                             {"holder_idle", each.holder_idle},
                             {"seen", each.seen},
                             {"longest_s", each.longest_s}});
  }
  for (const auto& each : of.holds) {
    made["holds"].push_back({{"statement", each.statement}, {"seen", each.seen}, {"longest_s", each.longest_s}});
  }
  for (const auto& each : of.statements) {
    made["statements"].push_back(
        {{"text", each.text}, {"calls", each.calls}, {"total_ms", each.total_ms}, {"rows", each.rows}});
  }
  made["notes"] = of.notes;
  return made;
}

}  // namespace assay::report
