// Hundreds of seeds of a bad network: every answer that is given is whole and belongs to its request, nothing that may
// not be repeated is, and nothing stays behind.
#include <array>
#include <random>
#include <set>

#include "stack/http/chunked.hpp"
#include "tests/effort.hpp"
#include "tests/stack/http/client_test_support.hpp"

namespace assay::http::client_test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t seeds = seeds_to_try(100);
constexpr int workers = 6;
constexpr int requests_each = 8;

// What the server answers to a target: every framing, bodies from none to some ten thousand bytes.
std::string body_for(const std::string& target) {
  std::string body;
  const std::size_t pieces = std::hash<std::string>{}(target) % 700;
  for (std::size_t piece = 0; piece < pieces; ++piece) body += target + "#" + std::to_string(piece) + ";";
  return body;
}

std::string as_chunks(std::string_view body) {
  std::string bytes;
  for (std::size_t size = 1; !body.empty(); size = size * 3 % 4099) {
    const std::string_view piece = body.substr(0, size);
    std::array<char, max_chunk_header_bytes> line{};
    bytes.append(line.data(), encode_chunk_header(piece.size(), line)).append(piece).append(chunk_data_end);
    body.remove_prefix(piece.size());
  }
  return bytes.append(last_chunk);
}

std::string answer_to(const std::string& request) {
  const std::size_t at = request.find(' ') + 1;
  const std::string target = request.substr(at, request.find(' ', at) - at);
  const std::string body = body_for(target);
  switch (target.back() % 4) {
    case 0:
      return "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + as_chunks(body);
    case 1:
      return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
             body;
    default:
      return ok(body);
  }
}

struct tally {
  int answered = 0;
  int wrong = 0;
  std::set<std::string> failures;
  std::set<std::string> posted;
};

task<void> work(world* stage, int worker, std::uint64_t seed, bool impatient, tally* into) {
  std::mt19937_64 random(seed * 100 + static_cast<std::uint64_t>(worker));
  for (int number = 0; number < requests_each; ++number) {
    client_request request{.verb = random() % 3 == 0 ? "POST" : "GET",
                           .target = "/" + std::to_string(worker) + "/" + std::to_string(number)};
    if (request.verb == "POST") request.body.assign(random() % 100'000, 'p');
    const std::string expected = body_for(request.target);
    const duration patience = impatient ? duration(random() % 3'000'000) : duration(1h);
    const instant until = saturating_add(stage->network().now(), patience);
    const result<client_response> got = co_await with_deadline(until, stage->http().send(std::move(request)));
    if (got) {
      into->answered++;
      if (got->status != 200 || got->body != expected) into->wrong++;
    } else {
      into->failures.insert(std::string(label(got.error().code)));
    }
  }
}

task<void> work_together(world* stage, std::uint64_t seed, bool impatient, tally* into) {
  scope all(co_await this_context());
  for (int worker = 0; worker < workers; ++worker) all.spawn(work(stage, worker, seed, impatient, into));
  std::ignore = co_await all.join();
}

sim_options bad_network(std::uint64_t seed, double reset) {
  return {.seed = seed,
          .latency = duration(seed % 5 * 100'000),
          .window_bytes = seed % 2 == 0 ? 65536U : 1500U,
          .buffer_bytes = seed % 3 == 0 ? 4096U : 100U,
          .faults = {.short_read = 0.3, .short_write = 0.3, .no_buffers = 0.05, .deferred = 0.3, .reset = reset}};
}

tally run_seed(std::uint64_t seed, double reset, bool impatient) {
  world stage(bad_network(seed, reset));
  stage.limits.max_connections = 1 + seed % 4;
  stage.limits.write_timeout = stage.limits.response_timeout = stage.limits.body_timeout = 10min;
  stage.server.scripts = {{read_request(), answers(answer_to), again()}};
  stage.network().at(stage.network().now() + 3ms, [&stage] {
    stage.network().hold(port, stage.network().now() + 500ms);  // the server is stopped for a while
  });
  tally counts;
  stage.run(work_together(&stage, seed, impatient, &counts));
  for (const auto& seen : stage.server.requests) {
    if (!seen.text.starts_with("POST")) continue;
    EXPECT_TRUE(counts.posted.insert(seen.text.substr(0, seen.text.find('\r'))).second) << "sent twice";
  }
  EXPECT_EQ(counts.wrong, 0) << "seed " << seed;
  return counts;
}

TEST(client_faults, without_resets_every_request_is_answered) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const tally counts = run_seed(seed, 0, false);
    EXPECT_EQ(counts.answered, workers * requests_each) << "seed " << seed;
  }
}

TEST(client_faults, resets_are_reported_and_harm_nothing_else) {
  int answered = 0;
  std::set<std::string> failures;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    tally counts = run_seed(seed, 0.003, false);
    answered += counts.answered;
    failures.merge(counts.failures);
  }
  EXPECT_GT(answered, static_cast<int>(seeds) * workers * requests_each / 2);
  EXPECT_EQ(failures, (std::set<std::string>{"reset"}));
}

TEST(client_faults, giving_up_at_any_moment_harms_nothing_else) {
  int answered = 0;
  std::set<std::string> failures;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    tally counts = run_seed(seed, 0, true);
    answered += counts.answered;
    failures.merge(counts.failures);
  }
  EXPECT_GT(answered, 0);
  EXPECT_EQ(failures, (std::set<std::string>{"timed_out"}));
}

}  // namespace
}  // namespace assay::http::client_test
