#include "lab/learn/path_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace assay::learn {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

class folding : public testing::Test {
 protected:
  void see(std::string_view method, const std::string& target, int status = 200, int times = 1) {
    for (int i = 0; i < times; ++i) {
      ASSERT_TRUE(tree_->add(method, target, {.status = status, .bytes = 100})) << target;
      ++seen_;
    }
  }
  void name(const std::vector<std::string>& typed) {
    std::vector<route_pattern> patterns;
    for (const std::string& each : typed) patterns.push_back(parse_route_pattern(each).value());
    tree_ = std::make_unique<path_tree>(std::move(patterns));
  }
  // "GET /items/{id} 30", by requests; whatever happens every request is in a route or in `other`.
  std::vector<std::string> routes() {
    found_ = tree_->finish();
    std::vector<std::string> lines;
    std::uint64_t counted = 0;
    for (const model::route& each : found_.routes) {
      lines.push_back(each.name() + " " + std::to_string(each.requests));
      counted += each.requests;
    }
    for (const auto& [reason, count] : found_.other) counted += count;
    EXPECT_EQ(counted, seen_);
    return lines;
  }

  std::unique_ptr<path_tree> tree_ = std::make_unique<path_tree>(std::vector<route_pattern>());
  routes_found found_;
  std::uint64_t seen_ = 0;
};

TEST_F(folding, typed_segments_fold_at_once) {
  for (int i = 1; i <= 3; ++i) see("GET", "/items/" + std::to_string(i), 200, 2);
  see("GET", "/items?category=a&page=1", 200, 3);
  see("DELETE", "/items/1");
  see("DELETE", "/items/2");
  EXPECT_THAT(routes(), ElementsAre("GET /items/{id} 6", "GET /items 3", "DELETE /items/{id} 2"));
  const model::placeholder& id = found_.routes[0].placeholders.at(0);
  EXPECT_EQ(id.shape, "integer");
  EXPECT_EQ(id.distinct, 3U);
  EXPECT_EQ(id.least, 1);
  EXPECT_EQ(id.greatest, 3);
  EXPECT_THAT(found_.routes[1].query_keys, UnorderedElementsAre(std::pair("category", 3), std::pair("page", 3)));
}

TEST_F(folding, names_are_good_guesses) {
  see("GET", "/users/1/orders/2");
  see("GET", "/users/3/orders/4");
  see("GET", "/p/550e8400-e29b-41d4-a716-446655440000/2026-11-23");
  see("GET", "/p/550e8400-e29b-41d4-a716-446655440001/2026-11-24");
  see("GET", "/categories/1/entries/2/status/3");
  see("GET", "/categories/2/entries/3/status/4");
  EXPECT_THAT(routes(), UnorderedElementsAre("GET /users/{id}/orders/{order_id} 2", "GET /p/{p1}/{p2} 2",
                                             "GET /categories/{id}/entries/{entry_id}/status/{p1} 2"));
}

TEST_F(folding, literals_of_high_support_stay) {
  for (int i = 0; i < 200; ++i) see("GET", "/items/product-number-" + std::to_string(i));
  see("GET", "/items/me", 200, 150);
  see("GET", "/items/7", 200, 2);
  see("GET", "/items/8", 200, 2);
  EXPECT_THAT(routes(), ElementsAre("GET /items/{id} 204", "GET /items/me 150"));
  EXPECT_EQ(found_.routes[0].placeholders[0].shape, "slug");
}

TEST_F(folding, popular_values_do_not_stay) {
  // Names by Zipf's law: the first is popular, but no more than its rank says.
  for (int i = 1; i <= 300; ++i) {
    std::string name = "user";
    for (int rest = i; rest > 0; rest /= 26) name += static_cast<char>('a' + rest % 26);
    see("GET", "/users/" + name, 200, 600 / i);
    see("GET", "/users/" + name + "/posts", 200, 1 + 60 / i);
  }
  EXPECT_THAT(routes(),
              ElementsAre(testing::StartsWith("GET /users/{id} "), testing::StartsWith("GET /users/{id}/posts ")));
  EXPECT_EQ(found_.routes[0].placeholders[0].distinct, 300U);
}

TEST_F(folding, a_few_words_are_resources) {
  for (const auto* word : {"login", "logout", "search", "cart", "checkout"})
    see("GET", std::string("/") + word, 200, 3);
  EXPECT_EQ(routes().size(), 5U);
}

TEST_F(folding, siblings_of_another_kind_stay) {
  // Forty resources, each with its items, among many tenants' pages.
  for (int i = 0; i < 100; ++i) see("GET", "/api/tenant-no-" + std::to_string(i), 200, 1);
  for (int i = 1; i <= 50; ++i) see("GET", "/api/orders/" + std::to_string(i), 200, 2);
  EXPECT_THAT(routes(), UnorderedElementsAre("GET /api/{p1} 100", "GET /api/orders/{id} 100"));
}

TEST_F(folding, words_that_the_same_words_follow_are_values) {
  // Each tenant often enough to be a resource of its own; but resources are not all alike.
  const auto tenant = [](int i) { return std::string("tenant") + static_cast<char>('a' + i) + "x"; };
  for (int i = 0; i < 24; ++i) {
    for (const auto* below : {"orders", "users", "bills"}) see("GET", "/api/" + tenant(i) + "/" + below, 200, 30 - i);
  }
  see("GET", "/api/status", 200, 60);
  EXPECT_THAT(routes(), UnorderedElementsAre("GET /api/{p1}/orders 444", "GET /api/{p1}/users 444",
                                             "GET /api/{p1}/bills 444", "GET /api/status 60"));
}

TEST_F(folding, resources_that_one_word_follows_are_none) {
  for (int i = 0; i < 24; ++i) {
    see("GET", std::string("/api/noun") + static_cast<char>('a' + i) + "/search", 200, 30);
    see("GET", std::string("/api/noun") + static_cast<char>('a' + i) + "/" + std::to_string(i), 200, 30);
  }
  EXPECT_EQ(routes().size(), 48U);
}

TEST_F(folding, letters_with_digits_are_values_where_there_are_many) {
  for (const auto* code : {"9uYoBf9n", "Mdux8KUC", "yttUMk93", "IAz9i5Vo", "kk20Qwer", "a7Lkjhgf", "zz11ZxyA",
                           "pQ4rstuv", "WELCOME5", "Kj3hgfds", "qwertyui"}) {
    see("GET", std::string("/coupons/") + code, 200, 9);
  }
  see("GET", "/coupons/search", 200, 300);
  for (const auto* version : {"v1beta1", "v2alpha3"}) see("GET", std::string("/apis/") + version, 200, 9);
  EXPECT_THAT(routes(), UnorderedElementsAre("GET /coupons/{id} 99", "GET /coupons/search 300", "GET /apis/v1beta1 9",
                                             "GET /apis/v2alpha3 9"));
}

TEST_F(folding, beside_a_placeholder_letters_with_digits_are_one_value_more) {
  for (int i = 1; i <= 5; ++i) see("GET", "/projects/" + std::to_string(i) + "/issues", 200, 9);
  see("GET", "/projects/web%2Fshop/issues", 200, 40);
  see("GET", "/projects/team7/issues", 200, 40);
  see("GET", "/projects/new", 200, 40);
  see("GET", "/projects/import2", 200, 40);
  EXPECT_THAT(routes(),
              UnorderedElementsAre("GET /projects/{id}/issues 125", "GET /projects/new 40", "GET /projects/import2 40"))
      << "import2 ends where no project does";
}

TEST_F(folding, names_with_dots_are_no_files) {
  for (int i = 0; i < 30; ++i)
    see("GET", std::string("/people/") + static_cast<char>('a' + i % 26) + "nn" + "bxy"[i % 3]);
  for (const auto* family : {"li", "doe", "roe", "kim", "diaz", "ono", "berg", "silva", "moro", "novak"}) {
    see("GET", std::string("/people/jane.") + family, 200, 40);
  }
  for (int i = 0; i < 30; ++i) see("GET", "/people/photo" + std::to_string(i) + ".jpg");
  const std::vector<std::string> found = routes();
  EXPECT_THAT(found, testing::Contains("GET /people/{p1} 430"));
  EXPECT_THAT(found, testing::Contains("GET /people/{file}.jpg 30"));
  EXPECT_EQ(found.size(), 2U);
}

TEST_F(folding, a_path_as_a_value_has_no_extension) {
  for (const auto* file : {"lib%2Fa.rb", "lib%2Fb.rb", "lib%2Fc.py", "doc%2Fa.md", "doc%2Fb.md", "src%2Fa.c",
                           "src%2Fb.c", "src%2Fc.h", "src%2Fd.h", "src%2Fe.h"}) {
    see("GET", std::string("/files/") + file + "/raw", 200, 9);
  }
  EXPECT_THAT(routes(), ElementsAre("GET /files/{id}/raw 90"));
}

TEST_F(folding, a_popular_value_is_not_apart_for_having_more) {
  // All of a popular shop is seen, its page and what is below it; of a rare one the page, or what is below.
  for (int i = 0; i < 70; ++i) {
    const std::string shop = std::string("/shops/") + static_cast<char>('a' + i % 26) + "shop" + "abc"[i / 26];
    const int times = std::max(3, 90 / (i + 1));
    if (i < 8 || i % 3 == 0) see("GET", shop, 200, times);
    if (i < 8 || i % 3 != 0) see("GET", shop + "/cart", 200, times);
  }
  EXPECT_THAT(routes(), UnorderedElementsAre(testing::StartsWith("GET /shops/{id} "),
                                             testing::StartsWith("GET /shops/{id}/cart ")));
}

TEST_F(folding, behind_the_same_words_stand_the_same_values) {
  const auto shop = [](int i) { return std::string("shop") + static_cast<char>('a' + i % 26) + "xyz"[i / 26]; };
  for (int i = 0; i < 70; ++i) see("GET", "/shops/" + shop(i) + "/cart", 200, 5);
  for (int i = 0; i < 4; ++i) {
    see("POST", "/shops/" + shop(i) + "/orders", 200, 3);
    see("GET", "/v2/shops/" + shop(i), 200, 3);
  }
  see("POST", "/shops/nearest/orders", 200, 30);
  EXPECT_THAT(routes(), UnorderedElementsAre("GET /shops/{id}/cart 350", "POST /shops/{id}/orders 12",
                                             "GET /v2/shops/{id} 12", "POST /shops/nearest/orders 30"))
      << "what is asked for so often, and is no shop that is known, is a word";
}

TEST_F(folding, a_tree_that_gets_full_keeps_its_routes) {
  std::mt19937_64 random(1);
  const auto word = [](std::uint64_t number) {
    std::string text = "w";
    for (; number > 0; number /= 26) text += static_cast<char>('a' + number % 26);
    return text;
  };
  // Twelve thousand repositories, three times as many nodes as there is room for.
  for (int i = 0; i < 20'000; ++i) {
    const std::string repository = "/repos/" + word(random() % 300) + "/" + word(random() % 40);
    see("GET", repository + (i % 3 == 0 ? "" : i % 3 == 1 ? "/issues" : "/pulls/" + std::to_string(i)));
  }
  EXPECT_THAT(routes(), UnorderedElementsAre(testing::StartsWith("GET /repos/{id}/{p1} "),
                                             testing::StartsWith("GET /repos/{id}/{p1}/issues "),
                                             testing::StartsWith("GET /repos/{id}/{p1}/pulls/{pull_id} ")));
}

TEST_F(folding, files_fold_by_extension) {
  for (int i = 0; i < 70; ++i) see("GET", "/static/chunk-" + std::to_string(i) + ".css", 200, 3);
  see("GET", "/static/app.js", 200, 9);
  EXPECT_THAT(routes(), ElementsAre("GET /static/{file}.css 210", "GET /static/app.js 9"));
  EXPECT_EQ(found_.routes[0].placeholders.at(0).distinct, 70U);
}

TEST_F(folding, what_is_never_found_is_no_route) {
  see("GET", "/items/1", 200, 5);
  see("GET", "/items/2", 404, 2);
  see("GET", "/items/abc", 400, 3);
  see("GET", "/wp-login.php", 404, 4);
  see("PUT", "/items/1", 405, 2);
  see("GET", "/broken", 500, 6);
  EXPECT_THAT(routes(), ElementsAre("GET /items/{id} 10", "GET /broken 6"));
  EXPECT_EQ(found_.routes[0].placeholders[0].shape, "integer") << "abc was refused";
  EXPECT_EQ(found_.routes[0].placeholders[0].greatest, 1) << "2 was not found";
  EXPECT_EQ(found_.routes[0].statuses, (std::map<int, std::uint64_t>{{200, 5}, {400, 3}, {404, 2}}));
  EXPECT_EQ(found_.other, (std::map<std::string, std::uint64_t>{{"never found (only 400, 404 or 405)", 6}}));
}

TEST_F(folding, one_value_all_along_is_a_literal) {
  see("GET", "/images/2009/banner", 200, 30);
  see("GET", "/items/7", 200, 30);
  see("GET", "/items/8/price", 200, 30);
  EXPECT_THAT(routes(),
              UnorderedElementsAre("GET /images/2009/banner 30", "GET /items/{id} 30", "GET /items/{id}/price 30"));
}

TEST_F(folding, what_may_name_somebody_is_no_literal) {
  // Each alone, and often: what is a word would stay.
  for (const auto* value : {"jane@example.com", "192.0.2.17", "2001:db8::1", "cus_9s6XKzkNRiz8i3", "ORD-2026-000471",
                            "918273645", "550e8400-e29b-41d4-a716-446655440000", "507f1f77bcf86cd799439011"}) {
    see("GET", std::string("/users/") + value + "/orders", 200, 30);
  }
  see("GET", "/mail/jane@example.com", 200, 30);
  see("GET", "/cart?eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx&page=1&jane@example.com", 200, 30);
  EXPECT_THAT(routes(), UnorderedElementsAre("GET /users/{id}/orders 240", "GET /mail/{p1} 30", "GET /cart 30"));
  const auto cart = std::ranges::find(found_.routes, "/cart", &model::route::path);
  EXPECT_THAT(cart->query_keys, ElementsAre(std::pair("page", 30)));
}

TEST_F(folding, user_patterns_come_first) {
  name({"GET /items/{item}/price", "GET /files/{name}.pdf", "GET /never/{x}"});
  see("GET", "/items/1/price", 200, 3);
  see("GET", "/items/abc/price", 404, 2);
  see("GET", "/items/1/image", 200, 1);
  see("GET", "/items/2/image", 200, 1);
  see("GET", "/files/report.pdf", 200, 1);
  see("POST", "/items/1/price", 404, 1);
  EXPECT_THAT(routes(), ElementsAre("GET /items/{item}/price 5", "GET /items/{id}/image 2", "GET /files/{name}.pdf 1"));
  EXPECT_EQ(found_.routes[0].placeholders[0].distinct, 2U);
  EXPECT_THAT(tree_->unmatched(), ElementsAre("GET /never/{x}"));
}

TEST_F(folding, says_why_values_are_some) {
  name({"GET /named/{it}"});
  see("GET", "/named/a");
  for (int i = 1; i <= 5; ++i) see("GET", "/projects/" + std::to_string(i) + "/issues", 200, 9);
  see("GET", "/projects/web%2Fshop/issues", 200, 40);
  for (int i = 0; i < 24; ++i) {
    const std::string tenant = std::string("tenant") + static_cast<char>('a' + i) + "x";
    for (const auto* below : {"orders", "users"}) see("GET", "/api/" + tenant + "/" + below, 200, 30 - i);
  }
  for (int i = 0; i < 40; ++i) see("GET", "/shops/shop-no-" + std::to_string(i), 200, 1);
  for (int i = 1; i <= 9; ++i) see("GET", "/items/" + std::to_string(i));
  const auto why = [&](const std::string& path) {
    const auto route = std::ranges::find(found_.routes, path, &model::route::path);
    return route == found_.routes.end() ? "no such route" : route->placeholders.at(0).why;
  };
  routes();
  EXPECT_EQ(why("/items/{id}"), "by their form");
  EXPECT_EQ(why("/named/{it}"), "named beforehand");
  EXPECT_EQ(why("/projects/{id}/issues"), "1 word: they look like the values beside them, and lead where those lead");
  EXPECT_EQ(why("/api/{p1}/orders"), "24 words: the same words follow more than 20 in their place");
  EXPECT_EQ(why("/shops/{id}"), "40 words: half of more than 20 words in their place came twice at most");
}

TEST_F(folding, is_bounded_whatever_comes) {
  std::mt19937_64 random(1);
  const auto word = [&] {
    std::string text;
    for (int i = 0; i < 6; ++i) text += static_cast<char>('a' + random() % 26);
    return text;
  };
  for (int i = 0; i < 60'000; ++i) see("GET", "/" + word() + "/" + word() + "/" + word(), i % 2 == 0 ? 200 : 404);
  EXPECT_LE(routes().size(), max_routes);
}

TEST_F(folding, beyond_the_limit_of_routes_is_counted) {
  for (int i = 0; i < 40; ++i) {
    for (const auto* verb : {"GET", "PUT", "POST"}) {
      see(verb, std::string("/") + static_cast<char>('a' + i % 8) + "/" + static_cast<char>('a' + i / 8), 200, 5);
    }
  }
  EXPECT_EQ(routes().size(), max_routes);
  EXPECT_EQ(found_.other.at("beyond the 100 most frequent routes"), 5 * (120 - max_routes));
}

TEST_F(folding, a_known_target_counts_as_if_it_were_not_known) {
  // Each for itself and all in turn, in a tree that has to make room: the same routes, the same values.
  std::mt19937_64 random(1);
  std::vector<std::string> targets;
  for (std::size_t i = 0; i < 3000; ++i)
    targets.push_back("/words/" + std::string(1 + i % 26, 'a') + "x" + std::string(i % 97, 'b'));
  for (int i = 0; i < 500; ++i) targets.push_back("/items/" + std::to_string(i) + "/price?day=1");
  std::vector<const std::string*> asked;
  std::map<std::string, std::uint64_t> truth;
  for (int i = 0; i < 40'000; ++i) {
    asked.push_back(&targets[std::min(random() % targets.size(), random() % targets.size())]);
    ++truth[*asked.back()];
  }
  for (const std::string* each : asked) see("GET", *each, each->size() % 7 == 0 ? 404 : 200);
  std::uint64_t prices = 0;
  for (const auto& [target, count] : truth) prices += target.starts_with("/items/") ? count : 0;
  EXPECT_THAT(routes(), testing::Contains("GET /items/{id}/price " + std::to_string(prices)));
  const auto price = std::ranges::find(found_.routes, "/items/{id}/price", &model::route::path);
  EXPECT_EQ(price->query_keys.at("day"), prices);
  std::uint64_t distinct = 0;
  for (const auto& [target, count] : truth) distinct += target.starts_with("/items/") ? 1 : 0;
  EXPECT_EQ(price->placeholders.at(0).distinct, distinct);
}

TEST(route_patterns, that_are_none_say_what_was_expected) {
  for (const auto* bad : {"", "GET", "/items", "get /items", "GET items", "GET /items/{}", "GET /items/{id",
                          "GET /a/:id", "GET /a/*", "GET /{a}/{a}", "GET /a?b=1", "GET /a b", "GET /{a}{b}", " /a"}) {
    const auto pattern = parse_route_pattern(bad);
    ASSERT_FALSE(pattern) << bad;
    EXPECT_THAT(pattern.error(), testing::StartsWith("--route \"" + std::string(bad) + "\": expected "));
  }
  EXPECT_TRUE(parse_route_pattern("GET /")->parts.empty());
  EXPECT_EQ(parse_route_pattern("GET /items/")->parts.size(), 2U);
}

}  // namespace
}  // namespace assay::learn
