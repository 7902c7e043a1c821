// Logs of columns: AWS load balancers, whose columns are fixed, and W3C extended (IIS, CloudFront), whose #Fields line
// names them.
//
// Misuse: a W3C log without its head, as `tail` leaves it; what its columns mean is then unknown, and every line is
// refused with that reason.
#pragma once

#include "lab/learn/line/line_parser.hpp"

namespace assay::learn {

inline constexpr std::size_t max_columns = 128;

// Application load balancers; early ones wrote 20 columns, later ones 30 and more.
parser_pointer make_alb_parser();

// Classic load balancers.
parser_pointer make_elb_parser();

// W3C extended: #Fields decides. IIS counts time-taken in milliseconds, others in seconds.
parser_pointer make_w3c_parser();

}  // namespace assay::learn
