// Text to HTML, and numbers as a reader wants them.
//
// Misuse: putting anything that came from outside (a path, a log line, a candidate's name) into a page without
// escape().
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lab/model/comparison.hpp"

namespace assay::report {

std::string escape(std::string_view text);

// Three significant digits, and the unit that keeps the number readable: "4.21 ms", "1.5 s".
std::string milliseconds(double value_ms);
std::string number(double value);

// "1.23 <small>[1.1, 1.4]</small>"; a dash and the reason when there is none.
std::string with_interval(const std::optional<model::estimate>& of, std::string_view unit,
                          std::string_view why_not = "");

// A chance: what is below a thousandth is said to be.
std::string probability(double p);

// How a metric is shown: its name in the documents says little to a reader, and a share is a percentage to him.
struct metric_form {
  std::string title;
  std::string unit;
  double scale = 1;
  std::string heading() const { return unit.empty() ? title : title + ", " + unit; }
  std::optional<model::estimate> scaled(const std::optional<model::estimate>& of) const;
};
metric_form form_of(const std::string& metric);

// The CSS class of a verdict.
std::string_view tone(model::finding verdict);

}  // namespace assay::report
