// The benchmark's subject: a fixed answer, so that what is measured is the server.
// ./build/examples/plaintext [--port N] [--loops N] [--io epoll|io_uring]
#include <CLI/CLI.hpp>
#include <map>

#include "stack/http/server.hpp"

using namespace assay;

namespace {

task<http::response> plaintext(http::request&) { co_return http::response::text("hello, world\n"); }

}  // namespace

int main(int argc, char** argv) {
  http::serve_options options;
  options.host = "127.0.0.1";
  CLI::App app{"Answers every request with a fixed text."};
  app.add_option("--port", options.port, "TCP port, 0: the system chooses");
  app.add_option("--loops", options.loops, "threads, each with a loop of its own");
  const std::map<std::string, io_kind> kinds{
      {"auto", io_kind::automatic}, {"io_uring", io_kind::io_uring}, {"epoll", io_kind::epoll}};
  app.add_option("--io", options.io.kind, "backend")->transform(CLI::CheckedTransformer(kinds));
  CLI11_PARSE(app, argc, argv);
  return http::serve(plaintext, options);
}
