#include "cli/describe.hpp"

#include <CLI/CLI.hpp>

namespace assay::cli {
namespace {

constexpr const char* load_examples = R"(Examples:
  assay load http://127.0.0.1:8080/ -R 1000 -d 30s        1000 requests a second, whatever the server does
  assay load http://127.0.0.1:8080/ -R 1000 --latency     with the full percentile spectrum
  assay load http://127.0.0.1:8080/ -c 64 -d 10s          closed model: each connection waits for its answer
  assay load http://127.0.0.1:8080/orders -b @order.json -H 'Content-Type: application/json'
  assay load http://127.0.0.1:8080/ -R 500 --json         one JSON document on stdout

Exit codes: 0 ok, 2 usage, 3 the measurement is invalid, 4 could not run.)";

constexpr const char* plan_examples = R"(Examples:
  assay plan shop.profile.json --bind binding.yaml -o shop.plan.yaml
  assay plan shop.profile.json --bind binding.yaml --shorten 12m    phases cut until the campaign fits
  assay plan shop.profile.json --bind binding.yaml --full           rates and lengths of the full process
  assay plan --check shop.plan.yaml                                 what will run, how long, what it can tell apart
  assay plan --schema                                               the JSON Schema, for editors

Exit codes: 0 ok, 2 usage, a faulty file or an unbound route, 4 could not write.)";

}  // namespace

CLI::App* describe_load(CLI::App& app, load_arguments& typed) {
  CLI::App& command = *app.add_subcommand("load", "Load one URL and report what it did, verdict first");
  command.footer(load_examples);
  command.add_option("url", typed.url, "http://HOST[:PORT]/PATH")->required();
  command.add_option("-R,--rate", typed.rate, "requests per second, of all threads: the open model. Without it closed");
  command.add_option("-d,--duration", typed.length, "how long to send: 30s, 5m, 1.5h, 250ms")->capture_default_str();
  command.add_option("-c,--connections", typed.connections, "connections, of all threads")->capture_default_str();
  command.add_option("-t,--threads", typed.threads, "generator threads")->capture_default_str();
  command.add_option("-m,--method", typed.method, "method; GET, or POST when there is a body");
  command.add_option("-H,--header", typed.headers, "\"Name: value\"; may be repeated")
      ->take_all()
      ->allow_extra_args(false);
  command.add_option("-b,--body", typed.body, "the body, or @FILE");
  command.add_option("--timeout", typed.timeout, "of one request, from its send")->capture_default_str();
  command.add_option("--arrivals", typed.arrivals, "constant or poisson")
      ->check(CLI::IsMember({"constant", "poisson"}))
      ->capture_default_str();
  command.add_option("--seed", typed.seed, "of the arrivals")->check(CLI::NonNegativeNumber)->capture_default_str();
  command.add_flag("--spin", typed.spin, "poll instead of sleeping between arrivals: costs a CPU, paces within us");
  command.add_option("--io", typed.io, "auto, io_uring or epoll")
      ->check(CLI::IsMember({"auto", "io_uring", "epoll"}))
      ->capture_default_str();
  command.add_flag("--latency", typed.spectrum, "print the detailed percentile spectrum");
  command.add_flag("--json", typed.json, "print one JSON document");
  return &command;
}

CLI::App* describe_plan(CLI::App& app, plan_arguments& typed) {
  CLI::App& command = *app.add_subcommand("plan", "Bind a profile to data and write a plan, or check a plan");
  command.footer(plan_examples);
  command.add_option("profile", typed.profile, "written by assay learn");
  command.add_option("--bind", typed.binding, "says per route where values, bodies and credentials come from");
  command.add_option("-o,--output", typed.output, "the plan file; stdout without it");
  CLI::Option* full = command.add_flag("--full", typed.full, "rates and lengths of the full-length process");
  command.add_option("--shorten", typed.within, "cut phases until the whole campaign fits: 12m")->excludes(full);
  command.add_option("--check", typed.checked, "say what this plan will do");
  command.add_flag("--schema", typed.schema, "print the JSON Schema of plans");
  command.add_flag("--schema-doc", typed.page, "print the reference page of all keys");
  return &command;
}

}  // namespace assay::cli
