// Routes whose handlers take values, and the values that text of a request is read as.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>

#include "stack/http/router.hpp"
#include "stack/http/text_value.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/testing/ask.hpp"
#include "stack/testing/virtual_world.hpp"
#include "tests/effort.hpp"

// What a program of its own has beside its types.
namespace typed_shop {

enum class colour : std::uint8_t { red, green };

std::optional<colour> from_text(std::string_view text, std::type_identity<colour> /*wanted*/) {
  if (text == "red") return colour::red;
  if (text == "green") return colour::green;
  return std::nullopt;
}

class sku {
 public:
  const std::string& text() const { return text_; }
  friend std::optional<sku> from_text(std::string_view text, std::type_identity<sku> /*wanted*/) {
    if (text.size() != 3) return std::nullopt;
    sku read;
    read.text_ = text;
    return read;
  }

 private:
  std::string text_;
};

}  // namespace typed_shop

namespace assay::http {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace std::string_view_literals;

template <class T>
void reads_what_its_type_holds_and_no_more() {
  using limits = std::numeric_limits<T>;
  const std::string least = fmt::format("{}", limits::min());
  const std::string most = fmt::format("{}", limits::max());
  EXPECT_EQ(segment_value<T>(least), limits::min());
  EXPECT_EQ(segment_value<T>(most), limits::max());
  EXPECT_EQ(segment_value<T>("0"), T{0});
  EXPECT_EQ(segment_value<T>("7"), T{7});
  EXPECT_EQ(segment_value<T>("-7"), limits::is_signed ? std::optional<T>(static_cast<T>(-7)) : std::nullopt);
  std::string beyond = most;  // of none the last digit is a nine
  beyond.back()++;
  EXPECT_EQ(segment_value<T>(beyond), std::nullopt) << beyond;
  std::string below = limits::is_signed ? least : "-0";
  below.back()++;
  EXPECT_EQ(segment_value<T>(below), std::nullopt) << below;
  for (const char* bad : {"", "-", "+7", " 7", "7 ", "07", "00", "-0", "-07", "--7", "7.0", "0x7", "1e1", "7a", "%37",
                          "\xd9\xa7", "99999999999999999999", "-99999999999999999999"}) {
    EXPECT_EQ(segment_value<T>(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(segment_value<T>("7\0"s), std::nullopt);
}

TEST(segment_value, of_a_whole_number_is_what_its_type_holds_and_no_more) {
  reads_what_its_type_holds_and_no_more<signed char>();
  reads_what_its_type_holds_and_no_more<unsigned char>();
  reads_what_its_type_holds_and_no_more<std::int16_t>();
  reads_what_its_type_holds_and_no_more<std::uint16_t>();
  reads_what_its_type_holds_and_no_more<std::int32_t>();
  reads_what_its_type_holds_and_no_more<std::uint32_t>();
  reads_what_its_type_holds_and_no_more<std::int64_t>();
  reads_what_its_type_holds_and_no_more<std::uint64_t>();
  reads_what_its_type_holds_and_no_more<long long>();
}

TEST(segment_value, of_a_string_is_decoded_and_that_of_a_view_as_it_was_sent) {
  EXPECT_EQ(segment_value<std::string>("a%20b%2Fc+d%00"), "a b/c+d\0"s);
  EXPECT_EQ(segment_value<std::string_view>("a%20b%2"), "a%20b%2");
  for (const char* bad : {"%", "%4", "%4g", "a%"}) EXPECT_EQ(segment_value<std::string>(bad), std::nullopt) << bad;
}

TEST(segment_value, of_a_program_s_own_type_is_what_the_function_beside_it_says) {
  EXPECT_EQ(segment_value<typed_shop::colour>("green"), typed_shop::colour::green);
  EXPECT_EQ(segment_value<typed_shop::colour>("gr%65en"), typed_shop::colour::green);
  EXPECT_EQ(segment_value<typed_shop::colour>("blue"), std::nullopt);
  EXPECT_EQ(segment_value<typed_shop::colour>("red%"), std::nullopt);
  EXPECT_EQ(segment_value<typed_shop::sku>("a%2Fb").value().text(), "a/b");
  EXPECT_FALSE(segment_value<typed_shop::sku>("a/bc"));
}

TEST(segment_value, of_every_number_is_read_back_from_its_text) {
  std::mt19937_64 random(11);
  for (unsigned i = 0; i < seeds_to_try(20'000); ++i) {
    const std::uint64_t number = random() >> (random() % 64);
    const auto negative = static_cast<std::int64_t>(0 - number);
    EXPECT_EQ(segment_value<std::uint64_t>(std::to_string(number)), number);
    EXPECT_EQ(segment_value<std::int64_t>(std::to_string(negative)), negative);
    const std::optional<std::int8_t> narrow = segment_value<std::int8_t>(std::to_string(negative));
    EXPECT_EQ(narrow.has_value(), negative >= -128 && negative <= 127) << negative;
  }
}

// Of characters that come near to values.
std::string noise(std::mt19937_64& random) {
  constexpr std::string_view likely = "0123456789-+%aF \0/."sv;
  std::string text(random() % 24, '\0');
  for (char& each : text) {
    each = random() % 8 == 0 ? static_cast<char>(random()) : likely[random() % likely.size()];
  }
  return text;
}

TEST(segment_value, of_noise_is_none_or_has_that_very_text) {
  std::mt19937_64 random(12);
  unsigned numbers = 0;
  unsigned strings = 0;
  for (unsigned i = 0; i < seeds_to_try(50'000); ++i) {
    const std::string text = noise(random);
    if (const auto number = segment_value<std::int64_t>(text)) {
      numbers++;
      EXPECT_EQ(std::to_string(*number), text);
    }
    if (const auto number = segment_value<std::uint16_t>(text)) EXPECT_EQ(std::to_string(*number), text);
    if (const auto decoded = segment_value<std::string>(text)) {
      strings++;
      EXPECT_LE(decoded->size(), text.size());
      std::string sent;
      for (const char each : *decoded) sent += fmt::format("%{:02X}", static_cast<unsigned char>(each));
      EXPECT_EQ(segment_value<std::string>(sent), decoded);
    }
    EXPECT_EQ(segment_value<std::string_view>(text), text);
  }
  EXPECT_GT(numbers, 100U);
  EXPECT_GT(strings, 100U);
}

TEST(query_value, is_the_parameter_the_other_one_or_none) {
  constexpr std::string_view query = "page=7&limit=70000&empty=&name=a+b%2F&mine=gr%65en&far=%37";
  EXPECT_EQ(query_value<std::uint16_t>(query, "page"), 7);
  EXPECT_EQ(query_value<std::uint16_t>(query, "page", 1), 7);
  EXPECT_EQ(query_value<std::uint16_t>(query, "far"), 7) << "a query has no one spelling";
  EXPECT_EQ(query_value<std::uint16_t>(query, "offset"), std::nullopt);
  EXPECT_EQ(query_value<std::uint16_t>(query, "offset", 1), 1);
  EXPECT_EQ(query_value<std::uint16_t>(query, "limit", 1), std::nullopt) << "too large is not the same as none";
  EXPECT_EQ(query_value<std::uint16_t>(query, "empty", 1), std::nullopt);
  EXPECT_EQ(query_value<std::string>(query, "name"), "a b/");
  EXPECT_EQ(query_value<std::string>(query, "empty"), "");
  EXPECT_EQ(query_value<std::string>(query, "offset", "none"), "none");
  EXPECT_EQ(query_value(query, "mine", typed_shop::colour::red), typed_shop::colour::green);
}

task<response> show_item(request&, std::int64_t id) { co_return response::text(fmt::format("item {}", id)); }
task<response> drop_item(request&, std::int64_t id) noexcept { co_return response::text(fmt::format("no {}", id)); }
task<response> newest(request&) { co_return response::text("newest"); }
// After its wait only what the coroutine owns is there.
task<response> show_line(request& asked, std::string order, std::uint8_t line, typed_shop::colour in) {
  std::ignore = co_await delay_for(1s);
  co_return response::text(fmt::format("{} {} {} {}", order, line, in == typed_shop::colour::red, asked.path()));
}
task<response> show_text(request&, std::string_view text) {
  std::ignore = co_await delay_for(1s);
  co_return response::text(std::string(text));
}
task<response> show_all(request&, const path_parameters& given) {
  co_return response::text(fmt::format("{} {} {}", given["b"], given.text_of(0), given.text_of(2).size()));
}

// Of a service's own state, with and without the request.
struct shelf {
  int shown = 0;
};
task<response> show_of(shelf* of, std::int64_t id, std::string name) {
  std::ignore = co_await delay_for(1s);
  co_return response::text(fmt::format("{} {} {}", ++of->shown, id, name));
}
task<response> show_path_of(shelf* of, request& asked, std::int64_t id) {
  std::ignore = co_await delay_for(1s);
  co_return response::text(fmt::format("{} {} {}", ++of->shown, id, asked.path()));
}
task<response> count_of(shelf* of) { co_return response::text(std::to_string(of->shown)); }

class typed_route_test : public ::testing::Test {
 protected:
  typed_route_test() {
    routes_.add(method::get, "/items/{id}", show_item);
    routes_.add(method::delete_, "/items/{id}", &drop_item);
    routes_.add(method::get, "/items/newest", newest);
    routes_.add(method::head, "/any/{path}", newest);
    routes_.add(method::get, "/orders/{order}/lines/{line}/{colour}", show_line);
    routes_.add(method::get, "/text/{text}", task_function<task<response>(request&, std::string_view)>(show_text));
    routes_.add(method::get, "/all/{a}/{b}", show_all);
    routes_.add(method::get, "/sum/{a}/{b}",
                [calls = 0] ASSAY_CORO_WRAPPER(request & asked, std::int32_t a, std::int32_t b) mutable {
                  return show_item(asked, a + b + 1000 * ++calls);
                });
  }
  assay::testing::answer ask(method verb, std::string path) {
    return world_.run(assay::testing::ask(routes_.as_handler(), {.verb = verb, .target = std::move(path)}));
  }
  std::string get(std::string path) {
    const assay::testing::answer got = ask(method::get, std::move(path));
    return got.status == 200 ? got.body : fmt::format("{} {}", got.status, got.reason);
  }

  assay::testing::virtual_world world_;
  router routes_;
};

TEST_F(typed_route_test, a_handler_is_given_the_values_of_its_path_in_their_order) {
  EXPECT_EQ(get("/items/7"), "item 7");
  EXPECT_EQ(get("/items/-9223372036854775808"), "item -9223372036854775808");
  EXPECT_EQ(get("/items/7?page=2"), "item 7");
  EXPECT_EQ(get("http://shop/items/7"), "item 7");
  const std::string line = "/orders/a%20b%2Fc,%20long%20enough%20for%20the%20heap/lines/255/red";
  EXPECT_EQ(get(line), "a b/c, long enough for the heap 255 true " + line);
  EXPECT_EQ(get("/text/%zz"), "%zz");
  EXPECT_EQ(get("/sum/40/2"), "item 1042");
  EXPECT_EQ(get("/sum/40/2"), "item 2042");
  EXPECT_EQ(get("/all/x/y"), "y x 0");
  EXPECT_EQ(world_.leftovers(), "");
}

TEST_F(typed_route_test, a_handler_is_given_the_state_that_it_was_bound_to) {
  const auto of = std::make_unique<shelf>();
  routes_.add(method::get, "/of/{id}/{name}", with(of.get(), &show_of));
  routes_.add(method::get, "/path/{id}", with(of.get(), &show_path_of));
  routes_.add(method::get, "/count", with(of.get(), &count_of));
  EXPECT_EQ(get("/of/7/long%20enough%20for%20the%20heap"), "1 7 long enough for the heap");
  EXPECT_EQ(get("/path/8"), "2 8 /path/8");
  EXPECT_EQ(get("/count"), "2");
  EXPECT_EQ(get("/path/abc"), "404 not_found");
  EXPECT_THROW(routes_.add(method::get, "/of/{id}", with(of.get(), &show_of)), std::invalid_argument);
  EXPECT_EQ(world_.leftovers(), "");
}

TEST_F(typed_route_test, a_segment_that_is_no_such_value_is_not_found_and_known_by_its_template) {
  for (const char* path : {"/items/abc", "/items/007", "/items/9223372036854775808", "/items/%37", "/items/7a",
                           "/orders/a/lines/256/red", "/orders/a/lines/1/blue", "/orders/%zz/lines/1/red"}) {
    EXPECT_EQ(get(path), "404 not_found") << path;
    const router::match_result found = routes_.match(method::get, path);
    EXPECT_NE(found.serve, nullptr) << path;
    EXPECT_NE(found.path_template, "") << path;
  }
  EXPECT_EQ(ask(method::get, "/items/abc").body, ask(method::get, "/nowhere").body);
}

TEST_F(typed_route_test, a_literal_wins_and_other_methods_are_as_they_were) {
  EXPECT_EQ(get("/items/newest"), "newest");
  EXPECT_EQ(ask(method::delete_, "/items/7").body, "no 7");
  EXPECT_EQ(ask(method::head, "/any/thing").status, 200);
  const assay::testing::answer refused = ask(method::head, "/items/abc");
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.header("allow"), "GET, DELETE");
}

TEST_F(typed_route_test, a_handler_of_another_number_of_parameters_is_refused_when_it_is_added) {
  EXPECT_THROW(routes_.add(method::get, "/a", show_item), std::invalid_argument);
  EXPECT_THROW(routes_.add(method::get, "/a/{b}/{c}", show_item), std::invalid_argument);
  EXPECT_THROW(routes_.add(method::get, "/a/{b}/{c}", show_line), std::invalid_argument);
  EXPECT_THROW(routes_.add(method::get, "a/{b}", show_item), std::invalid_argument);
  EXPECT_EQ(get("/a"), "404 not_found");
  EXPECT_EQ(routes_.match(method::get, "/a/b/c").path_template, "") << "what was refused has left nothing";
  try {
    routes_.add(method::get, "/a/{b}/{c}", show_item);
    ADD_FAILURE() << "it was taken";
  } catch (const std::invalid_argument& why) {
    EXPECT_STREQ(why.what(), "a handler of another path: /a/{b}/{c} has 2 parameters, it takes 1");
  }
}

TEST_F(typed_route_test, noise_is_answered_by_its_value_or_not_found) {
  std::mt19937_64 random(13);
  unsigned found = 0;
  for (unsigned i = 0; i < seeds_to_try(5'000); ++i) {
    const std::string segment = noise(random);
    if (segment.empty() || segment.find_first_of("/?") != std::string::npos) continue;
    const auto value = segment_value<std::int64_t>(segment);
    found += value ? 1 : 0;
    EXPECT_EQ(get("/items/" + segment), value ? "item " + segment : "404 not_found") << segment;
    EXPECT_EQ(get("/text/" + segment), segment);
  }
  EXPECT_GT(found, 10U);
}

}  // namespace
}  // namespace assay::http
