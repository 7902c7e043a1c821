// The screens are files beside this one (screens/), to be looked at; here it is said what must be true of any.
#include "lab/report/load_screen.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <ranges>
#include <string>
#include <vector>

#include "lab/report/cells.hpp"

namespace assay::report {
namespace {

constexpr std::size_t around_1_ms = 6;  // the band up to it

model::live_second quiet_second(std::size_t at) {
  model::live_second second{.at_s = static_cast<double>(at),
                            .length_s = 1,
                            .offered = 1000,
                            .answered = 1000,
                            .response_p50_ms = 0.7,
                            .response_p99_ms = 1.6,
                            .response_max_ms = 3.1,
                            .own_lag_max_ms = 0.06};
  second.response_bands[around_1_ms - 1] = 120;
  second.response_bands[around_1_ms] = 830;
  second.response_bands[around_1_ms + 1] = 47;
  second.response_bands[around_1_ms + 2] = 3;
  return second;
}

// Half a minute of three times the rate, of which the server does two, and of what that leaves behind.
model::live_second second_of_burst(std::size_t at, std::size_t since) {
  model::live_second second = quiet_second(at);
  second.offered = since < 30 ? 3000 : 1000;
  second.answered = 2000;
  second.errors = {{"status_5xx", since * 4}, {"timed_out", since > 25 ? 30U : 0U}};
  second.response_max_ms = 40.0 * static_cast<double>(since + 1);
  second.response_bands = {};
  const std::size_t band = around_1_ms + 2 + (since < 30 ? since / 6 : (60 - since) / 8);
  second.response_bands[band - 1] = 500;
  second.response_bands[band] = 1300;
  second.response_bands[band + 1] = 200;
  return second;
}

// Two and a half minutes of five, with a burst after the first minute; of two seconds not all has ended.
model::load_screen some_run() {
  model::load_screen seen{.target = "GET http://127.0.0.1:8080/items/{id}",
                          .shape = "open model, 3 stages, poisson arrivals, 64 connections, 2 threads",
                          .open = true,
                          .length_s = 300,
                          .elapsed_s = 150.02,
                          .due = 210'020,
                          .answers = 209'800,
                          .errors = 1'890,
                          .due_per_s = 1000,
                          .answers_per_s = 998.2,
                          .errors_per_s = 0,
                          .behind_s = 0.0042,
                          .errors_by_kind = {{"status_5xx", 1740}, {"timed_out", 120}},
                          .health = "in time",
                          .cpu_share = 0.124,
                          .own_lag_max_ms = 0.31};
  for (std::size_t at = 0; at < 151; ++at) {
    const bool busy = at >= 60 && at < 120;
    seen.seconds.emplace_back(busy ? second_of_burst(at, at - 60) : quiet_second(at));
  }
  seen.seconds[147].reset();
  seen.seconds[150].reset();
  return seen;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (const auto part : std::views::split(text, '\n')) lines.emplace_back(part.begin(), part.end());
  return lines;
}

// Each code point takes one cell here.
std::size_t cells_in(const std::string& line) {
  return static_cast<std::size_t>(std::ranges::count_if(line, [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string without_colours(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      i = text.find('m', i);
    } else {
      plain += text[i];
    }
  }
  return plain;
}

void expect_screen(const std::string& name, const std::string& drawn) {
  std::ifstream file(ASSAY_SCREENS "/" + name);
  const std::string kept{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(drawn + "\n", kept) << name;
}

TEST(load_screen, is_drawn_for_a_small_terminal) {
  expect_screen("load_80x24.txt", load_screen_text(some_run(), {.columns = 80, .rows = 24}));
}

TEST(load_screen, is_drawn_for_a_large_one) {
  expect_screen("load_200x50.txt", load_screen_text(some_run(), {.columns = 200, .rows = 50}));
}

TEST(load_screen, is_drawn_for_one_without_unicode) {
  const std::string drawn = load_screen_text(some_run(), {.columns = 80, .rows = 24}, {.ascii = true});
  EXPECT_TRUE(std::ranges::all_of(drawn, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
  expect_screen("load_80x24_ascii.txt", drawn);
}

TEST(load_screen, fits_every_terminal) {
  for (const unsigned columns : {1U, 8U, 10U, 40U, 80U, 81U, 133U, 200U, 400U}) {
    for (const unsigned rows : {1U, 3U, 9U, 12U, 17U, 18U, 24U, 30U, 40U, 50U, 120U}) {
      const std::string drawn = load_screen_text(some_run(), {.columns = columns, .rows = rows}, {.colour = true});
      const std::vector<std::string> lines = lines_of(without_colours(drawn));
      EXPECT_EQ(lines.size(), rows);
      for (const std::string& each : lines) EXPECT_LE(cells_in(each), columns) << each;
    }
  }
}

TEST(load_screen, says_nothing_by_colour_alone) {
  const std::string plain = load_screen_text(some_run(), {.columns = 100, .rows = 30});
  const std::string coloured = load_screen_text(some_run(), {.columns = 100, .rows = 30}, {.colour = true});
  EXPECT_FALSE(plain.contains('\x1b')) << "NO_COLOR";
  EXPECT_TRUE(coloured.contains('\x1b'));
  EXPECT_EQ(without_colours(coloured), plain);
  for (const std::string& each : lines_of(coloured)) {
    const std::size_t last = each.rfind('\x1b');
    EXPECT_TRUE(last == std::string::npos || each.substr(last).starts_with("\x1b[0m")) << "ends with the line";
  }
}

TEST(load_screen, before_and_after_the_run) {
  model::load_screen seen{.target = "GET http://127.0.0.1:8080/",
                          .shape = "closed model, 64 connections, 1 thread",
                          .length_s = 30,
                          .health = "in time"};
  const auto has = [&seen](const char* what) { return load_screen_text(seen, {}).contains(what); };
  EXPECT_TRUE(has("opening connections"));
  EXPECT_TRUE(has("no second has ended yet"));
  EXPECT_FALSE(has("offered   ")) << "nothing is offered in a closed model";
  seen.elapsed_s = 12;
  EXPECT_TRUE(has(" 12s of 30s"));
  seen.elapsed_s = 31;
  EXPECT_TRUE(has("waiting for the last answers"));
  seen.ending = true;
  EXPECT_TRUE(has("] ending\n"));
  seen.health = "OUT OF CPU";
  EXPECT_TRUE(has("generator OUT OF CPU"));
}

TEST(load_screen, counts_long_connections_in_place_of_those_who_wait) {
  model::load_screen seen = some_run();
  seen.connections = 15'000;
  seen.open_connections = 14'990;
  const std::string drawn = load_screen_text(seen, {}, {.colour = true});
  EXPECT_TRUE(without_colours(drawn).contains("   14990 of 15000 connections open\n")) << drawn;
  EXPECT_TRUE(drawn.contains("\x1b[31m   14990 of")) << "some are not";
  EXPECT_FALSE(drawn.contains("has waited"));
  seen.elapsed_s = 0;
  EXPECT_FALSE(load_screen_text(seen, {}, {.colour = true}).contains("\x1b[31m   14990 of")) << "not yet";
  seen.elapsed_s = 9;
  seen.open_connections = 15'000;
  EXPECT_FALSE(load_screen_text(seen, {}, {.colour = true}).contains("\x1b[31m   15000 of"));
}

TEST(load_screen, bands_share_rows_where_there_are_few) {
  model::load_screen seen{.open = true, .length_s = 10, .elapsed_s = 1};
  model::live_second& second = seen.seconds.emplace_back(quiet_second(0)).value();
  second.response_bands = {};
  second.response_bands[1] = 1;                            // 10 to 20 us
  second.response_bands[model::latency_bands - 1] = 9999;  // above 100 s
  const std::vector<std::string> lines = lines_of(load_screen_text(seen, {}, {.ascii = true}));
  const auto at = [&](std::string_view label) {
    return std::ranges::find_if(lines, [=](const std::string& each) { return each.starts_with(label); });
  };
  ASSERT_NE(at("   >100s #"), lines.end()) << "nearly all";
  ASSERT_NE(at("   100us ."), lines.end()) << "the decade up to it, and one alone shows";
  EXPECT_EQ(at("   100us ") - at("   >100s "), 7) << "a row each decade";
}

TEST(cells, shades_tell_a_single_one_from_none) {
  EXPECT_EQ(shade_of(0), 0U);
  EXPECT_EQ(shade_of(1e-9), 1U);
  EXPECT_EQ(shade_of(0.01), 2U);
  EXPECT_EQ(shade_of(0.5), shades - 1);
}

TEST(cells, bars_are_as_high_as_their_share) {
  const auto bar = [](double share) {
    return std::string(bar_cell(share, 0, 2, false)) + std::string(bar_cell(share, 1, 2, false));
  };
  EXPECT_EQ(bar(0), "  ");
  EXPECT_EQ(bar(1e-6), " ▁") << "what is not nothing shows";
  EXPECT_EQ(bar(0.5), " █");
  EXPECT_EQ(bar(0.75), "▄█");
  EXPECT_EQ(bar(1), "██");
  EXPECT_EQ(bar(7), "██");
}

}  // namespace
}  // namespace assay::report
