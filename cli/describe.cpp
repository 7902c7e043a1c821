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

constexpr const char* learn_examples = R"(Examples:
  assay learn access.log                                   the workload's portrait
  assay learn access.log access.log.1 -o shop.profile.json and the profile, which assay plan reads
  zcat access.log.*.gz | assay learn -                     from standard input
  assay learn access.log --route 'GET /items/{id}/price'   a route named beforehand

Reads Apache's and nginx's common and combined formats.
Exit codes: 0 ok, 2 usage, 4 could not run.)";

}  // namespace

CLI::App* describe_learn(CLI::App& app, learn_arguments& typed) {
  CLI::App& command =
      *app.add_subcommand("learn", "Learn the workload from access logs: routes, rates, bursts, sessions");
  command.footer(learn_examples);
  command.add_option("files", typed.files, "access logs; - is standard input")->required();
  command.add_option("-o,--output", typed.output, "write the profile to this file");
  command.add_option("--route", typed.routes, "'METHOD /path/{name}', before any that is guessed; may be repeated")
      ->take_all()
      ->allow_extra_args(false);
  command.add_flag("--json", typed.json, "print the profile instead of the portrait");
  return &command;
}

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

}  // namespace assay::cli
