#include "stack/observe/exposition.hpp"

#include <charconv>
#include <cmath>
#include <utility>

#include "stack/observe/text_escape.hpp"

namespace assay::observe {
namespace {

constexpr std::string_view openmetrics_type = "application/openmetrics-text";

class writer {
 public:
  explicit writer(exposition format) : format_(format) {}

  void add(const merged_family& of);
  void add_overflows(const std::vector<merged_family>& all);
  std::string finish() {
    if (is_openmetrics()) text_ += "# EOF\n";
    return std::move(text_);
  }

 private:
  bool is_openmetrics() const { return format_ == exposition::openmetrics; }
  void add_head(std::string_view name, std::string_view help, metric_kind kind, metric_unit unit);
  // Name and labels; `bound` is the value of "le", none when empty.
  void add_labels(std::string_view name, std::string_view ending, const metric_spec& spec, const merged_series& of,
                  std::string_view bound = {});
  void add_distribution(const metric_spec& spec, const merged_series& of);
  void add_count(std::uint64_t value);
  void add_recorded(std::uint64_t value, metric_unit unit);
  void add_number(double value);

  exposition format_;
  std::string text_;
};

std::string decimal(std::uint64_t value) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return {digits.data(), end};
}

// 2'500'000 ns is "0.0025".
std::string seconds(std::uint64_t ns) {
  constexpr std::uint64_t a_second = 1'000'000'000;
  std::string text = decimal(ns / a_second);
  if (ns % a_second == 0) return text;
  const std::string fraction = decimal(a_second + ns % a_second).substr(1);  // with its leading zeros
  return text + "." + fraction.substr(0, fraction.find_last_not_of('0') + 1);
}

void writer::add_count(std::uint64_t value) { text_.append(" ").append(decimal(value)).append("\n"); }

void writer::add_recorded(std::uint64_t value, metric_unit unit) {
  text_.append(" ").append(unit == metric_unit::nanoseconds ? seconds(value) : decimal(value)).append("\n");
}

void writer::add_number(double value) {
  std::array<char, 32> digits;
  text_ += ' ';
  if (std::isfinite(value)) {
    text_.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
  } else {
    text_ += std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  }
  text_ += '\n';
}

void writer::add_head(std::string_view name, std::string_view help, metric_kind kind, metric_unit unit) {
  // OpenMetrics names a counter without the ending that its samples have.
  if (is_openmetrics() && kind == metric_kind::counter) name.remove_suffix(std::string_view("_total").size());
  constexpr std::array<std::string_view, 3> kinds = {" counter\n", " gauge\n", " histogram\n"};
  text_.append("# HELP ").append(name).append(" ");
  is_openmetrics() ? append_label_value(text_, help) : append_help(text_, help);
  text_.append("\n# TYPE ").append(name).append(kinds[static_cast<std::size_t>(kind)]);
  if (is_openmetrics() && unit == metric_unit::nanoseconds) text_.append("# UNIT ").append(name).append(" seconds\n");
}

void writer::add_labels(std::string_view name, std::string_view ending, const metric_spec& spec,
                        const merged_series& of, std::string_view bound) {
  text_.append(name).append(ending);
  if (spec.labels.empty() && bound.empty()) return;
  char before = '{';
  for (std::size_t i = 0; i < spec.labels.size(); ++i) {
    text_.append(1, std::exchange(before, ',')).append(spec.labels[i]).append("=\"");
    append_label_value(text_, of.values[i]);
    text_ += '"';
  }
  if (!bound.empty()) text_.append(1, before).append("le=\"").append(bound).append("\"");
  text_ += '}';
}

void writer::add_distribution(const metric_spec& spec, const merged_series& of) {
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i < spec.bounds.size(); ++i) {
    so_far += of.cells[i];
    std::string bound = spec.unit == metric_unit::nanoseconds ? seconds(spec.bounds[i]) : decimal(spec.bounds[i]);
    if (is_openmetrics() && !bound.contains('.')) bound += ".0";
    add_labels(spec.name, "_bucket", spec, of, bound);
    add_count(so_far);
  }
  so_far += of.cells[spec.bounds.size()];
  add_labels(spec.name, "_bucket", spec, of, "+Inf");
  add_count(so_far);
  add_labels(spec.name, "_sum", spec, of);
  add_recorded(of.cells[spec.bounds.size() + 1], spec.unit);
  add_labels(spec.name, "_count", spec, of);
  add_count(so_far);  // the sum of the buckets, so that both agree while a loop goes on recording
}

void writer::add(const merged_family& of) {
  add_head(of.spec->name, of.spec->help, of.kind, of.spec->unit);
  for (const merged_series& each : of.series) {
    if (of.kind == metric_kind::distribution) {
      add_distribution(*of.spec, each);
      continue;
    }
    add_labels(of.spec->name, "", *of.spec, each);
    if (of.kind == metric_kind::gauge) {
      const auto value = std::bit_cast<double>(each.cells[0]);
      add_number(of.spec->unit == metric_unit::nanoseconds ? value / 1e9 : value);
    } else {
      add_recorded(each.cells[0], of.spec->unit);
    }
  }
}

void writer::add_overflows(const std::vector<merged_family>& all) {
  const metric_spec spec{.name = std::string(overflow_metric_name),
                         .help = "Recordings whose labels came after max_series, counted as \"other\".",
                         .labels = {"metric"}};
  add_head(spec.name, spec.help, metric_kind::counter, spec.unit);
  for (const merged_family& each : all) {
    if (each.spec->labels.empty()) continue;
    add_labels(spec.name, "", spec, {.values = {each.spec->name}, .cells = {}});
    add_count(each.overflowed);
  }
}

}  // namespace

exposition negotiated(std::string_view accept) {
  return accept.contains(openmetrics_type) ? exposition::openmetrics : exposition::prometheus;
}

std::string_view content_type(exposition format) {
  return format == exposition::openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                           : "text/plain; version=0.0.4; charset=utf-8";
}

std::string expose(const registry& of, exposition format) {
  writer text(format);
  const std::vector<merged_family> all = of.scrape();
  for (const merged_family& each : all) text.add(each);
  text.add_overflows(all);
  return text.finish();
}

}  // namespace assay::observe
