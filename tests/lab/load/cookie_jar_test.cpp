// RFC 6265, as far as a session needs it.
#include "lab/load/cookie_jar.hpp"

#include <gtest/gtest.h>

namespace assay::load {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t today = 1'700'000'000;  // 14 November 2023

struct jar_of_cookies : ::testing::Test {
  void set(std::string_view field, std::string_view target = "/shop/cart") { jar.take(field, target, now, today); }
  std::string sent(std::string_view target = "/shop/cart") const {
    std::string line;
    jar.append_field(target, now, line);
    return line;
  }
  cookie_jar jar;
  instant now{1h};
};

TEST_F(jar_of_cookies, sends_what_it_was_given) {
  EXPECT_EQ(sent(), "");
  set("a=1; Path=/; HttpOnly; Secure; SameSite=Lax");
  set(" b = two words ;path=/");
  EXPECT_EQ(sent(), "Cookie: a=1; b=two words\r\n");
  set("a=3; Path=/");
  EXPECT_EQ(sent(), "Cookie: a=3; b=two words\r\n") << "in its old place";
}

TEST_F(jar_of_cookies, goes_by_the_path) {
  set("deep=1");
  set("top=2; Path=/");
  set("cart=3; Path=/shop/cart");
  set("slash=4; Path=/shop/");
  EXPECT_EQ(sent("/shop/cart?x=/other"), "Cookie: cart=3; slash=4; deep=1; top=2\r\n") << "the longest path first";
  EXPECT_EQ(sent("/shop"), "Cookie: deep=1; top=2\r\n") << "/shop is the default path of /shop/cart";
  EXPECT_EQ(sent("/shopping"), "Cookie: top=2\r\n");
  set("odd=5; Path=relative", "/");
  EXPECT_EQ(sent("/x"), "Cookie: top=2; odd=5\r\n");
}

TEST_F(jar_of_cookies, forgets_what_is_deleted_or_too_old) {
  set("a=1; Path=/; Max-Age=10");
  set("b=1; Path=/");
  set("c=1; Path=/");
  set("b=; Path=/; Max-Age=0");
  set("c=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(sent(), "Cookie: a=1\r\n");
  set("d=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60");
  EXPECT_EQ(sent(), "Cookie: a=1; d=1\r\n") << "Max-Age goes before Expires";
  now += 10s;
  EXPECT_EQ(sent(), "Cookie: d=1\r\n");
  set("e=1; Path=/; Max-Age=99999999999999999999; Expires=nonsense");
  set("f=1; Path=/; Max-Age=9223372036854775807");
  EXPECT_EQ(sent(), "Cookie: d=1; e=1; f=1\r\n") << "what is no number is passed over";
}

TEST_F(jar_of_cookies, passes_over_what_is_no_cookie_or_too_large) {
  for (const std::string_view none : {"", "a", "=1", ";a=1", "a=1\r\nX: y", "a=\x01"}) set(none);
  set("big=" + std::string(max_cookie_bytes, 'x'));
  EXPECT_EQ(jar.size(), 0U);
  for (std::size_t i = 0; i < max_cookies + 5; ++i) set("c" + std::to_string(i) + "=" + std::string(1000, 'x'));
  EXPECT_EQ(jar.size(), max_cookies);
  EXPECT_LE(sent().size(), max_cookie_line + 2);
  EXPECT_GT(sent().size(), max_cookie_line - 1100);
}

TEST(cookie_date, reads_the_forms_that_servers_write) {
  EXPECT_EQ(cookie_date("Tue, 14 Nov 2023 22:13:20 GMT", 0), 1'700'000'000);
  EXPECT_EQ(cookie_date("Tuesday, 14-Nov-23 22:13:20 GMT", 0), 1'700'000'000);
  EXPECT_EQ(cookie_date("Tue Nov 14 22:13:20 2023", 0), 1'700'000'000);
  for (const std::string_view none : {"", "Tue, 31 Feb 2023 22:13:20 GMT", "14 Nov 2023", "14 Nov 2023 24:00:00",
                                      "14 Nov 1500 22:13:20", "22:13:20 GMT", "14 Nov 2023 22:13"}) {
    EXPECT_EQ(cookie_date(none, -7), -7) << none;
  }
}

}  // namespace
}  // namespace assay::load
