// The geometric mean of many numbers for a multiplication each: the logarithm is that of a product, once in a while.
//
//   mean.add(4.0); mean.add(9.0);   // value() is 6
//
// Misuse: numbers below 1, or above 1e150: the product of two may leave the range of a double.
#pragma once

#include <cmath>
#include <cstdint>

namespace assay::guard::adaptive {

class geometric_mean {
 public:
  void add(double number) {
    product_ *= number;
    count_++;
    if (product_ > most) fold();
  }
  std::uint64_t count() const { return count_; }
  // Of one at least.
  double value() const { return std::exp((log_sum_ + std::log(product_)) / static_cast<double>(count_)); }

 private:
  static constexpr double most = 1e150;
  void fold() {
    log_sum_ += std::log(product_);
    product_ = 1;
  }

  double product_ = 1;
  double log_sum_ = 0;  // of what product_ has been before
  std::uint64_t count_ = 0;
};

}  // namespace assay::guard::adaptive
