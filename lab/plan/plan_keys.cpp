// The tables of the plan itself: phases, faults, dependencies.
#include <algorithm>

#include "lab/plan/drafts.hpp"

namespace assay::plan {
namespace {

constexpr double longest_phase_s = 86'400;
constexpr double most_of_a_shape = 1e6;
constexpr double most_dispersion = 1e6;
constexpr double longest_latency_s = 3'600;
constexpr double most_sigma = 5;
constexpr double most_repeats = 1000;
constexpr double most_connections = 65'535;
constexpr double most_seed = 9007199254740992;  // 2^53: exact in every reader of the file

const section& full_section() {
  static const section table = [] {
    keys_of<full_draft> keys("full", "what the full-length process would use");
    keys.rate("rate", &full_draft::rate, "requests a second, or 10x of the baseline").otherwise("the phase's rate");
    keys.duration("length", &full_draft::length, 0.001, longest_phase_s, "how long").otherwise("the phase's length");
    return keys.done();
  }();
  return table;
}

const section& bursts_section() {
  static const section table = [] {
    keys_of<bursts_draft> keys(
        "bursts",
        "arrivals that crowd as a log's do: the rate is drawn anew each second, each ten and each sixty, from the "
        "seed; over the phase, and each hour of it, its mean is `rate`. A dispersion is the variance of the counts in "
        "windows of so many seconds over their mean, 1 for Poisson arrivals. A scale that is not given adds no bursts "
        "of its own; a phase shows those of which it holds several windows. A trial waits so that the first phase with "
        "bursts begins with a second of the clock, and if it lasts a minute with ten of them: so logs are counted");
    keys.number("of_rate", &bursts_draft::of_rate, least_rate, most_rate,
                "requests a second at which the dispersions were seen; at another rate the bursts are as high in "
                "proportion, and the dispersion less 1 grows as the rate does")
        .otherwise("the phase's rate");
    keys.number("dispersion_1s", &bursts_draft::second, 1, most_dispersion, "of the counts of each second");
    keys.number("dispersion_10s", &bursts_draft::ten, 1, most_dispersion, "of the counts of ten seconds each");
    keys.number("dispersion_60s", &bursts_draft::minute, 1, most_dispersion, "of the counts of sixty seconds each");
    keys.number(
        "peak_1s", &bursts_draft::peak_second, 1, most_dispersion,
        "the busiest second, of the mean: bursts reach no higher. Of the three the shorter ones need the longer");
    keys.number("peak_10s", &bursts_draft::peak_ten, 1, most_dispersion, "the busiest ten seconds");
    keys.number("peak_60s", &bursts_draft::peak_minute, 1, most_dispersion, "the busiest sixty");
    return keys.finished_by([](reader& in, const std::string& path, const yaml_node& node, bursts_draft& into) {
      if (into.second || into.ten || into.minute) return;
      in.refuse(node.at, path + ": expected at least one of dispersion_1s, dispersion_10s, dispersion_60s");
    });
  }();
  return table;
}

const section& fault_section() {
  static const section table = [] {
    keys_of<fault_draft> keys("fault", "what is done to a dependency for the length of the phase: exactly one");
    keys.text("dependency", &fault_draft::dependency, "its name").required();
    keys.object("latency", &fault_draft::latency, latency_section(), "added to each reply, lognormal");
    keys.flag("outage", &fault_draft::outage, "connections are refused and open ones end");
    keys.flag("reset", &fault_draft::reset, "open connections are reset");
    return keys.finished_by([](reader& in, const std::string& path, const yaml_node& node, fault_draft& into) {
      if (into.latency.has_value() + into.outage + into.reset != 1) {
        in.refuse(node.at, path + ": expected exactly one of latency, outage, reset");
      }
    });
  }();
  return table;
}

const section& postgres_section() {
  static const section table = [] {
    keys_of<postgres_draft> keys("postgres", "a private PostgreSQL server");
    keys.texts("schema", &postgres_draft::schema, "SQL files, run in this order into a fresh database");
    keys.texts("reset", &postgres_draft::reset, "SQL files, run before each trial");
    keys.text("reconcile", &postgres_draft::reconcile,
              "query of one column: the key of each acknowledged write that is stored");
    return keys.done();
  }();
  return table;
}

const section& http_service_section() {
  static const section table = [] {
    keys_of<http_service_draft> keys("http_service", "a third party: answers GET with JSON after a delay");
    keys.object("latency", &http_service_draft::latency, latency_section(), "of its answers, lognormal").required();
    keys.number("error_share", &http_service_draft::error_share, 0, 1, "answered with 503");
    keys.text("reply", &http_service_draft::reply,
              "body of each answer; {n} is the last whole number of the path, {n*A%B} is computed from it");
    return keys.done();
  }();
  return table;
}

// What a plan and a binding have in common.
template <typename T>
void describe_campaign(keys_of<T>& keys) {
  using enum model::arrival_law;
  keys.integer("version", &T::version, 1, model::plan_version, "of this format");
  keys.text("name", &T::name, "as the report shows it").required();
  keys.integer("seed", &T::seed, 0, most_seed,
               "of arrivals, values, faults and the order of trials: the same seed repeats them");
  keys.integer("repeats", &T::repeats, 1, most_repeats,
               "fresh processes of each candidate; the run is what is compared, not the request");
  keys.integer("connections", &T::connections, 1, most_connections, "to the candidate");
  keys.duration("timeout", &T::timeout, 0.001, longest_latency_s, "of one request, from its send");
  keys.word("arrivals", &T::arrivals, std::vector{poisson, constant}, "how requests lie in time");
  keys.text("reference", &T::reference, "the candidate that the others are compared with")
      .otherwise("the first candidate");
  keys.text("conformance", &T::conformance, "file of checks that each candidate must pass before it is measured");
  keys.duration("stall_threshold", &T::stall_threshold, 0.0001, 60,
                "a loop that does not turn for so long is reported as stalled");
  keys.texts(
      "objectives", &T::kept,
      "what each candidate is to keep in steady phases: p99<100ms, p99[GET /items]<80ms, errors<0.1%; the report "
      "says who does not or that it cannot be told, and assay run ends with 1 then");
  keys.objects("background", &T::tasks, background_section(),
               "what the service does by the clock, beside its users; no log shows it");
  keys.objects("dependencies", &T::needs, dependency_section(), "databases and third parties");
  keys.objects("candidates", &T::contenders, candidate_section(),
               "descriptor files, or {descriptor: FILE, name: OTHER}, or descriptors in place", candidate_from_text)
      .required();
}

const section& leave_out_section() {
  static const section table = [] {
    keys_of<leave_out_draft> keys("leave_out", "a route of the profile that is not sent");
    keys.text("route", &leave_out_draft::name, "as in the profile").required();
    keys.text("why", &leave_out_draft::why, "printed with its share of the requests").required();
    return keys.done();
  }();
  return table;
}

}  // namespace

std::string_view label(likeness to) {
  switch (to) {
    case likeness::none:
      return "none";
    case likeness::hour:
      return "hour";
    case likeness::day:
      return "day";
    case likeness::worst_minute:
      return "worst-minute";
  }
  return "none";
}

const section& latency_section() {
  static const section table = [] {
    keys_of<latency_draft> keys("latency", "a lognormal distribution");
    keys.duration("median", &latency_draft::median, 0, longest_latency_s, "half of the delays are shorter").required();
    keys.number("sigma", &latency_draft::sigma, 0, most_sigma, "standard deviation of the logarithm; 0 is fixed");
    return keys.done();
  }();
  return table;
}

const section& phase_section() {
  static const section table = [] {
    using enum model::phase_kind;
    keys_of<phase_draft> keys("phase", "a stretch of load; all phases of a trial run in one process, in this order");
    keys.text("name", &phase_draft::name, "as the report shows it").required();
    keys.word("kind", &phase_draft::kind, std::vector{warm_up, steady, burst, fault, recovery},
              "warm-up is not judged; the first steady phase is the baseline")
        .required();
    keys.rate("rate", &phase_draft::rate, "requests a second, or 10x of the baseline").required();
    keys.duration("length", &phase_draft::length, 0.001, longest_phase_s, "how long").required();
    keys.numbers("shape", &phase_draft::shape, 0, most_of_a_shape,
                 "the course of the rate: numbers in proportion to it, each for an equal part of the length; `rate` is "
                 "their mean. A ramp is [1, 2, 3], a day 24 hours")
        .otherwise("even");
    keys.object("bursts", &phase_draft::crowded, bursts_section(),
                "how arrivals crowd beyond what Poisson arrivals do");
    keys.word(
        "like_log", &phase_draft::like_log,
        std::vector{likeness::none, likeness::hour, likeness::day, likeness::worst_minute},
        "in a binding only: `hour` takes the profile's bursts, `day` the shape of its day too, `worst-minute` the "
        "sixty seconds that crowded most; what the profile does not know is refused");
    keys.object("full", &phase_draft::full, full_section(), "the full-length values, printed beside these");
    keys.objects("faults", &phase_draft::done_to, fault_section(), "what is done to dependencies meanwhile");
    return keys.finished_by([](reader& in, const std::string& path, const yaml_node& node, phase_draft& into) {
      if (!into.shape.empty() && std::ranges::max(into.shape) <= 0) {
        in.refuse(node.find("shape")->at, path + ".shape: expected a number above 0");
      }
      const bool written = !into.shape.empty() || into.crowded;
      if (into.like_log != likeness::none && written) {
        in.refuse(node.at, path + ": \"like_log\" takes shape and bursts from the profile; leave out what is written");
      }
    });
  }();
  return table;
}

const section& dependency_section() {
  static const section table = [] {
    keys_of<dependency_draft> keys("dependency", "what every candidate talks to, through the fault proxy");
    keys.text("name", &dependency_draft::name, "candidates get its address for {NAME}").required();
    keys.object("postgres", &dependency_draft::postgres, postgres_section(), "it is a database");
    keys.object("http_service", &dependency_draft::http_service, http_service_section(), "it is a third party");
    return keys.finished_by([](reader& in, const std::string& path, const yaml_node& node, dependency_draft& into) {
      if (into.postgres.has_value() == into.http_service.has_value()) {
        in.refuse(node.at, path + ": expected exactly one of postgres, http_service");
      }
    });
  }();
  return table;
}

const section& plan_section() {
  static const section table = [] {
    keys_of<plan_draft> keys("plan", "what is measured, and how");
    describe_campaign(keys);
    keys.texts("proposed_objectives", &plan_draft::to_confirm,
               "what assay plan proposes from the log: nobody is judged by them until they stand under `objectives`");
    keys.objects("workload", &plan_draft::routes, route_section(), "the routes and their weights").required();
    keys.objects("phases", &plan_draft::steps, phase_section(), "in the order of time").required();
    return keys.done();
  }();
  return table;
}

const section& binding_section() {
  static const section table = [] {
    keys_of<binding_draft> keys("binding", "what a log does not say: data, bodies, credentials, candidates");
    describe_campaign(keys);
    keys.number("baseline_rate", &binding_draft::baseline_rate, least_rate, most_rate,
                "requests a second that 1x means")
        .otherwise("the profile's median hour");
    keys.number("capacity_rate", &binding_draft::capacity_rate, least_rate, most_rate,
                "requests a second that a service like these bears, as assay capacity finds it: the usual overload is "
                "0.5x to 4x of it")
        .otherwise("the profile's busiest hour, scaled as the baseline is");
    keys.duration("soak", &binding_draft::soak, 60, longest_phase_s, "how long the usual soak is at full length");
    keys.number("smallest_share", &binding_draft::smallest_share, 0, 1,
                "unbound routes of a smaller share of the requests are dropped with a notice");
    keys.objects("routes", &binding_draft::routes, route_section(), "bound routes; weights are the profile's")
        .required();
    keys.objects("leave_out", &binding_draft::leave_out, leave_out_section(), "routes that are not sent, and why");
    keys.objects("phases", &binding_draft::steps, phase_section(), "in the order of time; 1x is the baseline")
        .otherwise(
            "warm-up, baseline, peak, daily cycle, soak, ramp, burst, worst burst, settle, what fails, and overload");
    return keys.done();
  }();
  return table;
}

}  // namespace assay::plan
