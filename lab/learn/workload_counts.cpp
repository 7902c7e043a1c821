#include "lab/learn/workload_counts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <ranges>
#include <utility>

namespace assay::learn {
namespace {

constexpr int first_failure = 500;
constexpr std::size_t most_unmatched_named = 10;  // of the routes that the user named
constexpr std::size_t most_strangers_named = 3;   // of the routes that the description does not name

constexpr std::string_view no_request_line = "no request line (such as \"-\" or a TLS handshake)";
constexpr std::string_view no_path = "no path, or one deeper than 16 segments";
static_assert(max_segments == 16, "the text above says so");

// Of stamps with so many digits behind the second.
std::chrono::microseconds resolution_of(std::uint8_t digits) {
  using namespace std::chrono_literals;
  if (digits == 0) return 1s;
  return digits <= 3 ? std::chrono::microseconds(1ms) : 1us;
}

}  // namespace

void workload_counts::add(const access_line& line) {
  const block_place place = place_;
  place_.next();
  sizes_.record(line.bytes);
  measures_.add(place, line.status, line.bytes);
  service_.add(line);
  const log_time starts = start_of(line);
  arrivals_.add(std::chrono::floor<std::chrono::seconds>(starts), line.zone);
  // Behind a proxy the address is the proxy's, on every line.
  const std::string_view client = line.forwarded_for.empty() ? line.address : line.forwarded_for;
  const std::uint64_t session = client.empty() ? 0 : session_key(client, line.agent);
  const auto took_us = line.request_time_s ? std::optional(microseconds(*line.request_time_s)) : std::nullopt;
  const bool is_followed = session != 0 && followed_.takes(session, place.number);
  const bool in_a_route = add_to_route(
      line, {.status = line.status, .bytes = line.bytes, .at = place, .is_followed = is_followed, .took_us = took_us});
  const ordered request{.starts = starts,
                        .session = session,
                        .place = !is_followed ? 0
                                 : in_a_route ? routes_.last_place()
                                              : no_place,
                        .halvings = followed_.halvings(),
                        .failed = line.status >= first_failure};
  order_.add(request, starts == line.stamp, [this](const ordered& next) { add_in_order(next); });
}

bool workload_counts::add_to_route(const access_line& line, const answer& given) {
  if (line.method.empty()) {
    ++other_[std::string(no_request_line)];
    return false;
  }
  const bool has_path = routes_.add(line.method, line.target, given);
  if (!has_path) ++other_[std::string(no_path)];
  return has_path;
}

void workload_counts::add_in_order(const ordered& request) {
  sessions_.expect(request.session);
  const ordered due = std::exchange(expected_[came_in_order_ % expected_ahead], request);
  if (came_in_order_++ >= expected_ahead) add_due(due);
}

void workload_counts::add_due(const ordered& request) {
  measures_.add_gap(ordered_place_, request.starts);
  ordered_place_.next();
  if (request.session == 0) {
    ++without_client_;
  } else {
    const auto at = std::chrono::floor<std::chrono::seconds>(request.starts);
    const session_step step = sessions_.add(request.session, at, request.place);
    if (request.place != 0) {
      steps_.add(step, {.client = request.session, .place = request.place, .halvings = request.halvings});
    }
  }
  add_failure(request.failed);
}

void workload_counts::describe(model::profile& profile, const merge_facts& facts) {
  order_.finish([this](const ordered& next) { add_in_order(next); });
  for (std::uint64_t i = came_in_order_ - std::min<std::uint64_t>(came_in_order_, expected_ahead); i < came_in_order_;
       ++i) {
    add_due(expected_[i % expected_ahead]);
  }
  routes_found found = routes_.finish();
  for (const auto& [reason, count] : other_) found.other[reason] += count;
  profile.requests = place_.number;
  profile.routes = std::move(found.routes);
  profile.other = std::move(found.other);
  profile.statuses = measures_.statuses();
  const size_counts sizes = sizes_.counted();
  profile.response_bytes_p50 = sizes.quantile(0.5);
  profile.response_bytes_p99 = sizes.quantile(0.99);
  profile.arrival = arrivals_.describe();
  profile.response_bytes_tail = fit_tail(sizes.amounts());
  profile.serving = service_.describe(profile.arrival);
  profile.session = sessions_.describe();
  profile.session.paths = steps_.describe(profile.routes, found.places);
  profile.errors = failures_;
  if (run_ >= 2) ++profile.errors.bursts;
  profile.resolution = facts.fewest_digits == 0 ? "1 s" : facts.fewest_digits <= 3 ? "1 ms" : "1 us";
  const request_measures::whole_log whole{.end = place_,
                                          .sizes = &sizes,
                                          .mean_per_s = profile.arrival.mean_per_s,
                                          .resolution = resolution_of(facts.fewest_digits)};
  profile.arrival.gap_cv = measures_.gap_cv(whole);
  add_measures(profile, found.blocks, whole);
  add_notes(profile);
  add_input_notes(profile, facts);
}

void workload_counts::add_failure(bool failed) {
  if (failed) {
    ++failures_.errors;
    failures_.longest = std::max(failures_.longest, ++run_);
    return;
  }
  if (run_ >= 2) ++failures_.bursts;
  run_ = 0;
}

void workload_counts::add_measures(model::profile& profile, const std::map<std::string, block_counts>& blocks,
                                   const request_measures::whole_log& whole) const {
  const auto take = [&](std::vector<model::measure> found) {
    std::ranges::move(found, std::back_inserter(profile.measures));
  };
  take(arrivals_.measures());
  for (const model::route& each : profile.routes) {
    const auto share = blocks.at(each.name()).share(place_);
    if (!share) continue;
    profile.measures.push_back({.kind = model::measure_kind::route,
                                .of = each.name(),
                                .value = share->value,
                                .error = share->error,
                                .freedom = share->freedom});
  }
  take(measures_.measures(whole));
  take(sessions_.measures());
}

// What the service's own description does not name, and the commonest of it.
void workload_counts::add_description_note(model::profile& profile) const {
  const std::optional<described_use> use = routes_.described();
  if (!use || profile.requests == 0) return;
  std::vector<std::pair<std::uint64_t, std::string>> strangers;
  for (const model::route& each : profile.routes) {
    if (!use->names.contains(each.name())) strangers.emplace_back(each.requests, each.name());
  }
  for (const auto& [reason, count] : profile.other) {
    if (reason != too_many_routes) strangers.emplace_back(count, reason);  // some of these are described
  }
  std::ranges::sort(strangers, std::greater());
  const auto percent = [&](std::uint64_t requests) {
    return fmt::format("{:.3g} %", 100 * static_cast<double>(requests) / static_cast<double>(profile.requests));
  };
  std::string note = fmt::format("{} of the requests match no path of {}; of its {} operations {} were asked for",
                                 percent(profile.requests - use->requests), use->file, use->routes, use->asked_for);
  for (std::size_t i = 0; i < std::min(strangers.size(), most_strangers_named); ++i) {
    note += fmt::format("{}{} ({})", i == 0 ? "; not among them, the commonest first: " : ", ", strangers[i].second,
                        percent(strangers[i].first));
  }
  profile.notes.push_back(std::move(note));
}

void workload_counts::add_notes(model::profile& profile) const {
  add_description_note(profile);
  const std::vector<std::string> unmatched = routes_.unmatched();
  for (const std::string& each : unmatched | std::views::take(most_unmatched_named)) {
    profile.notes.push_back(fmt::format("--route '{}' matches no request", each));
  }
  if (unmatched.size() > most_unmatched_named) {
    profile.notes.push_back(
        fmt::format("{} more of the routes that were named match no request", unmatched.size() - most_unmatched_named));
  }
  if (profile.requests > profile.arrival.requests) {
    profile.notes.push_back(fmt::format(
        "rates are those of the busiest stretch of the first {} days with requests: {} requests lie outside", max_days,
        profile.requests - profile.arrival.requests));
  }
  if (sessions_.untracked() > 0) {
    profile.notes.push_back(fmt::format("sessions: more than {} at a time; {} requests are in none", max_open_sessions,
                                        sessions_.untracked()));
  }
  if (steps_.uncounted() > 0) {
    profile.notes.push_back(
        fmt::format("sessions: more than {} different steps from path to path; paths does not count {} that came later",
                    max_steps, steps_.uncounted()));
  }
}

void workload_counts::add_input_notes(model::profile& profile, const merge_facts& facts) const {
  for (const std::string& each : facts.doubts) profile.notes.push_back(each);
  if (facts.set_aside > 0) {
    profile.notes.push_back(
        fmt::format("{} lines are no requests: headers, comments or entries of another kind", facts.set_aside));
  }
  if (const auto none = profile.statuses.find(0); none != profile.statuses.end()) {
    profile.notes.push_back(
        fmt::format("{} requests have no status: none was sent, or the log does not say", none->second));
  }
  if (without_client_ > 0) {
    profile.notes.push_back(fmt::format("sessions: {} requests name no client and are in none", without_client_));
  }
  if (const auto bound = arrivals_.below_a_second(); facts.fewest_digits == 0 && bound) {
    profile.notes.push_back(fmt::format(
        "stamps of 1 s do not say how requests lie inside a second; dispersion at 0.1 s is {:.3g} if they are spread "
        "at random, and {:.3g} if all of a second come at once; the busiest 0.1 s has {} or {}",
        bound->dispersion_spread, bound->dispersion_clumped, bound->busiest_spread, bound->busiest_clumped));
  }
}

}  // namespace assay::learn
