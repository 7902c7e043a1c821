// The service that whole-program tests talk to. Serves on the port in the environment variable PORT, with as many
// loops as ECHO_SERVICE_LOOPS says, else one. With ECHO_SERVICE_DRAIN_MS it goes on for so long when it is asked to
// stop, and answers health checks (stack/guard/drain).
//
//   /echo            the request's body, as it comes, in chunks
//   /upload          how many bytes the request's body has
//   /sleep?ms=N      answers after N milliseconds
//   /sleeping        how many requests do that now, on all loops
//   /status?code=N   answers with that status
//   /large?bytes=N   N bytes, with a length
//   /loop            "INDEX COUNT THREAD": which loop it is, the how manieth such request of its handler, which thread
//   /tasks           what all loops are busy with
//   all else         the method, the target and the body
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "stack/guard/access_log/endpoints.hpp"
#include "stack/guard/drain/layer.hpp"
#include "stack/http/server.hpp"
#include "stack/runtime/delay.hpp"

using namespace assay;

namespace {

constexpr std::uint64_t largest = 64ULL * 1024 * 1024;

// The number behind "name=" in the query, or `otherwise`.
std::uint64_t number_in(std::string_view query, std::string_view name, std::uint64_t otherwise) {
  const auto at = query.find(name);
  if (at == std::string_view::npos || !query.substr(at + name.size()).starts_with('=')) return otherwise;
  const std::string_view digits = query.substr(at + name.size() + 1);
  std::uint64_t number = otherwise;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

std::atomic<int> sleeping = 0;

task<http::response> delayed_answer(std::uint64_t ms) {
  sleeping++;
  const result<void> slept = co_await delay_for(std::chrono::milliseconds(std::min<std::uint64_t>(ms, 60'000)));
  sleeping--;
  co_return slept ? http::response::text("slept\n") : http::response::from(slept.error());
}

task<result<void>> copy_body(http::request& from, http::body_sink& to) {
  while (true) {
    const result<std::string_view> piece = co_await from.read();
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return result<void>{};
    const result<void> sent = co_await to.write(*piece);
    if (!sent) co_return std::unexpected(sent.error());
  }
}

task<http::response> upload(http::request& asked) {
  std::uint64_t size_bytes = 0;
  while (true) {
    const result<std::string_view> piece = co_await asked.read();
    if (!piece) co_return http::response::for_body(piece.error());
    if (piece->empty()) co_return http::response::text(std::to_string(size_bytes));
    size_bytes += piece->size();
  }
}

task<http::response> answer(http::request& asked) {
  const std::string_view query = asked.query();
  if (asked.path() == "/echo") {
    http::response reply;
    reply.content_type = "application/octet-stream";
    reply.stream = [&asked](this auto, http::body_sink& to) -> task<result<void>> {
      co_return co_await copy_body(asked, to);
    };
    co_return reply;
  }
  if (asked.path() == "/upload") co_return co_await upload(asked);
  if (asked.path() == "/sleep") co_return co_await delayed_answer(number_in(query, "ms", 0));
  if (asked.path() == "/sleeping") co_return http::response::text(std::to_string(sleeping));
  if (asked.path() == "/status") {
    co_return http::response::text("as asked\n", static_cast<int>(number_in(query, "code", 200) % 1000));
  }
  if (asked.path() == "/large") {
    co_return http::response::text(std::string(std::min(number_in(query, "bytes", 0), largest), 'x'));
  }
  const result<std::string> body = co_await asked.read_all();
  if (!body) co_return http::response::for_body(body.error());
  co_return http::response::text(std::string(asked.head().method_text) + " " + std::string(asked.target()) + "\n" +
                                 *body);
}

// What the handler of one loop owns: counted without a lock.
struct loop_state {
  unsigned index = 0;
  http::handler tasks = {};
  unsigned asked = 0;
};

task<http::response> answer_on(std::shared_ptr<loop_state> mine, http::request& asked) {
  if (asked.path() == "/tasks") co_return co_await mine->tasks(asked);
  if (asked.path() != "/loop") co_return co_await answer(asked);
  mine->asked++;
  co_return http::response::text(std::to_string(mine->index) + " " + std::to_string(mine->asked) + " " +
                                 std::to_string(::gettid()));
}

http::handler handler_of_loop(unsigned index, offload_pool& viewers) {
  // A loop of a busy machine may not be scheduled for longer than the usual limit.
  const auto state =
      std::make_shared<loop_state>(index, guard::access_log::tasks_endpoint(viewers, std::chrono::seconds(10)));
  return [mine = state] ASSAY_CORO_WRAPPER(http::request & asked) { return answer_on(mine, asked); };
}

// The number in an environment variable, or `otherwise`.
std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  if (text == nullptr) return otherwise;
  const std::string_view digits(text);
  std::from_chars(digits.data(), digits.data() + digits.size(), otherwise);
  return otherwise;
}

// Each loop with a gate of its own.
int serve_with_gates(http::serve_options options, offload_pool& viewers, duration delay) {
  std::vector<std::shared_ptr<guard::drain::policy>> gates;
  for (unsigned i = 0; i < options.loops; ++i) {
    gates.push_back(std::make_shared<guard::drain::policy>(guard::drain::options{.delay = delay}));
  }
  options.on_stop = [&gates](unsigned index, instant now) { return gates[index]->drain(now); };
  return http::serve(
      [&gates, &viewers](unsigned index) { return guard::drain::layer(gates[index])(handler_of_loop(index, viewers)); },
      options);
}

}  // namespace

int main() {
  http::serve_options options;
  options.host = "127.0.0.1";
  options.limits.max_body_bytes = largest;
  options.loops = static_cast<unsigned>(number_from_environment("ECHO_SERVICE_LOOPS", 1));
  const std::uint64_t drain_ms = number_from_environment("ECHO_SERVICE_DRAIN_MS", 0);
  offload_pool viewers({.threads = 1});
  if (drain_ms > 0) return serve_with_gates(options, viewers, std::chrono::milliseconds(drain_ms));
  return http::serve([&viewers](unsigned index) { return handler_of_loop(index, viewers); }, options);
}
