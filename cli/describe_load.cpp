#include <CLI/CLI.hpp>
#include <array>
#include <string_view>

#include "cli/describe.hpp"

namespace assay::cli {
namespace {

constexpr const char* load_examples = R"(Examples:
  assay load http://127.0.0.1:8080/ -R 1000 -d 30s        1000 requests a second, whatever the server does
  assay load http://127.0.0.1:8080/ --stage 1m@100 --stage 30s@100*10 --stage 1m@100       a burst, and when it is over
  assay load http://127.0.0.1:8080/items/{id} -R 500 --feed id=zipf:1..10000 --slo 'p99<50ms,errors<0.1%'
  assay load --curl "curl -d '{}' http://127.0.0.1:8080/orders" -R 100 --json --hdr orders.hgrm
  assay load ws://127.0.0.1:8080/chat -c 1000 -R 5 -d 30s --broadcast     who hears what one says, and when
Without -R each connection waits for its answer (closed model), a WebSocket is idle; --sse follows events.

Exit codes: 0 ok, 1 an objective of --slo is not met, 2 usage, 3 the measurement is invalid, 4 could not run,
130 Ctrl-C before the end.)";

constexpr const char* capacity_examples = R"(Examples:
  assay capacity http://127.0.0.1:8080/ --slo 'p99<50ms,errors<0.1%'
  assay capacity http://127.0.0.1:8080/ --slo 'p95<200ms' --from 1000 -d 30s --arrivals poisson
  assay capacity http://127.0.0.1:8080/ --slo 'p99<50ms' --precision 2% --runs 80 --json
  assay capacity http://127.0.0.1:8080 --requests shop.yaml --slo 'p99[GET /items/{id}]<50ms,errors<0.1%'

Each run is in the open model and says only whether the objectives were kept; the interval follows from all of them.
Without -c connections are doubled, up to 4096, while too few of them are what keeps a run from its objectives.
Then a curve from half to twice the capacity, and how long the service takes to recover: as long again as the search.
Exit codes: 0 ok, 1 not even 1 request per second was kept, 2 usage, 4 could not run, 130 Ctrl-C before the end.)";

// What most runs need, on a screen of 80 by 24; --help has all.
constexpr std::string_view brief = R"(assay load URL [options]          verdict first, then what was measured
  -R, --rate 1000               requests a second, whatever the server does
  -d, --duration 30s            how long; or stages, one after the other:
  --stage '3x(30s@100*10, 1m@100)'    30s@100, a ramp 1m@100..500, bursts
  -c, --connections 64          of all threads; -t, --threads 1
  -m, -H, -b                    method, "Name: value", the body or @FILE
  --curl, --har, --requests, --sessions    several requests; what users do
  --feed id=FILE.csv            for {id} in what is sent; int:1..9, zipf:1..9
  --check status=200            or header:NAME=VALUE, body~PART, json:PATH=VALUE
  --slo 'p99<50ms,errors<0.1%'  exit code 1 unless all of it holds
  --latency, --json, --ndjson -, --hdr FILE.hgrm, --prometheus PORT
Examples:
  assay load http://127.0.0.1:8080/ -R 1000 -d 30s
  assay load http://127.0.0.1:8080/ --stage 1m@100 --stage 30s@100*10
  assay load http://127.0.0.1:8080/items/{id} -R 500 --feed id=zipf:1..10000
  assay load --curl "curl -d '{}' http://127.0.0.1:8080/orders" -R 100 --json
  assay load ws://127.0.0.1:8080/chat -c 1000 -R 5 --broadcast
Without -R each connection waits for its answer (the closed model).
Exit codes: 0 ok, 1 an objective of --slo is not met, 2 usage, 3 the measurement
is invalid, 4 could not run, 130 Ctrl-C. All options: assay load --help
)";

}  // namespace

namespace {

// What is sent, on how many connections: alike for every command that loads one URL.
void describe_requests(CLI::App& command, load_arguments& typed) {
  command.add_option("-c,--connections", typed.connections, "connections, of all threads")
      ->each([&typed](const std::string&) { typed.has_connections = true; })
      ->capture_default_str();
  command.add_option("-t,--threads", typed.threads, "generator threads")->capture_default_str();
  command.add_option("-m,--method", typed.method, "method; GET, or POST when there is a body");
  command.add_option("-H,--header", typed.headers, "\"Name: value\"; may be repeated")
      ->take_all()
      ->allow_extra_args(false);
  command.add_option("-b,--body", typed.body, "the body, or @FILE");
  command.add_option("--timeout", typed.timeout, "of one request, from its send")->capture_default_str();
  command.add_option("--arrivals", typed.arrivals, "constant or poisson: of the open model")
      ->check(CLI::IsMember({"constant", "poisson"}))
      ->each([&typed](const std::string&) { typed.has_arrivals = true; })
      ->capture_default_str();
  command.add_option("--tick", typed.tick, "arrivals of one tick leave together: cheaper, and in small bursts");
  command.add_option("--seed", typed.seed, "of the arrivals")->check(CLI::NonNegativeNumber)->capture_default_str();
  command.add_flag("--spin", typed.spin, "poll instead of sleeping between arrivals: costs a CPU, paces within us");
  command.add_option("--io", typed.io, "auto, io_uring or epoll")
      ->check(CLI::IsMember({"auto", "io_uring", "epoll"}))
      ->capture_default_str();
}

// Over WebSocket, and of events.
void describe_streams(CLI::App& command, load_arguments& typed) {
  command.add_flag("--sse", typed.events, "listen to server-sent events instead of sending requests");
  command.add_option("--message", typed.message,
                     "ws://: the text of a message; {id} in it is told from run and number");
  command.add_flag("--broadcast", typed.broadcast,
                   "ws://: each message is to come to every connection: reach, delivery");
  command.add_option("--connect-rate", typed.connect_rate, "ws://, --sse: connections opened a second (2000)");
  command.add_option("--lifetime", typed.lifetime,
                     "ws:// without -R: closes each connection after such a time and opens another");
  command
      .add_option("--source", typed.sources, "ws://, --sse: a local address to connect from; may be repeated, in turn")
      ->take_all()
      ->allow_extra_args(false);
}

// Several requests in place of one; what brings them.
std::array<CLI::Option*, 3> describe_several(CLI::App& command, load_arguments& typed) {
  CLI::Option* curl =
      command.add_option("--curl", typed.curl, "a curl command line, or a file of them; may be repeated");
  curl->take_all()->allow_extra_args(false);
  CLI::Option* har = command.add_option("--har", typed.har, "the requests of a HAR file to the origin of its first");
  CLI::Option* file = command.add_option("--requests", typed.requests, "a file of weighted requests: .yaml or .jsonl");
  har->excludes(curl);
  file->excludes(curl)->excludes(har);
  const std::array<CLI::Option*, 3> inputs{curl, har, file};
  for (CLI::Option* each : inputs) {
    each->excludes(command.get_option("--method"))->excludes(command.get_option("--body"));
  }
  command
      .add_option("--feed", typed.feeds,
                  "{NAME} of a request from NAME=FILE.csv, FILE.jsonl:MEMBER, int:1..9, zipf:1..9, seq, uuid")
      ->take_all()
      ->allow_extra_args(false);
  command
      .add_option("--check", typed.checks,
                  "of each answer: status=200,404, header:NAME=VALUE, body~PART, json:PATH=VALUE; =VALUE or ~PART")
      ->take_all()
      ->allow_extra_args(false);
  return inputs;
}

void describe_sessions(CLI::App& command, load_arguments& typed, const std::array<CLI::Option*, 3>& instead_of) {
  CLI::Option* sessions = command.add_option(
      "--sessions", typed.sessions, "a file of scenarios: what users do one after the other, at its rates or -R");
  for (CLI::Option* each : instead_of) sessions->excludes(each);
  sessions->excludes(command.get_option("--method"))->excludes(command.get_option("--body"));
}

// Two URLs, or none, in place of one.
void describe_in_place_of_a_url(CLI::App& command, load_arguments& typed) {
  CLI::Option* crossover =
      command.add_option("--crossover", typed.crossover,
                         "two URLs, in turns at 1, 2, 4, ... up to -c connections: where the second is better");
  crossover->expected(2)->type_name("A B");
  command.add_option("--repeats", typed.repeats, "of each level of --crossover")
      ->capture_default_str()
      ->needs(crossover);
  CLI::Option* calibrate = command.add_flag(
      "--calibrate", typed.calibrate, "measure this machine against a server that does nothing, -d long: what it can");
  for (const char* other :
       {"url",      "--stage",      "--curl",    "--har",       "--requests",     "--sessions", "--per-connection",
        "--follow", "--feed",       "--check",   "--sse",       "--slo",          "--latency",  "--ndjson",
        "--hdr",    "--prometheus", "--message", "--broadcast", "--connect-rate", "--lifetime", "--source"}) {
    calibrate->excludes(command.get_option(other));
    crossover->excludes(command.get_option(other));
  }
  crossover->excludes(calibrate)->excludes(command.get_option("--rate"))->excludes(command.get_option("--arrivals"));
}

}  // namespace

CLI::App* describe_load(CLI::App& app, load_arguments& typed) {
  CLI::App& command = *app.add_subcommand("load", "Load a URL, or several requests, and report, verdict first");
  command.footer(load_examples);
  command.add_option("url", typed.url,
                     "http:// or ws://HOST[:PORT]/PATH; HOST[:PORT] only where the requests bring the path");
  CLI::Option* rate = command.add_option("-R,--rate", typed.rate,
                                         "requests per second, of all threads: the open model. Without it closed");
  CLI::Option* length = command.add_option("-d,--duration", typed.length, "how long to send: 30s, 5m, 1.5h, 250ms");
  length->each([&typed](const std::string&) { typed.has_length = true; })->capture_default_str();
  command
      .add_option(
          "--stage", typed.stages,
          "LENGTH@RATE, 30s@100; ramp 1m@100..500; sine 2m@300~200/20s; burst 30s@100*10; 5x(30s@100*10, 1m@100)")
      ->take_all()
      ->allow_extra_args(false)
      ->excludes(rate)
      ->excludes(length);
  describe_requests(command, typed);
  command.add_option("--per-connection", typed.per_connection, "requests on a connection; then it is closed")
      ->check(CLI::PositiveNumber);
  command.add_option("--follow", typed.follow, "up to so many redirects of one request, to the same origin; 0: none")
      ->check(CLI::NonNegativeNumber);
  describe_sessions(command, typed, describe_several(command, typed));
  describe_streams(command, typed);
  command.add_option("--slo", typed.objectives,
                     "exit code 1 unless all hold: p99<50ms,errors<0.1%,rate>950,back<10s,p99[GET /a]<9ms every 10s");
  command.add_flag("--latency", typed.spectrum,
                   "print the detailed percentile spectrum, first byte and connect, how requests went out");
  command.add_flag("--json", typed.json, "print one JSON document");
  command.add_flag("--no-tui", typed.no_screen, "one line while it runs, also where the terminal could show more");
  command.add_option("--ndjson", typed.ndjson, "a line of JSON for each second while it runs: FILE, or - for stdout");
  command
      .add_option("--hdr", typed.hdr, "FILE.hgrm: percentile distribution; FILE.hlog: histogram log; may be repeated")
      ->take_all()
      ->allow_extra_args(false);
  command.add_option("--prometheus", typed.prometheus, "metrics on 127.0.0.1:PORT/metrics while it runs; 0: any port");
  describe_in_place_of_a_url(command, typed);
  return &command;
}

CLI::App* describe_capacity(CLI::App& app, capacity_arguments& typed) {
  CLI::App& command = *app.add_subcommand("capacity", "Find the highest rate at which a service keeps its objectives");
  command.footer(capacity_examples);
  command.add_option("url", typed.load.url, "http://HOST[:PORT]/PATH");
  command.add_option("--slo", typed.load.objectives, "what is to be kept: p99<50ms,errors<0.1%,p99[GET /a]<9ms")
      ->required();
  command.add_option("-d,--duration", typed.load.length, "of one run")->capture_default_str();
  command.add_option("--from", typed.from, "requests per second of the first run")->capture_default_str();
  command.add_option("--most", typed.most, "no run at more than that")->capture_default_str();
  command.add_option("--precision", typed.precision, "ends when the interval is so narrow")->capture_default_str();
  command.add_option("--runs", typed.runs, "or after so many runs")->capture_default_str();
  CLI::Option* curve =
      command.add_option("--curve", typed.curve, "runs from half to twice the capacity: latency and goodput beyond it");
  curve->capture_default_str();
  command.add_flag("--no-curve", typed.no_curve, "neither these nor the run that tells how it recovers")
      ->excludes(curve);
  describe_requests(command, typed.load);
  describe_several(command, typed.load);
  command.add_flag("--json", typed.load.json, "print one JSON document");
  return &command;
}

std::string_view load_in_brief() { return brief; }

}  // namespace assay::cli
