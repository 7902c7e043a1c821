#include "cli/describe.hpp"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

namespace assay::cli {
namespace {

// An option, its value and default, and what it is for. Which options do not go together is told when they are typed
// together.
class plain_help : public CLI::Formatter {
 public:
  plain_help() { column_width(column); }

  std::string make_option_opts(const CLI::Option* of) const override {
    if (of->get_type_size() == 0) return of->get_required() ? " REQUIRED" : "";
    std::string text;
    const std::string kind = of->get_type_name();
    // "TEXT:{auto,epoll}": the values say it all.
    const std::size_t values = kind.find('{');
    if (!kind.empty())
      text += " " + (values == std::string::npos ? kind.substr(0, kind.find(':')) : kind.substr(values));
    if (const std::string usual = of->get_default_str(); !usual.empty()) text += "=" + usual;
    if (of->get_required()) text += " REQUIRED";
    return text;
  }

 private:
  static constexpr std::size_t column = 32;
};

constexpr const char* plan_examples = R"(Examples:
  assay plan shop.profile.json --draft binding.yaml                 a binding to begin with
  assay plan shop.profile.json --draft binding.yaml --openapi api.yaml      with bodies of the service's description
  assay plan shop.profile.json --bind binding.yaml -o shop.plan.yaml
  assay plan shop.profile.json --bind binding.yaml --shorten 12m    phases cut until it fits; --full: at full length
  assay plan --check shop.plan.yaml                                 what will run, how long, what it can tell apart
  assay plan --schema                                               the JSON Schema, for editors

Exit codes: 0 ok, 2 usage, a faulty file or an unbound route, 4 could not write.)";

constexpr const char* learn_examples = R"(Examples:
  assay learn access.log                                   the workload's portrait
  assay learn access.log access.log.1 -o shop.profile.json and the profile, which assay plan reads; --html: a page
  assay learn '/var/log/nginx/access.log*' alb-logs/       globs and directories, .gz and .zst, merged by time
  kubectl logs deploy/caddy | assay learn -                from standard input
  assay learn access.log --format '$remote_addr [$time_local] "$request" $status $body_bytes_sent $request_time'
  assay learn access.log --route 'GET /items/{id}/price'   a route named beforehand
  assay learn access.log --openapi api.yaml                all routes of the service's own description
  assay learn access.log --explain 'GET /items/{id}'       what was folded into a route, and why
  assay learn --compare last.profile.json access.log       whether two workloads differ, and where

The format is found out from the first lines. --format takes a name: combined (common, nginx's main, with a virtual host
or without), ingress, traefik, envoy, istio, haproxy, alb, elb, s3, w3c (IIS, CloudFront), caddy, traefik-json,
envoy-json, json, har, goreplay; a format string of nginx, Apache or Envoy, or the whole directive; @FILE or @FILE#NAME;
json:FIELD=MEMBER,... A rotated file may be empty. Lines that are refused are counted by reason; more than half is an
error.
Exit codes: 0 ok, 1 the workloads of --compare differ, 2 usage, 4 could not run.)";

constexpr const char* compare_examples = R"(Examples:
  assay compare py=http://127.0.0.1:8000 go=http://127.0.0.1:9000 --log access.log
  assay compare py=http://127.0.0.1:8000 go=http://127.0.0.1:9000 --log access.log --rate 50 --repeats 5
  assay compare a=http://127.0.0.1:1 b=http://127.0.0.1:2 --log access.log --route 'GET /shop/{name}'

Sends the GET and HEAD requests of the log, with the values it shows, to services that run already; the first is the
reference. The plan is left in the results: assay run goes on from it.
Exit codes: 0 ok, 2 usage, 3 no valid measurement, 4 could not run.)";

constexpr const char* run_examples = R"(Examples:
  assay run shop.plan.yaml                     every candidate of the plan
  assay run shop.plan.yaml --only flask,node   two of them
  assay run shop.plan.yaml --resume            after an interruption; no finished trial runs twice
  assay report results/shop                    the report anew, from what is stored

Exit codes: 0 ok, 1 an objective of the plan was not kept, or cannot be told, 2 usage, 3 no valid measurement, 4 could
not run.)";

constexpr const char* replay_examples = R"(Examples:
  assay replay log access.log --to http://127.0.0.1:8080                  at the times and clients of the log
  assay replay log 'logs/*.gz' --to http://127.0.0.1:8080 --speed 10x --refuse '* /admin/*'
  assay replay gor traffic.gor --to http://127.0.0.1:8080 --allow 'POST /cart/*' -H 'X-Replay: 1'
  assay replay har shop.har --to http://127.0.0.1:8080 --drop-header Cookie --json

GET, HEAD, OPTIONS and TRACE alone are sent unless --allow or --unsafe says more. Each client of the recording has one
connection, and its requests go over it in their order. Logs hold no bodies. docs/replay.md has the rules.
Exit codes: 0 ok, 2 usage or a faulty recording, 3 the replay was late and its numbers are invalid, 4 could not run,
130 Ctrl-C before the end.)";

constexpr const char* report_examples = R"(Examples:
  assay report results/shop    the verdicts, and the paths of decision record and report

Exit codes: 0 ok, 1 an objective of the plan was not kept or cannot be told, 2 usage, 4 could not run.)";

constexpr const char* watch_examples = R"(Examples:
  assay watch -- python3 app.py                 start it under the probe; Ctrl-C ends it and says what was seen
  assay watch -d 60s --json -- node server.js   one JSON document on stdout
  assay watch --pid 4711                        a process that runs: no restart, and no names of blocking calls
  assay watch --postgres postgresql://shop@127.0.0.1/shop -- python3 app.py
                                                and who waits for whom in its database

Send it load meanwhile, from elsewhere: assay load. Lines and the command's own output go to stderr, the verdict to
stdout. The command's standard input is empty. With ASSAY_PROBE_ALLOCATIONS=1 in the environment its allocations are
counted too.
Exit codes: 0 it was seen, 2 usage, 3 not enough data for a verdict, 4 could not run.)";

}  // namespace

void set_help(CLI::App& app) { app.formatter(std::make_shared<plain_help>()); }

CLI::App* describe_plan(CLI::App& app, plan_arguments& typed) {
  CLI::App& command = *app.add_subcommand("plan", "Bind a profile to data and write a plan, or check a plan");
  command.footer(plan_examples);
  command.add_option("profile", typed.profile, "written by assay learn");
  command.add_option("--bind", typed.binding, "says per route where values, bodies and credentials come from");
  CLI::Option* draft =
      command
          .add_option("--draft", typed.drafted, "write a binding to begin with: what the profile tells is filled in")
          ->type_name("FILE");
  command
      .add_option("--openapi", typed.openapi,
                  "with --draft: an OpenAPI or Swagger file (YAML or JSON) to draft bodies of")
      ->type_name("FILE");
  command.add_option("-o,--output", typed.output, "the plan file; stdout without it");
  CLI::Option* full = command.add_flag("--full", typed.full, "rates and lengths of the full-length process");
  command.add_option("--shorten", typed.within, "cut phases until the whole campaign fits: 12m")->excludes(full);
  command.add_option("--check", typed.checked, "say what this plan will do");
  for (const char* other : {"--bind", "--output", "--full", "--shorten", "--check"}) {
    draft->excludes(command.get_option(other));
  }
  command.add_flag("--schema", typed.schema, "print the JSON Schema of plans");
  command.add_flag("--schema-doc", typed.page, "print the reference page of all keys");
  return &command;
}

CLI::App* describe_learn(CLI::App& app, learn_arguments& typed) {
  CLI::App& command =
      *app.add_subcommand("learn", "Learn the workload from access logs: routes, rates, bursts, sessions");
  command.footer(learn_examples);
  command.add_option("files", typed.files, "access logs: files, globs, directories; - is standard input")->required();
  command.add_option("-o,--output", typed.output, "write the profile to this file");
  command.add_option("--html", typed.page, "write the portrait and more as a page of HTML to this file")
      ->type_name("FILE");
  command.add_option("--format", typed.format, "of the lines: a name, a format string or @CONFIGURATION, see below");
  command.add_option("--route", typed.routes, "'METHOD /path/{name}', before any that is guessed; may be repeated")
      ->take_all()
      ->allow_extra_args(false);
  command
      .add_option("--openapi", typed.openapi, "an OpenAPI or Swagger file (YAML or JSON) whose paths are the routes")
      ->type_name("FILE");
  command.add_option("--explain", typed.explained, "'METHOD /path/{name}': what was folded into this route, and why")
      ->type_name("ROUTE");
  command.add_flag("--compare", typed.compare,
                   "two files, logs or profiles: whether their workloads differ, and where");
  command.add_flag("--json", typed.json, "print the profile instead of the portrait, the comparison as a document");
  return &command;
}

CLI::App* describe_run(CLI::App& app, run_arguments& typed) {
  CLI::App& command = *app.add_subcommand("run", "Run a plan: every candidate, every phase, judged and reported");
  command.footer(run_examples);
  command.add_option("plan", typed.plan, "NAME.plan.yaml")->required();
  command.add_option("-o,--output", typed.directory, "directory of the results (default: results/NAME)");
  command.add_option("--only", typed.only, "candidates to run, a,b")->delimiter(',');
  command.add_option("--without", typed.without, "candidates to leave out, a,b")->delimiter(',');
  command.add_flag("--without-ours", typed.without_ours, "leave out what runs on this project's own stack");
  command.add_option("--repeats", typed.repeats, "of each candidate, in place of the plan's")
      ->check(CLI::Range(1U, 1000U));
  command.add_flag("--resume", typed.resume, "go on with what is in the directory");
  return &command;
}

namespace {

// What of the recording is sent, and as what.
void describe_rules(CLI::App& command, replay_arguments& typed) {
  const auto repeated = [&command](const char* names, std::vector<std::string>& into, const char* help) {
    command.add_option(names, into, help)->take_all()->allow_extra_args(false);
  };
  command.add_flag("--unsafe", typed.unsafe, "send every method, those that change something too");
  repeated("--allow", typed.allow, "'POST /cart/*': send these although they change something; may be repeated");
  repeated("--refuse", typed.refuse, "'* /admin/*': do not send these; may be repeated");
  command.add_option("--only-host", typed.only_host, "refuse what was sent to other hosts");
  command.add_option("--host", typed.host, "the Host field: a name, or recorded (default: that of --to)");
  repeated("--rewrite", typed.rewrite, "'/v1/=/v2/': paths that begin so begin otherwise; the first that fits counts");
  repeated("-H,--header", typed.headers, "\"Name: value\" in place of what was recorded; may be repeated");
  repeated("--drop-header", typed.drop_headers, "the name of a field that is not sent; may be repeated");
}

}  // namespace

CLI::App* describe_replay(CLI::App& app, replay_arguments& typed) {
  CLI::App& command = *app.add_subcommand("replay", "Send recorded traffic again, each client on its own connection");
  command.footer(replay_examples);
  command.add_option("kind", typed.kind, "log (any format that assay learn reads), gor (GoReplay) or har")
      ->required()
      ->check(CLI::IsMember({"log", "gor", "har"}));
  command.add_option("source", typed.sources, "files, globs, directories; - is standard input; of har one file")
      ->required();
  command.add_option("--to", typed.to, "http://HOST[:PORT]")->required();
  command.add_option("--speed", typed.speed, "2x: in half of the time; 0.5x: in twice")->capture_default_str();
  command.add_option("--format", typed.format, "of a log, as assay learn takes it");
  describe_rules(command, typed);
  command.add_option("-c,--connections", typed.connections, "open at once, at most")->capture_default_str();
  command.add_option("--timeout", typed.timeout, "of one request, from its send")->capture_default_str();
  command.add_option("--seed", typed.seed, "of the place of a request within a stamp of a whole second")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_flag("--spin", typed.spin, "poll instead of sleeping between requests: costs a CPU");
  command.add_option("--io", typed.io, "auto, io_uring or epoll")
      ->check(CLI::IsMember({"auto", "io_uring", "epoll"}))
      ->capture_default_str();
  command.add_flag("--json", typed.json, "print one JSON document");
  return &command;
}

CLI::App* describe_compare(CLI::App& app, compare_arguments& typed) {
  CLI::App& command = *app.add_subcommand("compare", "Compare services that run already, under the load of a log");
  command.footer(compare_examples);
  command.add_option("candidates", typed.candidates, "NAME=http://HOST:PORT, two or more")->required();
  command.add_option("--log", typed.logs, "an access log; may be repeated")
      ->required()
      ->take_all()
      ->allow_extra_args(false);
  command.add_option("-o,--output", typed.directory, "directory of the results (default: results/NAME-NAME)");
  command.add_option("--repeats", typed.repeats, "trials of each candidate")
      ->check(CLI::Range(1U, 1000U))
      ->capture_default_str();
  command.add_option("--shorten", typed.within, "cut phases until the whole campaign fits: 2m");
  command.add_option("--rate", typed.rate_per_s, "steady requests a second (default: the log's, at least 20)")
      ->check(CLI::Range(0.1, 100'000.0));
  command.add_option("--route", typed.routes, "a route that is known: 'GET /items/{id}'; may be repeated")
      ->take_all()
      ->allow_extra_args(false);
  command.add_flag("--unsafe", typed.unsafe, "send POST, PUT, PATCH and DELETE too, with an empty body");
  return &command;
}

CLI::App* describe_report(CLI::App& app, report_arguments& typed) {
  CLI::App& command = *app.add_subcommand("report", "Judge what a campaign has stored, and write its report anew");
  command.footer(report_examples);
  command.add_option("directory", typed.directory, "of the results of assay run")->required();
  return &command;
}

CLI::App* describe_watch(CLI::App& app, watch_arguments& typed) {
  CLI::App& command = *app.add_subcommand("watch", "Watch a service from inside: loop lag, blocking calls, leaks, why");
  command.footer(watch_examples);
  command.add_option("command", typed.command, "behind --: the program to start, with its arguments");
  command.add_option("-p,--pid", typed.pid, "of a process that runs already");
  command.add_option("-d,--duration", typed.length, "how long to watch (default: until it ends, or Ctrl-C)");
  command.add_option("-i,--interval", typed.interval, "between two lines")->capture_default_str();
  command.add_option("--runtime", typed.runtime, "auto, python, node, go, jvm, rust, cpp or other")
      ->check(CLI::IsMember({"auto", "python", "node", "go", "jvm", "rust", "cpp", "other"}))
      ->capture_default_str();
  command.add_option("--postgres", typed.postgres,
                     "URL of its PostgreSQL: looked into once a second, as a role that may (pg_monitor)");
  command.add_flag("--json", typed.json, "print one JSON document");
  return &command;
}

}  // namespace assay::cli
