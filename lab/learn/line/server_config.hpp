// Log formats as they stand in the configuration of nginx or Apache: whole directives, pasted or in their file.
//
//   formats_in("log_format main '$remote_addr [$time_local] ' '\"$request\" $status';")
//
// Misuse: expecting `include` to be followed; the file that holds the directive is the one to name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace assay::learn {

inline constexpr std::size_t max_formats_a_file = 64;

struct named_format {
  std::string name;  // "main"; empty when the directive has none
  std::string text;
};

// Every log_format and LogFormat directive, in its order.
std::vector<named_format> formats_in(std::string_view configuration);

}  // namespace assay::learn
