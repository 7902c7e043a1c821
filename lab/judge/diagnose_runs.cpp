#include "lab/judge/diagnose_runs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace assay::judge {
namespace {

using model::cause;

// The same call to the same peer at the same place is one cause, whatever its figures.
using cause_key = std::tuple<cause, std::string, std::string, std::string>;

struct seen_in {
  const run* in = nullptr;
  const model::named_cause* what = nullptr;
};

double first_number(const model::named_cause& of) { return of.numbers.empty() ? 0 : of.numbers.front().value; }

std::string in_runs(unsigned some, unsigned all) {
  if (some < all) return fmt::format("in {} of {} runs", some, all);
  return all == 1 ? "in its one run" : fmt::format("in all {} runs", all);
}

std::map<cause, unsigned> runs_by_kind(std::span<const run* const> judged) {
  std::map<cause, unsigned> counts;
  for (const run* each : judged) {
    std::set<cause> kinds;
    for (const auto& found : each->diagnosed.findings) kinds.insert(found.kind);
    for (const cause kind : kinds) ++counts[kind];
  }
  return counts;
}

// By kind; of one kind, what most runs show and what weighs most comes first.
std::vector<model::shared_cause> shared_causes(std::span<const run* const> judged) {
  std::map<cause_key, std::vector<seen_in>> causes;
  for (const run* each : judged) {
    for (const auto& found : each->diagnosed.findings) {
      // The collector strikes anywhere: where it did for longest is another place in each run.
      const std::string place = found.kind == cause::garbage_collection ? std::string() : found.place;
      causes[{found.kind, found.call, found.peer, place}].push_back({each, &found});
    }
  }
  std::vector<model::shared_cause> made;
  for (auto& [key, seen] : causes) {
    std::ranges::sort(seen, {},
                      [](const seen_in& each) { return std::pair(first_number(*each.what), each.in->repeat); });
    const seen_in& middle = seen[(seen.size() - 1) / 2];
    made.push_back({.what = *middle.what, .run = middle.in->repeat, .runs = static_cast<unsigned>(seen.size())});
  }
  std::ranges::sort(made, [](const model::shared_cause& a, const model::shared_cause& b) {
    const auto rank = [](const model::shared_cause& of, const model::shared_cause& other) {
      return std::tuple(of.what.kind, other.runs, first_number(other.what), of.what.call, of.what.peer, of.what.place);
    };
    return rank(a, b) < rank(b, a);
  });
  return made;
}

void judge_kinds(model::candidate_diagnosis& made, std::span<const run* const> judged) {
  std::map<cause, unsigned> kinds = runs_by_kind(judged);
  const auto healthy = static_cast<unsigned>(
      std::ranges::count(judged, cause::healthy, [](const run* each) { return each->diagnosed.verdict; }));
  made.findings = shared_causes(judged);
  std::map<cause, unsigned> held;
  for (const auto& [kind, runs] : kinds) {
    if (2 * runs >= made.judged) held[kind] = runs;
  }
  if (held.size() == 1) {
    std::tie(made.verdict, made.agreeing) = *held.begin();
  } else if (2 * healthy > made.judged) {
    made.verdict = cause::healthy;
    made.agreeing = healthy;
  } else {
    made.verdict = cause::mixed;
    made.agreeing = made.judged - healthy;
  }
  if (held.empty() && made.verdict == cause::mixed) held = std::move(kinds);
  std::set<cause> in_half;  // kinds of which one cause alone is in half of the runs
  for (const model::shared_cause& each : made.findings) {
    if (2 * each.runs >= made.judged) in_half.insert(each.what.kind);
  }
  std::erase_if(made.findings, [&](const model::shared_cause& each) {
    const bool enough = 2 * each.runs >= made.judged || !in_half.contains(each.what.kind);
    if (enough && held.contains(each.what.kind)) return false;
    made.remarks.push_back(fmt::format("{}, {}, figures of run {}: {}", in_words(each.what.kind),
                                       in_runs(each.runs, made.judged), each.run, each.what.text));
    return true;
  });
}

std::string text_of(const model::candidate_diagnosis& of, std::span<const run* const> judged) {
  if (of.verdict == cause::healthy) {
    return fmt::format("nothing that is looked for was found, {}", in_runs(of.agreeing, of.judged));
  }
  if (of.verdict != cause::mixed) {
    const model::shared_cause& first = of.findings.front();
    return fmt::format("{}; {}, figures of run {}", first.what.text, in_runs(first.runs, of.judged), first.run);
  }
  std::string text;
  for (const auto& [kind, runs] : runs_by_kind(judged)) {
    if (std::ranges::none_of(of.findings, [&](const auto& each) { return each.what.kind == kind; })) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", in_words(kind), in_runs(runs, of.judged));
  }
  return text;
}

// What all runs say is said once.
void add_remarks(std::vector<std::string>& to, std::span<const run* const> judged) {
  std::vector<std::string> texts;
  std::map<std::string, std::vector<unsigned>> runs;
  for (const run* each : judged) {
    for (const std::string& remark : each->diagnosed.remarks) {
      auto& of = runs[remark];
      if (of.empty()) texts.push_back(remark);
      of.push_back(each->repeat);
    }
  }
  for (const std::string& text : texts) {
    if (runs[text].size() == judged.size()) {
      to.push_back(text);
    } else {
      for (const unsigned repeat : runs[text]) to.push_back(fmt::format("run {}: {}", repeat, text));
    }
  }
}

}  // namespace

model::candidate_diagnosis diagnose_runs(std::span<const run* const> complete) {
  model::candidate_diagnosis made;
  std::vector<const run*> judged;
  std::vector<std::string> too_little;
  for (const run* each : complete) {
    if (made.phase.empty()) made.phase = each->diagnosed.phase;
    if (each->diagnosed.verdict != cause::not_enough_data) {
      judged.push_back(each);
    } else {
      too_little.push_back(fmt::format("run {}: {}", each->repeat, each->diagnosed.text));
    }
  }
  // Calls that block are looked for in every run, however little else was seen: as with freezes, what less than half of
  // all complete runs show is a remark.
  const bool calls_only = std::ranges::all_of(judged, [](const run* each) {
    const auto& found = each->diagnosed.findings;
    return !found.empty() &&
           std::ranges::all_of(found, [](const model::named_cause& one) { return !one.call.empty(); });
  });
  if (calls_only && 2 * judged.size() < complete.size()) {
    for (const run* each : judged) {
      made.remarks.push_back(fmt::format("{}, in run {} of {}: {}", in_words(each->diagnosed.verdict), each->repeat,
                                         complete.size(), each->diagnosed.text));
    }
    judged.clear();
  }
  if (judged.empty()) {
    made.text = complete.empty() ? "no run of it was complete" : "in no run was enough seen; " + too_little.front();
    return made;
  }
  made.judged = static_cast<unsigned>(judged.size());
  judge_kinds(made, judged);
  made.text = text_of(made, judged);
  add_remarks(made.remarks, judged);
  for (const std::string& each : too_little) made.remarks.push_back("not enough data in " + each);
  return made;
}

}  // namespace assay::judge
