// The evidence table of a decision record: each figure once, with an id that claims point to. And the few escapes that
// foreign texts need on their way into Markdown.
//
// Misuse: a claim with a number and no id.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "lab/model/comparison.hpp"

namespace assay::decide {

/// Three digits that count.
std::string figure(double value);
/// "3.1 [2.8, 3.4]".
std::string with_interval(const model::estimate& of);
/// For running text: nothing in it is taken for Markdown or HTML.
std::string escaped(const std::string& text);
/// For names out of code: a code span.
std::string code(const std::string& text);
/// For a value of the front matter: a quoted YAML scalar.
std::string in_quotes(const std::string& text);
/// "Flask on gunicorn", with "(ours)" behind it where that is so.
std::string named(const model::candidate_summary& of);

class evidence_table {
 public:
  /// The id of a row, for example "E3"; the same row has the same id.
  std::string cite(const model::metric_comparison& of);
  std::string cite(const model::metric_summary& of);
  std::string cite_freeze(const model::candidate_summary& of, const model::blocking_site& site);
  std::string cite_diagnosis(const model::candidate_summary& of);
  /// One cause of it, by its first number.
  std::string cite_cause(const model::candidate_summary& of, const model::shared_cause& what);
  std::string cite_recovery(const model::candidate_summary& of, std::size_t runs_that_came_back);
  std::string cite_runs(const model::candidate_summary& of);

  std::string markdown() const;
  bool empty() const { return rows_.empty(); }

 private:
  struct row {
    std::string claim;
    std::string metric;
    std::string value;
    std::string n;
    std::string verdict;
  };
  std::string add(row made);

  std::vector<row> rows_;
  std::map<std::tuple<std::string, std::string>, std::size_t> ids_;  // by claim and metric
};

}  // namespace assay::decide
