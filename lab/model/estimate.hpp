// A number with its uncertainty.
//
// Misuse: printing `value` without the interval beside it.
#pragma once

namespace assay::model {

struct estimate {
  double value = 0;
  double low = 0;  // of the interval, by default of 95 %
  double high = 0;
  unsigned n = 0;  // observations behind it; for anything measured under load, runs
};

}  // namespace assay::model
