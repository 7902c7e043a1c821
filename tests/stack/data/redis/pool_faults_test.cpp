// Many seeds of a bad network: every answer that is given belongs to its command, and nothing stays behind, whoever
// gives up when.
#include <random>
#include <set>

#include "tests/stack/data/redis/redis_test_support.hpp"

namespace assay::data::redis::testing {
namespace {

constexpr std::uint64_t seeds = 60;
constexpr int callers = 12;
constexpr int calls_each = 10;

struct tally {
  int answered = 0;
  int wrong = 0;
  std::set<std::string> failures{};
};

task<void> call(pool& cache, int caller, std::uint64_t seed, bool impatient, tally& into) {
  const context& ctx = co_await this_context();
  std::mt19937_64 random(seed * 100 + static_cast<std::uint64_t>(caller));
  for (int number = 0; number < calls_each; ++number) {
    std::string text = std::to_string(caller) + "/" + std::to_string(number) + "/";
    if (random() % 8 == 0) text.append(random() % 20'000, 'x');
    const duration patience = impatient ? duration(random() % 3'000'000) : duration(1h);
    outcome got;
    co_await with_deadline(saturating_add(ctx.on->turn_time(), patience), echo_into(cache, text, got));
    if (got.got) {
      into.answered++;
      if (got.got->text != text) into.wrong++;
    } else {
      into.failures.insert(std::string(label(got.got.error().code)));
    }
  }
}

task<void> call_together(sim_io& network, fake_server& peer, std::uint64_t seed, bool impatient, tally& into) {
  scope serving(co_await this_context());
  serving.spawn(peer.serve(network));
  {
    pool_options options{.url = url, .max_connections = 1 + seed % 3, .spread_at = 3, .seed = seed};
    options.connection.reply_timeout = options.wait_timeout = options.connect_timeout = 10min;
    pool cache(std::move(options));
    scope all(co_await this_context());
    for (int caller = 0; caller < callers; ++caller) all.spawn(call(cache, caller, seed, impatient, into));
    std::ignore = co_await all.join();
    EXPECT_EQ(cache.usage().waiting, 0U);
  }
  serving.cancel(cancel_reason::shutdown);
  std::ignore = co_await serving.join();
}

tally run_seed(std::uint64_t seed, double reset, bool impatient) {
  const std::size_t frames_before = assay::detail::live_frames();
  tally counts;
  {
    auto world = std::make_unique<sim_io>(sim_options{
        .seed = seed,
        .latency = duration(seed % 5 * 100'000),
        .window_bytes = seed % 2 == 0 ? 65536U : 1500U,
        .buffer_bytes = seed % 3 == 0 ? 4096U : 100U,
        .faults = {.short_read = 0.3, .short_write = 0.3, .no_buffers = 0.05, .deferred = 0.3, .reset = reset}});
    sim_io& network = *world;
    loop on(std::move(world));
    fake_server peer;
    network.at(network.now() + 3ms, [&network] {
      network.hold(port, network.now() + 500ms);  // the server is stopped for a while
    });
    on.run(call_together(network, peer, seed, impatient, counts));
    EXPECT_EQ(network.open_sockets(), 0U) << "seed " << seed;
    EXPECT_EQ(network.lent_buffers(), 0U) << "seed " << seed;
    EXPECT_EQ(on.timers().size(), 0U) << "seed " << seed;
  }
  EXPECT_EQ(assay::detail::live_frames(), frames_before) << "seed " << seed;
  EXPECT_EQ(counts.wrong, 0) << "seed " << seed;
  return counts;
}

TEST(redis_faults, without_resets_every_command_is_answered) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    EXPECT_EQ(run_seed(seed, 0, false).answered, callers * calls_each) << "seed " << seed;
  }
}

TEST(redis_faults, resets_are_reported_and_harm_nothing_else) {
  int answered = 0;
  std::set<std::string> failures;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    tally counts = run_seed(seed, 0.003, false);
    answered += counts.answered;
    failures.merge(counts.failures);
  }
  EXPECT_GT(answered, static_cast<int>(seeds) * callers * calls_each / 2);
  EXPECT_TRUE(failures.contains("reset"));
  for (const std::string& each : failures)
    EXPECT_TRUE(each == "reset" || each == "closed" || each == "refused") << each;
}

TEST(redis_faults, giving_up_at_any_moment_harms_nothing_else) {
  int answered = 0;
  std::set<std::string> failures;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    tally counts = run_seed(seed, 0, true);
    answered += counts.answered;
    failures.merge(counts.failures);
  }
  EXPECT_GT(answered, 0);
  EXPECT_TRUE(failures.contains("timed_out"));
  // Who gives up alone in the middle of sending takes the connection along, and with it who came just then.
  for (const std::string& each : failures) EXPECT_TRUE(each == "timed_out" || each == "closed") << each;
}

}  // namespace
}  // namespace assay::data::redis::testing
