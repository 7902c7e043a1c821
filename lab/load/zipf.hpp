// Ranks 1 to n with probability proportional to rank^-exponent, exactly, in constant memory and time for any n:
// rejection-inversion (Hörmann and Derflinger, ACM TOMACS 6, 1996). Less than 1.6 numbers a draw on average.
//
// Misuse: an exponent of zero or less, or no ranks; asserted.
#pragma once

#include <cstdint>

#include "lab/load/counter_random.hpp"

namespace assay::load {

class zipf_law {
 public:
  zipf_law(std::uint64_t ranks, double exponent);
  std::uint64_t draw(draw_stream& from) const;

 private:
  double h(double x) const;
  double h_integral(double x) const;
  double h_integral_inverse(double y) const;

  double exponent_;
  double ranks_;
  double first_ = 0;    // H(1.5) - h(1)
  double last_ = 0;     // H(n + 0.5)
  double squeeze_ = 0;  // what lies this close below its rank is accepted without a look at the law
};

}  // namespace assay::load
