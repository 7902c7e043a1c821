#include "lab/plan/from_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "lab/model/duration.hpp"
#include "lab/model/template.hpp"
#include "lab/plan/forecast.hpp"
#include "lab/plan/keys.hpp"
#include "lab/plan/route_text.hpp"

namespace assay::plan {
namespace {

using std::chrono::seconds;

// A plan file has a limit of its own; what is drawn from is cut to half of that, evenly.
constexpr std::size_t most_choice_bytes = most_document_bytes / 2;
constexpr double dense = 0.5;  // the part of a range of numbers that the log must show for the range to be drawn from

bool is_one_of(const std::string& method, std::initializer_list<std::string_view> known) {
  return std::ranges::find(known, method) != known.end();
}

bool is_plain_number(const std::string& text) {
  return !text.empty() && (text == "0" || text.front() != '0') &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// The least and greatest value of the log, when it shows so much between them that the rest is likely there too.
bool fills_its_range(const model::placeholder& seen, const std::vector<std::string>& values) {
  if (!seen.least || !seen.greatest || *seen.least < 0 || !std::ranges::all_of(values, is_plain_number)) return false;
  const double range = static_cast<double>(*seen.greatest) - static_cast<double>(*seen.least) + 1;
  return range > 1 && static_cast<double>(seen.distinct) >= dense * range;
}

class planner {
 public:
  planner(const model::profile& profile, const model::log_samples& samples, const from_log_options& options)
      : profile_(profile), samples_(samples), options_(options) {
    for (const model::route& each : profile.routes) total_ += static_cast<double>(each.requests);
  }

  std::expected<bound_plan, std::string> run(std::vector<model::candidate> candidates) {
    for (const model::route& each : profile_.routes) consider(each);
    if (dropped_ > 0) {
      leave_out(fmt::format("{} {} below {} of the requests", dropped_, dropped_ == 1 ? "route" : "routes",
                            percent(smallest_share)),
                dropped_share_, "too rare");
    }
    if (made_.plan.workload.empty()) return std::unexpected(nothing_to_send());
    share_out_choices();
    for (model::candidate& each : candidates) each.ready_path = ready_path_;
    made_.plan.name = options_.name;
    made_.plan.repeats = options_.repeats;
    made_.plan.reference = candidates.front().name;
    made_.plan.candidates = std::move(candidates);
    add_phases();
    if (options_.within) {
      if (const auto fits = shorten(made_.plan, *options_.within); !fits) return std::unexpected(fits.error());
    }
    made_.notes.head = {
        fmt::format("Written by `assay compare` from {}. To go on from it: change it, then", options_.log_name),
        "assay run THIS-FILE. What the keys mean: docs/plan-yaml.md.",
        "The candidates ran already: a repeat is another trial of the same process, not a fresh one."};
    made_.notes.workload = {
        fmt::format("Weights are the log's counts: {} of its {:.0f} requests.", percent(sent_), total_)};
    for (const std::string& each : made_.notices) made_.notes.workload.push_back(each);
    return std::move(made_);
  }

 private:
  void leave_out(const std::string& what, double share, std::string_view why) {
    made_.notices.push_back(fmt::format("not sent: {}, {} of the requests: {}", what, percent(share), why));
  }

  void consider(const model::route& seen) {
    const double share = total_ > 0 ? static_cast<double>(seen.requests) / total_ : 0;
    const std::string name = shown(seen.name());
    const bool safe = is_one_of(seen.method, {"GET", "HEAD"});
    const bool known = is_one_of(seen.method, {"POST", "PUT", "PATCH", "DELETE"});
    if (share < smallest_share) {
      ++dropped_;
      dropped_share_ += share;
      return;
    }
    if (!safe && !(known && options_.unsafe)) {
      if (known) ++refused_;
      return leave_out(name, share,
                       known ? seen.method + " changes data, and a log holds no bodies" : "only GET and HEAD are sent");
    }
    const auto sampled = samples_.find(seen.name());
    if (sampled == samples_.end() || sampled->second.requests.empty()) {
      return leave_out(name, share, "the log shows no request of it, answered below 400, that could be sent again");
    }
    if (!safe) {
      made_.notices.push_back(fmt::format(
          "sent with an empty body: {}, {} of the requests: what it changes stays changed", name, percent(share)));
    }
    take(seen, sampled->second.requests, share);
  }

  void take(const model::route& seen, const std::vector<model::sampled_request>& requests, double share) {
    model::bound_route route{.name = seen.name(), .method = seen.method, .target = seen.path};
    route.weight = static_cast<double>(seen.requests);
    std::string note = percent(share) + " of the requests";
    const std::vector<std::string> names = placeholders_of(seen.path);
    for (std::size_t i = 0; i < names.size(); ++i) {
      std::vector<std::string> values;
      for (const model::sampled_request& each : requests)
        values.push_back(i < each.values.size() ? each.values[i] : "");
      const auto described = std::ranges::find(seen.placeholders, names[i], &model::placeholder::name);
      const model::placeholder unknown;
      route.values[names[i]] =
          source_of(described != seen.placeholders.end() ? *described : unknown, std::move(values), names[i], note);
    }
    add_query(route, requests, names, note);
    remember_ready_path(seen, requests, names.empty());
    made_.notes.routes[route.name] = note;
    made_.plan.workload.push_back(std::move(route));
    sent_ += share;
  }

  static model::value_source source_of(const model::placeholder& seen, std::vector<std::string> values,
                                       const std::string& name, std::string& note) {
    model::value_source made;
    if (fills_its_range(seen, values)) {
      made.low = *seen.least;
      made.high = *seen.greatest;
      made.from = seen.zipf_exponent ? model::value_source::kind::zipf : model::value_source::kind::integer;
      made.exponent = seen.zipf_exponent.value_or(1);
      note += fmt::format("; {}: the range in the log{}", name, seen.zipf_exponent ? ", popularity as in the log" : "");
      return made;
    }
    made.from = model::value_source::kind::choice;
    made.choices = std::move(values);
    note += fmt::format("; {}: sampled from the log", name);
    return made;
  }

  static void add_query(model::bound_route& route, const std::vector<model::sampled_request>& requests,
                        const std::vector<std::string>& names, std::string& note) {
    std::set<std::string> distinct;
    for (const model::sampled_request& each : requests) distinct.insert(each.query);
    if (distinct.size() == 1) {
      route.target += model::literal_template(*distinct.begin());
      return;
    }
    std::string name = "query";
    while (std::ranges::find(names, name) != names.end()) name += "_text";
    model::value_source& source = route.values[name];
    source.from = model::value_source::kind::choice;
    for (const model::sampled_request& each : requests) source.choices.push_back(each.query);
    route.target += "{" + name + "}";
    note += "; query: sampled from the log";
  }

  // One that needs no data if there is one, else the most usual.
  void remember_ready_path(const model::route& seen, const std::vector<model::sampled_request>& requests,
                           bool constant) {
    const auto good = std::ranges::find(requests, 200, &model::sampled_request::status);
    if (seen.method != "GET" || good == requests.end() || ready_is_constant_ || (!ready_path_.empty() && !constant))
      return;
    std::vector<std::string> names;
    const auto path = model::parse_template(seen.path, names);
    if (!path || names.size() != good->values.size()) return;
    ready_path_.clear();
    path->expand(good->values, ready_path_);
    ready_path_ += good->query;
    ready_is_constant_ = constant;
  }

  // Every nth stays of a list that is too long: each request is as likely as before to stand in it.
  void share_out_choices() {
    std::vector<std::vector<std::string>*> lists;
    for (model::bound_route& route : made_.plan.workload) {
      for (auto& [name, source] : route.values) {
        if (source.from == model::value_source::kind::choice) lists.push_back(&source.choices);
      }
    }
    for (std::vector<std::string>* const list : lists) {
      std::size_t bytes = 0;
      for (const std::string& each : *list) bytes += each.size() + 4;  // quotes, comma, space
      const std::size_t step = std::max(bytes / (most_choice_bytes / lists.size() + 1), list->size() / most_items) + 1;
      std::vector<std::string> kept;
      for (std::size_t i = 0; i < list->size(); i += step) kept.push_back(std::move((*list)[i]));
      std::ranges::sort(kept);
      if (kept.front() == kept.back()) kept.resize(1);
      *list = std::move(kept);
    }
    if (ready_path_.empty()) ready_path_ = "/";
  }

  void add_phases() {
    using enum model::phase_kind;
    const double logged =
        profile_.arrival.median_hour_per_s > 0 ? profile_.arrival.median_hour_per_s : profile_.arrival.mean_per_s;
    const double steady_rate = options_.steady_per_s.value_or(std::max(logged, least_steady_per_s));
    const auto add = [&](const char* name, model::phase_kind kind, double rate, seconds length) {
      made_.plan.phases.push_back({.name = name,
                                   .kind = kind,
                                   .rate_per_s = rate,
                                   .length = length,
                                   .full_rate_per_s = rate,
                                   .full_length = length});
    };
    add("warm-up", warm_up, steady_rate, seconds(5));
    add("steady", steady, steady_rate, seconds(20));
    add("burst", burst, steady_rate * burst_factor, seconds(5));
    add("recovery", recovery, steady_rate, seconds(10));
    const std::string why =
        options_.steady_per_s ? "as asked for"
        : steady_rate > logged
            ? fmt::format("scaled up by {:.3g}, because slower traffic tells no p99 in so short a time",
                          steady_rate / std::max(logged, 1e-9))
            : "the log's own";
    made_.notes.phases = {fmt::format("The log's median hour has {:.3g} requests a second; steady is {:.4g}: {}.",
                                      logged, steady_rate, why)};
    made_.notices.push_back(fmt::format("steady rate {:.4g}/s, burst {:.4g}/s; the log's median hour has {:.3g}/s: {}",
                                        steady_rate, steady_rate * burst_factor, logged, why));
  }

  std::string nothing_to_send() const {
    if (refused_ > 0) {
      return fmt::format(
          "{}: no GET or HEAD route that could be sent again; {} {} data and need assay plan --bind "
          "(docs/plan-yaml.md)",
          options_.log_name, refused_, refused_ == 1 ? "route changes" : "routes change");
    }
    return options_.log_name + ": no GET or HEAD route with an answer below 400 that could be sent again";
  }

  const model::profile& profile_;
  const model::log_samples& samples_;
  const from_log_options& options_;
  bound_plan made_;
  double total_ = 0;
  double sent_ = 0;
  unsigned dropped_ = 0;
  double dropped_share_ = 0;
  unsigned refused_ = 0;
  std::string ready_path_;
  bool ready_is_constant_ = false;
};

}  // namespace

std::expected<bound_plan, std::string> plan_from_log(const model::profile& profile, const model::log_samples& samples,
                                                     std::vector<model::candidate> candidates,
                                                     const from_log_options& options) {
  if (candidates.empty()) return std::unexpected("expected at least one candidate");
  return planner(profile, samples, options).run(std::move(candidates));
}

}  // namespace assay::plan
