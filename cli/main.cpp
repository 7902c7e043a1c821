// The `assay` command: parses arguments, calls the lab, prints. No logic.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/load_command.hpp"
#include "cli/values.hpp"

namespace {

using namespace assay::cli;

constexpr const char* load_examples = R"(Examples:
  assay load http://127.0.0.1:8080/ -R 1000 -d 30s        1000 requests a second, whatever the server does
  assay load http://127.0.0.1:8080/ -R 1000 --latency     with the full percentile spectrum
  assay load http://127.0.0.1:8080/ -c 64 -d 10s          closed model: each connection waits for its answer
  assay load http://127.0.0.1:8080/orders -b @order.json -H 'Content-Type: application/json'
  assay load http://127.0.0.1:8080/ -R 500 --json         one JSON document on stdout

Exit codes: 0 ok, 2 usage, 3 the measurement is invalid, 4 could not run.)";

void describe_load(CLI::App& command, load_arguments& typed) {
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
  command.allow_extras();  // looked at below, to suggest the right flag
}

std::vector<std::string> flags_of(const CLI::App& command) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
    for (const std::string& name : option->get_snames()) flags.push_back("-" + name);
  }
  return flags;
}

int refuse_extras(const CLI::App& command, const std::vector<std::string>& extras) {
  const std::string& first = extras.front();
  const std::string meant = nearest(first, flags_of(command));
  const std::string hint =
      meant.empty() ? fmt::format("see assay {} --help", command.get_name()) : fmt::format("did you mean {}?", meant);
  fmt::print(stderr, "assay {}: unknown argument {}; {}\n", command.get_name(), one_line(first), hint);
  return usage;
}

int refuse_command(const CLI::App& app, const std::vector<std::string>& extras) {
  std::vector<std::string> names;
  for (const CLI::App* each : app.get_subcommands({})) names.push_back(each->get_name());
  const std::string meant = extras.empty() ? std::string() : nearest(extras.front(), names);
  if (extras.empty()) {
    fmt::print(stderr, "assay: expected a command; see assay --help\n");
  } else {
    fmt::print(stderr, "assay: unknown command {}; {}\n", one_line(extras.front()),
               meant.empty() ? "see assay --help" : fmt::format("did you mean {}?", meant));
  }
  return usage;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Assay: is this async web stack ready for production under your workload?"};
  app.set_version_flag("--version", "assay " ASSAY_VERSION);
  app.allow_extras();
  load_arguments typed;
  CLI::App* const load = app.add_subcommand("load", "Load one URL and report what it did, verdict first");
  describe_load(*load, typed);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {  // --help, --version
    return app.exit(done);
  } catch (const CLI::ParseError& wrong) {
    const std::string_view command = load->parsed() ? "assay load" : "assay";
    fmt::print(stderr, "{}: {}; see {} --help\n", command, one_line(wrong.what()), command);
    return usage;
  }
  if (!load->parsed()) return refuse_command(app, app.remaining());
  if (!load->remaining().empty()) return refuse_extras(*load, load->remaining());
  return load_command(typed);
}
