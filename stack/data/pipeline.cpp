#include "stack/data/pipeline.hpp"

#include <algorithm>

namespace assay::data {

pipeline& pipeline::add_values(std::string_view sql, std::vector<value> values) {
  bytes_ += sql.size();
  for (const value& each : values) bytes_ += each.text().size();
  statements_.push_back({.sql = std::string(sql), .values = std::move(values)});
  return *this;
}

const sql_error* failure_in(const pipeline_results& outcomes) {
  const auto found = std::ranges::find_if(outcomes, [](const sql_result<rows>& each) { return !each; });
  return found == outcomes.end() ? nullptr : &found->error();
}

}  // namespace assay::data
