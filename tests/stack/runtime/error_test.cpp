#include "stack/runtime/error.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>
#include <vector>

namespace assay {
namespace {

TEST(error_test, every_errno_of_a_socket_has_its_own_meaning) {
  const std::vector<std::pair<int, errc>> expected{
      {ETIMEDOUT, errc::timed_out},      {ECANCELED, errc::cancelled},
      {ECONNRESET, errc::reset},         {EPIPE, errc::reset},
      {ECONNABORTED, errc::reset},       {ECONNREFUSED, errc::refused},
      {EHOSTUNREACH, errc::unreachable}, {EADDRINUSE, errc::address_in_use},
      {EMFILE, errc::no_descriptors},    {ENFILE, errc::no_descriptors},
      {ENOMEM, errc::no_memory},         {ENOBUFS, errc::no_memory},
      {EPERM, errc::permission},         {EINVAL, errc::invalid_argument},
      {ENOSYS, errc::unsupported},       {EIO, errc::system},
  };
  for (const auto& [number, code] : expected) {
    const error failure = from_errno(number, "test");
    EXPECT_EQ(failure.code, code) << number;
    EXPECT_EQ(failure.system_errno, number);
  }
}

// The labels are exported: a metric that changes its name, or two reasons with one name, break dashboards.
TEST(error_test, labels_are_distinct) {
  std::set<std::string_view> codes;
  for (unsigned i = 0; i <= static_cast<unsigned>(errc::system); ++i) codes.insert(label(static_cast<errc>(i)));
  EXPECT_EQ(codes.size(), static_cast<unsigned>(errc::system) + 1);
  std::set<std::string_view> reasons;
  for (unsigned i = 0; i <= static_cast<unsigned>(cancel_reason::user); ++i) {
    reasons.insert(label(static_cast<cancel_reason>(i)));
  }
  EXPECT_EQ(reasons.size(), static_cast<unsigned>(cancel_reason::user) + 1);
}

TEST(error_test, describes_operation_code_reason_and_system_text) {
  EXPECT_EQ(describe({.code = errc::timed_out, .reason = cancel_reason::deadline, .what = "receive"}),
            "receive: timed_out (deadline)");
  EXPECT_EQ(describe(from_errno(ECONNREFUSED, "connect")), "connect: refused: Connection refused");
}

TEST(error_test, statuses_tell_what_is_away_from_what_is_late_and_what_is_wrong) {
  EXPECT_EQ(http_status({.code = errc::limit}), 503);
  EXPECT_EQ(http_status({.code = errc::cancelled, .reason = cancel_reason::overload}), 503);
  EXPECT_EQ(http_status({.code = errc::cancelled, .reason = cancel_reason::peer_closed}), 499);
  EXPECT_EQ(http_status({.code = errc::timed_out}), 504);
  for (const errc away : {errc::closed, errc::reset, errc::refused, errc::unreachable, errc::unresolved}) {
    EXPECT_EQ(http_status({.code = away}), 503) << label(away);
  }
  EXPECT_EQ(http_status({.code = errc::protocol}), 502);
  EXPECT_EQ(http_status({.code = errc::system}), 500);
}

}  // namespace
}  // namespace assay
