// What the tests of policies share: hosts and requests without a network, on a loop in virtual time.
//
//   fake_host shop{.takes = 20ms};
//   const outcome got = run_virtual(ask_for(shop.exchange(), {.target = "/"}));
//
// Misuse: a fake_host that goes before what it was asked has ended.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stack/guard/layer.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/scope.hpp"
#include "stack/runtime/sim_io.hpp"

namespace assay::guard::testing {

// Runs `main` to its end, and expects that nothing is left behind.
template <class T>
T run_virtual(task<T> main) {
  const std::size_t frames_before = assay::detail::live_frames();
  auto world = std::make_unique<sim_io>();
  loop on(std::move(world));
  if constexpr (std::is_void_v<T>) {
    on.run(std::move(main));
    EXPECT_EQ(on.timers().size(), 0U);
    EXPECT_LT(assay::detail::live_frames(), frames_before) << "one of them was that of main";
  } else {
    T value = on.run(std::move(main));
    EXPECT_EQ(on.timers().size(), 0U);
    EXPECT_LT(assay::detail::live_frames(), frames_before) << "one of them was that of main";
    return value;
  }
}

// A request that no connection stands behind.
class bare_request final : public http::request {
 public:
  explicit bare_request(std::string target = "/", http::method verb = http::method::get) : target_(std::move(target)) {
    head_.verb = verb;
    head_.method_text = to_string_view(verb);
    head_.target = target_;
    head_.host = "test";
  }
  // Views of what outlives the request.
  bare_request& with(std::string_view name, std::string_view value) {
    EXPECT_TRUE(head_.headers.push_back({.name = name, .value = value}));
    return *this;
  }
  task<result<std::string_view>> read() override { co_return std::string_view(); }

 private:
  std::string target_;
};

struct outcome {
  result<http::client_response> got = std::unexpected(error{.code = errc::system, .what = "never asked"});
  duration at{};  // since the run began

  int status() const { return got ? got->status : 0; }
  std::string body() const { return got ? got->body : "failed: " + std::string(label(got.error().code)); }
  std::string header(std::string_view name) const { return got ? std::string(got->header(name)) : std::string(); }
};

inline http::client_response response_of(int status, std::string body = {},
                                         std::vector<std::pair<std::string, std::string>> headers = {}) {
  return {.status = status, .headers = std::move(headers), .body = std::move(body)};
}

// Answers every request alike, as the test says at the time. The body "{number}" is the number of the call.
struct fake_host {
  duration takes = std::chrono::milliseconds(10);
  std::optional<error> fails = {};
  http::client_response answer = response_of(200, "well");
  int calls = 0;
  int in_flight = 0;
  int most_in_flight = 0;

  guard::exchange exchange() {
    return [this] ASSAY_CORO_WRAPPER(http::client_request) { return serve(this); };
  }

 private:
  static task<result<http::client_response>> serve(fake_host* self) {
    const int number = ++self->calls;
    self->in_flight++;
    self->most_in_flight = std::max(self->most_in_flight, self->in_flight);
    const result<void> slept = co_await delay_for(self->takes);
    self->in_flight--;
    if (!slept) co_return std::unexpected(slept.error());
    if (self->fails) co_return std::unexpected(*self->fails);
    http::client_response given = self->answer;
    if (given.body == "{number}") given.body = std::to_string(number);
    co_return given;
  }
};

inline constexpr instant virtual_start{std::chrono::seconds(1000)};

// A caller who comes at some time, has so long, and may give up: that cancels, which is no timeout.
struct caller {
  duration comes{};
  duration deadline = std::chrono::hours(1);
  std::optional<duration> gives_up = {};
  http::client_request request = {};
};

inline task<void> ask_once(const exchange* with, http::client_request request, outcome* into) {
  const context& ctx = co_await this_context();
  into->got = co_await (*with)(std::move(request));
  into->at = ctx.on->turn_time() - virtual_start;
}

inline task<void> cancel_at(scope* asking, instant when) {
  std::ignore = co_await delay_until(when);
  asking->cancel(cancel_reason::user);
}

inline task<void> call(const exchange* with, caller who, outcome* into) {
  std::ignore = co_await delay_until(virtual_start + who.comes);
  context limited = (co_await this_context()).narrowed(virtual_start + who.comes + who.deadline);
  scope asking(limited);
  asking.spawn(ask_once(with, std::move(who.request), into));
  if (who.gives_up) asking.spawn(cancel_at(&asking, virtual_start + who.comes + *who.gives_up));
  std::ignore = co_await asking.join();
}

inline task<void> call_all(const exchange* with, std::vector<caller> callers, std::vector<outcome>* into) {
  scope calling(co_await this_context());
  for (std::size_t i = 0; i < callers.size(); ++i) calling.spawn(call(with, std::move(callers[i]), &(*into)[i]));
  std::ignore = co_await calling.join();
}

inline std::vector<outcome> calls(const exchange& with, std::vector<caller> callers) {
  std::vector<outcome> outcomes(callers.size());
  run_virtual(call_all(&with, std::move(callers), &outcomes));
  return outcomes;
}

}  // namespace assay::guard::testing
