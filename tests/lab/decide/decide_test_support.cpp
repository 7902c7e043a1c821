#include "tests/lab/decide/decide_test_support.hpp"

#include <utility>

namespace assay::decide {

model::plan shop_plan() {
  model::plan plan;
  plan.name = "shop";
  plan.source_sha256 = "0123abcd";
  plan.reference = "flask";
  plan.workload.resize(6);
  for (const auto& [name, title] : {std::pair{"flask", "Flask on gunicorn"},
                                    {"fastapi", "FastAPI"},
                                    {"blocking", "FastAPI (blocking)"},
                                    {"stack", "C++ on assay's stack"}}) {
    model::candidate& each = plan.candidates.emplace_back();
    each.name = name;
    each.title = title;
    each.ours = each.name == "stack";
  }
  for (const auto kind : {model::phase_kind::warm_up, model::phase_kind::steady, model::phase_kind::fault}) {
    model::phase& phase = plan.phases.emplace_back();
    phase.name = label(kind);
    phase.kind = kind;
    phase.rate_per_s = 100;
    phase.length = std::chrono::seconds(15);
    phase.full_rate_per_s = 100;
    phase.full_length = std::chrono::seconds(600);
  }
  return plan;
}

std::vector<judge::run> shop_runs() {
  std::vector<judge::run> runs;
  for (const auto& [name, factor] : {std::pair{"flask", 1.0}, {"fastapi", 1.01}, {"blocking", 10.0}, {"stack", 0.3}}) {
    for (unsigned repeat = 1; repeat <= 3; ++repeat) {
      judge::run& run = runs.emplace_back();
      run.candidate = name;
      run.repeat = repeat;
      run.loaded_s = 45;
      run.whole.values = {{"start_up_s", 1.0}, {"recovery_s", 0.5 * repeat}};
      for (const char* phase : {"steady", "fault"}) {
        // The fault makes runs differ more than any verdict could bear.
        const double spread = std::string_view(phase) == "fault" ? 0.5 * repeat : 1 + 0.01 * repeat;
        judge::phase_run& in = run.phases.emplace_back();
        in.phase = phase;
        in.offered_rps = 100;
        in.offered = 1500;
        in.metrics.values = {{"response_p50_ms", 5 * factor * spread},
                             {"response_p99_ms", 40 * factor * spread},
                             {"error_share", 0},
                             {"goodput_rps", 100},
                             {"cpu_ms_per_request", 2 * factor},
                             {"rss_mib", 80},
                             {"lag_p99_ms", 3 * factor}};
      }
      run.diagnosed = {.verdict = model::cause::healthy, .phase = "steady"};
      if (run.candidate == "blocking") {
        model::blocking_site& site = run.blocking.emplace_back();
        site.call = "recv";
        site.peer = "third-party (127.0.0.1:4000" + std::to_string(repeat) + ")";
        site.place = "app.py:87 in price_of|item";
        site.count = 50;
        site.total_ms = 15'000;
        site.longest_ms = 812;
        run.diagnosed.verdict = model::cause::blocking_call;
        run.diagnosed.findings = {{.kind = model::cause::blocking_call,
                                   .call = "recv",
                                   .peer = "third-party",
                                   .place = site.place,
                                   .text = "recv, third-party at " + site.place + " held the loop",
                                   .numbers = {{"blocked_s", 14.0 + repeat}},
                                   .next = "Use an asynchronous client."}};
      }
    }
  }
  return runs;
}

model::comparison shop_comparison() {
  model::comparison judged = judge::compare(shop_plan(), shop_runs());
  judged.source.experiment_id = "shop-2026-01-02";
  judged.source.created = "2026-01-02T03:04:05Z";
  judged.source.tool_version = "0.1.0";
  judged.source.results_sha256 = "fedc";
  judged.source.host = {{"cpu", "a CPU <b>"}};
  return judged;
}

}  // namespace assay::decide
