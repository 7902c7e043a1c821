#include "lab/load/stage_rows.hpp"

#include <algorithm>

#include "lab/load/span.hpp"

namespace assay::load {

std::vector<model::load_stage> begun_stages(const std::vector<stage>& stages, duration measured) {
  std::vector<model::load_stage> rows;
  duration begin{};
  for (std::size_t i = 0; stages.size() > 1 && i < stages.size() && begin < measured; begin += stages[i++].length) {
    const stage& planned = stages[i];
    rows.push_back({.shape = shape_text(planned),
                    .start_s = in_seconds(begin),
                    .length_s = in_seconds(std::min(planned.length, measured - begin)),
                    .planned_rps = planned.arrivals() / in_seconds(planned.length)});
  }
  return rows;
}

}  // namespace assay::load
