// What is said about services that start well, late, or not at all.
#include "lab/subject/readiness.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "lab/subject/environment.hpp"
#include "tests/lab/subject/scripted_server.hpp"
#include "tests/lab/subject/support.hpp"

namespace assay::subject {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::string why(readiness_check check) {
  const auto ready = wait_until_ready(check);
  return ready ? "ready" : ready.error();
}

TEST(readiness, an_answer_of_200_is_all_it_takes) {
  const scripted_server server([](const seen_request& request) -> std::optional<std::string> {
    return answer_text(request.begins("GET /up HTTP/1.1\r\n") ? 200 : 404, "");
  });
  const auto ready = wait_until_ready({.port = server.port(), .path = "/up", .timeout = 5s});
  ASSERT_TRUE(ready) << ready.error();
  EXPECT_GE(*ready, 0);
  EXPECT_EQ(server.requests(), 1);
}

TEST(readiness, waits_for_one_that_is_late) {
  int asked = 0;
  const scripted_server server([&asked](const seen_request&) -> std::optional<std::string> {
    asked++;
    if (asked == 1) return "";  // closes
    return answer_text(asked < 5 ? 503 : 200, "");
  });
  const auto ready = wait_until_ready({.port = server.port(), .timeout = 10s});
  ASSERT_TRUE(ready) << ready.error();
  EXPECT_EQ(asked, 5);
  EXPECT_GT(*ready, 0.06);  // four pauses
}

TEST(readiness, says_what_a_timeout_met) {
  const std::uint16_t nobody = *free_port();
  EXPECT_EQ(why({.port = nobody, .timeout = 100ms}),
            "not ready after 0.1 s: it refuses connections to 127.0.0.1:" + std::to_string(nobody));

  const scripted_server failing(
      [](const seen_request&) -> std::optional<std::string> { return answer_text(500, "boom"); });
  EXPECT_EQ(why({.port = failing.port(), .timeout = 100ms}),
            "not ready after 0.1 s: it answers GET /health/ready with 500, not 200: boom");

  const scripted_server mute([](const seen_request&) -> std::optional<std::string> { return std::nullopt; });
  EXPECT_EQ(why({.port = mute.port(), .timeout = 100ms}),
            "not ready after 0.1 s: it accepts connections to 127.0.0.1:" + std::to_string(mute.port()) +
                " and never answers GET /health/ready");

  const scripted_server closing([](const seen_request&) -> std::optional<std::string> { return ""; });
  EXPECT_THAT(why({.port = closing.port(), .timeout = 100ms}), HasSubstr("closes connections"));

  const scripted_server foreign([](const seen_request&) -> std::optional<std::string> { return "220 mail\r\n\r\n"; });
  EXPECT_THAT(why({.port = foreign.port(), .timeout = 100ms}), HasSubstr("GET /health/ready fails: "));

  EXPECT_EQ(why({.host = "localhost", .port = 1, .timeout = 1s}), "localhost is no numeric address");
}

TEST(readiness, a_death_ends_the_wait_at_once) {
  const temporary_directory dir;
  const scripted_server mute([](const seen_request&) -> std::optional<std::string> { return std::nullopt; });
  // Refuses, and while an answer is awaited: the timeout would outlast the test.
  for (const std::uint16_t port : {*free_port(), mute.port()}) {
    std::filesystem::remove(dir.file("log"));
    spawn_request request = shell("echo one; echo 'no module named flask' >&2; exit 3");
    request.output = dir.file("log");
    const auto child = process::spawn(request);
    ASSERT_TRUE(child) << child.error();
    const std::string said =
        why({.port = port, .timeout = 10min, .ended = [&child] { return child->exit(); }, .log = request.output});
    EXPECT_THAT(said, HasSubstr("it exited with status 3 before it was ready; last lines of its log:\n"));
    EXPECT_THAT(said, testing::EndsWith("log:\none\nno module named flask"));
  }
}

}  // namespace
}  // namespace assay::subject
