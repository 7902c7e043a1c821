// What is compared of the requests themselves: statuses, sizes of responses, gaps between requests.
//
//   status  share of each status
//   bytes   p50 and p99 of the responses, with the error that the share below them has, looked up among the sizes
//           (R. S. Woodruff, Journal of the American Statistical Association 47, 1952)
//   gaps    share of the gaps shorter than a tenth of the mean, and longer than three times the mean: 9.5 % and 5.0 %
//           when requests come independently (exponential). Left out where stamps are too coarse to tell.
//   gap cv  standard deviation of the gaps over their mean, within blocks of the log, so that the shape of the day does
//           not pass for irregular gaps
//
// Misuse: gaps in another order than that in which requests began; they would be those of the log's writer.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "lab/learn/blocks.hpp"
#include "lab/learn/line/clock.hpp"
#include "lab/learn/route_counts.hpp"
#include "lab/model/estimate.hpp"
#include "lab/model/measure.hpp"

namespace assay::learn {

class request_measures {
 public:
  void add(block_place at, int status, std::uint64_t bytes);
  // In the order in which requests began; as many of them.
  void add_gap(block_place at, log_time starts);

  std::map<int, std::uint64_t> statuses() const;

  struct whole_log {
    block_place end;
    const size_counts* sizes = nullptr;
    double mean_per_s = 0;
    std::chrono::microseconds resolution{};  // of the stamps
  };
  std::vector<model::measure> measures(const whole_log& of) const;
  // 1 is Poisson; with its 95 % interval. Empty where stamps are too coarse or requests too few. `n` is that of the
  // blocks.
  std::optional<model::estimate> gap_cv(const whole_log& of) const;

 private:
  void add_gaps(const whole_log& of, std::vector<model::measure>& to) const;

  static constexpr std::size_t most_status = 599;
  block_table statuses_{most_status + 1};
  block_table sizes_{amount_classes};
  block_table gaps_{amount_classes};
  log_time latest_ = log_time::min();
};

}  // namespace assay::learn
