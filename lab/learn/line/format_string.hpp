// Format strings as servers take them, compiled to patterns: nginx's log_format, Apache's LogFormat, Envoy's.
//
//   compile_format(R"($remote_addr - [$time_local] "$request" $status)")
//   compile_format("%h %l %u %t \"%r\" %>s %b")
//   compile_format("[%START_TIME%] \"%REQ(:METHOD)% %REQ(:PATH)% %PROTOCOL%\" %RESPONSE_CODE% %DURATION%")
//
// A variable that says nothing of the workload is skipped, whatever its name.
//
// Misuse: a format without time or request; it is refused, since nothing can be learned from its lines.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "lab/learn/line/pattern.hpp"

namespace assay::learn {

// The error says what was expected instead.
std::expected<line_pattern, std::string> compile_format(std::string_view text);

}  // namespace assay::learn
