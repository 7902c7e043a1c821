#include "stack/guard/evidence.hpp"

#include <gtest/gtest.h>

namespace assay::guard {
namespace {

using namespace std::chrono_literals;

TEST(guard_evidence, knows_the_hosts_illness_from_our_own) {
  const auto failed = [](errc code) { return judge(std::unexpected(error{.code = code}), {}, 1s); };
  for (const errc code : {errc::timed_out, errc::reset, errc::refused, errc::closed, errc::unreachable, errc::protocol})
    EXPECT_EQ(failed(code), evidence::failure) << label(code);
  for (const errc code : {errc::cancelled, errc::limit, errc::invalid_argument, errc::no_descriptors})
    EXPECT_EQ(failed(code), evidence::none) << label(code);
  http::client_response not_found;
  not_found.status = 404;
  EXPECT_EQ(judge(not_found, {}, 1s), evidence::success);
  http::client_response ill;
  ill.status = 500;
  EXPECT_EQ(judge(ill, {}, 1s), evidence::failure);
  EXPECT_EQ(judge(ill, {.count_5xx = false}, 1s), evidence::success);
  EXPECT_EQ(judge(std::unexpected(error{.code = errc::timed_out}), {.fair_wait = 2s}, 1s), evidence::none);
}

}  // namespace
}  // namespace assay::guard
