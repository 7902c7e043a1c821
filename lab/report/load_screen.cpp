#include "lab/report/load_screen.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <span>
#include <vector>

#include "lab/report/cells.hpp"
#include "lab/report/time_row.hpp"

namespace assay::report {
namespace {

constexpr std::size_t label_columns = 9;    // before the charts
constexpr std::size_t figure_rows = 10;     // head, figures, and the blank lines below them
constexpr std::size_t least_heat_rows = 2;  // less shows nothing
constexpr std::size_t axis_step = 10;       // seconds
constexpr std::size_t bands_a_decade = 3;

using second_span = std::span<const std::optional<model::live_second>>;

std::string clock_text(double elapsed_s) {
  const auto s = static_cast<std::uint64_t>(std::max(elapsed_s, 0.0));
  if (s < 60) return fmt::format("{}s", s);
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

double ns_of(double ms) { return ms * 1e6; }

std::string told_text(const std::optional<double>& value_ms) { return value_ms ? time_text(ns_of(*value_ms)) : "-"; }

// The terminal as it fills, from the top.
// At most eight cells wide.
std::string rate_label(double per_s) {
  if (per_s < 9'999.5) return fmt::format("{:.4g}/s", per_s);
  return per_s < 999'500 ? fmt::format("{:.3g}k/s", per_s / 1e3) : fmt::format("{:.3g}M/s", per_s / 1e6);
}

class screen {
 public:
  screen(const model::load_screen& seen, screen_size size, screen_style style)
      : seen_(seen), size_(size), style_(style) {}
  std::string draw();

 private:
  cell_line line() const { return {size_.columns, style_.colour}; }
  void add(const cell_line& done) { lines_.push_back(done.done()); }
  void blank() { lines_.emplace_back(); }
  std::size_t left() const { return size_.rows > lines_.size() ? size_.rows - lines_.size() : 0; }
  second_span shown() const;
  std::size_t first_shown() const { return seen_.first_second + seen_.seconds.size() - shown().size(); }

  void head();
  void figures();
  void errors();
  void response();
  void generator();
  void bars(std::string_view name, std::size_t height, double most, std::string_view colour,
            const std::function<double(const model::live_second&)>& value);
  void charts(std::size_t height);
  void heat(std::size_t rows);
  void axis();
  void foot();

  const model::load_screen& seen_;
  screen_size size_;
  screen_style style_;
  std::vector<std::string> lines_;
};

second_span screen::shown() const {
  const std::size_t columns = size_.columns > label_columns ? size_.columns - label_columns : 0;
  return second_span(seen_.seconds).last(std::min(columns, seen_.seconds.size()));
}

void screen::head() {
  add(line().text(seen_.target, bold));
  add(line().text(seen_.shape));
  std::string state = fmt::format(" {} of {}", clock_text(seen_.elapsed_s), clock_text(seen_.length_s));
  if (seen_.elapsed_s == 0) state = " opening connections";
  if (seen_.elapsed_s > seen_.length_s) state = " sent; waiting for the last answers";
  if (seen_.ending) state = " ending";
  const std::size_t width = size_.columns > state.size() + 2 ? size_.columns - state.size() - 2 : 0;
  const double share = seen_.length_s > 0 ? std::clamp(seen_.elapsed_s / seen_.length_s, 0.0, 1.0) : 0;
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(width));
  add(line().text("[").text(std::string(filled, '#')).text(std::string(width - filled, '.')).text("]").text(state));
  blank();
}

void screen::figures() {
  if (seen_.open) {
    cell_line row = line();
    row.text(fmt::format("{:<10}{:>11.1f}/s{:>14.0f}", "offered", seen_.due_per_s, seen_.due));
    if (seen_.connections > 0) {
      const bool lost = seen_.elapsed_s > 0 && seen_.open_connections < seen_.connections;
      const std::string_view colour = lost ? red : std::string_view();
      row.text(fmt::format("   {} of {} connections open", seen_.open_connections, seen_.connections), colour);
    } else {
      row.text(fmt::format("   the next has waited {}", time_text(seen_.behind_s * 1e9)));
    }
    add(row);
  }
  add(line().text(fmt::format("{:<10}{:>11.1f}/s{:>14}", "answered", seen_.answers_per_s, seen_.answers)));
  errors();
  response();
  generator();
  while (lines_.size() < figure_rows && left() > 0) blank();
}

void screen::errors() {
  const std::string_view colour = seen_.errors > 0 ? red : std::string_view();
  cell_line row = line();
  row.text(fmt::format("{:<10}{:>11.1f}/s{:>14}", "errors", seen_.errors_per_s, seen_.errors), colour);
  std::string_view separator = "   ";
  for (const auto& [kind, count] : seen_.errors_by_kind) {
    row.text(separator).text(fmt::format("{} {}", kind, count), colour);
    separator = ", ";
  }
  add(row);
}

// Of the latest second that has ended.
void screen::response() {
  const auto of = std::ranges::find_if(seen_.seconds.rbegin(), seen_.seconds.rend(),
                                       [](const auto& each) { return each && each->response_max_ms; });
  if (of == seen_.seconds.rend()) {
    add(line().text(fmt::format("{:<10}no second has ended yet", "response")));
    return;
  }
  const model::live_second& second = **of;
  add(line().text(fmt::format("{:<10}p50 {:<9}p99 {:<9}max {:<9} of second {:g}", "response",
                              told_text(second.response_p50_ms), told_text(second.response_p99_ms),
                              told_text(second.response_max_ms), second.at_s)));
}

void screen::generator() {
  const std::string_view colour = seen_.health == "in time" ? std::string_view() : red;
  const std::string cpu = seen_.cpu_share ? fmt::format("{:.0f} %", 100 * *seen_.cpu_share) : "-";
  add(line()
          .text(fmt::format("{:<10}", "generator"))
          .text(fmt::format("{:<10}", seen_.health), colour)
          .text(fmt::format("   cpu {:<6}   late by at most {}", cpu, time_text(ns_of(seen_.own_lag_max_ms)))));
}

// Values of the seconds as bars, upright; '?' where not all of one has ended.
void screen::bars(std::string_view name, std::size_t height, double most, std::string_view colour,
                  const std::function<double(const model::live_second&)>& value) {
  for (std::size_t row = 0; row < height; ++row) {
    cell_line drawn = line();
    const std::string scale = row == 1 ? rate_label(most) : std::string(row == 0 ? name : "");
    drawn.text(fmt::format("{:>{}} ", scale, label_columns - 1));
    for (const std::optional<model::live_second>& each : shown()) {
      if (each) {
        drawn.cell(bar_cell(most > 0 ? value(*each) / most : 0, row, height, style_.ascii), colour);
      } else {
        drawn.cell(row + 1 == height ? "?" : " ");
      }
    }
    add(drawn);
  }
}

void screen::charts(std::size_t height) {
  const auto rate = [](std::uint64_t count, const model::live_second& of) {
    return static_cast<double>(count) / of.length_s;
  };
  const auto offered = [&](const model::live_second& of) { return rate(of.offered, of); };
  const auto answered = [&](const model::live_second& of) { return rate(of.answered, of); };
  const auto failed = [&](const model::live_second& of) {
    std::uint64_t sum = 0;
    for (const auto& [kind, count] : of.errors) sum += count;
    return rate(sum, of);
  };
  // One scale for both: that they differ is what is to be seen.
  double most = 0;
  double most_failed = 0;
  for (const std::optional<model::live_second>& each : shown()) {
    if (!each) continue;
    most = std::max({most, offered(*each), answered(*each)});
    most_failed = std::max(most_failed, failed(*each));
  }
  bars("offered", height, most, {}, offered);
  bars("answered", height, most, {}, answered);
  bars("errors", height, most_failed, red, failed);
}

// Rows of one band each, or of a decade or three when there are more bands than rows; the lowest at the bottom.
struct heat_rows {
  std::size_t bands_a_row = 1;
  std::size_t lowest = 0;
  std::size_t count = 0;

  std::size_t row_of(std::size_t band) const { return (band + bands_a_row - 1) / bands_a_row; }
  std::size_t top_band(std::size_t row) const { return row * bands_a_row; }
};

heat_rows rows_for(second_span shown, std::size_t most) {
  std::size_t lowest = model::latency_bands;
  std::size_t highest = 0;
  for (const std::optional<model::live_second>& each : shown) {
    for (std::size_t band = 0; each && band < model::latency_bands; ++band) {
      if (each->response_bands[band] == 0) continue;
      lowest = std::min(lowest, band);
      highest = std::max(highest, band);
    }
  }
  if (lowest > highest) return {};
  heat_rows rows;
  while (rows.row_of(highest) - rows.row_of(lowest) >= most) rows.bands_a_row *= bands_a_decade;
  rows.lowest = rows.row_of(lowest);
  rows.count = rows.row_of(highest) - rows.lowest + 1;
  return rows;
}

std::string band_label(std::size_t band) {
  if (band >= model::band_edges_ns.size()) {
    return ">" + time_text(static_cast<double>(model::band_edges_ns.back()));
  }
  const std::string edge = time_text(static_cast<double>(model::band_edges_ns[band]));
  // "1.00ms" is an edge, not a measurement.
  const std::size_t point = edge.find('.');
  return point == std::string::npos ? edge : edge.substr(0, point) + edge.substr(edge.find_last_of("0123456789") + 1);
}

std::size_t shade_in(const model::live_second& of, const heat_rows& rows, std::size_t row) {
  std::uint64_t here = 0;
  std::uint64_t all = 0;
  for (std::size_t band = 0; band < model::latency_bands; ++band) {
    all += of.response_bands[band];
    if (rows.row_of(band) == row) here += of.response_bands[band];
  }
  return all > 0 ? shade_of(static_cast<double>(here) / static_cast<double>(all)) : 0;
}

void screen::heat(std::size_t rows) {
  const heat_rows of = rows_for(shown(), rows);
  for (std::size_t above = of.count; above < rows; ++above) blank();
  for (std::size_t row = of.lowest + of.count; row-- > of.lowest;) {
    cell_line drawn = line();
    drawn.text(fmt::format("{:>{}} ", band_label(of.top_band(row)), label_columns - 1));
    for (const std::optional<model::live_second>& each : shown()) {
      const std::size_t shade = each ? shade_in(*each, of, row) : 0;
      drawn.cell(shade_cell(shade, style_.ascii), shade_colour(shade));
    }
    add(drawn);
  }
}

void screen::axis() {
  cell_line drawn = line();
  drawn.text(fmt::format("{:>{}} ", "at", label_columns - 1));
  for (std::size_t column = 0; column < shown().size(); ++column) {
    const std::size_t second = first_shown() + column;
    const std::string mark = fmt::format("{}s", second);
    const bool fits = label_columns + column + mark.size() <= size_.columns;
    if (second % axis_step == 0 && fits) drawn.until(label_columns + column).text(mark);
  }
  add(drawn);
}

void screen::foot() {
  while (left() > 1) blank();
  add(line().text("Ctrl-C ends it and prints the summary   ?: not all of that second has ended"));
}

std::string screen::draw() {
  head();
  figures();
  const std::size_t height = size_.rows >= 50 ? 6 : size_.rows >= 40 ? 4 : size_.rows >= 30 ? 2 : 1;
  const std::size_t beside = 3 * height + 2;  // the charts, the axis, the foot
  if (left() >= beside + least_heat_rows) {
    charts(height);
    heat(std::min(left() - 2, model::latency_bands));
    axis();
  }
  if (left() > 0) foot();
  lines_.resize(size_.rows);
  std::string text;
  for (std::size_t i = 0; i < lines_.size(); ++i) text.append(i == 0 ? "" : "\n").append(lines_[i]);
  return text;
}

}  // namespace

std::string load_screen_text(const model::load_screen& seen, screen_size size, screen_style style) {
  return screen(seen, size, style).draw();
}

}  // namespace assay::report
