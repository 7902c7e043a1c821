#include "lab/plan/bound_routes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "lab/model/template.hpp"
#include "lab/plan/checks.hpp"
#include "lab/plan/route_text.hpp"
#include "lab/plan/usual_phases.hpp"
#include "lab/plan/write.hpp"

namespace assay::plan {
namespace {

constexpr int not_found = 404;
constexpr std::size_t longest_word = 40;  // in the name of a feed
constexpr double most_visitors_log2 = 16;
constexpr std::size_t most_made_up_named = 8;  // values of a drafted body

// A placeholder for a query's key, "filter[x]" becomes "filter_x_", and another name than those before it.
std::string name_for(std::string_view key, std::vector<std::string>& taken) {
  std::string name;
  for (const char c : key) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool fits = letter || (!name.empty() && ((c >= '0' && c <= '9') || c == '-'));
    name += fits ? c : '_';
  }
  if (name.empty()) name = "_";
  while (std::ranges::find(taken, name) != taken.end()) name += '_';
  taken.push_back(name);
  return name;
}

// Letters, digits, '-' and '_': part of a file's name. Of a path it is its last word: "/items/{id}/price" has "price".
std::string last_word_of(std::string_view path) {
  std::string word;
  while (!path.empty()) {
    const std::size_t slash = path.rfind('/');
    const std::string_view segment = path.substr(slash == path.npos ? 0 : slash + 1);
    std::vector<std::string> none;
    if (!segment.empty() && !segment.contains('{')) return name_for(segment.substr(0, longest_word), none);
    path = path.substr(0, slash == path.npos ? 0 : slash);
  }
  return word;
}

// A feed by what it holds: ids of orders are the same in every route, a body is of one alone.
std::string feed_of(const std::string& of, const std::string& name, std::string_view what) {
  return fmt::format("      {}: {{feed: {}{}{}.txt}}  # fill in: {}\n", yaml_scalar(name), of, of.empty() ? "" : "-",
                     name.substr(0, longest_word), what);
}

// A line of values. What only the user can know is read from a file, and while that is not there the plan is refused:
// lines that were pasted and forgotten send nothing.
std::string values_of(const model::route& route, const model::placeholder& seen) {
  if (seen.shape == "uuid") return fmt::format("      {}: uuid\n", yaml_scalar(seen.name));
  constexpr std::int64_t most = std::int64_t{1} << 53;  // of a number in a binding; beyond, it is a text
  const bool fits = seen.least && seen.greatest && *seen.least >= -most && *seen.greatest <= most;
  if (seen.shape == "integer" && fits) {
    return seen.zipf_exponent
               ? fmt::format("      {}: {{zipf: {{low: {}, high: {}, popularity: profile}}}}\n", yaml_scalar(seen.name),
                             *seen.least, *seen.greatest)
               : fmt::format("      {}: {{integer: [{}, {}]}}\n", yaml_scalar(seen.name), *seen.least, *seen.greatest);
  }
  const std::string before = route.path.substr(0, route.path.find("{" + seen.name + "}"));
  return feed_of(last_word_of(before), seen.name,
                 fmt::format("the log has {} values of shape {}", seen.distinct, shown(seen.shape)));
}

// Between two requests of a session. A profile of an older assay has two quantiles alone: the mean is then that of the
// lognormal law through both, and no more than they and the cut allow. Stamps of whole seconds make a short time zero:
// it is half of a second then.
std::optional<double> mean_think_time(const model::sessions& seen) {
  if (seen.count > 0 && seen.think_time_mean_s > 0) return seen.think_time_mean_s;
  if (seen.count == 0 || seen.think_time_p90_s <= 0) return std::nullopt;
  constexpr double tenth = 1.2815515655446004;  // the normal law's ninth tenth
  const double median = std::max(seen.think_time_p50_s, 0.5);
  const double most = std::max(median, seen.think_time_p90_s);
  const double sigma = std::log(most / median) / tenth;
  return std::min(median * std::exp(sigma * sigma / 2), 0.5 * median + 0.4 * most + 0.1 * seen.idle_cut_s);
}

// An example is one value for all requests, and nobody's who uses the service: it is said where it comes from.
std::string body_lines(const drafted_body& drafted, const std::string& file) {
  const std::vector<std::string>& made_up = drafted.example.made_up;
  const std::size_t named = std::min(made_up.size(), most_made_up_named);
  std::string said = fmt::format("drafted from {}, by its own examples: do users send that?", file);
  if (named > 0) {
    said = fmt::format("fill in: drafted from {}, which has no example of {}", file,
                       fmt::join(made_up.begin(), made_up.begin() + static_cast<std::ptrdiff_t>(named), ", "));
    if (made_up.size() > named) said += fmt::format(" and {} more", made_up.size() - named);
  }
  return fmt::format("    headers: {{content-type: {}}}\n    {}    body: {}\n", yaml_scalar(drafted.content_type),
                     yaml_comment(std::move(said)), yaml_scalar(model::literal_template(drafted.example.json)));
}

class binder {
 public:
  binder(reader& in, const yaml_node& list, const model::profile& profile, binding_draft& binding)
      : in_(in), list_(list), profile_(profile), binding_(binding) {
    for (const model::route& each : profile.routes) total_ += static_cast<double>(each.requests);
  }

  bound_routes run() {
    std::vector<bool> used(binding_.routes.size());
    for (const model::route& each : profile_.routes) {
      const auto bound = std::ranges::find(binding_.routes, shape_of(each.name()),
                                           [](const route_draft& draft) { return shape_of(draft.name); });
      if (bound != binding_.routes.end()) {
        const auto i = static_cast<std::size_t>(bound - binding_.routes.begin());
        if (!used[i]) take(i, each);
        used[i] = true;
      } else if (!leave_out(each)) {
        consider(each);
      }
    }
    for (std::size_t i = 0; i < used.size(); ++i) {
      check_draft(i);
      if (!used[i]) {
        made_.notices.push_back(
            fmt::format("{} is bound, but not in the profile: not sent", shown(binding_.routes[i].name)));
      }
    }
    finish();
    return std::move(made_);
  }

 private:
  double share_of(const model::route& route) const {
    return total_ > 0 ? static_cast<double>(route.requests) / total_ : 0;
  }

  void check_draft(std::size_t i) {
    const yaml_node& node = list_.items[i];
    const std::string path = fmt::format("routes[{}]", i);
    if (const yaml_node* weight = node.find("weight"))
      in_.refuse(weight->at, path + ".weight: weights are the profile's");
    const auto same = [&](const route_draft& draft) {
      return shape_of(draft.name) == shape_of(binding_.routes[i].name);
    };
    const auto first = std::ranges::find_if(binding_.routes, same);
    if (first != binding_.routes.begin() + static_cast<std::ptrdiff_t>(i)) {
      in_.refuse(node.at, fmt::format("{}: duplicate route {}", path, in_quotes(binding_.routes[i].name)));
    }
    check_route(in_, path, node, binding_.routes[i]);
  }

  void take(std::size_t i, const model::route& seen) {
    route_draft& draft = binding_.routes[i];
    draft.weight = static_cast<double>(seen.requests);
    std::string note = fmt::format("{} of the requests", percent(share_of(seen)));
    const std::vector<std::string> names = placeholders_of(draft.name);
    const std::vector<std::string> seen_names = placeholders_of(seen.name());
    for (auto& [name, source] : draft.sources) {
      if (source.visitor && source.visitor->like_log) {
        take_lengths(draft.values[name], *source.visitor);
        note += fmt::format("; sessions of {}", name);
        if (!source.visitor->at_a_time) note += take_think_time(draft.values[name]);
      }
      if (!source.zipf || source.zipf->from != popularity::profile) continue;
      // By its place in the path; a placeholder of the query goes by its name.
      const auto at = static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
      const std::string& wanted = at < seen_names.size() ? seen_names[at] : name;
      const auto known = std::ranges::find(seen.placeholders, wanted, &model::placeholder::name);
      const bool estimated = known != seen.placeholders.end() && known->zipf_exponent.has_value();
      if (!estimated && !source.zipf->exponent) {
        return in_.refuse(list_.items[i].at,
                          fmt::format("routes[{}].values.{}: the profile has no estimate of its popularity; write an "
                                      "\"exponent\" beside it",
                                      i, name));
      }
      draft.values[name].exponent = estimated ? *known->zipf_exponent : *source.zipf->exponent;
      note += fmt::format("; popularity of {} {}", name, estimated ? "as in the log" : "by the binding");
    }
    made_.notes.routes[draft.name] = note;
    made_.workload.push_back(draft);
    sent_ += share_of(seen);
  }

  // Sessions as long as the profile's.
  void take_lengths(model::value_source& to, const visitor_draft& written) const {
    const auto single =
        std::ranges::find(profile_.measures, model::measure_kind::short_sessions, &model::measure::kind);
    const model::sessions& seen = profile_.session;
    if (seen.count > 0) to.requests_mean = std::clamp(seen.requests_mean, 1.0, most_requests_mean);
    to.single_share =
        single != profile_.measures.end() ? single->value : written.single_share.value_or(1 / to.requests_mean);
    // What a visitor can be made of: two requests at least where it is more than one, and no more than it remembers.
    constexpr double least_of_longer = 2;
    constexpr double most_of_longer = 513;
    const double longer = 1 - to.single_share;
    to.requests_mean = std::clamp(to.requests_mean, to.single_share + least_of_longer * longer,
                                  to.single_share + most_of_longer * longer);
  }

  // As many at a time that each comes back as soon as in the log, at the baseline; a faster phase has hastier ones. How
  // the times spread is not the log's: they lie around one turn of all visitors (lab/load/visitor_draw.hpp).
  std::string take_think_time(model::value_source& to) const {
    const std::optional<double> think_s = mean_think_time(profile_.session);
    const double per_s = rates_of(profile_, binding_).baseline;
    if (!think_s || per_s <= 0) return "";
    // A session that takes longer to come back than the cut is two.
    const double longest_s = std::min(*think_s, profile_.session.idle_cut_s / 3);
    const double wanted = std::clamp(std::log2(std::max(longest_s * per_s, 1.0)), 0.0, most_visitors_log2);
    to.at_a_time = 1U << static_cast<unsigned>(std::lround(wanted));
    const double spread = profile_.session.think_time_cv;
    return fmt::format(
        ", whose requests lie about {:.3g} s apart at the baseline, in the log {:.3g} s on the average{}",
        to.at_a_time / per_s, *think_s,
        spread > 0 ? fmt::format(" (standard deviation over mean 0.41, in the log {:.2g})", spread) : "");
  }

  bool leave_out(const model::route& seen) {
    const auto listed = std::ranges::find(binding_.leave_out, shape_of(seen.name()),
                                          [](const leave_out_draft& draft) { return shape_of(draft.name); });
    if (listed == binding_.leave_out.end()) return false;
    made_.notices.push_back(fmt::format("left out: {}, {} of the requests: {}", shown(seen.name()),
                                        percent(share_of(seen)), shown(listed->why)));
    return true;
  }

  void consider(const model::route& seen) {
    if (is_only_not_found(seen) || share_of(seen) < binding_.smallest_share) {
      ++dropped_;
      dropped_share_ += share_of(seen);
    } else {
      unbound_.push_back(&seen);
    }
  }

  void finish() {
    if (dropped_ > 0) {
      made_.notices.push_back(
          fmt::format("dropped: {} routes below {} of the requests, or answered 404 only; jointly {}", dropped_,
                      percent(binding_.smallest_share), percent(dropped_share_)));
    }
    made_.notes.workload = {
        fmt::format("Weights are the log's counts: {} of its {:.0f} requests.", percent(sent_), total_)};
    for (const std::string& each : made_.notices) made_.notes.workload.push_back("Not sent: " + each);
    if (unbound_.empty()) return;
    std::string& text = made_.refusal;
    text = fmt::format("{} of the profile's routes {} bound to data:\n", unbound_.size(),
                       unbound_.size() == 1 ? "is not" : "are not");
    for (const model::route* each : unbound_) {
      text += fmt::format("  {:<40} {:>8}\n", shown(each->name()), percent(share_of(*each)));
    }
    text += "Add to the binding's routes; each feed is a file of yours beside the binding, a value a line:\n";
    for (const model::route* each : unbound_) text += binding_lines(*each);
    text += "Or say that they are not sent:\nleave_out:\n";
    for (const model::route* each : unbound_)
      text += fmt::format("  - {{route: {}, why: \"...\"}}\n", yaml_scalar(each->name()));
  }

  reader& in_;
  const yaml_node& list_;
  const model::profile& profile_;
  binding_draft& binding_;
  double total_ = 0;
  double sent_ = 0;
  unsigned dropped_ = 0;
  double dropped_share_ = 0;
  std::vector<const model::route*> unbound_;
  bound_routes made_;
};

}  // namespace

bool is_only_not_found(const model::route& route) {
  return route.statuses.size() == 1 && route.statuses.begin()->first == not_found;
}

std::string binding_lines(const model::route& route, const drafted_body* drafted, const std::string& file) {
  std::string text = fmt::format("  - route: {}\n", yaml_scalar(route.name()));
  std::string values;
  std::vector<std::string> taken;
  for (const model::placeholder& each : route.placeholders) {
    values += values_of(route, each);
    taken.push_back(each.name);
  }
  const std::string word = last_word_of(route.path);
  const auto fed = [&](const std::string& of, std::string_view key, std::string_view what) {
    std::string name = name_for(key, taken);
    values += feed_of(of, name, what);
    return name;
  };
  std::vector<std::string> pairs;
  for (const auto& [key, count] : route.query_keys) {
    pairs.push_back(
        fmt::format("{}={{{}}}", model::literal_template(key), fed(word, key, "what the log has is not kept")));
  }
  if (!pairs.empty()) {
    text += fmt::format("    target: {}\n", yaml_scalar(fmt::format("{}?{}", route.path, fmt::join(pairs, "&"))));
  }
  if (route.method == "POST" || route.method == "PUT" || route.method == "PATCH") {
    std::string of = route.method + (word.empty() ? "" : "-" + word);
    std::ranges::transform(of, of.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (drafted != nullptr && !drafted->example.json.empty()) {
      text += body_lines(*drafted, file);
    } else {
      const std::string why = drafted == nullptr ? "" : fmt::format("; of {}: {}", file, drafted->example.why_not);
      text += fmt::format("    headers: {{content-type: application/json}}\n    body: \"{{{}}}\"\n",
                          fed(of, "body", shown("no log has bodies" + why)));
    }
  }
  return values.empty() ? text : text + "    values:\n" + values;
}

bound_routes bind_routes(reader& in, const yaml_node& list, const model::profile& profile, binding_draft& binding) {
  return binder(in, list, profile, binding).run();
}

}  // namespace assay::plan
