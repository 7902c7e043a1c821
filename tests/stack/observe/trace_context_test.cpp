#include "stack/observe/trace_context.hpp"

#include <gtest/gtest.h>

#include <string>

namespace assay::observe {
namespace {

// The example of the Recommendation.
constexpr std::string_view example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

std::string refusal(std::string_view value) {
  const auto parsed = parse_traceparent(value);
  return parsed ? "" : std::string(label(parsed.error()));
}

// The example with `bytes` at `at`.
std::string with(std::size_t at, std::string_view bytes) {
  return std::string(example).replace(at, bytes.size(), bytes);
}

TEST(traceparent, the_example_of_the_standard_is_read_and_written) {
  const auto parent = parse_traceparent(example);
  ASSERT_TRUE(parent);
  EXPECT_EQ(to_hex(*parent), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(parent->span_id[1], 0xF0);
  EXPECT_EQ(parent->flags, trace_sampled);
  EXPECT_EQ(format_traceparent(*parent), example);
}

TEST(traceparent, what_is_not_of_the_form_is_refused_with_its_reason) {
  EXPECT_EQ(refusal(""), "bad_length");
  EXPECT_EQ(refusal(example.substr(0, 54)), "bad_length");
  EXPECT_EQ(refusal(std::string(example) + "-00"), "bad_length") << "version 00 has no fifth field";
  EXPECT_EQ(refusal(with(0, "ff")), "bad_version");
  EXPECT_EQ(refusal(with(0, "0A")), "bad_version");
  EXPECT_EQ(refusal(with(3, "4B")), "bad_format") << "uppercase";
  EXPECT_EQ(refusal(with(3, "g")), "bad_format");
  EXPECT_EQ(refusal(with(36, " ")), "bad_format");
  EXPECT_EQ(refusal(with(53, "0x")), "bad_format");
  for (const std::size_t dash : {2U, 35U, 52U}) EXPECT_EQ(refusal(with(dash, "_")), "bad_format") << dash;
  EXPECT_EQ(refusal(with(3, std::string(32, '0'))), "zero_id");
  EXPECT_EQ(refusal(with(36, std::string(16, '0'))), "zero_id");
}

TEST(traceparent, a_higher_version_is_read_as_far_as_it_is_known) {
  EXPECT_EQ(refusal(with(0, "cc")), "");
  EXPECT_EQ(refusal(with(0, "cc") + "-what-the-future-will-be-like"), "");
  EXPECT_EQ(refusal(with(0, "cc") + ".what-the-future-will-be-like"), "bad_format");
  EXPECT_EQ(format_traceparent(*parse_traceparent(with(0, "cc"))), example) << "sent on as 00";
}

TEST(traceparent, flags_that_are_not_known_are_not_sent_on) {
  EXPECT_EQ(parse_traceparent(with(53, "ff"))->flags, trace_sampled | trace_random);
  EXPECT_EQ(parse_traceparent(with(53, "f8"))->flags, 0);
}

TEST(tracestate, follows_the_grammar) {
  for (const std::string_view good : {"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "a=b", "a=b ,\tc=d", "a=b,,c=d",
                                      "t1@v=x", "1t@v=x", "a= b c", "a*/_-0=!"}) {
    EXPECT_TRUE(valid_tracestate(good)) << good;
  }
  for (const std::string_view bad : {"", ",", "a", "a=", "=b", "A=b", "1a=b", "a=b=c", "a=b\x7F", "a=b\n", "a=b,a=c",
                                     "a@b@c=d", "t@1=x", "t@=x", "@v=x", "a =b", "a=\xC3\xBC"}) {
    EXPECT_FALSE(valid_tracestate(bad)) << bad;
  }
}

TEST(tracestate, is_bounded_in_members_keys_values_and_as_a_whole) {
  std::string members;
  for (int i = 0; i < 32; ++i) members += "k" + std::to_string(i) + "=v,";
  EXPECT_TRUE(valid_tracestate(members));
  EXPECT_FALSE(valid_tracestate(members + "one=more"));
  EXPECT_TRUE(valid_tracestate(std::string(256, 'k') + "=v"));
  EXPECT_FALSE(valid_tracestate(std::string(257, 'k') + "=v"));
  EXPECT_TRUE(valid_tracestate("k=" + std::string(256, 'v')));
  EXPECT_FALSE(valid_tracestate("k=" + std::string(257, 'v')));
  EXPECT_TRUE(valid_tracestate(std::string(241, 't') + "@" + std::string(14, 's') + "=v"));
  EXPECT_FALSE(valid_tracestate(std::string(242, 't') + "@s=v"));
  EXPECT_FALSE(valid_tracestate("t@" + std::string(15, 's') + "=v"));
  EXPECT_TRUE(valid_tracestate("a=b" + std::string(max_tracestate_bytes - 3, ',')));
  EXPECT_FALSE(valid_tracestate("a=b" + std::string(max_tracestate_bytes - 2, ',')));
}

TEST(request_id, is_sixteen_digits) {
  EXPECT_EQ(to_hex(std::uint64_t{0xF067AA0BA902B7}), "00f067aa0ba902b7");
  EXPECT_EQ(parse_request_id("00f067aa0ba902b7"), 0xF067AA0BA902B7U);
  for (const std::string_view bad :
       {"", "0", "00f067aa0ba902b", "00f067aa0ba902b70", "00F067aa0ba902b7", "0000000000000000"}) {
    EXPECT_FALSE(parse_request_id(bad)) << bad;
  }
}

}  // namespace
}  // namespace assay::observe
