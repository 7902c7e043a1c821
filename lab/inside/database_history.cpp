#include "lab/inside/database_history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "lab/inside/statement_shape.hpp"

namespace assay::inside {
namespace {

bool is_idle_in_transaction(const backend_row& of) { return of.state.starts_with("idle in transaction"); }
bool waits_for_lock(const backend_row& of) { return of.state == "active" && of.wait_type == "Lock"; }

// Who has the lock: behind others that wait for it as well. Null: no client of this database.
const backend_row* holder_of(const backend_row& waiter, const database_answer& in) {
  constexpr unsigned most_steps = 64;  // a deadlock is a ring until the server ends it
  const backend_row* at = &waiter;
  for (unsigned step = 0; step < most_steps && waits_for_lock(*at); ++step) {
    const auto next = std::ranges::find_if(in.backends, [at](const backend_row& each) {
      return std::ranges::find(at->blocked_by, each.pid) != at->blocked_by.end();
    });
    if (next == in.backends.end()) return nullptr;
    at = &*next;
  }
  return waits_for_lock(*at) ? nullptr : at;
}

// The most often seen first.
template <typename Key, typename T>
std::vector<T> most_seen(const std::map<Key, T>& of, std::size_t most) {
  std::vector<T> list;
  for (const auto& [key, each] : of) list.push_back(each);
  std::ranges::sort(
      list, [](const T& a, const T& b) { return std::tie(b.seen, a.statement) < std::tie(a.seen, b.statement); });
  if (list.size() > most) list.resize(most);
  return list;
}

// Room for one more, or it is there.
template <typename Map>
bool has_room(const Map& in, const typename Map::key_type& key) {
  return in.size() < database_history::most_kinds || in.contains(key);
}

}  // namespace

void database_history::keep_event(const occurrence& of, lasting seen) {
  if (seen.length_s < told_s) return;
  if (const auto known = events_.find(of); known != events_.end()) {
    if (seen.length_s > known->second.length_s) known->second = std::move(seen);
    return;
  }
  if (events_.size() >= most_events) {
    const auto shortest = std::ranges::min_element(events_, {}, [](const auto& each) { return each.second.length_s; });
    ++dropped_;
    if (shortest->second.length_s >= seen.length_s) return;
    events_.erase(shortest);
  }
  events_.emplace(of, std::move(seen));
}

void database_history::add_wait(double at_s, double length_s, const backend_row& waiter, const database_answer& in) {
  model::database_wait made{.statement = statement_shape(waiter.statement), .lock = waiter.wait_event};
  if (const backend_row* const holder = holder_of(waiter, in)) {
    made.holder = statement_shape(holder->statement);
    made.holder_idle = is_idle_in_transaction(*holder);
  }
  keep_event({waiter.pid, waiter.since},
             {.at_s = at_s - length_s,
              .length_s = length_s,
              .waits = true,
              .statement = made.statement,
              .holder = made.holder.empty() ? std::string("another session")
                        : made.holder_idle  ? "a transaction that is idle after: " + made.holder
                                            : made.holder});
  const std::tuple key(made.statement, made.lock, made.holder, made.holder_idle);
  if (!has_room(locks_, key)) {
    ++dropped_;
    return;
  }
  model::database_wait& kept = locks_.try_emplace(key, std::move(made)).first->second;
  ++kept.seen;
  kept.longest_s = std::max(kept.longest_s, length_s);
}

void database_history::add_hold(double at_s, double length_s, const backend_row& holder) {
  std::string statement = statement_shape(holder.statement);
  keep_event({holder.pid, holder.since}, {.at_s = at_s - length_s, .length_s = length_s, .statement = statement});
  if (!has_room(holds_, statement)) {
    ++dropped_;
    return;
  }
  model::database_hold& kept = holds_[statement];
  kept.statement = std::move(statement);
  ++kept.seen;
  kept.longest_s = std::max(kept.longest_s, length_s);
}

void database_history::add(double at_s, const database_answer& seen) {
  model::database_look look{.at_s = at_s, .of_server = seen.of_server};
  std::map<occurrence, double> ran;
  for (const backend_row& each : seen.backends) {
    ++look.connections;
    hidden_ += each.state.empty() && each.statement == "<insufficient privilege>";  // else it is still coming up
    const double length_s = std::max(0.0, seen.now - each.since);
    if (is_idle_in_transaction(each)) {
      ++look.in_transaction;
      look.longest_idle_s = std::max(look.longest_idle_s, length_s);
      if (length_s < model::database_held_s) continue;
      ++look.held;
      add_hold(at_s, length_s, each);
    }
    if (each.state != "active") continue;
    ++look.active;
    const std::string wait = each.wait_type.empty() ? "" : each.wait_type + ": " + each.wait_event;
    if (!wait.empty() && has_room(waits_, wait)) ++waits_[wait];
    const occurrence running{each.pid, each.since};
    if (!waits_for_lock(each)) {
      ran.emplace(running, seen.now);
      continue;
    }
    ++look.lock_waits;
    // One that ran at a look before has waited since then at most.
    const auto before = ran_.find(running);
    if (before != ran_.end()) ran.insert(*before);
    const double waited_s = before == ran_.end() ? length_s : std::max(0.0, seen.now - before->second);
    look.longest_wait_s = std::max(look.longest_wait_s, waited_s);
    add_wait(at_s, waited_s, each, seen);
  }
  ran_ = std::move(ran);
  if (looks_.size() < most_looks) looks_.push_back(look);
}

void database_history::report(model::database_view& into) const {
  into.looks = looks_;
  into.waits = waits_;
  into.locks = most_seen(locks_, most_listed);
  into.holds = most_seen(holds_, most_listed);
  if (hidden_ > 0) {
    into.notes.emplace_back(
        "what connections of other roles do is hidden from this one: look with their role, or one of pg_monitor");
  }
  if (dropped_ > 0) into.notes.push_back(fmt::format("{} waits or transactions are beyond the limits", dropped_));
}

std::vector<model::trial_event> database_history::events(const std::string& name) const {
  std::vector<model::trial_event> list;
  for (const auto& [of, each] : events_) {
    list.push_back({.at_s = each.at_s,
                    .length_s = each.length_s,
                    .kind = "database",
                    .text = each.waits ? fmt::format("{}: for {:.1f} s waited for a lock: {}; held by {}", name,
                                                     each.length_s, each.statement, each.holder)
                                       : fmt::format("{}: a transaction was idle for {:.1f} s after: {}", name,
                                                     each.length_s, each.statement)});
  }
  std::ranges::sort(list, {}, &model::trial_event::at_s);
  return list;
}

}  // namespace assay::inside
